//! Which step a failure calls for.

use std::error::Error as StdError;
use std::time::Duration;

use globus_core::api_error::{ApiError, Service};
use globus_core::storage::StorageErrorKind;
use globus_core::transport::TransportErrorKind;
use globus_core::{Error, Shown, StorageError};
use http::StatusCode;

use super::{Fault, FixConfiguration, LogIn, LoginReason, NextStep, TryLater, WaitReason};
#[cfg(feature = "seal")]
use crate::auth::SuspendedLoginError;
use crate::auth::{IdTokenError, LoginError};
use crate::gare::{Gare, GareSource, GlobusAuthorizationParameters};

impl NextStep {
    /// The next step after a failure, if there is one; the [module](super) says which failures call for which.
    ///
    /// It takes an [`Error`], an [`ApiError`], a [`LoginError`] or that of a suspended login, a [`StorageError`], or any
    /// error that has one of them among its causes, such as that of a task that was waited for.
    pub fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |error| (*error).source()).find_map(Self::of_one)
    }

    fn of_one(error: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<Error>() {
            of_call(error)
        } else if let Some(error) = error.downcast_ref::<ApiError>() {
            of_answer(error, None)
        } else if let Some(error) = error.downcast_ref::<LoginError>() {
            of_login(error)
        } else if let Some(error) = error.downcast_ref::<StorageError>() {
            of_storage(error)
        } else {
            #[cfg(feature = "seal")]
            let step = error.downcast_ref::<SuspendedLoginError>().and_then(of_suspended);
            #[cfg(not(feature = "seal"))]
            let step = None;
            step
        }
    }
}

fn of_call(error: &Error) -> Option<NextStep> {
    if error.is_login_required() {
        return Some(match error.source().and_then(NextStep::of) {
            Some(why @ NextStep::LogIn(_)) => why,
            _ => log_in(LoginReason::NoToken),
        });
    }
    if error.is_no_such_token() {
        return Some(log_in(LoginReason::NoToken));
    }
    if let Some(answer) = error.api() {
        return of_answer(answer, error.retry_after());
    }
    if let Some(storage) = error.storage() {
        return of_storage(storage);
    }
    match error.transport() {
        Some(
            TransportErrorKind::Tls
            | TransportErrorKind::TooManyRedirects
            | TransportErrorKind::InvalidRequest,
        ) => Some(fix(Fault::Network, error)),
        Some(TransportErrorKind::TooLarge) => Some(fix(Fault::Program, error)),
        Some(_) => Some(later(WaitReason::Network, None)),
        None if error.is_usage() || error.is_refused() => Some(fix(Fault::Program, error)),
        None => None,
    }
}

fn of_answer(answer: &ApiError, retry_after: Option<Duration>) -> Option<NextStep> {
    if let Some(login) = required_login(answer) {
        return Some(NextStep::LogIn(login));
    }
    if answer.service() == Service::Auth
        && let Some(step) = of_oauth2(answer)
    {
        return Some(step);
    }
    match answer.status() {
        StatusCode::UNAUTHORIZED => Some(match answer.authorization_scheme() {
            Some(scheme) if scheme.eq_ignore_ascii_case("basic") => bad_client(answer),
            Some(_) => log_in(LoginReason::TokenRefused),
            None if answer.service() == Service::Auth => bad_client(answer),
            None => fix_with(Fault::Program, "the call needs authorization; give the client an authorizer"),
        }),
        StatusCode::TOO_MANY_REQUESTS => Some(later(WaitReason::RateLimited, retry_after)),
        StatusCode::BAD_GATEWAY if is_of_a_collection(answer) => None,
        StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Some(later(WaitReason::Service, retry_after)),
        _ => None,
    }
}

/// The login that an answer requires, if one can fulfil the requirement.
fn required_login(source: &(impl GareSource + ?Sized)) -> Option<LogIn> {
    let gare = Gare::find_for_login(source)?;
    let parameters = gare.authorization_parameters;
    let mut reasons = LoginReason::of(&parameters);
    if reasons.is_empty() {
        // Many a document has a code and an empty object. Only a defined code makes a requirement of that.
        let is_said = [Gare::CONSENT_REQUIRED, Gare::AUTHORIZATION_REQUIRED].contains(&gare.code.as_str());
        if !is_said || parameters.required_scopes.is_some() {
            return None;
        }
        reasons.push(LoginReason::SessionAge);
    }
    parameters.scopes_to_request().parse().is_ok().then_some(LogIn { reasons, parameters })
}

/// The errors of RFC 6749, section 5.2, at the token endpoint.
fn of_oauth2(answer: &ApiError) -> Option<NextStep> {
    let named = |body: &serde_json::Value| Some(body.get("error")?.as_str()?.to_owned());
    let error = answer.raw_json().and_then(named);
    match error.as_deref().or(answer.code())? {
        "invalid_grant" => Some(log_in(LoginReason::Ended)),
        "invalid_client" | "unauthorized_client" => Some(bad_client(answer)),
        "invalid_scope" => Some(fix(Fault::Scopes, answer)),
        _ => None,
    }
}

/// Transfer passes on what a collection answered as a 502. That one is not connected may change by itself; other
/// answers need not.
fn is_of_a_collection(answer: &ApiError) -> bool {
    answer.service() == Service::Transfer
        && answer.code().is_some_and(|code| {
            let passes = ["GCDisconnected", "ConnectFailed", "Timeout"];
            code.starts_with("ExternalError") && !passes.iter().any(|ending| code.ends_with(ending))
        })
}

fn of_login(login: &LoginError) -> Option<NextStep> {
    match login {
        LoginError::Refused { error, .. } => Some(match error.as_str() {
            "invalid_scope" => fix(Fault::Scopes, login),
            "unauthorized_client" => fix(Fault::Client, login),
            "server_error" | "temporarily_unavailable" => later(WaitReason::Service, None),
            _ => log_in(LoginReason::Unfinished),
        }),
        LoginError::PersonNeeded { parameters, .. } => {
            let mut reasons = LoginReason::of(parameters);
            if reasons.is_empty() {
                reasons.push(LoginReason::NoToken);
            }
            Some(NextStep::LogIn(LogIn { reasons, parameters: (**parameters).clone() }))
        }
        LoginError::StateMismatch | LoginError::NoCode | LoginError::NotAnAddress | LoginError::Ui(_) => {
            Some(log_in(LoginReason::Unfinished))
        }
        LoginError::TimedOut { .. } | LoginError::Cancelled | LoginError::InputEnded => {
            Some(log_in(LoginReason::Unfinished))
        }
        // The cause says it.
        LoginError::Start(_)
        | LoginError::Exchange(_)
        | LoginError::Unsuitable(_)
        | LoginError::IdToken(IdTokenError::Discovery(_)) => None,
        LoginError::IdToken(_) => Some(log_in(LoginReason::Unfinished)),
        #[cfg(feature = "seal")]
        LoginError::Suspended(error) => of_suspended(error),
    }
}

#[cfg(feature = "seal")]
fn of_suspended(error: &SuspendedLoginError) -> Option<NextStep> {
    use SuspendedLoginError as Suspended;
    match error {
        Suspended::AlreadyUsed | Suspended::TooLate { .. } | Suspended::NotFound { .. } => {
            Some(log_in(LoginReason::Unfinished))
        }
        Suspended::OtherClient { .. }
        | Suspended::OtherEnvironment { .. }
        | Suspended::WrongKey
        | Suspended::UnknownFormat
        | Suspended::NotALogin
        | Suspended::Key(_)
        | Suspended::AlreadyExists { .. } => Some(fix(Fault::Program, error)),
        // The cause says it.
        Suspended::File(_) => None,
    }
}

fn of_storage(error: &StorageError) -> Option<NextStep> {
    use StorageErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::NoSuchToken | Kind::MissingToken { .. } | Kind::ExpiredToken { .. } => {
            Some(log_in(LoginReason::NoToken))
        }
        Kind::UnmetScopeRequirements { missing, .. } => {
            Some(log_in(LoginReason::NotCovered { missing: missing.clone() }))
        }
        Kind::IdentityMismatch { stored, .. } => {
            Some(log_in(LoginReason::OtherIdentity { before: stored.clone() }))
        }
        Kind::MissingIdentity | Kind::SeveralIdentities => Some(fix(Fault::Program, error)),
        Kind::Locked { .. } | Kind::LockLost | Kind::Unavailable | Kind::Conflict => {
            Some(later(WaitReason::Storage, None))
        }
        // What the operating system, a database or a validator refused can be anything.
        Kind::Io { .. } | Kind::Database | Kind::Refused { .. } | Kind::NotDamaged | Kind::NoLastGoodCopy => {
            None
        }
        Kind::Permissions
        | Kind::Symlink
        | Kind::ForeignFile
        | Kind::ForeignOwner { .. }
        | Kind::UnsafeDirectory { .. }
        | Kind::ResourceServerMismatch { .. }
        | Kind::UnknownFormat { .. }
        | Kind::NeedsUpgrade { .. }
        | Kind::NeedsRecovery
        | Kind::UnsupportedSchema { .. }
        | Kind::Unsupported { .. }
        | Kind::NoSpace
        | Kind::TooLarge { .. }
        | Kind::KeyringLocked
        | Kind::Denied
        | Kind::CannotUnseal
        | Kind::CannotUnsealRecord { .. }
        | Kind::UnknownSealVersion { .. }
        | Kind::SealTooCostly
        | Kind::UnusableKey
        | Kind::NotSealed => Some(fix(Fault::Storage, error)),
        _ if error.is_damaged() => Some(fix(Fault::Storage, error)),
        _ => None,
    }
}

fn log_in(reason: LoginReason) -> NextStep {
    NextStep::LogIn(LogIn { reasons: vec![reason], parameters: GlobusAuthorizationParameters::default() })
}

fn later(reason: WaitReason, after: Option<Duration>) -> NextStep {
    NextStep::TryLater(TryLater { reason, after })
}

fn bad_client(answer: &ApiError) -> NextStep {
    let code =
        answer.code().filter(|code| !code.is_empty()).map(|code| format!(" ({})", Shown::new(code, 60)));
    fix_with(
        Fault::Client,
        format!(
            "Globus does not accept the client{}; check its id, its secret, and how it is registered",
            code.unwrap_or_default()
        ),
    )
}

/// The error says itself what to do, and shows nothing that it should not.
fn fix(what: Fault, error: impl std::fmt::Display) -> NextStep {
    fix_with(what, error.to_string())
}

fn fix_with(what: Fault, detail: impl Into<String>) -> NextStep {
    NextStep::FixConfiguration(FixConfiguration { what, detail: detail.into() })
}

#[cfg(test)]
mod tests {
    use globus_core::transport::TransportError;

    use super::*;
    use crate::auth::Unsuitable;

    fn away() -> Error {
        TransportError::new(TransportErrorKind::Timeout).into()
    }

    fn is_fault(error: &(dyn StdError + 'static), fault: Fault) {
        let step = NextStep::of(error);
        assert!(
            matches!(&step, Some(NextStep::FixConfiguration(fix)) if fix.what == fault),
            "{error:?}: {step:?}"
        );
    }

    #[test]
    fn every_login_that_failed_has_its_step() {
        let refused = |error: &str| LoginError::Refused { error: error.to_owned(), description: None };
        for error in [
            LoginError::StateMismatch,
            LoginError::NoCode,
            LoginError::NotAnAddress,
            LoginError::Ui("gone".into()),
            LoginError::TimedOut { after: Duration::from_secs(1) },
            LoginError::Cancelled,
            LoginError::InputEnded,
            LoginError::IdToken(IdTokenError::Signature),
            refused("access_denied"),
        ] {
            assert_eq!(NextStep::of(&error), Some(log_in(LoginReason::Unfinished)), "{error:?}");
        }
        // Of these the cause counts.
        is_fault(&LoginError::Start(Error::usage("name a scope")), Fault::Program);
        for error in [LoginError::Exchange(away()), LoginError::IdToken(IdTokenError::Discovery(away()))] {
            assert_eq!(NextStep::of(&error), Some(later(WaitReason::Network, None)), "{error:?}");
        }
        assert_eq!(NextStep::of(&LoginError::Unsuitable(Unsuitable::NoDisplay)), None);
    }

    #[cfg(feature = "seal")]
    #[test]
    fn every_suspended_login_that_failed_has_its_step() {
        use SuspendedLoginError as Suspended;
        use globus_core::Timestamp;
        use globus_core::seal::SealError;

        for error in [
            Suspended::AlreadyUsed,
            Suspended::TooLate { expired_at: Timestamp::UNIX_EPOCH },
            Suspended::NotFound { path: "login".into() },
        ] {
            // Of one that is loaded or opened, and of one that is finished.
            assert_eq!(NextStep::of(&error), Some(log_in(LoginReason::Unfinished)), "{error:?}");
            let error = LoginError::from(error);
            assert_eq!(NextStep::of(&error), Some(log_in(LoginReason::Unfinished)), "{error:?}");
        }
        let text = || "x".to_owned();
        for error in [
            Suspended::OtherClient { begun_for: text(), client_id: text() },
            Suspended::OtherEnvironment { begun_at: text(), base_url: text() },
            Suspended::WrongKey,
            Suspended::UnknownFormat,
            Suspended::NotALogin,
            Suspended::Key(SealError::InvalidKey),
            Suspended::AlreadyExists { path: "login".into() },
        ] {
            is_fault(&error, Fault::Program);
            is_fault(&LoginError::from(error), Fault::Program);
        }
        let file = Suspended::File(StorageError::new(StorageErrorKind::Permissions));
        is_fault(&LoginError::from(file), Fault::Storage);
    }

    fn needed(parameters: GlobusAuthorizationParameters) -> NextStep {
        let error = LoginError::PersonNeeded { reason: "no terminal", parameters: Box::new(parameters) };
        NextStep::of(&error).unwrap()
    }

    #[test]
    fn a_login_that_nobody_can_be_asked_for_says_what_it_is_for() {
        let parameters =
            GlobusAuthorizationParameters::default().required_scopes("a b").session_required_mfa(true);
        let scopes = vec!["a".to_owned(), "b".to_owned()];
        let reasons = vec![LoginReason::Consents(scopes), LoginReason::Mfa];
        assert_eq!(needed(parameters.clone()), NextStep::LogIn(LogIn { reasons, parameters }));
        assert_eq!(needed(GlobusAuthorizationParameters::default()), log_in(LoginReason::NoToken));
    }
}

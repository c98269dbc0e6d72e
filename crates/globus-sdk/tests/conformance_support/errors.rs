//! The names under which failures are recorded.

use globus_sdk::Error;
use globus_sdk::api_error::Service;
use globus_sdk::transport::TransportErrorKind;

/// The recorded name of an error's kind.
pub(crate) fn error_name(error: &Error) -> &'static str {
    if let Some(api) = error.api() {
        return match api.service() {
            Service::Auth => "AuthAPIError",
            Service::Transfer => "TransferAPIError",
            Service::Groups => "GroupsAPIError",
            Service::Search => "SearchAPIError",
            Service::Flows => "FlowsAPIError",
            Service::Timers => "TimersAPIError",
            Service::Compute => "ComputeAPIError",
            Service::Gcs => "GCSAPIError",
            _ => "GlobusAPIError",
        };
    }
    match error.transport() {
        Some(TransportErrorKind::ConnectTimeout) => "GlobusConnectionTimeoutError",
        Some(TransportErrorKind::Timeout) => "GlobusTimeoutError",
        Some(
            TransportErrorKind::Connect
            | TransportErrorKind::ConnectionLost
            | TransportErrorKind::Tls
            | TransportErrorKind::Proxy,
        ) => "GlobusConnectionError",
        Some(_) => "NetworkError",
        None if error.is_usage() => "GlobusSDKUsageError",
        None if error.malformed_token_response().is_some() => "MalformedTokenResponse",
        // What is left of unusable answers is a token response with none or several tokens, and decoding.
        None if error.is_decode() => "ValueError",
        None if error.is_callback() => "RuntimeError",
        None => "unknown",
    }
}

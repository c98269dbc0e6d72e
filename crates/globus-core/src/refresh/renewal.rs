//! The work of a flight: look, ask, store, publish.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::engine::{Engine, RenewalGrant};
use super::errand::{Errand, Outcome};
use super::on_refresh::unless_it_panics;
use super::state::{Arrival, Owed, Replaced, State, Token, Zone};
use super::turn::{Turn, is_unavailable, while_extending};
use crate::authorizer::{Authorization, DynTokenGrants};
use crate::error::{Error, Result};
use crate::scope::Scopes;
use crate::secret::RefreshToken;
use crate::storage::{StorageError, StorageErrorKind};
use crate::token::{Generation, TokenData, TokenResponse};

impl Engine {
    /// One flight: lease, errand, outcome. It ends when `announce` is dropped, which is its last step.
    pub(super) async fn fly(self: Arc<Self>, errand: Errand, announce: watch::Sender<Outcome>) {
        let (mut lease, busy) = match self.turn(errand).await {
            Turn::Ours(lease) => (lease, None),
            Turn::Busy(error) => (None, Some(error)),
            Turn::NotNeeded(header) => {
                announce.send_replace(Some(Ok(header)));
                return;
            }
        };
        let outcome = match (&mut lease, busy) {
            (_, Some(error)) => self.run_without_renewing(errand, error).await,
            (Some(lease), None) => while_extending(lease, self.run(errand)).await,
            (None, None) => self.run(errand).await,
        };
        if let Some(Err(error)) = &outcome {
            tracing::warn!(%error, "renewing a token failed");
            self.state().advisory_failed(self.clock.now());
        }
        // Those who wait need not wait for the lease too.
        announce.send_replace(outcome);
        if let Some(lease) = lease
            && let Err(error) = lease.release().await
        {
            tracing::debug!(%error, "the refresh lease could not be released; it ends by itself");
        }
    }

    /// What can be done while another process is renewing: store what is owed, and take over what is there.
    async fn run_without_renewing(&self, errand: Errand, busy: Error) -> Outcome {
        self.store_what_is_left().await;
        let zone = self.state().zone(self.clock.now());
        match (zone, errand) {
            (Zone::Fresh(header), _) | (Zone::Advisory(header), Errand::Store) => Some(Ok(header)),
            (Zone::Mandatory, Errand::Store) => None,
            (Zone::Advisory(_) | Zone::Mandatory, Errand::Renew) => {
                let stored = self.stored().await;
                Some(stored.and_then(|stored| self.adopt(&stored)).ok_or(busy))
            }
        }
    }

    async fn run(&self, errand: Errand) -> Outcome {
        self.store_what_is_left().await;
        let zone = self.state().zone(self.clock.now());
        match (zone, errand) {
            // Only storing was due.
            (Zone::Fresh(header), _) | (Zone::Advisory(header), Errand::Store) => Some(Ok(header)),
            (Zone::Mandatory, Errand::Store) => None,
            (Zone::Advisory(_) | Zone::Mandatory, Errand::Renew) => {
                let (stored, replaced) = match self.look().await {
                    Ok(stored) => {
                        let replaced = self.replaced(stored.as_ref());
                        (stored, replaced)
                    }
                    // What would be renewed could not be stored, and others would spend the same refresh token.
                    Err(error) if is_unavailable(&error) => return Some(Err(error)),
                    Err(error) => {
                        tracing::warn!(%error, "renewing without looking at the stored tokens");
                        (None, Replaced::Anything)
                    }
                };
                Some(match stored.and_then(|stored| self.adopt(&stored)) {
                    Some(header) => Ok(header),
                    None => self.ask(replaced).await,
                })
            }
        }
    }

    /// Stores what an earlier flight could not.
    async fn store_what_is_left(&self) {
        let arrival = self.state().arrival.clone();
        if let Some(arrival) = arrival {
            self.land(arrival).await;
            return;
        }
        let owed = self.state().owed.clone();
        if let (Some(owed), Some(on_refresh)) = (owed, &self.on_refresh) {
            let persisted = match self.place_of(&owed).await {
                Ok(Replaced::Nothing) => Err(StorageError::new(StorageErrorKind::Conflict).into()),
                Ok(replaced) => on_refresh.persist(owed.response.clone(), replaced).await,
                Err(error) => Err(error),
            };
            match persisted {
                Ok(()) => self.state().paid(),
                Err(error) if is_conflict(&error) => {
                    self.state().paid();
                    self.yield_to_what_is_stored().await;
                }
                Err(error) => {
                    tracing::debug!(%error, "a renewed token still cannot be stored");
                    self.state().owe(owed.again(error), self.clock.now());
                }
            }
        }
    }

    /// What an owed response takes the place of by now. Somebody may have logged in since it came.
    async fn place_of(&self, owed: &Owed) -> Result<Replaced> {
        if let Replaced::Ours(_) | Replaced::Nothing = owed.replaced {
            return Ok(owed.replaced);
        }
        let Some(stored) = self.look().await? else { return Ok(owed.replaced) };
        let generation = stored.generation();
        let was_spent = stored.refresh_token.is_some() && stored.refresh_token == owed.spent;
        Ok(if owed.replaced == Replaced::Older(generation) {
            owed.replaced
        } else if was_spent || self.state().has_tokens_of(&stored) {
            Replaced::Ours(generation)
        } else {
            Replaced::Nothing
        })
    }

    /// What the storage holds now.
    pub(super) async fn look(&self) -> Result<Option<TokenData>> {
        let server = self.state().resource_server.clone();
        match &self.on_refresh {
            Some(on_refresh) => on_refresh.latest(server).await,
            None => Ok(None),
        }
    }

    /// What the storage holds now, if it can say.
    async fn stored(&self) -> Option<TokenData> {
        self.look().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the stored tokens cannot be looked at");
            None
        })
    }

    /// Takes over what another process has stored since: the refresh token, and the access token if that is
    /// good for more than a moment.
    pub(super) fn adopt(&self, stored: &TokenData) -> Option<Authorization> {
        let mut state = self.state();
        // What is owed is newer than what is stored.
        if state.owed.is_some() || !self.is_successor(&state, stored) {
            return None;
        }
        if let (Some(refresh_token), RenewalGrant::Refresh(_)) = (stored.usable_refresh_token(), &self.grant)
        {
            state.refresh_token = Some(refresh_token.clone());
        }
        let token =
            Token::new(stored.access_token.clone(), stored.expires_at_seconds, None, &self.windows).ok()?;
        if !token.is_worth_taking(state.corrected(self.clock.now())) {
            return None;
        }
        tracing::debug!("another process has renewed the token; using what it stored");
        state.recognize(stored);
        state.resource_server.get_or_insert_with(|| stored.resource_server.clone());
        let header = token.header.clone();
        state.publish(token);
        Some(header)
    }

    /// Somebody else has stored a record, or removed it, since ours was read: theirs stays. Takes it over if it
    /// can be, and otherwise leaves in use what we have.
    async fn yield_to_what_is_stored(&self) -> Option<Authorization> {
        tracing::info!("the stored token has changed while it was renewed here; what is stored stays");
        self.adopt(&self.stored().await?)
    }

    /// What a renewal takes the place of where this is stored.
    fn replaced(&self, stored: Option<&TokenData>) -> Replaced {
        let mut state = self.state();
        let Some(stored) = stored else {
            // Where there was a record of ours, somebody has logged out.
            return if state.known_record.is_some() { Replaced::Nothing } else { Replaced::Anything };
        };
        let generation = stored.generation();
        if state.has_tokens_of(stored) || self.is_successor(&state, stored) {
            state.recognize(stored);
            Replaced::Ours(generation)
        } else if state.was_stored || is_another_person(&state, stored) {
            Replaced::Nothing
        } else {
            Replaced::Older(generation)
        }
    }

    /// Whether a stored record comes after the token we hold. The storage may also hold what was there before
    /// us, or somebody else's login: those are not for us.
    fn is_successor(&self, state: &State, stored: &TokenData) -> bool {
        if let RenewalGrant::ClientCredentials(_, scopes) = &self.grant
            && (stored.usable_refresh_token().is_some() || !covers(stored, scopes))
        {
            return false;
        }
        if is_another_person(state, stored) {
            return false;
        }
        match (&state.token, &self.grant) {
            (Some(token), _) => {
                token.text != stored.access_token && token.expires_at <= stored.expires_at_seconds
            }
            (None, RenewalGrant::Refresh(_)) => stored.refresh_token == state.refresh_token,
            (None, RenewalGrant::ClientCredentials(..)) => true,
        }
    }

    /// Asks the token endpoint, and hands the answer to the storage before it is used.
    async fn ask(&self, mut replaced: Replaced) -> Result<Authorization> {
        const RENEWING: &str = "renewing a token";
        let (spent, response) = match &self.grant {
            RenewalGrant::ClientCredentials(grants, scopes) => {
                let asked = async { grants.client_credentials(scopes).await };
                (None, unless_it_panics(RENEWING, asked).await?)
            }
            RenewalGrant::Refresh(grants) => {
                let refresh_token = self.state().refresh_token.clone().ok_or_else(|| {
                    Error::usage("there is no refresh token to renew with; log the user in again")
                })?;
                let asked = async { grants.refresh(&refresh_token).await };
                match unless_it_panics(RENEWING, asked).await {
                    Ok(response) => (Some(refresh_token), response),
                    Err(error) if error.is_invalid_grant() => {
                        let asked = self.ask_again(grants.as_ref(), &refresh_token, error);
                        let (spent, stored, response) = unless_it_panics(RENEWING, asked).await?;
                        replaced = Replaced::Ours(stored);
                        (Some(spent), response)
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        // From here to the storage's job nothing waits: a token that has arrived is on its way to the disk.
        if let Some(time) = response.server_time() {
            self.observe_server_time(time);
        }
        let response = match &spent {
            Some(spent) => response.keeping_refresh_token(spent),
            None => response,
        };
        let record = single_record(&response)?;
        let lifetime = self.lifetime(record);
        let arrival = Arrival {
            token: Token::new(
                record.access_token.clone(),
                record.expires_at_seconds,
                lifetime,
                &self.windows,
            )?,
            refresh_token: record.usable_refresh_token().cloned(),
            resource_server: record.resource_server.clone(),
            response,
            replaced,
            spent,
        };
        self.state().arrival = Some(arrival.clone());
        Ok(self.land(arrival).await)
    }

    /// Stores an arrived token, then gives it out; if storing fails, gives it out all the same.
    async fn land(&self, arrival: Arrival) -> Authorization {
        let failure = match &self.on_refresh {
            Some(on_refresh) => on_refresh.persist(arrival.response.clone(), arrival.replaced).await.err(),
            None => None,
        };
        if failure.is_none() && arrival.replaced != Replaced::Nothing {
            self.state().was_stored = true;
        }
        if arrival.replaced == Replaced::Nothing {
            tracing::warn!(
                resource_server = %arrival.resource_server,
                "our token was removed from the storage, or somebody else's is there by now; ours was renewed and is \
                 used, but not stored"
            );
        }
        let conflict = failure.as_ref().is_some_and(is_conflict);
        if conflict {
            self.state().paid();
            if let Some(header) = self.yield_to_what_is_stored().await {
                self.state().arrival = None;
                return header;
            }
        }
        let failure = failure.filter(|_| !conflict);
        if let Some(error) = &failure {
            tracing::error!(
                %error,
                resource_server = %arrival.resource_server,
                "a renewed token is in use but could not be stored; storing is tried again",
            );
        }
        let header = arrival.token.header.clone();
        let mut state = self.state();
        state.arrival = None;
        state.refresh_token = arrival.refresh_token;
        state.resource_server = Some(arrival.resource_server);
        state.publish(arrival.token);
        match failure {
            Some(error) => {
                let owed = Owed::new(arrival.response, arrival.replaced, arrival.spent, error);
                state.owe(owed, self.clock.now());
            }
            // This response replaces one that was still owed.
            None => state.paid(),
        }
        header
    }

    /// The refresh token was refused. Perhaps another process has rotated it: look once more.
    async fn ask_again(
        &self,
        grants: &dyn DynTokenGrants,
        refused: &RefreshToken,
        error: Error,
    ) -> Result<(RefreshToken, Generation, TokenResponse)> {
        let stored = self.stored().await;
        let ended = |error| {
            let server = self.state().resource_server.as_ref().map(ToString::to_string);
            Error::login_required(server, error)
        };
        let rotated = stored.as_ref().and_then(|stored| {
            let token = stored.usable_refresh_token().filter(|token| *token != refused)?;
            (!is_another_person(&self.state(), stored)).then(|| (token.clone(), stored.generation()))
        });
        let Some((token, generation)) = rotated else { return Err(ended(error)) };
        let response = grants
            .refresh(&token)
            .await
            .map_err(|again| if again.is_invalid_grant() { ended(again) } else { again })?;
        Ok((token, generation, response))
    }

    /// How long the token just received lives, by the service's clock.
    fn lifetime(&self, record: &TokenData) -> Option<Duration> {
        let now = self.state().corrected(self.clock.now());
        u64::try_from(record.expires_at_seconds.checked_sub(now.as_second())?).ok().map(Duration::from_secs)
    }
}

/// Whether the record is certainly not that of the one whose tokens we hold.
fn is_another_person(state: &State, stored: &TokenData) -> bool {
    state.identity_id.is_some() && stored.identity_id.is_some() && state.identity_id != stored.identity_id
}

fn is_conflict(error: &Error) -> bool {
    error.storage().is_some_and(StorageError::is_conflict)
}

/// Whether a token carries these scopes. What a scope depends on (`a[b]`) does not show in a token.
fn covers(record: &TokenData, scopes: &Scopes) -> bool {
    scopes.iter().all(|scope| {
        let name = scope.split('[').next().unwrap_or(scope).trim_start_matches('*');
        record.scope.split_whitespace().any(|granted| granted == name)
    })
}

/// An authorizer has one token, so a response must hold exactly one.
fn single_record(response: &TokenResponse) -> Result<&TokenData> {
    let tokens = response.by_resource_server();
    match (tokens.iter().next(), tokens.len()) {
        (Some(record), 1) => Ok(record),
        (_, count) => {
            let servers: Vec<_> = tokens.iter().map(|record| record.resource_server.as_str()).collect();
            Err(Error::not_one_token(format!(
                "the token endpoint answered {count} tokens ({}), where an authorizer needs exactly one; ask for \
                 scopes of one resource server",
                servers.join(", "),
            )))
        }
    }
}

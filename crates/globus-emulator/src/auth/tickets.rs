//! What a consent page may still decide: each page that was shown holds a ticket, which is good once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::authorize::Request;
use super::scopes::ScopeTree;
use crate::random;
use crate::world::tokens::after;

/// The request that a page was shown for, and to whom.
pub(super) struct Pending {
    pub(super) request: Request,
    pub(super) trees: Vec<ScopeTree>,
    pub(super) identity: String,
    /// The positions of the parts that the person could leave out.
    pub(super) choices: Vec<String>,
}

/// Tickets live in memory only: a page does not outlive its emulator.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<VecDeque<Ticket>>);

struct Ticket {
    fingerprint: String,
    expires_at: Timestamp,
    pending: Pending,
}

/// Seconds for which a page can be answered.
const LIFETIME: u64 = 600;
/// The oldest page is forgotten for the one after these.
const MOST: usize = 1000;

impl Tickets {
    /// A ticket for a page that is being shown.
    pub(super) fn give(&self, pending: Pending, now: Timestamp) -> String {
        let ticket = random::secret("");
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() == MOST {
            tickets.pop_front();
        }
        tickets.push_back(Ticket {
            fingerprint: random::fingerprint(&ticket),
            expires_at: after(now, LIFETIME),
            pending,
        });
        ticket
    }

    /// What a ticket stands for, if it is good. It is not any more then.
    pub(super) fn take(&self, ticket: &str, now: Timestamp) -> Option<Pending> {
        let fingerprint = random::fingerprint(ticket);
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|ticket| now < ticket.expires_at);
        let position = tickets.iter().position(|ticket| ticket.fingerprint == fingerprint)?;
        Some(tickets.remove(position)?.pending)
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

//! What the stub counts, and what of it can be changed while it runs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::bodies::Bodies;

macro_rules! numbers {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field_attribute:meta])* $field:ident = $default:expr),* $(,)? }) => {
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: AtomicU64,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: AtomicU64::new($default)),* }
            }
        }

        impl $name {
            /// Each by its name.
            pub fn all(&self) -> Vec<(&'static str, &AtomicU64)> {
                vec![$((stringify!($field), &self.$field)),*]
            }
        }
    };
}

numbers! {
    /// What was served. `GET /_stats` tells, `POST /_reset` begins anew.
    Counters {
        connections = 0,
        token = 0,
        token_rejected = 0,
        token_in_flight_max = 0,
        ls = 0,
        task_list = 0,
        userinfo = 0,
        other = 0,
    }
}

numbers! {
    /// How the stub answers. `POST /_config?name=value&…` sets.
    Settings {
        /// How long a token takes, in milliseconds.
        token_delay_ms = 0,
        /// How long a token is good, in seconds.
        expires_in = 172_800,
        /// 0: refresh tokens stay good. 1: each use hands out a new one. 2: the same, and one that was used
        /// already is refused with `invalid_grant`.
        rotate = 0,
        /// How many tasks there are.
        total = 1_000_000,
        /// How many entries a listing has when no limit is given.
        default_n = 100,
        /// How many resource servers a token response has.
        resource_servers = 1,
    }
}

#[derive(Default)]
pub struct State {
    pub counters: Counters,
    pub settings: Settings,
    /// Token requests that are being answered.
    pub token_in_flight: AtomicU64,
    /// The refresh token that is good.
    pub live_refresh: Mutex<Option<String>>,
    pub bodies: Bodies,
}

impl State {
    pub fn stats(&self) -> String {
        let members: Vec<_> = self
            .counters
            .all()
            .into_iter()
            .map(|(name, counter)| format!(r#""{name}":{}"#, counter.load(SeqCst)))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    pub fn reset(&self) {
        for (_, counter) in self.counters.all() {
            counter.store(0, SeqCst);
        }
        *self.live_refresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    pub fn configure(&self, query: &str) {
        for (name, setting) in self.settings.all() {
            if let Some(value) = number_in(query, name) {
                setting.store(value, SeqCst);
            }
        }
    }
}

/// A number in a query.
pub fn number_in(query: &str, name: &str) -> Option<u64> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| value.parse().ok()).flatten()
    })
}

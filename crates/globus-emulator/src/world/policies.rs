//! Whether a login is good enough for a policy.

use jiff::Timestamp;

use super::World;
use super::accounts::Identity;
use super::developer::Policy;
use super::sessions::Authentication;
use super::tokens::Login;

impl Policy {
    /// Whether identities of this domain can meet it.
    pub(crate) fn takes(&self, domain: &str) -> bool {
        let stands_in = |list: &Vec<String>| list.iter().any(|constraint| is_of(domain, constraint));
        self.domain_constraints_include.as_ref().is_none_or(stands_in)
            && !self.domain_constraints_exclude.as_ref().is_some_and(stands_in)
    }

    /// Whether it asks how somebody signed in, and not only who they are.
    fn concerns_sessions(&self) -> bool {
        self.high_assurance || self.authentication_assurance_timeout.is_some() || self.required_mfa
    }

    fn is_met_by(&self, authentication: &Authentication, now: Timestamp) -> bool {
        let timeout = self.authentication_assurance_timeout;
        timeout.is_none_or(|seconds| authentication.is_within(seconds, now))
            && (authentication.mfa || !self.required_mfa)
    }
}

/// Whether a domain is the one of a constraint, or below it when that begins with `*.`.
fn is_of(domain: &str, constraint: &str) -> bool {
    let (domain, constraint) = (domain.to_ascii_lowercase(), constraint.to_ascii_lowercase());
    match constraint.strip_prefix('*') {
        Some(suffix) => domain.len() > suffix.len() && domain.ends_with(suffix),
        None => domain == constraint,
    }
}

impl World {
    /// Whether a login meets a policy now.
    pub(crate) fn meets(&self, policy: &Policy, login: &Login, now: Timestamp) -> bool {
        let linked = self.linked(&login.identity);
        let mut fitting = linked.iter().filter(|identity| policy.takes(identity.domain()));
        if !policy.concerns_sessions() {
            return fitting.next().is_some();
        }
        fitting.any(|identity| {
            self.authentications(login)
                .any(|(id, authentication)| id == identity.id && policy.is_met_by(authentication, now))
        })
    }

    /// The identity that should sign in to meet a policy: the preferred one if it can, else one linked to it.
    pub(crate) fn fitting(&self, policy: &Policy, preferred: &str) -> Option<&Identity> {
        self.linked(preferred).into_iter().find(|identity| policy.takes(identity.domain()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_compared_whole_unless_a_star_says_otherwise() {
        for (domain, constraint, expected) in [
            ("lab.example.org", "lab.example.org", true),
            ("LAB.example.org", "lab.Example.org", true),
            ("evil-lab.example.org", "lab.example.org", false),
            ("lab.example.org", "*.example.org", true),
            ("example.org", "*.example.org", false),
            ("example.org", "*", true),
            ("", "*", false),
        ] {
            assert_eq!(is_of(domain, constraint), expected, "{domain} {constraint}");
        }
    }
}

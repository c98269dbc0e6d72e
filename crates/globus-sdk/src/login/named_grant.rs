/// What a consent page should call a login of this program on this machine: `<app name> on <name of the machine>`, and the
/// app's name alone where the machine has none. For
/// [`prefill_named_grant`](super::LoginRequest::prefill_named_grant).
///
/// ```
/// let name = globus_sdk::login::named_grant("My App");
/// assert!(name.starts_with("My App"));
/// ```
pub fn named_grant(app_name: &str) -> String {
    on_machine(app_name, &machine())
}

/// Names of machines in a small network often end with `.local`, which tells nobody anything.
fn on_machine(app_name: &str, machine: &str) -> String {
    match machine.strip_suffix(".local").unwrap_or(machine) {
        "" => app_name.to_owned(),
        machine => format!("{app_name} on {machine}"),
    }
}

#[cfg(unix)]
fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trailing_local_is_left_out() {
        for (machine, name) in [
            ("login1.cluster.edu", "app on login1.cluster.edu"),
            ("laptop.local", "app on laptop"),
            ("laptop.local.local", "app on laptop.local"),
            ("local", "app on local"),
            (".local", "app"),
            ("", "app"),
        ] {
            assert_eq!(on_machine("app", machine), name, "{machine:?}");
        }
    }
}

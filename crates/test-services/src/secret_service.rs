//! Secret Service on a private session bus: GNOME Keyring with a home of its own.
//!
//! A program finds its bus by an environment variable, which a running program cannot safely change. So it is the
//! test program that is started again, inside the session.

use std::path::Path;
use std::process::{Command, ExitCode};

use tempfile::TempDir;

/// Says in which kind of session a test program runs.
const INSIDE: &str = "GLOBUS_TEST_SECRET_SERVICE";

/// A bus that starts no service on its own.
const BARE_BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=DIRECTORY</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// Makes the keyring, with the password that the daemon reads, and then runs the program. The daemon ends with the
/// bus, but only once it is on it, which is waited for.
const UNLOCKED: &str = r#"
printf 'test password\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 1
is_there() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
        string:org.freedesktop.secrets | grep -q true
}
tries=0
until is_there; do
    tries=$((tries + 1))
    [ $tries -lt 6000 ] || { echo "gnome-keyring-daemon does not come to the bus" >&2; exit 1; }
    sleep 0.01
done
exec "$0" "$@"
"#;

/// What is on the session bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// GNOME Keyring with a keyring that is open.
    Unlocked,
    /// GNOME Keyring, which nobody has unlocked: the bus starts it when it is asked for. There is no keyring in it
    /// unless the home was used unlocked before.
    Locked,
    /// No service.
    Bare,
    /// There is no bus at all.
    NoBus,
}

impl Session {
    const fn name(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Locked => "locked",
            Self::Bare => "bare",
            Self::NoBus => "no-bus",
        }
    }

    /// Whether this process was started by [`Home::command`] for such a session.
    pub fn is_here(self) -> bool {
        std::env::var_os(INSIDE).is_some_and(|inside| inside == self.name())
    }
}

/// The home of a user who has a keyring. It is deleted when this is dropped.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    /// An empty home.
    #[expect(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("home-").tempdir().unwrap();
        for name in ["run", "data", "config"] {
            std::fs::create_dir(home.path().join(name)).unwrap();
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(home.path().join("run"), std::fs::Permissions::from_mode(0o700))
                .unwrap();
        }
        Self(home)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A command that runs a program in such a session of this user; the arguments are to be added.
    pub fn command(&self, session: Session, program: impl AsRef<Path>) -> Command {
        let mut command = match session {
            Session::NoBus => Command::new(program.as_ref()),
            Session::Bare => {
                needs("dbus-run-session");
                let config = self.path().join("bus.conf");
                std::fs::write(
                    &config,
                    BARE_BUS.replace("DIRECTORY", &self.path().join("run").display().to_string()),
                )
                .unwrap();
                let mut command = Command::new("dbus-run-session");
                command.arg("--config-file").arg(config).arg("--").arg(program.as_ref());
                command
            }
            Session::Locked => {
                needs("dbus-run-session");
                needs("gnome-keyring-daemon");
                let mut command = Command::new("dbus-run-session");
                command.arg("--").arg(program.as_ref());
                command
            }
            Session::Unlocked => {
                needs("dbus-run-session");
                needs("gnome-keyring-daemon");
                needs("dbus-send");
                let mut command = Command::new("dbus-run-session");
                command.args(["--", "sh", "-c", UNLOCKED]).arg(program.as_ref());
                command
            }
        };
        command
            .env(INSIDE, session.name())
            .env("HOME", self.path())
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("GNOME_KEYRING_CONTROL");
        command
    }
}

/// For the `main` of a test program without the usual harness: runs it again in a session with an open keyring and
/// answers how that ended. `None` inside that session, and where the tests are only listed: then go on.
pub fn run_again_with_keyring() -> Option<ExitCode> {
    if Session::Unlocked.is_here() || std::env::args().any(|argument| argument == "--list") {
        return None;
    }
    let home = Home::new();
    let status = home
        .command(Session::Unlocked, std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .status()
        .unwrap();
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Some(ExitCode::from(code))
}

fn needs(program: &str) {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).is_file()));
    assert!(
        found,
        "this test needs `{program}`: install GNOME Keyring and D-Bus, on Debian with \
         `apt-get install gnome-keyring dbus`"
    );
}

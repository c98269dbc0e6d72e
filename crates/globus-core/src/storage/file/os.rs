//! What the operating system is asked for, and what is known where it is not a Unix.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use platform::create_private_directory;
pub(in crate::storage) use platform::{
    boot_id, foreign_owner, host, identity, is_at, is_open_to_others, is_symlink_refused,
    make_directory_private, make_path_private, make_private, pid_namespace, private, process_is_gone,
    refuses_locks, sync_directory, without_links, writable_by_all,
};

/// A moment by a clock that nobody sets and that, where the system has such a one, goes on while the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(platform::Ticks);

impl Moment {
    pub(super) fn now() -> Self {
        Self(platform::ticks())
    }

    pub(super) fn elapsed(self) -> Duration {
        platform::since(self.0)
    }
}

/// Opens a file to read it; a link is not followed, and a pipe is not waited for.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    #[cfg(test)]
    if tests::STALE.replace(tests::STALE.get().saturating_sub(1)) > 0 {
        return Err(io::ErrorKind::StaleNetworkFileHandle.into());
    }
    without_links(OpenOptions::new().read(true)).open(path)
}

/// Whether a file is not there, or no longer: on a network file system, whoever has a file open that another machine
/// deletes or replaces is told that it is stale.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle)
}

/// Looks again where the file turns out to be stale: there is another one in its place, or none.
pub(super) fn look_again<T, E>(
    is_stale: impl Fn(&E) -> bool,
    mut look: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    const LOOKS: u32 = 8;
    for _ in 1..LOOKS {
        match look() {
            Err(error) if is_stale(&error) => {}
            done => return done,
        }
    }
    look()
}

/// Makes a directory and those above it that are missing, each for its owner alone.
pub(in crate::storage) fn create_private_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    match create_private_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                create_private_directories(parent)?;
                create_private_directory(path)
            }
            _ => Err(error),
        },
        done => done,
    }
}

#[cfg(unix)]
mod platform {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::sync::LazyLock;

    use rustix::fs::OFlags;
    use rustix::io::Errno;
    use rustix::process::{Pid, geteuid, test_kill_process};
    use rustix::time::{ClockId, Timespec, clock_gettime};

    use super::{Duration, File, Metadata, OpenOptions, Path, io, is_gone};

    pub(super) type Ticks = Timespec;

    pub(super) fn ticks() -> Ticks {
        // On Linux the monotonic clock stands still while the machine sleeps; elsewhere it goes on.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = ClockId::Monotonic;
        clock_gettime(clock)
    }

    pub(super) fn since(earlier: Ticks) -> Duration {
        let nanoseconds = |ticks: Ticks| i128::from(ticks.tv_sec) * 1_000_000_000 + i128::from(ticks.tv_nsec);
        let passed = nanoseconds(ticks()) - nanoseconds(earlier);
        Duration::from_nanos(u64::try_from(passed).unwrap_or(0))
    }

    pub(in crate::storage) fn without_links(options: &mut OpenOptions) -> &mut OpenOptions {
        // The flags are small positive numbers on every Unix.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
    }

    /// The options for a file that nobody else may open.
    pub(in crate::storage) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        without_links(options).mode(0o600)
    }

    /// Makes a file readable and writable by its owner alone, whatever the umask made of it.
    pub(in crate::storage) fn make_private(file: &File) -> io::Result<()> {
        // Looking costs less than a change that changes nothing.
        if file.metadata()?.mode() & 0o7777 == 0o600 {
            return Ok(());
        }
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
    }

    pub(in crate::storage) fn make_path_private(path: &Path) -> io::Result<()> {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    }

    /// Tells a file from another one that takes its place.
    #[expect(clippy::unnecessary_wraps, reason = "other systems have nothing to tell it by")]
    pub(in crate::storage) fn identity(facts: &Metadata) -> Option<(u64, u64)> {
        Some((facts.dev(), facts.ino()))
    }

    pub(in crate::storage) fn create_private_directory(path: &Path) -> io::Result<()> {
        match std::fs::DirBuilder::new().mode(0o700).create(path) {
            // A umask may have taken from the owner what the next step needs.
            Ok(()) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(in crate::storage) fn make_directory_private(path: &Path) -> io::Result<()> {
        let directory = File::from(rustix::fs::open(
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?);
        directory.set_permissions(std::fs::Permissions::from_mode(0o700))
    }

    pub(in crate::storage) fn is_symlink_refused(error: &io::Error) -> bool {
        error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
    }

    /// Whether this very file has this name.
    pub(in crate::storage) fn is_at(path: &Path, file: &File) -> io::Result<bool> {
        let here = match file.metadata() {
            Ok(here) => here,
            Err(error) if is_gone(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        match std::fs::symlink_metadata(path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (here.dev(), here.ino())),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The number of the owner, where that is neither the user who runs this nor root.
    pub(in crate::storage) fn foreign_owner(facts: &Metadata) -> Option<u32> {
        let owner = facts.uid();
        (owner != geteuid().as_raw() && owner != 0).then_some(owner)
    }

    /// The mode of a directory in which anybody may exchange files. In a sticky one they may only add some.
    pub(in crate::storage) fn writable_by_all(facts: &Metadata) -> Option<u32> {
        let mode = facts.mode() & 0o7777;
        (mode & 0o002 != 0 && mode & 0o1000 == 0).then_some(mode)
    }

    pub(in crate::storage) fn is_open_to_others(facts: &Metadata) -> bool {
        facts.mode() & 0o077 != 0
    }

    /// Waits until the names in a directory are on the disk, where the file system can say.
    pub(in crate::storage) fn sync_directory(path: &Path) -> io::Result<()> {
        match File::open(path).and_then(|directory| directory.sync_all()) {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    /// Whether the file system has no locks, as some network file systems.
    pub(in crate::storage) fn refuses_locks(error: &io::Error) -> bool {
        [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL]
            .iter()
            .any(|refusal| error.raw_os_error() == Some(refusal.raw_os_error()))
    }

    pub(in crate::storage) fn process_is_gone(pid: u32) -> bool {
        i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .is_some_and(|id| test_kill_process(id) == Err(Errno::SRCH) || is_zombie(pid))
    }

    /// Whether the process has died and only its parent has not noticed. Such a one answers to its number.
    fn is_zombie(pid: u32) -> bool {
        // The state stands behind the name, which is in parentheses and may hold any character.
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])))
    }

    /// The name of this machine. Like the next two it is asked for once: every write needs them.
    pub(in crate::storage) fn host() -> String {
        static HOST: LazyLock<String> =
            LazyLock::new(|| rustix::system::uname().nodename().to_string_lossy().into_owned());
        HOST.clone()
    }

    /// Tells one start of the machine from another.
    pub(in crate::storage) fn boot_id() -> Option<String> {
        static ID: LazyLock<Option<String>> = LazyLock::new(|| {
            let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
            Some(id.trim().to_owned())
        });
        ID.clone()
    }

    /// Tells containers apart, in which the same number is another process.
    pub(in crate::storage) fn pid_namespace() -> Option<String> {
        static NAMESPACE: LazyLock<Option<String>> = LazyLock::new(|| {
            let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
            Some(link.to_string_lossy().into_owned())
        });
        NAMESPACE.clone()
    }
}

#[cfg(not(unix))]
mod platform {
    use std::time::Instant;

    use super::{Duration, File, Metadata, OpenOptions, Path, io};

    pub(super) type Ticks = Instant;

    pub(super) fn ticks() -> Ticks {
        Instant::now()
    }

    pub(super) fn since(earlier: Ticks) -> Duration {
        earlier.elapsed()
    }

    pub(in crate::storage) fn without_links(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(in crate::storage) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(in crate::storage) fn make_private(_: &File) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::storage) fn make_path_private(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::storage) fn identity(_: &Metadata) -> Option<(u64, u64)> {
        None
    }

    pub(in crate::storage) fn create_private_directory(path: &Path) -> io::Result<()> {
        match std::fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            done => done,
        }
    }

    pub(in crate::storage) fn make_directory_private(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::storage) fn is_symlink_refused(_: &io::Error) -> bool {
        false
    }

    pub(in crate::storage) fn is_at(path: &Path, _: &File) -> io::Result<bool> {
        path.try_exists()
    }

    pub(in crate::storage) fn foreign_owner(_: &Metadata) -> Option<u32> {
        None
    }

    pub(in crate::storage) fn writable_by_all(_: &Metadata) -> Option<u32> {
        None
    }

    pub(in crate::storage) fn is_open_to_others(_: &Metadata) -> bool {
        false
    }

    pub(in crate::storage) fn sync_directory(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::storage) fn refuses_locks(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::Unsupported
    }

    pub(in crate::storage) fn process_is_gone(_: u32) -> bool {
        false
    }

    pub(in crate::storage) fn host() -> String {
        std::env::var("COMPUTERNAME").unwrap_or_default()
    }

    pub(in crate::storage) fn boot_id() -> Option<String> {
        None
    }

    pub(in crate::storage) fn pid_namespace() -> Option<String> {
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    std::thread_local! {
        /// How many files this thread is told to be stale, as if another machine replaced them meanwhile.
        pub(in crate::storage::file) static STALE: Cell<u32> = const { Cell::new(0) };
    }

    #[test]
    fn a_stale_file_is_looked_for_again_but_not_for_ever() {
        let looks = |stale: u32| {
            let mut looks = 0;
            let answer = look_again(is_gone, || {
                looks += 1;
                if looks <= stale {
                    Err(io::Error::from(io::ErrorKind::StaleNetworkFileHandle))
                } else {
                    Ok(())
                }
            });
            (answer.is_ok(), looks)
        };
        assert_eq!((looks(0), looks(2), looks(100)), ((true, 1), (true, 3), (false, 8)));
    }
}

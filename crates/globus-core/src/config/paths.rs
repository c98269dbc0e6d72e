//! Where an app keeps its tokens when it is told nothing else.

use std::ffi::OsString;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::environment::Environment;
use super::error::{ConfigError, quoted};
use super::variables::Variables;

/// The rules of paths: which variables name the home directory, and how paths are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// Linux, macOS and everything that is not Windows.
    Unix,
    /// Windows.
    Windows,
}

impl Platform {
    /// The platform this program was built for.
    pub const fn current() -> Self {
        if cfg!(windows) { Self::Windows } else { Self::Unix }
    }
}

/// The kinds of token stores that live in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFile {
    /// A JSON file, `tokens.json`.
    Json,
    /// A SQLite database, `tokens.db`.
    Sqlite,
}

impl TokenFile {
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "tokens.json",
            Self::Sqlite => "tokens.db",
        }
    }
}

/// The path at which an app keeps its tokens by default:
/// `~/.globus/app/<client id>/<app slug>/<environment>-tokens.json`, the environment left out for production.
/// It is the path that the Python SDK uses, so that both find the same tokens; only a slug of more than 255 bytes,
/// which no file system takes, is cut and ends with a hash of the whole.
///
/// ```
/// use globus_core::config::paths::{Platform, TokenFile, default_token_path};
/// use globus_core::config::{Environment, Variables};
///
/// let variables = Variables::from_iter([("HOME", "/home/ada")]);
/// let client_id = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";
/// let path = default_token_path(
///     client_id, "My App", &Environment::preview(), TokenFile::Json, &variables, Platform::Unix,
/// )?;
/// assert_eq!(
///     path.to_str(),
///     Some("/home/ada/.globus/app/4fb58e00-839d-4e54-8047-10a5a99dcb8e/my-app/preview-tokens.json")
/// );
/// # Ok::<(), globus_core::config::ConfigError>(())
/// ```
///
/// # Errors
///
/// When the home directory is not known, the app name gives no slug, the client id is no UUID, or the name of the
/// environment cannot be part of a path.
pub fn default_token_path(
    client_id: &str,
    app_name: &str,
    environment: &Environment,
    file: TokenFile,
    variables: &Variables,
    platform: Platform,
) -> Result<PathBuf, ConfigError> {
    let slug = shortened(app_slug(app_name)?);
    check_part("client id", client_id)?;
    if Uuid::try_parse(client_id).is_err() {
        return Err(ConfigError::new(
            "client id",
            format!("{} is not a client id", quoted(client_id)),
            "use the id (a UUID) under which the app is registered with Globus",
        ));
    }
    let name = if environment.is_production() {
        file.name().to_owned()
    } else {
        check_part("environment", environment.name())?;
        format!("{}-{}", environment.name(), file.name())
    };
    below_home(&["app", client_id, &slug, &name], variables, platform)
}

/// The path at which a storage in the keyring of the operating system keeps its index by default:
/// `~/.globus/keyring/<app slug>.json`. The index says which entries there are; it holds no secret.
///
/// ```
/// use globus_core::config::Variables;
/// use globus_core::config::paths::{Platform, default_keyring_index_path};
///
/// let variables = Variables::from_iter([("HOME", "/home/ada")]);
/// let path = default_keyring_index_path("My App", &variables, Platform::Unix)?;
/// assert_eq!(path.to_str(), Some("/home/ada/.globus/keyring/my-app.json"));
/// # Ok::<(), globus_core::config::ConfigError>(())
/// ```
///
/// # Errors
///
/// When the home directory is not known, or the app name gives no slug.
pub fn default_keyring_index_path(
    app_name: &str,
    variables: &Variables,
    platform: Platform,
) -> Result<PathBuf, ConfigError> {
    let name = format!("{}.json", app_slug(app_name)?);
    below_home(&["keyring", &name], variables, platform)
}

/// A path in the directory that belongs to Globus programs.
fn below_home(parts: &[&str], variables: &Variables, platform: Platform) -> Result<PathBuf, ConfigError> {
    Ok(below(globus_directory(variables, platform)?, parts, platform))
}

/// The directory in which programs of Globus keep what belongs to the user: `~/.globus`, on Windows
/// `<local app data>\globus`.
///
/// # Errors
///
/// When the home directory is not known.
pub fn globus_directory(variables: &Variables, platform: Platform) -> Result<PathBuf, ConfigError> {
    let (directory, folder) = match platform {
        Platform::Unix => (unix_home(variables), ".globus"),
        Platform::Windows => (windows_data(variables), "globus"),
    };
    let directory = directory.ok_or_else(|| {
        ConfigError::new(
            "home directory",
            "it is not known",
            "set HOME (on Windows USERPROFILE), or say where tokens are kept",
        )
    })?;
    Ok(below(directory, &[folder], platform))
}

/// The directory in which Globus Connect Personal keeps its configuration: `~/.globusonline`, on Windows
/// `%LOCALAPPDATA%\Globus Connect`.
///
/// # Errors
///
/// When the home directory is not known; on Windows, when `LOCALAPPDATA` is not set.
pub fn globus_connect_personal_directory(
    variables: &Variables,
    platform: Platform,
) -> Result<PathBuf, ConfigError> {
    let (directory, folder, variable) = match platform {
        Platform::Unix => (unix_home(variables), ".globusonline", "HOME"),
        Platform::Windows => (variables.get_path("LOCALAPPDATA"), "Globus Connect", "LOCALAPPDATA"),
    };
    let directory = directory.ok_or_else(|| {
        ConfigError::new(
            variable,
            "it is not set, so the directory of Globus Connect Personal is not known",
            "set it, or name the directory",
        )
    })?;
    Ok(below(directory, &[folder], platform))
}

/// What a file system takes as one name, in bytes.
const MAX_NAME: usize = 255;

/// A slug that is a directory name everywhere. One that is too long for that, which no program can use as it is,
/// is cut, and ends with a hash of the whole so that two of them stay two.
fn shortened(slug: String) -> String {
    if slug.len() <= MAX_NAME {
        return slug;
    }
    let digest = Sha256::digest(slug.as_bytes());
    let start = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let hash = format!("-{start:016x}");
    let longest = MAX_NAME - hash.len();
    let end = (0..=longest).rev().find(|&end| slug.is_char_boundary(end)).unwrap_or(0);
    format!("{}{hash}", &slug[..end])
}

/// Appends parts with the separator of the platform asked for, which need not be the one this runs on.
fn below(directory: PathBuf, parts: &[&str], platform: Platform) -> PathBuf {
    let (separator, separators): (&str, &[char]) = match platform {
        Platform::Unix => ("/", &['/']),
        Platform::Windows => ("\\", &['\\', '/']),
    };
    let mut path = directory.into_os_string();
    for part in parts {
        if !path.to_string_lossy().ends_with(separators) {
            path.push(separator);
        }
        path.push(part);
    }
    path.into()
}

fn unix_home(variables: &Variables) -> Option<PathBuf> {
    variables.get_path("HOME").or_else(|| machine_home(variables))
}

/// `LOCALAPPDATA` hides `APPDATA` even where it is empty, as in the Python SDK.
fn windows_data(variables: &Variables) -> Option<PathBuf> {
    let chosen = if variables.get("LOCALAPPDATA").is_some() { "LOCALAPPDATA" } else { "APPDATA" };
    variables.get_path(chosen).or_else(|| {
        let home = windows_home(variables)?;
        Some(below(home, &["AppData", "Local"], Platform::Windows))
    })
}

fn windows_home(variables: &Variables) -> Option<PathBuf> {
    let parted = || {
        let path = variables.get_path("HOMEPATH")?;
        let mut home: OsString = variables.get_path("HOMEDRIVE").unwrap_or_default().into();
        home.push(path);
        Some(home.into())
    };
    variables.get_path("USERPROFILE").or_else(parted).or_else(|| machine_home(variables))
}

/// The user database, which is asked only where the process's own environment counts.
fn machine_home(variables: &Variables) -> Option<PathBuf> {
    if variables.is_process() {
        std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
    } else {
        None
    }
}

/// Refuses what would lead into another directory.
fn check_part(setting: &'static str, part: &str) -> Result<(), ConfigError> {
    let leads_away = part.is_empty() || part == "." || part == "..";
    if leads_away || part.contains(['/', '\\', ':']) || part.contains(char::is_control) {
        return Err(ConfigError::new(
            setting,
            format!("{} cannot be part of a path", quoted(part)),
            "use an id or name without separators, or say where tokens are kept",
        ));
    }
    Ok(())
}

/// The name of an app as a directory name: lower case, `<>:"/\|?*` as `+`, dots and spaces as `-`, and
/// characters that cannot be seen left out. Different names may give the same slug.
///
/// ```
/// use globus_core::config::paths::app_slug;
///
/// assert_eq!(app_slug("My App")?, "my-app");
/// assert_eq!(app_slug("../etc")?, "--+etc");
/// # Ok::<(), globus_core::config::ConfigError>(())
/// ```
///
/// # Errors
///
/// When nothing is left, or the slug is a name that Windows reserves for devices (`con`, `com1`, …).
pub fn app_slug(app_name: &str) -> Result<String, ConfigError> {
    let kept: String = app_name
        .chars()
        .map(|c| match c {
            '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '+',
            '.' | ' ' => '-',
            other => other,
        })
        .filter(|&c| is_printable(c))
        .collect();
    let slug = kept.to_lowercase();
    let problem = if slug.is_empty() {
        "holds no character that can be seen"
    } else if is_reserved(&slug) {
        "is a device name on Windows"
    } else {
        return Ok(slug);
    };
    Err(ConfigError::new("app name", format!("{} {problem}", quoted(app_name)), "choose another name"))
}

/// Whether a character is neither a control, format, unassigned or private one nor a separator.
///
/// The standard library knows: it escapes just those in debug texts. The letter in front keeps it from
/// escaping combining marks, which it does at the start of a text only.
fn is_printable(c: char) -> bool {
    !c.is_control() && !['a', c].iter().collect::<String>().escape_debug().to_string().starts_with("a\\u{")
}

fn is_reserved(slug: &str) -> bool {
    let numbered = |prefix| {
        let mut rest = slug.strip_prefix(prefix).unwrap_or_default().chars();
        matches!((rest.next(), rest.next()), (Some(digit), None) if is_decimal_digit(digit))
    };
    matches!(slug, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// Whether a character is a decimal digit in any script (Unicode category Nd). They come in runs from 0 to 9.
fn is_decimal_digit(c: char) -> bool {
    let run = ZEROS.partition_point(|&zero| zero <= c);
    run > 0 && u32::from(c) - u32::from(ZEROS[run - 1]) < 10
}

/// The digit 0 of every script that has one (Unicode 14).
#[rustfmt::skip]
const ZEROS: [char; 66] = [
    '\u{0030}', '\u{0660}', '\u{06f0}', '\u{07c0}', '\u{0966}', '\u{09e6}', '\u{0a66}', '\u{0ae6}',
    '\u{0b66}', '\u{0be6}', '\u{0c66}', '\u{0ce6}', '\u{0d66}', '\u{0de6}', '\u{0e50}', '\u{0ed0}',
    '\u{0f20}', '\u{1040}', '\u{1090}', '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}',
    '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}', '\u{a620}', '\u{a8d0}', '\u{a900}',
    '\u{a9d0}', '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}', '\u{104a0}', '\u{10d30}', '\u{11066}',
    '\u{110f0}', '\u{11136}', '\u{111d0}', '\u{112f0}', '\u{11450}', '\u{114d0}', '\u{11650}', '\u{116c0}',
    '\u{11730}', '\u{118e0}', '\u{11950}', '\u{11c50}', '\u{11d50}', '\u{11da0}', '\u{16a60}', '\u{16ac0}',
    '\u{16b50}', '\u{1d7ce}', '\u{1d7d8}', '\u{1d7e2}', '\u{1d7ec}', '\u{1d7f6}', '\u{1e140}', '\u{1e2f0}',
    '\u{1e950}', '\u{1fbf0}',
];

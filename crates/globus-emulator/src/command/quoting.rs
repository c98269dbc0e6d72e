//! Values in the quotes of those who read them.

/// For POSIX shells: nothing is special between single quotes.
pub(crate) fn sh(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// For fish: backslashes and single quotes are special between single quotes.
pub(crate) fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// For `.env` files: bare if that is safe, in single quotes if nothing in the value is special there, which all
/// readers take alike; else in double quotes, where readers differ and which no value of the emulator's needs.
pub(crate) fn dotenv(value: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || "_-./:@%+,".contains(character);
    if !value.is_empty() && value.chars().all(bare) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\\']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from('"');
    for character in value.chars() {
        if matches!(character, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    #[test]
    fn plain_values_of_dotenv_files_stay_bare() {
        assert_eq!(super::dotenv("http://127.0.0.1:80/a/"), "http://127.0.0.1:80/a/");
        assert_eq!(super::dotenv(""), "''");
        assert_eq!(super::dotenv("a b$"), "'a b$'");
        assert_eq!(super::dotenv(r#"it's "x" \ $y"#), r#""it's \"x\" \\ \$y""#);
    }

    #[test]
    fn fish_escapes_within_its_quotes() {
        assert_eq!(super::fish(r"it's \ $y"), r"'it\'s \\ $y'");
    }

    #[test]
    fn shells_get_one_word() {
        assert_eq!(super::sh("it's $y"), r"'it'\''s $y'");
    }
}

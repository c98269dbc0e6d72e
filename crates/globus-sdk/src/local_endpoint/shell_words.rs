//! The words of a line by the quoting rules of POSIX shells, without comments: `#` is a character as any other. (The
//! crates that do this take the rest of the line for a comment.)

use std::iter::Peekable;
use std::str::Chars;

/// The words; `None` where a quote is not closed, or nothing follows a backslash.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut characters = line.chars().peekable();
    let mut words = Vec::new();
    loop {
        while characters.next_if(|character| is_blank(*character)).is_some() {}
        if characters.peek().is_none() {
            return Some(words);
        }
        words.push(word(&mut characters)?);
    }
}

fn word(characters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut word = String::new();
    while let Some(character) = characters.next_if(|character| !is_blank(*character)) {
        match character {
            '\'' => loop {
                match characters.next()? {
                    '\'' => break,
                    other => word.push(other),
                }
            },
            '"' => loop {
                match characters.next()? {
                    '"' => break,
                    '\\' => match characters.next()? {
                        escaped @ ('"' | '\\') => word.push(escaped),
                        other => word.extend(['\\', other]),
                    },
                    other => word.push(other),
                }
            },
            '\\' => word.push(characters.next()?),
            other => word.push(other),
        }
    }
    Some(word)
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes() {
        for (line, words) in [
            ("", &[][..]),
            (" \t a  b ", &["a", "b"]),
            (r#""a b"c 'd "e'"#, &["a bc", "d \"e"]),
            (r#"a\ b "c\"d\\e\f" 'g\h'"#, &["a b", r#"c"d\e\f"#, r"g\h"]),
            ("'' \"\"", &["", ""]),
            ("a # b#c", &["a", "#", "b#c"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for line in ["\"a", "'a", "a\\", "\"a\\", "a 'b\"c"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}

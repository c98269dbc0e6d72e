//! Texts from outside, made fit to be shown.

use std::fmt::{self, Write};

/// A text from outside on its way to a terminal or log: no control characters (which could forge lines or
/// colours), no marks that turn the direction of writing, and at most so many characters.
///
/// ```
/// use globus_core::Shown;
///
/// assert_eq!(Shown::new("a\nb\u{1b}[31m", 80).to_string(), "a b [31m");
/// assert_eq!(Shown::new("abcdef", 3).to_string(), "abc…");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    text: &'a str,
    limit: usize,
}

impl<'a> Shown<'a> {
    /// Shows this text, up to so many characters.
    pub fn new(text: &'a str, limit: usize) -> Self {
        Self { text, limit }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.text.chars().filter(|c| !is_disguise(*c));
        for c in characters.by_ref().take(self.limit) {
            f.write_char(if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })?;
        }
        if characters.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

fn is_disguise(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_not_shown() {
        let shown = Shown::new("a\x1b[31mb\r\n\u{9b}c\u{202e}\u{61c}\u{feff}d\u{2028}é", 300).to_string();
        assert_eq!(shown, "a [31mb   cd é");
    }
}

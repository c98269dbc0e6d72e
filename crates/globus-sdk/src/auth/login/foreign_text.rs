//! Texts of others, as they may be shown on a terminal.

/// More characters than any message needs.
const LONGEST: usize = 300;

/// The text in one line: without control characters, which could make a terminal do things, and without those that turn
/// the direction of what is written, which could make it read as something else.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().filter(|&c| !c.is_control() && !turns_direction(c)).take(LONGEST).collect()
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_left_out() {
        assert_eq!(one_line("a\x1b[31mb\r\n\u{9b}c\u{202e}d\u{2028}é"), "a[31mbcdé");
        assert_eq!(one_line(&"x".repeat(1_000)).len(), LONGEST);
    }
}

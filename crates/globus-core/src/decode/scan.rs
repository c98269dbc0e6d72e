//! Finding the end of a string's plain part, eight bytes at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The first place at or after `at` that holds a quote, a backslash or a control character; the length of
/// `bytes` (or `at`, where that is greater) if there is none.
#[inline]
pub(super) fn plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let hits = special(u64::from_le_bytes(*chunk));
        if hits != 0 {
            // The lowest bit set is exact; a subtraction can only carry false hits upwards from a true one.
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
        at += 1;
    }
    at
}

/// The high bit of each byte that is a quote, a backslash or below 0x20.
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5c);
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let backslashes = backslash.wrapping_sub(ONES) & !backslash;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGH
}

#[cfg(test)]
mod tests {
    use super::plain;

    /// Every byte value at every place of texts around the word size, in every kind of surrounding byte.
    #[test]
    fn finds_the_first_special_byte_and_nothing_else() {
        for filler in [b' ', b'!', b'#', b'a', b'[', b']', 0x7f, 0x80, 0xa2, 0xff] {
            for length in 0..26 {
                for place in 0..length {
                    for byte in 0..=255u8 {
                        let mut text = vec![filler; length];
                        text[place] = byte;
                        let special = |b: &u8| *b == b'"' || *b == b'\\' || *b < 0x20;
                        let expected = text.iter().position(special).unwrap_or(length);
                        assert_eq!(plain(&text, 0), expected, "byte {byte} at {place} of {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn starts_where_it_is_told_even_past_the_end() {
        assert_eq!(plain(b"\"ab\"", 1), 3);
        assert_eq!(plain(b"ab", 5), 5);
    }
}

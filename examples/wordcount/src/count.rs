//! The function, which is the same on this machine and on workers.

/// The number of words, as `wc -w` counts them in the C locale: runs of bytes that are not white space.
pub fn words(text: &[u8]) -> u64 {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count() as u64
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_between_white_space() {
        for (text, count) in [("", 0), (" \n", 0), ("one", 1), (" one\ttwo\nthree ", 3)] {
            assert_eq!(words(text.as_bytes()), count, "{text:?}");
        }
    }
}

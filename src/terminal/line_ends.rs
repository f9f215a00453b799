//! One form for the texts that come in: a line ends with a line feed, whatever wrote it. A carriage return is a line end of its own
//! to what a text is typed into, or Enter.

/// A text with line feeds in place of CR LF (files from Windows) and of CR alone (what terminals paste).
pub fn unified(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The same for what need not be UTF-8.
pub fn unified_bytes(text: &[u8]) -> Vec<u8> {
    let mut unified = Vec::with_capacity(text.len());
    let mut before = 0;
    for &byte in text {
        match byte {
            b'\n' if before == b'\r' => {}
            b'\r' => unified.push(b'\n'),
            byte => unified.push(byte),
        }
        before = byte;
    }
    unified
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("one\r\ntwo\r\n", "one\ntwo\n")]
    #[case("one\rtwo\r", "one\ntwo\n")]
    #[case("\r\r\n\n\r", "\n\n\n\n")]
    #[case("as it is\n\n", "as it is\n\n")]
    fn every_line_ends_once(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(unified(text), expected);
    }

    proptest! {
        #[test]
        fn bytes_are_unified_as_texts_are(text in "[ab\r\nü]{0,40}") {
            prop_assert_eq!(unified_bytes(text.as_bytes()), unified(&text).into_bytes());
        }
    }
}

//! An address to the letter, in letters that deceive nobody: what is shown of it has others replaced, and two sessions may look
//! the same.

use std::fmt::Write as _;

use crate::registry::names::Address;
use crate::terminal::neutralise;

/// The address, with `%XX` for each byte of what is not shown as it is; `None` when all of it is.
pub fn written(address: &Address) -> Option<String> {
    let text = address.to_string();
    text.contains(neutralise::deceives).then(|| {
        let mut written = String::with_capacity(text.len() * 2);
        for letter in text.chars() {
            if letter == '%' || letter.is_whitespace() || neutralise::deceives(letter) {
                for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(written, "%{byte:02X}");
                }
            } else {
                written.push(letter);
            }
        }
        written
    })
}

/// The address of what is written to the letter, if that is not nothing, else of what is shown.
///
/// # Errors
/// It is none.
pub fn address(written: &str, shown: &str) -> anyhow::Result<Address> {
    if written.is_empty() {
        return shown.parse();
    }
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let code = || u8::from_str_radix(std::str::from_utf8(behind.get(..2)?).ok()?, 16).ok();
        match (byte, code()) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes)?.parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("w/a b%20", None)]
    #[case("w/x\u{200b} y%20", Some("w/x%E2%80%8B%20y%2520"))]
    #[case("w/a\u{202e}grün", Some("w/a%E2%80%AEgrün"))]
    fn an_address_is_written_to_the_letter_where_it_is_not_shown_so(#[case] address: &str, #[case] to_the_letter: Option<&str>) {
        let address: Address = address.parse().unwrap();
        let found = written(&address);
        assert_eq!(found.as_deref(), to_the_letter);
        assert_eq!(super::address(&found.unwrap_or_default(), &address.to_string()).unwrap(), address);
    }

    #[rstest]
    #[case("w/%zz%", "w/%zz%")]
    #[case("", "w/shown")]
    fn what_is_written_otherwise_is_taken_as_it_is(#[case] written: &str, #[case] wanted: &str) {
        assert_eq!(address(written, "w/shown").unwrap().to_string(), wanted);
    }
}

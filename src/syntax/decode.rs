//! Bytes of a file into text.

use crate::diagnostic::{Code, Diagnostic, Span};

/// Files of more bytes are not read.
pub const LARGEST_SOURCE: usize = 16 << 20;

/// A file of more than `most` bytes, a whole number of MiB.
pub fn too_large(most: usize) -> Diagnostic {
    let most = most >> 20;
    let message = format!("the file is larger than {most} MiB and was not read");
    Diagnostic::new(Code::SourceTooLarge, Span::default(), message, "not read")
        .help("a file of Flat has a few hundred lines; is this the right file?")
}

/// The text of a file, without a byte order mark.
///
/// # Errors
/// More bytes than [`LARGEST_SOURCE`], or bytes that are not UTF-8. The place is one in `String::from_utf8_lossy(bytes)`.
pub fn decode(bytes: &[u8]) -> Result<String, Box<Diagnostic>> {
    if bytes.len() > LARGEST_SOURCE {
        return Err(Box::new(too_large(LARGEST_SOURCE)));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => Err(Box::new(not_utf8(bytes, error.valid_up_to()))),
    }
}

/// `at` is the offset of the first byte that is wrong.
fn not_utf8(bytes: &[u8], at: usize) -> Diagnostic {
    let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    let byte = bytes.get(at).copied().unwrap_or_default();
    let message = format!("the file is not UTF-8: byte 0x{byte:02x} at offset {at}, line {line}");
    let replaced = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
    let finding = Diagnostic::new(Code::NotUtf8, replaced, message, "not a character");
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => finding.help("the file is UTF-16; save it as UTF-8"),
        _ => finding.help("save the file as UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(decode("\u{feff}edition 2026\n".as_bytes()).as_deref(), Ok("edition 2026\n"));
    }

    #[test]
    fn a_wrong_byte_is_named() {
        let bytes = b"model mlp\ntitle \"\xe9t\xe9\"\n";
        let finding = decode(bytes).unwrap_err();
        assert_eq!(finding.message, "the file is not UTF-8: byte 0xe9 at offset 17, line 2");
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(&shown[finding.span().start..finding.span().end], "\u{fffd}");
    }

    #[test]
    fn utf16_is_recognised() {
        let finding = decode(b"\xff\xfem\0o\0").unwrap_err();
        assert_eq!(finding.message, "the file is not UTF-8: byte 0xff at offset 0, line 1");
        assert_eq!(finding.help, ["the file is UTF-16; save it as UTF-8"]);
    }

    #[test]
    fn a_character_cut_short_at_the_end_is_named() {
        assert!(decode(b"# \xe2\x86").is_err());
    }
}

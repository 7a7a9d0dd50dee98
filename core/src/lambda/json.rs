//! Writes JSON texts. A function's event is JSON, whatever bytes the client has sent.

/// What stands for bytes that are not UTF-8 (recorded fact 157).
const REPLACEMENT: &str = "\u{fffd}";
/// Bytes that are looked at together; without an early way out the loop is vectorised.
const BLOCK: usize = 32;

/// Appends `text` as a JSON string.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Appends a string, or `null`.
pub fn write_optional(text: Option<&[u8]>, out: &mut Vec<u8>) {
    match text {
        Some(text) => write_string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Makes what stands behind `start` the inside of a JSON string. Allocates only when something must be escaped.
pub fn escape_behind(start: usize, out: &mut Vec<u8>) {
    if plain_bytes(&out[start..]) < out.len() - start || !out[start..].is_ascii() {
        let text = out.split_off(start);
        write_escaped(&text, out);
    }
}

fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    if text.is_ascii() {
        return write_valid(text, out);
    }
    for chunk in text.utf8_chunks() {
        write_valid(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(REPLACEMENT.as_bytes());
        }
    }
}

fn write_valid(mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        let (plain, rest) = text.split_at(plain_bytes(text));
        out.extend_from_slice(plain);
        let Some((&special, behind)) = rest.split_first() else { return };
        write_special(special, out);
        text = behind;
    }
}

/// Bytes at the start that stand for themselves.
fn plain_bytes(text: &[u8]) -> usize {
    let plain = |block: &&[u8]| !block.iter().fold(false, |any, &byte| any | is_special(byte));
    let blocks = text.chunks_exact(BLOCK).take_while(plain).count() * BLOCK;
    blocks + text[blocks..].iter().take_while(|&&byte| !is_special(byte)).count()
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// RFC 8259 section 7.
fn write_special(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &[u8], want: &str) {
        let mut out = b"x".to_vec();
        write_string(text, &mut out);
        assert_eq!(String::from_utf8(out).expect("UTF-8"), format!("x\"{want}\""));
    }

    #[test]
    fn strings() {
        check(b"", "");
        check(b"plain", "plain");
        check(b"\"\\\n\r\t\0\x1f", "\\\"\\\\\\n\\r\\t\\u0000\\u001f");
        check("é€😀".as_bytes(), "é€😀");
        check(b"a\xffb\xe2\x82c", "a\u{fffd}b\u{fffd}c");
        check(&[b'a'; 100], &"a".repeat(100));
    }

    proptest! {
        #[test]
        fn a_reader_gets_the_text_back(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut written = Vec::new();
            write_string(&text, &mut written);
            let read: String = serde_json::from_slice(&written).expect("JSON");
            prop_assert_eq!(&read, &*String::from_utf8_lossy(&text));
            let mut behind = b"\"".to_vec();
            behind.extend_from_slice(&text);
            escape_behind(1, &mut behind);
            behind.push(b'"');
            prop_assert_eq!(behind, written);
        }
    }
}

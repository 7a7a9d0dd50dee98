//! The sloppy JSON that a MOCK integration accepts.
//!
//! AWS reads the request template's output leniently: unquoted names and values, single quotes, trailing and double
//! commas pass; a quoted status, mismatched quotes and missing braces do not (recordings, facts 79 to 81).

/// Nesting that is still read; deeper input has no status.
const DEPTH_MAX: usize = 64;

/// The integer `statusCode` of a JSON-like object, if it has one.
pub fn status_code(text: &[u8]) -> Option<i64> {
    let mut reader = Reader { text, at: 0 };
    let status = reader.object(0)?;
    reader.blank();
    (reader.at == text.len()).then_some(status)?
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// Reads `{ … }`; the inner option is the object's integer `statusCode`.
    fn object(&mut self, depth: usize) -> Option<Option<i64>> {
        self.expect(b'{')?;
        let mut status = None;
        loop {
            self.commas();
            if self.take(b'}') {
                return Some(status);
            }
            let name = self.name()?;
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            if name == b"statusCode" {
                status = value;
            }
            self.separator(b'}')?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.expect(b'[')?;
        loop {
            self.commas();
            if self.take(b']') {
                return Some(());
            }
            self.value(depth + 1)?;
            self.separator(b']')?;
        }
    }

    /// Any value; the inner option is its number if it is an integer.
    fn value(&mut self, depth: usize) -> Option<Option<i64>> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.blank();
        match self.text.get(self.at)? {
            b'{' => self.object(depth).map(|_| None),
            b'[' => self.array(depth).map(|()| None),
            b'"' | b'\'' => self.quoted().map(|_| None),
            _ => self.bare().map(integer),
        }
    }

    fn name(&mut self) -> Option<Vec<u8>> {
        self.blank();
        match self.text.get(self.at)? {
            b'"' | b'\'' => self.quoted(),
            _ => self.bare().map(<[u8]>::to_vec),
        }
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let quote = self.text[self.at];
        self.at += 1;
        let mut content = Vec::new();
        loop {
            match *self.text.get(self.at)? {
                b'\\' => {
                    content.push(*self.text.get(self.at + 1)?);
                    self.at += 2;
                }
                byte => {
                    self.at += 1;
                    if byte == quote {
                        return Some(content);
                    }
                    content.push(byte);
                }
            }
        }
    }

    fn bare(&mut self) -> Option<&[u8]> {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| b":,{}[]\"'".contains(byte)).unwrap_or(rest.len());
        let word = rest[..end].trim_ascii();
        self.at += end;
        (!word.is_empty()).then_some(word)
    }

    /// A comma, or the closing byte (left in place).
    fn separator(&mut self, close: u8) -> Option<()> {
        self.blank();
        let next = *self.text.get(self.at)?;
        (next == b',' || next == close).then_some(())
    }

    fn commas(&mut self) {
        while self.take(b',') {}
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn take(&mut self, byte: u8) -> bool {
        self.blank();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}

fn integer(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<i64>) {
        assert_eq!(status_code(text.as_bytes()), want, "{text}");
    }

    #[test]
    fn what_aws_accepts() {
        check(r#"{"statusCode": 200}"#, Some(200));
        check(r#"{ statusCode: 200 }"#, Some(200));
        check(r#"{'statusCode': 201}"#, Some(201));
        check("{\n  \"statusCode\": 200,\n}\n", Some(200));
        check(r#"{"statusCode": 200 ,, }"#, Some(200));
        check(r#"{statusCode: 200, "": ""}"#, Some(200));
        check(r#"{"statusCode": -1000}"#, Some(-1000));
        check(r#"{"a": {"statusCode": 1}, "b": [1, {x: y}], statusCode: 404}"#, Some(404));
        check(r#"{"statusCode": 200, message: some text}"#, Some(200));
    }

    #[test]
    fn what_aws_refuses() {
        check(r#"{"statusCode": "200"}"#, None);
        check(r#"{"statusCode': 200}"#, None);
        check(r#""statusCode": 200"#, None);
        check(r#"{"statusCode": 200"#, None);
        check(r#"statusCode: 200}"#, None);
        check(r#"{"statusCode": 200} x"#, None);
        check(r#"{"statusCode": 200.5}"#, None);
        check(r#"{"status": 200}"#, None);
        check("", None);
        check(&"[".repeat(10_000), None);
        check(&format!("{{a:{}", "[".repeat(10_000)), None);
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        proptest::proptest!(|(bytes: Vec<u8>)| { let _ = status_code(&bytes); });
        proptest::proptest!(|(text in "[{}\\[\\]:,'\"\\\\ a1]*")| { let _ = status_code(text.as_bytes()); });
    }
}

//! HTTP/1.1 messages, read strictly: whatever the gateway writes must be exactly right.

use std::fmt;

/// Names and values, in the order received.
pub(crate) type Fields = Vec<(String, String)>;

/// A message as it was received.
#[derive(Clone, Default)]
pub(crate) struct Message {
    /// Start line, fields and the empty line, as received.
    pub(crate) head: Vec<u8>,
    /// The start line without its end.
    pub(crate) start: String,
    /// Names as spelt, values; bytes outside of ASCII as the characters of the same number.
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
    /// Those of a chunked body.
    pub(crate) trailers: Fields,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Silent,
    Length(usize),
    Chunked,
}

impl Message {
    /// Reads a head. Panics at the slightest irregularity.
    #[track_caller]
    pub(crate) fn of_head(head: Vec<u8>) -> Self {
        let text: String = head.iter().copied().map(char::from).collect();
        let mut lines = text.strip_suffix("\r\n\r\n").expect("ends with an empty line").split("\r\n");
        let start = lines.next().expect("a start line").to_owned();
        let fields: Fields = lines.map(read_field).collect();
        assert!(!start.contains(['\r', '\n']), "{start:?}");
        Self { head, start, fields, ..Self::default() }
    }

    /// The values of all fields of this name.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// The value of a field that stands at most once.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let first = named.next();
        assert_eq!(named.next(), None, "{name} is repeated: {self:?}");
        first.map(|(_, value)| value.as_str())
    }

    /// A request may have further codings below `chunked`, which the gateway passes on.
    #[track_caller]
    pub(crate) fn framing(&self) -> Framing {
        match (self.field("content-length"), self.field("transfer-encoding")) {
            (None, None) => Framing::Silent,
            (Some(length), None) => {
                assert!(length.bytes().all(|byte| byte.is_ascii_digit()), "{self:?}");
                Framing::Length(length.parse().unwrap_or_else(|_| panic!("{self:?}")))
            }
            (None, Some("chunked")) => Framing::Chunked,
            (None, Some(codings)) if codings.ends_with(", chunked") && !self.start.starts_with("HTTP/") => {
                Framing::Chunked
            }
            (_, Some(_)) => panic!("bad framing: {self:?}"),
        }
    }

    /// All field names, as spelt, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_by_key(|name| name.to_ascii_lowercase());
        names
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The trailers as lines.
    pub(crate) fn trailer_lines(&self) -> Vec<String> {
        self.trailers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    /// The status of a response.
    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        let rest = self.start.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("{self:?}"));
        let (code, _reason) =
            rest.split_once(' ').unwrap_or_else(|| panic!("no space behind the status: {self:?}"));
        assert!(code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()), "{self:?}");
        code.parse().expect("digits")
    }

    /// The method of a request.
    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// The target of a request.
    pub(crate) fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }
}

#[track_caller]
pub(super) fn read_field(line: &str) -> (String, String) {
    let (name, rest) = line.split_once(':').unwrap_or_else(|| panic!("no colon: {line:?}"));
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no space behind the colon: {line:?}"));
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    assert!(!name.is_empty() && name.bytes().all(in_name), "field name: {line:?}");
    assert!(!value.chars().any(|c| c.is_ascii_control() && c != '\t'), "field value: {line:?}");
    (name.to_owned(), value.to_owned())
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.body[..self.body.len().min(300)];
        write!(f, "{}{} ({} bytes)", self.head.escape_ascii(), shown.escape_ascii(), self.body.len())
    }
}

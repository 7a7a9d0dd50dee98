//! The field names that mean something to Tidegate or have a row in AWS's header tables.

/// A field name, classified once when the head is parsed; a small number from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each variant is the field of that name")]
pub enum KnownField {
    Accept,
    AcceptCharset,
    AcceptEncoding,
    Age,
    Authorization,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentMd5,
    ContentType,
    Date,
    Expect,
    Host,
    KeepAlive,
    MaxForwards,
    Pragma,
    ProxyAuthenticate,
    ProxyConnection,
    Range,
    Referer,
    Server,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Via,
    Warn,
    WwwAuthenticate,
    XAmznRequestId,
    XAmznTraceId,
    XAmznApigatewayApiId,
    XAmzApigwId,
    XApigwApiId,
    XApiKey,
    XForwardedFor,
    XForwardedPort,
    XForwardedProto,
    XHttpMethodOverride,
    /// Any other name.
    Other,
}

impl KnownField {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::Other as usize + 1] = [
        Self::Accept,
        Self::AcceptCharset,
        Self::AcceptEncoding,
        Self::Age,
        Self::Authorization,
        Self::Connection,
        Self::ContentEncoding,
        Self::ContentLength,
        Self::ContentMd5,
        Self::ContentType,
        Self::Date,
        Self::Expect,
        Self::Host,
        Self::KeepAlive,
        Self::MaxForwards,
        Self::Pragma,
        Self::ProxyAuthenticate,
        Self::ProxyConnection,
        Self::Range,
        Self::Referer,
        Self::Server,
        Self::Te,
        Self::Trailer,
        Self::TransferEncoding,
        Self::Upgrade,
        Self::UserAgent,
        Self::Via,
        Self::Warn,
        Self::WwwAuthenticate,
        Self::XAmznRequestId,
        Self::XAmznTraceId,
        Self::XAmznApigatewayApiId,
        Self::XAmzApigwId,
        Self::XApigwApiId,
        Self::XApiKey,
        Self::XForwardedFor,
        Self::XForwardedPort,
        Self::XForwardedProto,
        Self::XHttpMethodOverride,
        Self::Other,
    ];

    /// Classifies a field name, ignoring ASCII case (RFC 9110 section 5.1).
    pub fn of(name: &[u8]) -> Self {
        let known = Self::only_candidate(name);
        if equal_ignoring_case(name, known.name().as_bytes()) { known } else { Self::Other }
    }

    /// The one known field that `name` can be, judged by its length and first letter: a comparison with one name
    /// instead of one with each.
    fn only_candidate(name: &[u8]) -> Self {
        let Some(&first) = name.first() else { return Self::Other };
        match (name.len(), first | 0x20) {
            (2, b't') => Self::Te,
            (3, b'a') => Self::Age,
            (3, b'v') => Self::Via,
            (4, b'd') => Self::Date,
            (4, b'h') => Self::Host,
            (4, b'w') => Self::Warn,
            (5, b'r') => Self::Range,
            (6, b'a') => Self::Accept,
            (6, b'e') => Self::Expect,
            (6, b'p') => Self::Pragma,
            (6, b's') => Self::Server,
            (7, b'r') => Self::Referer,
            (7, b't') => Self::Trailer,
            (7, b'u') => Self::Upgrade,
            (9, b'x') => Self::XApiKey,
            (10, b'c') => Self::Connection,
            (10, b'k') => Self::KeepAlive,
            (10, b'u') => Self::UserAgent,
            (11, b'c') => Self::ContentMd5,
            (12, b'c') => Self::ContentType,
            (12, b'm') => Self::MaxForwards,
            (13, b'a') => Self::Authorization,
            (14, b'a') => Self::AcceptCharset,
            (14, b'c') => Self::ContentLength,
            (14, b'x') if name[3] | 0x20 == b'm' => Self::XAmzApigwId,
            (14, b'x') => Self::XApigwApiId,
            (15, b'a') => Self::AcceptEncoding,
            (15, b'x') if name[2] | 0x20 == b'a' => Self::XAmznTraceId,
            (15, b'x') => Self::XForwardedFor,
            (16, b'c') => Self::ContentEncoding,
            (16, b'p') => Self::ProxyConnection,
            (16, b'w') => Self::WwwAuthenticate,
            (16, b'x') if name[2] | 0x20 == b'a' => Self::XAmznRequestId,
            (16, b'x') => Self::XForwardedPort,
            (17, b't') => Self::TransferEncoding,
            (17, b'x') => Self::XForwardedProto,
            (18, b'p') => Self::ProxyAuthenticate,
            (22, b'x') => Self::XHttpMethodOverride,
            (24, b'x') => Self::XAmznApigatewayApiId,
            _ => Self::Other,
        }
    }

    /// The name in lower case; empty for [`Other`](Self::Other).
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AcceptCharset => "accept-charset",
            Self::AcceptEncoding => "accept-encoding",
            Self::Age => "age",
            Self::Authorization => "authorization",
            Self::Connection => "connection",
            Self::ContentEncoding => "content-encoding",
            Self::ContentLength => "content-length",
            Self::ContentMd5 => "content-md5",
            Self::ContentType => "content-type",
            Self::Date => "date",
            Self::Expect => "expect",
            Self::Host => "host",
            Self::KeepAlive => "keep-alive",
            Self::MaxForwards => "max-forwards",
            Self::Pragma => "pragma",
            Self::ProxyAuthenticate => "proxy-authenticate",
            Self::ProxyConnection => "proxy-connection",
            Self::Range => "range",
            Self::Referer => "referer",
            Self::Server => "server",
            Self::Te => "te",
            Self::Trailer => "trailer",
            Self::TransferEncoding => "transfer-encoding",
            Self::Upgrade => "upgrade",
            Self::UserAgent => "user-agent",
            Self::Via => "via",
            Self::Warn => "warn",
            Self::WwwAuthenticate => "www-authenticate",
            Self::XAmznRequestId => "x-amzn-requestid",
            Self::XAmznTraceId => "x-amzn-trace-id",
            Self::XAmznApigatewayApiId => "x-amzn-apigateway-api-id",
            Self::XAmzApigwId => "x-amz-apigw-id",
            Self::XApigwApiId => "x-apigw-api-id",
            Self::XApiKey => "x-api-key",
            Self::XForwardedFor => "x-forwarded-for",
            Self::XForwardedPort => "x-forwarded-port",
            Self::XForwardedProto => "x-forwarded-proto",
            Self::XHttpMethodOverride => "x-http-method-override",
            Self::Other => "",
        }
    }

    /// Its bit in a set of fields; see [`KnownFields`].
    pub const fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// A set of known fields in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownFields(u64);

impl KnownFields {
    /// The set of these fields.
    pub const fn of(fields: &[KnownField]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < fields.len() {
            bits |= fields[index].bit();
            index += 1;
        }
        Self(bits)
    }

    /// The fields of both sets.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when the set has `field`.
    pub const fn contains(self, field: KnownField) -> bool {
        self.0 & field.bit() != 0
    }

    /// Adds `field`; false when the set had it already.
    pub fn insert(&mut self, field: KnownField) -> bool {
        let is_new = !self.contains(field);
        self.0 |= field.bit();
        is_new
    }
}

/// True when `name` is `lowercase` up to ASCII case. `lowercase` holds small letters, digits and hyphens only.
fn equal_ignoring_case(name: &[u8], lowercase: &[u8]) -> bool {
    if name.len() != lowercase.len() {
        return false;
    }
    match (name.first_chunk::<8>(), lowercase.first_chunk::<8>()) {
        (Some(_), Some(_)) => equal_by_words(name, lowercase),
        _ => name.eq_ignore_ascii_case(lowercase),
    }
}

/// Eight bytes at a time, the last eight overlapping the ones before; both have the same length of at least 8.
fn equal_by_words(name: &[u8], lowercase: &[u8]) -> bool {
    let last = name.len() - 8;
    let mut at = 0;
    while at < last {
        if !words_equal(word_at(name, at), word_at(lowercase, at)) {
            return false;
        }
        at += 8;
    }
    words_equal(word_at(name, last), word_at(lowercase, last))
}

fn word_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// Small letters have bit 0x40, digits and the hyphen do not: shifted right, that bit masks the one that makes a
/// letter small, in letters only.
fn words_equal(name: u64, lowercase: u64) -> bool {
    let case = (lowercase >> 1) & 0x2020_2020_2020_2020;
    (name ^ lowercase) & !case == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for (index, known) in KnownField::ALL.into_iter().enumerate() {
            assert_eq!(known as usize, index);
            assert!(index < 64, "a set is one word");
            if known == KnownField::Other {
                continue;
            }
            assert_eq!(KnownField::of(known.name().as_bytes()), known);
            assert_eq!(KnownField::of(known.name().to_ascii_uppercase().as_bytes()), known);
        }
    }

    #[test]
    fn every_changed_byte_makes_it_another_name() {
        for known in KnownField::ALL {
            for at in 0..known.name().len() {
                for byte in 0..=255_u8 {
                    let mut name = known.name().as_bytes().to_vec();
                    name[at] = byte;
                    let want = KnownField::ALL
                        .into_iter()
                        .find(|other| name.eq_ignore_ascii_case(other.name().as_bytes()))
                        .unwrap_or(KnownField::Other);
                    assert_eq!(KnownField::of(&name), want, "{}", name.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn other_names() {
        for name in ["", "x", "hos", "hosts", "cookie", "x-amzn-", "content-lengthx", "transfer_encoding"] {
            assert_eq!(KnownField::of(name.as_bytes()), KnownField::Other, "{name}");
        }
    }

    #[test]
    fn sets() {
        let mut set = KnownFields::of(&[KnownField::Host, KnownField::Other]);
        assert!(set.contains(KnownField::Host) && set.contains(KnownField::Other));
        assert!(!set.contains(KnownField::Accept));
        assert!(set.insert(KnownField::Accept));
        assert!(!set.insert(KnownField::Accept));
    }
}

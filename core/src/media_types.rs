//! `binaryMediaTypes`: which payloads count as binary.

/// The binary media types of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BinaryMediaTypes(Vec<Box<str>>);

impl BinaryMediaTypes {
    /// From `type/subtype`, `type/*` and `*/*`.
    pub fn new(types: Vec<Box<str>>) -> Self {
        Self(types)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the first media type of a field value is binary. Parameters do not count. AWS, as recorded: `*/test`
    /// never matches, and neither does a range such as `image/*` match `image/png`; only `*/*` and `type/*` stand for
    /// more than themselves (facts 133 to 135).
    pub fn matches(&self, value: Option<&[u8]>) -> bool {
        let sent = value.map_or(b"".as_slice(), media_type);
        self.0.iter().any(|entry| {
            let entry = entry.as_bytes();
            match entry.strip_suffix(b"/*") {
                Some(b"*") => true,
                Some(kind) => {
                    sent.split(|&byte| byte == b'/').next().unwrap_or_default().eq_ignore_ascii_case(kind)
                }
                None => !entry.starts_with(b"*") && entry.eq_ignore_ascii_case(sent),
            }
        })
    }
}

/// The first media type of a field value, without parameters.
pub fn media_type(value: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b';', b',', value).unwrap_or(value.len());
    value[..end].trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entries: &[&str], value: Option<&str>, want: bool) {
        let types = BinaryMediaTypes::new(entries.iter().map(|&entry| entry.into()).collect());
        assert_eq!(types.matches(value.map(str::as_bytes)), want, "{entries:?} {value:?}");
    }

    /// Facts 133 to 135.
    #[test]
    fn recorded() {
        let entries = ["image/png", "*/test"];
        check(&entries, Some("image/png"), true);
        check(&entries, Some("image/png,image/*,*/*;q=0.8"), true);
        check(&entries, Some("IMAGE/PNG; q=1"), true);
        check(&entries, Some("image/jpg"), false);
        check(&entries, Some("image/*"), false);
        check(&entries, Some("*/*"), false);
        check(&entries, None, false);
        check(&entries, Some("image/webp,image/png,*/*;q=0.8"), false);
        check(&entries, Some("some/test"), false);
        check(&["application/*"], Some("application/whatever"), true);
        check(&["application/*"], Some("application/*"), true);
        check(&["application/*"], Some("applications/x"), false);
        check(&["*/*"], Some("text/plain"), true);
        check(&["*/*"], None, true);
        check(&[], Some("image/png"), false);
    }
}

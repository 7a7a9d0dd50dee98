//! `Cache-Control`, as requests and answers say it (RFC 9111 section 5.2).

/// The directives of a message that mean something here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    pub(super) no_store: bool,
    /// Also `no-cache="field"`: a cache may take that for the plain one.
    pub(super) no_cache: bool,
    /// Also `private="field"`.
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age_s: Option<u64>,
    pub(super) s_maxage_s: Option<u64>,
    pub(super) min_fresh_s: Option<u64>,
    /// Without a value any staleness will do.
    pub(super) max_stale_s: Option<u64>,
    /// RFC 5861 section 4.
    pub(super) stale_if_error_s: Option<u64>,
}

/// Larger numbers of seconds are this one (RFC 9111 section 1.2.2).
const SECONDS_MAX: u64 = 1 << 31;

impl Directives {
    /// Reads all fields of a message. Of a directive that is there twice the first one counts, and an answer whose lifetime
    /// is no number has none (RFC 9111 section 4.2.1).
    pub(super) fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut said = Self::default();
        for value in values {
            let mut rest = value;
            while let Some((name, argument)) = next(&mut rest) {
                said.note(name, argument);
            }
        }
        said
    }

    fn note(&mut self, name: &[u8], argument: Option<&[u8]>) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        let seconds = argument.and_then(seconds);
        match () {
            () if is("no-store") => self.no_store = true,
            () if is("no-cache") => self.no_cache = true,
            () if is("private") => self.private = true,
            () if is("public") => self.public = true,
            () if is("must-revalidate") => self.must_revalidate = true,
            () if is("proxy-revalidate") => self.proxy_revalidate = true,
            () if is("must-understand") => self.must_understand = true,
            () if is("only-if-cached") => self.only_if_cached = true,
            () if is("max-age") => note_first(&mut self.max_age_s, Some(seconds.unwrap_or(0))),
            () if is("s-maxage") => note_first(&mut self.s_maxage_s, Some(seconds.unwrap_or(0))),
            () if is("min-fresh") => note_first(&mut self.min_fresh_s, seconds),
            () if is("max-stale") && argument.is_none() => {
                note_first(&mut self.max_stale_s, Some(SECONDS_MAX));
            }
            () if is("max-stale") => note_first(&mut self.max_stale_s, seconds),
            () if is("stale-if-error") => note_first(&mut self.stale_if_error_s, seconds),
            () => {}
        }
    }
}

fn note_first(known: &mut Option<u64>, seconds: Option<u64>) {
    *known = known.or(seconds);
}

/// Digits and nothing else.
pub(super) fn seconds(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: u64, digit: &u8| (sum * 10 + u64::from(digit - b'0')).min(SECONDS_MAX);
    Some(text.iter().fold(0, add))
}

/// Takes the next directive off a list: its name, and its argument without quotes.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let start = rest.iter().position(|byte| !matches!(byte, b',' | b' ' | b'\t'))?;
    let text = &rest[start..];
    let name_end = text.iter().position(|byte| matches!(byte, b',' | b'=')).unwrap_or(text.len());
    let name = text[..name_end].trim_ascii();
    let Some(argument) = text[name_end..].strip_prefix(b"=") else {
        *rest = &text[name_end..];
        return Some((name, None));
    };
    let (argument, behind) = match argument.strip_prefix(b"\"") {
        Some(quoted) => split_quoted(quoted),
        None => {
            let end = memchr::memchr(b',', argument).unwrap_or(argument.len());
            (argument[..end].trim_ascii_end(), &argument[end..])
        }
    };
    *rest = behind;
    Some((name, Some(argument)))
}

/// What is quoted, and what stands behind it up to the next comma is nothing. Nothing that we read has escapes in it.
fn split_quoted(text: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    let end = at.min(text.len());
    let behind = memchr::memchr(b',', &text[end..]).map_or(text.len(), |comma| end + comma);
    (&text[..end], &text[behind..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], want: Directives) {
        assert_eq!(Directives::read(values.iter().map(|value| value.as_bytes())), want, "{values:?}");
    }

    const NONE: Directives = Directives {
        no_store: false,
        no_cache: false,
        private: false,
        public: false,
        must_revalidate: false,
        proxy_revalidate: false,
        must_understand: false,
        only_if_cached: false,
        max_age_s: None,
        s_maxage_s: None,
        min_fresh_s: None,
        max_stale_s: None,
        stale_if_error_s: None,
    };

    #[test]
    fn words() {
        check(&[""], NONE);
        check(&["no-store"], Directives { no_store: true, ..NONE });
        check(&["foo, No-StOrE ,bar"], Directives { no_store: true, ..NONE });
        check(&["no-cache=\"a, private\""], Directives { no_cache: true, ..NONE });
        check(&["private=\"a\"", "public"], Directives { private: true, public: true, ..NONE });
        check(
            &["must-revalidate,proxy-revalidate,must-understand,only-if-cached"],
            Directives {
                must_revalidate: true,
                proxy_revalidate: true,
                must_understand: true,
                only_if_cached: true,
                ..NONE
            },
        );
        check(&["no-stored, xno-store, no-store2"], NONE);
    }

    #[test]
    fn numbers() {
        let age = |seconds| Directives { max_age_s: Some(seconds), ..NONE };
        check(&["max-age=3600"], age(3600));
        check(&["max-age=\"3600\""], age(3600));
        check(&["MAX-AGE=003600"], age(3600));
        check(&["max-age=1, max-age=2"], age(1));
        check(&["max-age=1", "max-age=2"], age(1));
        check(&["max-age=99999999999999999999999999"], age(SECONDS_MAX));
        for text in
            ["max-age", "max-age=", "max-age='1'", "max-age=-1", "max-age=1.5", "max-age=1 2", "max-age = 1"]
        {
            check(&[text], age(0));
        }
        check(&["extension=\"max-age=3600\", max-age=1"], age(1));
        check(&["extension=\"a\\\", max-age=3600\", max-age=1"], age(1));
        check(&["extension=\"max-age=3600"], NONE);
        check(&["s-maxage=1"], Directives { s_maxage_s: Some(1), ..NONE });
        check(&["max-stale"], Directives { max_stale_s: Some(SECONDS_MAX), ..NONE });
        check(&["max-stale=5"], Directives { max_stale_s: Some(5), ..NONE });
        check(&["min-fresh=x, max-stale=x, stale-if-error=x"], NONE);
        check(&["stale-if-error=60"], Directives { stale_if_error_s: Some(60), ..NONE });
    }
}

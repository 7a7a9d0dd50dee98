//! What a request asks of the cache.

use super::directives::Directives;
use super::settings::MethodCache;
use super::stored::Stored;
use crate::http1::RequestHead;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Only an answer that is asked for now will do.
    pub(crate) fresh: bool,
    /// What it is answered is not kept.
    pub(crate) no_store: bool,
    /// The integration is not to be called.
    pub(crate) only_if_cached: bool,
    older_ms_max: Option<u64>,
    fresh_ms_min: Option<u64>,
    stale_ms_max: u64,
    /// How stale an answer may be when the integration fails.
    pub(crate) stale_if_error_ms: Option<u64>,
}

impl Demand {
    /// Reads a request. AWS: `max-age=0` asks for a fresh answer, and of no other directive is said that it has an effect; the
    /// others count where the origin's do (RFC 9111 section 5.2.1, RFC 5861 section 4).
    pub(crate) fn read(request: &RequestHead, method: &MethodCache) -> Self {
        let mut values = request.find(b"cache-control").peekable();
        if values.peek().is_none() {
            // RFC 9111 section 5.4.
            let fresh =
                method.extras.heeds_origin() && request.find(b"pragma").any(|value| value == b"no-cache");
            return Self { fresh, ..Self::default() };
        }
        if !method.extras.heeds_origin() {
            return Self { fresh: values.any(asks_for_fresh), ..Self::default() };
        }
        let asked = Directives::read(values);
        let milliseconds = |seconds: Option<u64>| seconds.map(|seconds| seconds * 1_000);
        Self {
            fresh: asked.no_cache || asked.max_age_s == Some(0),
            no_store: asked.no_store,
            only_if_cached: asked.only_if_cached,
            older_ms_max: milliseconds(asked.max_age_s),
            fresh_ms_min: milliseconds(asked.min_fresh_s),
            stale_ms_max: milliseconds(asked.max_stale_s).unwrap_or(0),
            stale_if_error_ms: milliseconds(asked.stale_if_error_s),
        }
    }

    /// Whether it asks for more than whatever is there: only who may have answers replaced may.
    pub(crate) fn is_strict(&self) -> bool {
        self.fresh || self.older_ms_max.is_some() || self.fresh_ms_min.is_some()
    }

    /// Without what only some may ask for.
    pub(crate) fn lenient(self) -> Self {
        Self { fresh: false, older_ms_max: None, fresh_ms_min: None, ..self }
    }

    /// Whether a kept answer will do now.
    pub(super) fn is_met_by(&self, stored: &Stored, now_ns: u64) -> bool {
        let is_fresh = match self.fresh_ms_min {
            None => stored.stale_ms(now_ns) <= self.stale_ms_max,
            Some(least) => stored.fresh_ms(now_ns) >= least && stored.stale_ms(now_ns) == 0,
        };
        is_fresh && self.older_ms_max.is_none_or(|most| stored.age_ms(now_ns) <= most)
    }
}

fn asks_for_fresh(value: &[u8]) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"max-age=0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::settings::{Extras, Freshness};
    use crate::http1::HeadLimits;

    fn demand(fields: &str, freshness: Freshness) -> Demand {
        let mut head = RequestHead::new();
        head.buffer_mut().extend_from_slice(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes());
        assert!(head.parse(&HeadLimits::default()).expect("a head").is_some());
        let extras = Extras { freshness, ..Extras::default() };
        Demand::read(&head, &MethodCache { extras, ..MethodCache::default() })
    }

    #[track_caller]
    fn check(fields: &str, as_aws: bool, by_rfc: bool) {
        assert_eq!(demand(fields, Freshness::Ttl).fresh, as_aws, "{fields}");
        assert_eq!(demand(fields, Freshness::Origin).fresh, by_rfc, "{fields}");
    }

    #[test]
    fn a_fresh_answer() {
        check("", false, false);
        check("Cache-Control: max-age=0\r\n", true, true);
        check("cache-control: no-store , Max-Age=0\r\n", true, true);
        check("Cache-Control: no-store\r\nCache-Control: max-age=0\r\n", true, true);
        check("Cache-Control: max-age=00\r\n", false, true);
        check("Cache-Control: max-age=10\r\n", false, false);
        check("Cache-Control: max-age = 0\r\n", false, true);
        check("Cache-Control: s-max-age=0\r\n", false, false);
        check("Cache-Control: no-cache\r\n", false, true);
        check("Pragma: no-cache\r\n", false, true);
        check("Pragma: no-cache\r\nCache-Control: a\r\n", false, false);
    }

    #[test]
    fn what_aws_does_not_read() {
        let all = "Cache-Control: max-age=5, min-fresh=6, max-stale=7, no-store, only-if-cached, stale-if-error=8\r\n";
        assert_eq!(demand(all, Freshness::Ttl), Demand::default());
        let want = Demand {
            fresh: false,
            no_store: true,
            only_if_cached: true,
            older_ms_max: Some(5_000),
            fresh_ms_min: Some(6_000),
            stale_ms_max: 7_000,
            stale_if_error_ms: Some(8_000),
        };
        assert_eq!(demand(all, Freshness::Origin), want);
    }
}

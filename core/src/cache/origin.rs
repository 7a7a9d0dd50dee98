//! What an origin says of its answer to caches: how long it is good, and for which requests (RFC 9111 sections 3 and 4).

use super::directives::{Directives, seconds};
use super::settings::{Freshness, MethodCache};
use super::stored::{Draft, Term};
use crate::clock::Now;
use crate::http_date;
use crate::http1::ResponseHead;

/// The fields that an origin has written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Words<'a> {
    /// Those of a backend.
    Head(&'a ResponseHead),
    /// Those of the answer that the client gets, where no backend wrote any.
    Answer(Draft<'a>),
}

impl<'a> Words<'a> {
    /// The values of all fields of this name, which is in small letters.
    pub(crate) fn values(&self, name: &'static [u8]) -> Vec<&'a [u8]> {
        match self {
            Self::Head(head) => head.find(name).collect(),
            Self::Answer(draft) => draft.values(name),
        }
    }

    fn date_s(&self, name: &'static [u8], now_s: u64) -> Option<u64> {
        http_date::read(self.values(name).first()?, now_s)
    }
}

/// What matters of the request that was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// When the origin was asked.
    pub(crate) at: Now,
    /// Whether it came with `Authorization`.
    pub(crate) is_authorized: bool,
    /// A hash of its path, or 0.
    pub(crate) path: u32,
}

/// How long an answer is good; `None`: it is not to be kept.
pub(crate) fn term(
    method: &MethodCache,
    status: u16,
    words: Words<'_>,
    asked: Asked,
    now: Now,
) -> Option<Term> {
    let extras = &method.extras;
    let made_ns = now.monotonic_ns;
    let until = |ms: u64| made_ns + ms * 1_000_000;
    let mut term = Term {
        born_ns: made_ns as i64,
        path: asked.path,
        fresh_until_ns: until(method.ttl_ms),
        kept_until_ns: until(method.ttl_ms),
    };
    if !extras.reads_origin() {
        return Some(term);
    }
    let said = Directives::read(words.values(b"cache-control"));
    let age_ms = initial_age_ms(words, asked.at, now);
    let fresh_ms = match extras.freshness {
        Freshness::Ttl => method.ttl_ms,
        Freshness::Origin | Freshness::Heuristic => {
            if !may_be_kept(said, status, asked.is_authorized) {
                return None;
            }
            let is_heuristic = extras.freshness == Freshness::Heuristic;
            let lifetime_s = lifetime_s(said, words, now)
                .or_else(|| heuristic_s(said, status, words, now).filter(|_| is_heuristic));
            (lifetime_s.unwrap_or(0) * 1_000).saturating_sub(age_ms).min(method.ttl_ms)
        }
    };
    let stale_ms = if status < 500 { stale_ms(extras.stale_ms, said) } else { 0 };
    let kept_ms = fresh_ms + stale_ms;
    term.born_ns -= (age_ms * 1_000_000) as i64;
    (term.fresh_until_ns, term.kept_until_ns) = (until(fresh_ms), until(kept_ms));
    (kept_ms > 0).then_some(term)
}

/// RFC 9111 section 4.2.3. Of a list the first member counts, and what is no number is not there (section 5.1).
fn initial_age_ms(words: Words<'_>, asked: Now, now: Now) -> u64 {
    let now_s = now.unix_ms / 1_000;
    let apparent_s = words.date_s(b"date", now_s).map_or(0, |date_s| now_s.saturating_sub(date_s));
    let said = words.values(b"age");
    let first = said.first().and_then(|value| value.split(|&byte| byte == b',').next());
    let said_s = first.and_then(|age| seconds(age.trim_ascii())).unwrap_or(0);
    (apparent_s * 1_000).max(said_s * 1_000 + now.since_ms(asked))
}

/// RFC 9111 section 3, for a shared cache that does not validate.
fn may_be_kept(said: Directives, status: u16, is_authorized: bool) -> bool {
    let is_understood = matches!(status, 200..=204 | 300..=303 | 307 | 308 | 400..=411 | 413..=415 | 417 | 421 | 422
        | 426 | 428 | 429 | 431 | 451 | 500..=505 | 511);
    let forbids = if said.must_understand { !is_understood } else { said.no_store };
    let is_for_all = said.public || said.must_revalidate || said.s_maxage_s.is_some();
    !forbids && !said.no_cache && !said.private && (!is_authorized || is_for_all)
}

/// RFC 9111 section 4.2.1.
fn lifetime_s(said: Directives, words: Words<'_>, now: Now) -> Option<u64> {
    said.s_maxage_s.or(said.max_age_s).or_else(|| {
        let now_s = now.unix_ms / 1_000;
        let expires = *words.values(b"expires").first()?;
        let date_s = words.date_s(b"date", now_s).unwrap_or(now_s);
        Some(http_date::read(expires, now_s).map_or(0, |expires_s| expires_s.saturating_sub(date_s)))
    })
}

/// RFC 9111 section 4.2.2: a tenth of how long it has not changed.
fn heuristic_s(said: Directives, status: u16, words: Words<'_>, now: Now) -> Option<u64> {
    // RFC 9110 section 15.1.
    let by_status = matches!(status, 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501);
    let now_s = now.unix_ms / 1_000;
    let date_s = words.date_s(b"date", now_s).unwrap_or(now_s);
    let modified_s = words.date_s(b"last-modified", now_s).filter(|_| by_status || said.public)?;
    Some(date_s.saturating_sub(modified_s) / 10)
}

/// RFC 9111 section 4.2.4: not where the origin forbids it. RFC 5861 section 4: no longer than it says.
fn stale_ms(allowed_ms: u64, said: Directives) -> u64 {
    let forbids = said.must_revalidate || said.proxy_revalidate || said.no_cache || said.s_maxage_s.is_some();
    match said.stale_if_error_s {
        _ if forbids => 0,
        Some(said_s) => allowed_ms.min(said_s * 1_000),
        None => allowed_ms,
    }
}

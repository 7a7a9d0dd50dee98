//! `cache = { size = "64 MiB", ttl = 300 }` of a stage, and `cache = { ttl = 60 }` of a method.

use tidegate_core::cache::{Callers, Extras, Freshness, Invalidation, Unauthorised};
use tidegate_core::limits::{CACHE_BYTES_MIN, CACHE_STALE_S_MAX, CACHE_TTL_S, CACHE_TTL_S_MAX};
use tidegate_core::span::Span;

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// Most bytes of a stage's cache, a PiB.
const BYTES_MAX: u64 = 1 << 50;

/// A stage's cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cache {
    pub(crate) bytes: u64,
    pub(crate) settings: Settings,
}

/// A method's settings, before it is known which methods there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MethodCache {
    /// Where they are written.
    pub(crate) span: Span,
    pub(crate) settings: Settings,
}

/// What may be set; a method has the stage's of what is not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) enabled: Option<bool>,
    ttl_s: Option<u64>,
    requires_authorization: Option<bool>,
    unauthorised: Option<Unauthorised>,
    callers: Option<Callers>,
    conditional: Option<bool>,
    age: Option<bool>,
    vary: Option<bool>,
    freshness: Option<Freshness>,
    stale_s: Option<u64>,
}

const FRESHNESS: [(&str, Freshness); 3] =
    [("OFF", Freshness::Ttl), ("EXPLICIT", Freshness::Origin), ("HEURISTIC", Freshness::Heuristic)];

const STRATEGIES: [(&str, Unauthorised); 3] = [
    ("FAIL_WITH_403", Unauthorised::FailWith403),
    ("SUCCEED_WITH_RESPONSE_HEADER", Unauthorised::SucceedWithResponseHeader),
    ("SUCCEED_WITHOUT_RESPONSE_HEADER", Unauthorised::SucceedWithoutResponseHeader),
];

const CALLERS: [(&str, Callers); 2] = [("APART", Callers::Apart), ("TOGETHER", Callers::Together)];

/// A stage's.
pub(super) fn read(value: Option<&Node>, report: &mut Report) -> Option<Cache> {
    let mut fields = Fields::read(value?, "`cache`", report)?;
    let bytes = fields.required("size", report);
    let settings = read_settings(&mut fields, report);
    fields.finish(report);
    let bytes = scalar::bytes(bytes?, CACHE_BYTES_MIN..=BYTES_MAX, report)?;
    Some(Cache { bytes, settings })
}

/// A method's.
pub(super) fn read_method(entry: Option<&Entry>, report: &mut Report) -> Option<MethodCache> {
    let entry = entry?;
    let mut fields = Fields::read(&entry.value, "`cache`", report)?;
    if let Some(size) = fields.take("size") {
        report.error(size.key_span, "a method has no size: its answers lie in the stage's cache");
    }
    let settings = read_settings(&mut fields, report);
    fields.finish(report);
    Some(MethodCache { span: entry.key_span, settings })
}

/// `data_encrypted` may say what it likes: answers are kept in memory alone, and nothing of them is ever written down.
fn read_settings(fields: &mut Fields<'_>, report: &mut Report) -> Settings {
    if let Some(value) = fields.value("data_encrypted") {
        scalar::boolean(value, report);
    }
    Settings {
        conditional: fields.value("conditional").and_then(|value| scalar::boolean(value, report)),
        age: fields.value("age").and_then(|value| scalar::boolean(value, report)),
        vary: fields.value("vary").and_then(|value| scalar::boolean(value, report)),
        freshness: fields
            .value("origin_freshness")
            .and_then(|value| scalar::variant(value, &FRESHNESS, report)),
        stale_s: fields
            .value("stale_on_error")
            .and_then(|value| scalar::integer(value, 0..=CACHE_STALE_S_MAX, report)),
        enabled: fields.value("enabled").and_then(|value| scalar::boolean(value, report)),
        ttl_s: fields.value("ttl").and_then(|value| scalar::integer(value, 0..=CACHE_TTL_S_MAX, report)),
        requires_authorization: fields
            .value("require_authorization_for_cache_control")
            .and_then(|value| scalar::boolean(value, report)),
        unauthorised: fields
            .value("unauthorized_cache_control_header_strategy")
            .and_then(|value| scalar::variant(value, &STRATEGIES, report)),
        callers: fields.value("callers").and_then(|value| scalar::variant(value, &CALLERS, report)),
    }
}

impl Settings {
    /// These, and of what they do not say, the stage's.
    pub(crate) fn or(self, stage: Self) -> Self {
        Self {
            enabled: self.enabled.or(stage.enabled),
            ttl_s: self.ttl_s.or(stage.ttl_s),
            requires_authorization: self.requires_authorization.or(stage.requires_authorization),
            unauthorised: self.unauthorised.or(stage.unauthorised),
            callers: self.callers.or(stage.callers),
            conditional: self.conditional.or(stage.conditional),
            age: self.age.or(stage.age),
            vary: self.vary.or(stage.vary),
            freshness: self.freshness.or(stage.freshness),
            stale_s: self.stale_s.or(stage.stale_s),
        }
    }

    /// How long answers are good, in milliseconds. AWS: 0 is not at all.
    pub(crate) fn ttl_ms(self) -> u64 {
        self.ttl_s.unwrap_or(CACHE_TTL_S) * 1_000
    }

    pub(crate) fn invalidation(self) -> Invalidation {
        match self.requires_authorization {
            Some(false) => Invalidation::Anybody,
            Some(true) | None => Invalidation::Authorised(self.unauthorised.unwrap_or_default()),
        }
    }

    pub(crate) fn extras(self) -> Extras {
        Extras {
            conditional: self.conditional == Some(true),
            age: self.age == Some(true),
            vary: self.vary == Some(true),
            freshness: self.freshness.unwrap_or_default(),
            stale_ms: self.stale_s.unwrap_or(0) * 1_000,
        }
    }

    pub(crate) fn callers(self) -> Callers {
        self.callers.unwrap_or_default()
    }
}

//! `[limits]`: the settable limits of the request path, each with the range that makes sense.

use std::fmt;
use std::ops::RangeInclusive;

use tidegate_core::limits::{FIELDS_MAX, Limits};

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

pub(super) fn read(section: Option<&Node>, report: &mut Report) -> Limits {
    let mut limits = Limits::default();
    let fields = section.and_then(|section| Fields::read(section, "`limits`", report));
    let Some(fields) = fields else { return limits };
    let mut keys = Keys { fields, report };
    keys.bytes("header_bytes", 1024..=1_048_576, &mut limits.header_bytes_max);
    keys.bytes("target_bytes", 256..=1_048_576, &mut limits.target_bytes_max);
    keys.integer("header_fields", 8..=FIELDS_MAX, &mut limits.fields_max);
    keys.bytes("payload_bytes", 0..=1 << 40, &mut limits.payload_bytes_max);
    keys.integer("head_timeout_ms", 100..=600_000, &mut limits.head_timeout_ms);
    keys.integer("body_timeout_ms", 100..=900_000, &mut limits.body_timeout_ms);
    keys.integer("idle_timeout_ms", 100..=3_600_000, &mut limits.idle_timeout_ms);
    keys.integer("connections", 1..=1_000_000, &mut limits.connections_max);
    keys.integer("upstream_idle", 0..=65_536, &mut limits.upstream_idle_max);
    keys.integer("upstream_idle_timeout_ms", 100..=3_600_000, &mut limits.upstream_idle_timeout_ms);
    keys.integer("connect_timeout_ms", 10..=60_000, &mut limits.connect_timeout_ms);
    keys.integer("drain_timeout_ms", 0..=3_600_000, &mut limits.drain_timeout_ms);
    keys.integer("http2_streams", 1..=10_000, &mut limits.http2_streams_max);
    keys.boolean("rate_limit_fields", &mut limits.rate_limit_fields);
    keys.fields.finish(keys.report);
    limits
}

struct Keys<'a, 'n> {
    fields: Fields<'n>,
    report: &'a mut Report,
}

impl Keys<'_, '_> {
    fn bytes<N>(&mut self, key: &'static str, range: RangeInclusive<N>, limit: &mut N)
    where
        N: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let read = self.fields.value(key).and_then(|value| scalar::bytes(value, range, self.report));
        if let Some(read) = read {
            *limit = read;
        }
    }

    fn boolean(&mut self, key: &'static str, limit: &mut bool) {
        let read = self.fields.value(key).and_then(|value| scalar::boolean(value, self.report));
        *limit = read.unwrap_or(*limit);
    }

    fn integer<N>(&mut self, key: &'static str, range: RangeInclusive<N>, limit: &mut N)
    where
        N: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let read = self.fields.value(key).and_then(|value| scalar::integer(value, range, self.report));
        if let Some(read) = read {
            *limit = read;
        }
    }
}

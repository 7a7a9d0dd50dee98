//! Conditions: one operator, one key, and the values of the policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arn::ArnPattern;
use super::facts::{Facts, Found, Value};
use super::glob::{Glob, GlobError, Variables};
use super::key::Key;
use super::operator::{Comparison, Operator, Order, Quantifier};
use crate::auth::cidr::{Bits, Cidr};

/// A compiled condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    operator: Operator,
    key: Key,
    values: Values,
}

/// The values, as the operator compares them. Any of them may fit.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    Texts(Vec<Glob>),
    TextsIgnoringCase(Vec<Glob>),
    Numbers(Order, Vec<f64>),
    Dates(Order, Vec<f64>),
    Bools(Vec<bool>),
    Bytes(Vec<Box<[u8]>>),
    Ranges(Vec<Cidr>),
    Arns(Vec<ArnPattern>),
    /// Whether the key has to be absent.
    Null(bool),
}

/// Why a value does not fit its operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionError {
    /// No number, date, boolean, base64, address or ARN, whichever the operator wants.
    Value(&'static str),
    /// Its variables.
    Pattern(GlobError),
}

impl std::fmt::Display for ConditionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(wanted) => write!(f, "not {wanted}"),
            Self::Pattern(error) => error.fmt(f),
        }
    }
}

impl Condition {
    /// Compiles a condition. An error names the value by its position.
    pub fn compile(
        operator: Operator,
        key: Key,
        values: &[&str],
        variables: Variables,
    ) -> Result<Self, (usize, ConditionError)> {
        let values = match operator.comparison {
            Comparison::StringEquals => Values::Texts(each(values, |text| plain(text, variables))?),
            Comparison::StringEqualsIgnoreCase => {
                Values::TextsIgnoringCase(each(values, |text| plain(text, variables))?)
            }
            Comparison::StringLike => Values::Texts(each(values, |text| {
                Glob::parse(text, variables).map_err(ConditionError::Pattern)
            })?),
            Comparison::Numeric(order) => Values::Numbers(order, each(values, number)?),
            Comparison::Date(order) => {
                let date = |text: &str| super::date::parse(text).ok_or(ConditionError::Value("a date"));
                Values::Dates(order, each(values, date)?)
            }
            Comparison::Bool => Values::Bools(each(values, bool)?),
            Comparison::Binary => {
                let bytes = |text: &str| STANDARD.decode(text).map_err(|_| ConditionError::Value("base64"));
                Values::Bytes(each(values, |text| Ok(bytes(text)?.into()))?)
            }
            Comparison::IpAddress => {
                let range = |text: &str| {
                    Cidr::parse(text).ok_or(ConditionError::Value("an address or range of addresses"))
                };
                Values::Ranges(each(values, range)?)
            }
            Comparison::Arn => {
                let arn = |text: &str| {
                    let pattern =
                        ArnPattern::parse(text, variables).ok_or(ConditionError::Value("an ARN"))?;
                    pattern.map_err(ConditionError::Pattern)
                };
                Values::Arns(each(values, arn)?)
            }
            Comparison::Null => match each(values, bool)?[..] {
                [absent] => Values::Null(absent),
                _ => return Err((0, ConditionError::Value("one `true` or `false`"))),
            },
        };
        Ok(Self { operator, key, values })
    }

    /// Whether the request is as the condition wants it.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        let found = facts.find(&self.key);
        if let Values::Null(absent) = self.values {
            return (found == Found::Absent) == absent;
        }
        let Operator { negated, if_exists, quantifier, .. } = self.operator;
        match (found, quantifier) {
            (Found::Absent, Quantifier::All) => true,
            (Found::Absent, Quantifier::Any) => if_exists,
            (Found::Absent, Quantifier::None) => if_exists || negated,
            (Found::One(value), _) => self.takes(value, facts),
            (Found::Many(values), quantifier) => {
                let mut each = values.iter().map(|value| self.takes(Value::Text(value.as_bytes()), facts));
                match (quantifier, negated) {
                    (Quantifier::All, _) | (Quantifier::None, true) => each.all(|takes| takes),
                    (Quantifier::Any, _) | (Quantifier::None, false) => each.any(|takes| takes),
                }
            }
        }
    }

    /// Whether the condition may hold for a request from this address. Asked before anything else, since it tells most
    /// statements of a list of networks apart for a nanosecond each; an address has one value, whatever the quantifier.
    pub(super) fn admits(&self, source_bits: Option<Bits>) -> bool {
        match (&self.values, source_bits) {
            (Values::Ranges(ranges), Some(bits)) if self.key == Key::SourceIp => {
                ranges.iter().any(|range| range.has(bits)) != self.operator.negated
            }
            _ => true,
        }
    }

    fn takes(&self, value: Value<'_>, facts: &Facts<'_>) -> bool {
        self.values.have(value, facts) != self.operator.negated
    }
}

impl Values {
    fn have(&self, value: Value<'_>, facts: &Facts<'_>) -> bool {
        match self {
            Self::Texts(globs) => value.with_text(|text| globs.iter().any(|glob| glob.fits(text, facts))),
            Self::TextsIgnoringCase(globs) => {
                value.with_text(|text| globs.iter().any(|glob| glob.fits_ignoring_case(text, facts)))
            }
            Self::Numbers(order, numbers) => compare(*order, value.number(), numbers),
            Self::Dates(order, dates) => compare(*order, value.time(), dates),
            Self::Bools(wanted) => value.bool().is_some_and(|yes| wanted.contains(&yes)),
            Self::Bytes(wanted) => value.with_text(|text| wanted.iter().any(|bytes| **bytes == *text)),
            Self::Ranges(ranges) => {
                let bits = value.address().map(Bits::of);
                bits.is_some_and(|bits| ranges.iter().any(|range| range.has(bits)))
            }
            Self::Arns(arns) => value.with_text(|text| arns.iter().any(|arn| arn.fits(text, facts))),
            Self::Null(absent) => !absent,
        }
    }
}

fn compare(order: Order, value: Option<f64>, wanted: &[f64]) -> bool {
    value.is_some_and(|value| wanted.iter().any(|wanted| order.holds(value, *wanted)))
}

fn each<T>(
    values: &[&str],
    read: impl Fn(&str) -> Result<T, ConditionError>,
) -> Result<Vec<T>, (usize, ConditionError)> {
    values.iter().enumerate().map(|(position, text)| read(text).map_err(|error| (position, error))).collect()
}

fn plain(text: &str, variables: Variables) -> Result<Glob, ConditionError> {
    Glob::parse_plain(text, variables).map_err(ConditionError::Pattern)
}

fn number(text: &str) -> Result<f64, ConditionError> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or(ConditionError::Value("a number"))
}

fn bool(text: &str) -> Result<bool, ConditionError> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(ConditionError::Value("`true` or `false`")),
    }
}

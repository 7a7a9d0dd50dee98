//! Java's numbers: integers of 32 and 64 bits that grow when they must, doubles, and their texts.

use std::cmp::Ordering;

use crate::velocity::program::Operator;
use crate::velocity::value::{Heap, OutOfMemory, Value};

/// A number that can be computed with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i32),
    Long(i64),
    /// `BigInteger`, as far as 128 bits go.
    Big(i128),
    Double(f64),
}

/// Why a computation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResult {
    /// Velocity says so: division by zero.
    Null,
    /// Java would have one, beyond 128 bits.
    TooBig,
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => f64::from(number),
            Self::Long(number) => number as f64,
            Self::Big(number) => number as f64,
            Self::Double(number) => number,
        }
    }

    fn as_i128(self) -> i128 {
        match self {
            Self::Int(number) => i128::from(number),
            Self::Long(number) => i128::from(number),
            Self::Big(number) => number,
            Self::Double(number) => number as i128,
        }
    }

    fn is_double(self) -> bool {
        matches!(self, Self::Double(_))
    }

    /// An integer of the wider type of two, or wider if it does not fit.
    fn integer(value: i128, left: Self, right: Self) -> Self {
        let is_big = matches!(left, Self::Big(_)) || matches!(right, Self::Big(_));
        let is_long = matches!(left, Self::Long(_)) || matches!(right, Self::Long(_));
        match (i32::try_from(value), i64::try_from(value)) {
            _ if is_big => Self::Big(value),
            (Ok(number), _) if !is_long => Self::Int(number),
            (_, Ok(number)) => Self::Long(number),
            _ => Self::Big(value),
        }
    }
}

/// The same for two short integers, where the result is one and is not left to more careful hands.
pub(crate) fn compute_short(operator: Operator, left: i32, right: i32) -> Option<i32> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Modulo => left.checked_rem(right),
    }
}

/// Computes as Velocity does.
pub(crate) fn compute(operator: Operator, left: Number, right: Number) -> Result<Number, NoResult> {
    let divides = matches!(operator, Operator::Divide | Operator::Modulo);
    if divides && right.as_f64() == 0.0 {
        return Err(NoResult::Null);
    }
    if left.is_double() || right.is_double() {
        let (left, right) = (left.as_f64(), right.as_f64());
        return Ok(Number::Double(match operator {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide => left / right,
            Operator::Modulo => left % right,
        }));
    }
    let (a, b) = (left.as_i128(), right.as_i128());
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide => a.checked_div(b),
        // `BigInteger.mod` is never negative.
        Operator::Modulo if matches!(left, Number::Big(_)) || matches!(right, Number::Big(_)) => {
            a.checked_rem_euclid(b)
        }
        Operator::Modulo => a.checked_rem(b),
    };
    result.map(|value| Number::integer(value, left, right)).ok_or(NoResult::TooBig)
}

/// Compares numbers of any types; none if one is not a number.
pub(crate) fn compare(left: Number, right: Number) -> Option<Ordering> {
    if left.is_double() || right.is_double() {
        left.as_f64().partial_cmp(&right.as_f64())
    } else {
        Some(left.as_i128().cmp(&right.as_i128()))
    }
}

/// Appends a double as `Double.toString` has it.
pub(crate) fn write_double(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        let text = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        return out.extend_from_slice(text.as_bytes());
    }
    let plain = number == 0.0 || (1e-3..1e7).contains(&number.abs());
    let text = if plain { format!("{number:?}") } else { format!("{number:e}") };
    if plain {
        return out.extend_from_slice(text.as_bytes());
    }
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    out.extend_from_slice(digits.as_bytes());
    if !digits.contains('.') {
        out.extend_from_slice(b".0");
    }
    out.push(b'E');
    out.extend_from_slice(exponent.as_bytes());
}

/// A JSON integer, of as many bits as it needs.
pub(crate) fn integer<'a>(heap: Heap<'a>, text: &'a str) -> Result<Option<Value<'a>>, OutOfMemory> {
    if text == "-" {
        return Ok(Some(Value::Int(0)));
    }
    if let Ok(number) = text.parse() {
        return Ok(Some(Value::Int(number)));
    }
    if let Ok(number) = text.parse() {
        return Ok(Some(Value::Long(number)));
    }
    if let Ok(number) = text.parse() {
        return heap.big(number).map(Some);
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let digits = digits.trim_start_matches('0');
    Ok(Some(Value::Digits(heap.keep(&[sign, digits].concat())?)))
}

/// Texts of more characters than this are decimals, not doubles.
const DOUBLE_CHARACTERS_MAX: usize = 18;

/// A JSON number with fraction or exponent.
pub(crate) fn decimal<'a>(heap: Heap<'a>, text: &'a str) -> Result<Option<Value<'a>>, OutOfMemory> {
    if text.len() <= DOUBLE_CHARACTERS_MAX {
        return Ok(text.parse().ok().map(Value::Double));
    }
    Ok(match canonical(text) {
        Some(digits) => Some(Value::Digits(heap.keep(&digits)?)),
        None => None,
    })
}

/// A decimal as `BigDecimal.toString` has it.
fn canonical(text: &str) -> Option<String> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.trim_start_matches('+').parse().ok()?;
    let scale = fraction.len() as i64 - exponent;
    let digits = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    let (sign, digits) = if digits.is_empty() { ("", "0") } else { (sign, digits) };
    let adjusted = digits.len() as i64 - 1 - scale;
    if scale == 0 {
        return Some([sign, digits].concat());
    }
    if scale > 0 && adjusted >= -6 {
        let scale = usize::try_from(scale).ok()?;
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        return Some(format!("{sign}{whole}.{fraction}"));
    }
    let point = if digits.len() > 1 { "." } else { "" };
    let plus = if adjusted >= 0 { "+" } else { "" };
    Some(format!("{sign}{}{point}{}E{plus}{adjusted}", &digits[..1], &digits[1..]))
}

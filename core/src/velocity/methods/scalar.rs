//! Numbers, booleans and characters.

use std::cmp::Ordering;

use super::super::expression::int_value;
use super::super::fault::Halt;
use super::super::java::number::{self, Number};
use super::super::program::Call;
use super::super::render::Renderer;
use super::super::value::Value;
use super::not_comparable;

impl<'a> Renderer<'a> {
    pub(super) fn call_scalar(
        &mut self,
        receiver: Value<'a>,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        match receiver {
            Value::Boolean(value) => self.call_boolean(value, call, arguments),
            Value::Character(text) => Ok(match (&*call.name, arguments) {
                ("charValue", []) => Value::Character(text),
                ("compareTo", [Value::Character(other)]) => Value::Int(super::text::compared(text, other)),
                ("compareTo", [_]) => return Err(not_comparable()),
                _ => Value::Null,
            }),
            _ => match receiver.number() {
                Some(number) => self.call_number(receiver, number, call, arguments),
                None => Ok(Value::Null),
            },
        }
    }

    fn call_boolean(&self, value: bool, call: &Call, arguments: &[Value<'a>]) -> Result<Value<'a>, Halt<'a>> {
        Ok(match (&*call.name, arguments) {
            ("booleanValue", []) => Value::Boolean(value),
            ("compareTo", [Value::Boolean(other)]) => Value::Int(ordered(value.cmp(other))),
            ("compareTo", [_]) => return Err(not_comparable()),
            ("valueOf", [Value::Boolean(other)]) => Value::Boolean(*other),
            ("parseBoolean" | "valueOf", [Value::Text(text)]) => {
                Value::Boolean(text.eq_ignore_ascii_case("true"))
            }
            _ => Value::Null,
        })
    }

    fn call_number(
        &mut self,
        receiver: Value<'a>,
        number: Number,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        Ok(match (&*call.name, arguments) {
            ("intValue", []) => Value::Int(int_value(number)),
            ("shortValue", []) => Value::Int(i32::from(int_value(number) as i16)),
            ("byteValue", []) => Value::Int(i32::from(int_value(number) as i8)),
            ("longValue", []) => Value::Long(long_value(number)),
            ("doubleValue", []) => Value::Double(number.as_f64()),
            ("isNaN", []) => match number {
                Number::Double(number) => Value::Boolean(number.is_nan()),
                _ => Value::Null,
            },
            ("isInfinite", []) => match number {
                Number::Double(number) => Value::Boolean(number.is_infinite()),
                _ => Value::Null,
            },
            ("compareTo", [other]) if std::mem::discriminant(other) == std::mem::discriminant(&receiver) => {
                let order = other.number().and_then(|other| number::compare(number, other));
                Value::Int(ordered(order.unwrap_or(Ordering::Equal)))
            }
            ("compareTo", [_]) => return Err(not_comparable()),
            ("parseInt" | "valueOf", [Value::Text(text)]) if matches!(receiver, Value::Int(_)) => text
                .strip_prefix('+')
                .unwrap_or(text)
                .parse()
                .map(Value::Int)
                .map_err(|_| not_a_number(text))?,
            ("parseLong" | "valueOf", [Value::Text(text)]) if matches!(receiver, Value::Long(_)) => text
                .strip_prefix('+')
                .unwrap_or(text)
                .parse()
                .map(Value::Long)
                .map_err(|_| not_a_number(text))?,
            ("parseDouble" | "valueOf", [Value::Text(text)]) if matches!(receiver, Value::Double(_)) => {
                text.trim().parse().map(Value::Double).map_err(|_| not_a_number(text))?
            }
            ("valueOf", [Value::Int(number)]) => match receiver {
                Value::Int(_) => Value::Int(*number),
                Value::Long(_) => Value::Long(i64::from(*number)),
                Value::Double(_) => Value::Double(f64::from(*number)),
                _ => Value::Null,
            },
            ("valueOf", [Value::Long(number)]) if matches!(receiver, Value::Long(_)) => Value::Long(*number),
            ("valueOf", [Value::Double(number)]) if matches!(receiver, Value::Double(_)) => {
                Value::Double(*number)
            }
            ("max", [one, two]) | ("min", [one, two]) => self.extreme(receiver, &call.name, *one, *two),
            ("toString", [number @ Value::Int(_)]) if matches!(receiver, Value::Int(_)) => {
                Value::Text(self.text_of(*number)?)
            }
            _ => Value::Null,
        })
    }

    fn extreme(&self, receiver: Value<'a>, name: &str, one: Value<'a>, two: Value<'a>) -> Value<'a> {
        match (receiver, one, two) {
            (Value::Int(_), Value::Int(one), Value::Int(two)) => {
                Value::Int(if name == "max" { one.max(two) } else { one.min(two) })
            }
            (Value::Long(_), Value::Long(one), Value::Long(two)) => {
                Value::Long(if name == "max" { one.max(two) } else { one.min(two) })
            }
            _ => Value::Null,
        }
    }
}

fn not_a_number<'a>(text: &str) -> Halt<'a> {
    Halt::failed(format!("\"{}\" is not such a number", text.chars().take(40).collect::<String>()))
}

fn long_value(number: Number) -> i64 {
    match number {
        Number::Int(number) => i64::from(number),
        Number::Long(number) => number,
        Number::Big(number) => number as i64,
        Number::Double(number) => number as i64,
    }
}

fn ordered(order: Ordering) -> i32 {
    order as i32
}

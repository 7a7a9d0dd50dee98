//! What expressions mean.

use std::cmp::Ordering;

use super::fault::{Halt, Why};
use super::java::number::{self, NoResult, Number};
use super::program::{Comparison, Expression, Operand, Operator};
use super::render::Renderer;
use super::value::{ListKind, Value};
use crate::limits;

impl<'a> Renderer<'a> {
    /// The value of an expression; null only where Velocity has none.
    #[inline(always)]
    pub(super) fn value(&mut self, expression: &'a Expression) -> Result<Value<'a>, Halt<'a>> {
        match expression {
            Expression::Reference(reference) => self.reference(reference),
            Expression::Text(text) => Ok(Value::Text(text)),
            Expression::Integer(number) => Ok(Value::Int(*number)),
            Expression::Math(operator, sides) if let Some(result) = self.short_math(*operator, sides) => {
                Ok(Value::Int(result))
            }
            other => self.worked_out(other),
        }
    }

    /// The value of what has parts.
    fn worked_out(&mut self, expression: &'a Expression) -> Result<Value<'a>, Halt<'a>> {
        self.charge(1)?;
        Ok(match expression {
            Expression::Nothing => Value::Null,
            Expression::Text(text) => Value::Text(text),
            Expression::Interpolated(block, has_tail) => {
                let text = self.captured(|renderer| renderer.block(block))?;
                let tail = text.chars().next_back().filter(|_| *has_tail).map_or(0, char::len_utf8);
                Value::Text(&text[..text.len() - tail])
            }
            Expression::Integer(number) => Value::Int(*number),
            Expression::Long(number) => Value::Long(*number),
            Expression::Big(digits) => number::integer(self.heap, digits)?.unwrap_or(Value::Null),
            Expression::Float(number) => Value::Double(*number),
            Expression::Boolean(value) => Value::Boolean(*value),
            Expression::Reference(reference) => self.reference(reference)?,
            Expression::Range(bounds) => self.range(&bounds.0, &bounds.1)?,
            Expression::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.value(item)?);
                }
                self.heap.list(ListKind::Java, &values)?
            }
            Expression::Map(items) => {
                let map = self.heap.map()?;
                for pair in items.chunks_exact(2) {
                    let (key, value) = (self.value(&pair[0])?, self.value(&pair[1])?);
                    map.put(self.heap, key, value)?;
                }
                Value::Map(map)
            }
            Expression::Math(operator, sides) => self.math(*operator, &sides.0, &sides.1)?,
            Expression::Not(_) | Expression::And(_) | Expression::Or(_) | Expression::Compare(..) => {
                Value::Boolean(self.truth(expression)?)
            }
        })
    }

    /// Whether a condition holds. A reference does unless it is false; a literal never does, nor does a sum.
    #[inline(always)]
    pub(super) fn truth(&mut self, expression: &'a Expression) -> Result<bool, Halt<'a>> {
        let boolean = match expression {
            Expression::Reference(reference) => self.variables.look(reference, |value| match value {
                Value::Boolean(value) => Some(*value),
                _ => None,
            }),
            _ => None,
        };
        match boolean {
            Some(boolean) => Ok(boolean),
            None => self.worked_out_truth(expression),
        }
    }

    fn worked_out_truth(&mut self, expression: &'a Expression) -> Result<bool, Halt<'a>> {
        self.charge(1)?;
        Ok(match expression {
            Expression::Reference(reference) => match self.reference(reference)? {
                Value::Boolean(value) => value,
                Value::Block(definition) => {
                    let printed = |renderer: &mut Self| match renderer.print_block(definition)? {
                        true => Ok(()),
                        false => Err(Why::Depth.into()),
                    };
                    self.captured(printed)?;
                    true
                }
                _ => true,
            },
            Expression::Boolean(value) => *value,
            Expression::Not(inner) => !self.truth(inner)?,
            Expression::And(sides) => self.truth(&sides.0)? && self.truth(&sides.1)?,
            Expression::Or(sides) => self.truth(&sides.0)? || self.truth(&sides.1)?,
            Expression::Compare(comparison, sides) => {
                let (left, right) = (self.value(&sides.0)?, self.value(&sides.1)?);
                self.compare(*comparison, left, right)?
            }
            Expression::Nothing
            | Expression::Text(_)
            | Expression::Interpolated(..)
            | Expression::Integer(_)
            | Expression::Long(_)
            | Expression::Big(_)
            | Expression::Float(_)
            | Expression::Range(_)
            | Expression::List(_)
            | Expression::Map(_)
            | Expression::Math(..) => false,
        })
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        left: Value<'a>,
        right: Value<'a>,
    ) -> Result<bool, Halt<'a>> {
        match comparison {
            Comparison::Equal => return self.is_equal(left, right),
            Comparison::NotEqual => return self.is_equal(left, right).map(|equal| !equal),
            _ => {}
        }
        let Some((left, right)) = left.number().zip(right.number()) else { return Ok(false) };
        // Java's comparison takes what cannot be ordered for equal.
        let order = number::compare(left, right).unwrap_or(Ordering::Equal);
        Ok(match comparison {
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    }

    /// `==`: numbers by value, things of one kind by `equals`, all others by their texts.
    fn is_equal(&mut self, left: Value<'a>, right: Value<'a>) -> Result<bool, Halt<'a>> {
        if let Some((left, right)) = left.number().zip(right.number()) {
            return Ok(number::compare(left, right).unwrap_or(Ordering::Equal) == Ordering::Equal);
        }
        match (left, right) {
            (Value::Null, Value::Null) => Ok(true),
            (Value::Null, _) | (_, Value::Null) => Ok(false),
            (Value::Text(left), Value::Text(right)) => Ok(left == right),
            (Value::List(one), Value::List(two)) if is_array_list(one.kind) && is_array_list(two.kind) => {
                self.equals(left, right)
            }
            (Value::Map(_), Value::Map(_)) | (Value::Boolean(_), Value::Boolean(_)) => {
                self.equals(left, right)
            }
            _ => Ok(self.text_of(left)? == self.text_of(right)?),
        }
    }

    /// `equals`: lists and maps by what they hold.
    pub(super) fn equals(&mut self, left: Value<'a>, right: Value<'a>) -> Result<bool, Halt<'a>> {
        self.equals_at(left, right, 0)
    }

    fn equals_at(&mut self, left: Value<'a>, right: Value<'a>, depth: usize) -> Result<bool, Halt<'a>> {
        self.charge(1)?;
        if depth > limits::VALUE_DEPTH_MAX {
            return Err(Why::Depth.into());
        }
        if left.is_same(right) {
            return Ok(true);
        }
        match (left, right) {
            (Value::List(one), Value::List(two)) => {
                let length = one.items.borrow().len();
                if length != two.items.borrow().len() || is_array_list(one.kind) != is_array_list(two.kind) {
                    return Ok(false);
                }
                for position in 0..length {
                    let (one, two) = (one.items.borrow()[position], two.items.borrow()[position]);
                    if !self.equals_at(one, two, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Map(one), Value::Map(two)) => {
                if one.len() != two.len() {
                    return Ok(false);
                }
                for position in 0..one.len() {
                    let Some((key, value)) = one.at(position) else { break };
                    let Some(other) = two.get(key) else { return Ok(false) };
                    if !self.equals_at(value, other, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Entry(one), Value::Entry(two)) => Ok(self.equals_at(one.key, two.key, depth + 1)?
                && self.equals_at(one.value.get(), two.value.get(), depth + 1)?),
            _ => Ok(false),
        }
    }

    fn math(
        &mut self,
        operator: Operator,
        left: &'a Operand,
        right: &'a Operand,
    ) -> Result<Value<'a>, Halt<'a>> {
        let (one, two) = (self.value(&left.expression)?, self.value(&right.expression)?);
        if let Some((one, two)) = one.number().zip(two.number()) {
            return self.compute(operator, one, two);
        }
        if operator == Operator::Add && (one.as_text().is_some() || two.as_text().is_some()) {
            let one = if one.is_null() { &*left.literal } else { self.text_of(one)? };
            let two = if two.is_null() { &*right.literal } else { self.text_of(two)? };
            return self.joined(one, two);
        }
        if matches!(one, Value::Digits(_)) || matches!(two, Value::Digits(_)) {
            return Err(Halt::failed("numbers of so many digits cannot be computed with"));
        }
        Ok(Value::Null)
    }

    /// The result of two short integers, as most are.
    #[inline(never)]
    fn short_math(&self, operator: Operator, sides: &'a (Operand, Operand)) -> Option<i32> {
        let (one, two) = (self.short(&sides.0.expression)?, self.short(&sides.1.expression)?);
        number::compute_short(operator, one, two)
    }

    /// What is a short integer without further ado.
    #[inline(always)]
    fn short(&self, expression: &'a Expression) -> Option<i32> {
        match expression {
            Expression::Integer(number) => Some(*number),
            Expression::Reference(reference) => self.variables.look(reference, |value| match value {
                Value::Int(number) => Some(*number),
                _ => None,
            }),
            _ => None,
        }
    }

    fn compute(&mut self, operator: Operator, one: Number, two: Number) -> Result<Value<'a>, Halt<'a>> {
        match number::compute(operator, one, two) {
            Ok(result) => Ok(self.heap.number(result)?),
            Err(NoResult::Null) => Ok(Value::Null),
            Err(NoResult::TooBig) => Err(Halt::failed("a number becomes too big")),
        }
    }

    /// Two texts one after the other.
    pub(super) fn joined(&mut self, one: &str, two: &str) -> Result<Value<'a>, Halt<'a>> {
        let bytes = one.len() + two.len();
        if bytes > limits::RENDER_OUTPUT_BYTES_MAX {
            return Err(Why::Output.into());
        }
        self.heap.reserve(bytes)?;
        let mut text = bumpalo::collections::String::with_capacity_in(bytes, self.heap.bump);
        text.push_str(one);
        text.push_str(two);
        Ok(Value::Text(text.into_bump_str()))
    }

    fn range(&mut self, from: &'a Expression, to: &'a Expression) -> Result<Value<'a>, Halt<'a>> {
        let (from, to) = (self.value(from)?, self.value(to)?);
        let Some((from, to)) = from.number().zip(to.number()) else { return Ok(Value::Null) };
        let (from, to) = (int_value(from), int_value(to));
        let length = from.abs_diff(to) as usize + 1;
        self.charge(length)?;
        self.heap.reserve(length * size_of::<Value<'_>>())?;
        let items: Vec<Value<'a>> = if from < to {
            (from..=to).map(Value::Int).collect()
        } else {
            (to..=from).rev().map(Value::Int).collect()
        };
        Ok(self.heap.list(ListKind::Java, &items)?)
    }
}

fn is_array_list(kind: ListKind) -> bool {
    matches!(kind, ListKind::Java | ListKind::Json)
}

/// `Number.intValue()`
pub(super) fn int_value(number: Number) -> i32 {
    match number {
        Number::Int(number) => number,
        Number::Long(number) => number as i32,
        Number::Big(number) => number as i32,
        Number::Double(number) => number as i32,
    }
}

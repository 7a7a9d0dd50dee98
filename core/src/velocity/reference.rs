//! What references and expressions mean.

use std::cmp::Ordering;

use super::host::Host;
use super::java::number::{self, NoResult, Number};
use super::print::{self, Slash};
use super::program::{Call, Comparison, Expression, Operand, Operator, Print, Reference, Step};
use super::render::{Halt, Renderer, Why};
use super::value::{ListKind, Value};
use crate::limits;

/// Most arguments that a method takes.
pub(super) const ARGUMENTS_MAX: usize = 4;

impl<'a> Renderer<'a> {
    /// The value of a reference; what is unknown or null on the way is the empty text.
    pub(super) fn reference(&mut self, reference: &'a Reference) -> Result<Value<'a>, Halt<'a>> {
        self.at = reference.at as usize;
        self.follow(self.variable(reference.slot), &reference.steps)
    }

    fn follow(&mut self, start: Value<'a>, steps: &'a [Step]) -> Result<Value<'a>, Halt<'a>> {
        let mut value = start;
        for step in steps {
            if value.is_null() {
                break;
            }
            self.charge(1)?;
            value = self.step(value, step)?;
        }
        Ok(if value.is_null() { Value::Text("") } else { value })
    }

    pub(super) fn print_reference(&mut self, print: &'a Print) -> Result<(), Halt<'a>> {
        let reference = &print.reference;
        // The usual `$input.json('$.a')` is written straight into the output.
        if let [Step::Method(call)] = &*reference.steps
            && let (Value::Host(Host::Input), "json", Some(_)) =
                (self.slots[reference.slot as usize], &*call.name, &call.path)
        {
            self.at = reference.at as usize;
            self.out.extend_from_slice(print.prefix.as_bytes());
            return self.write_json_path(call);
        }
        let value = self.reference(reference)?;
        match value {
            // What `#define` made prints without what stands before it.
            Value::Block(definition) => {
                if !self.print_block(definition)? {
                    self.out.extend_from_slice(print.literal.as_bytes());
                }
                Ok(())
            }
            value => {
                self.out.extend_from_slice(print.prefix.as_bytes());
                self.print(value)
            }
        }
    }

    fn write_json_path(&mut self, call: &'a Call) -> Result<(), Halt<'a>> {
        match self.find_path(call, Value::Null)? {
            Some(value) => print::json(value, Slash::Plain, &mut self.out)?,
            None => self.out.extend_from_slice(b"\"\""),
        }
        Ok(())
    }

    fn step(&mut self, value: Value<'a>, step: &'a Step) -> Result<Value<'a>, Halt<'a>> {
        match step {
            Step::Property(name) => self.property(value, name),
            Step::Index(index) => {
                let index = self.value(index)?;
                self.index(value, index)
            }
            Step::Method(call) => {
                let mut arguments = [Value::Null; ARGUMENTS_MAX];
                for (position, argument) in call.arguments.iter().enumerate() {
                    let value = self.value(argument)?;
                    if let Some(place) = arguments.get_mut(position) {
                        *place = value;
                    }
                }
                match arguments.get(..call.arguments.len()) {
                    Some(arguments) => {
                        self.at = call.at as usize;
                        self.call(value, call, arguments)
                    }
                    None => Ok(Value::Null),
                }
            }
        }
    }

    fn property(&mut self, value: Value<'a>, name: &'a str) -> Result<Value<'a>, Halt<'a>> {
        Ok(match (value, name) {
            (Value::Map(map), name) => map.get_named(name).unwrap_or(Value::Null),
            (Value::Host(host), name) => self.host_property(host, name)?,
            (Value::List(list), "empty") if list.kind != ListKind::Array => {
                Value::Boolean(list.items.borrow().is_empty())
            }
            (Value::Text(text), "empty") => Value::Boolean(text.is_empty()),
            (Value::Entry(entry), "key") => entry.key,
            (Value::Entry(entry), "value") => entry.value.get(),
            (Value::Scope(scope), name) => match name {
                "index" => Value::Int(scope.index.get()),
                "count" => Value::Int(scope.index.get() + 1),
                "hasNext" => Value::Boolean(scope.has_next.get()),
                "first" => Value::Boolean(scope.index.get() < 1),
                "last" => Value::Boolean(!scope.has_next.get()),
                "parent" => match scope.before {
                    parent @ Value::Scope(_) => parent,
                    _ => Value::Null,
                },
                "topmost" => {
                    let mut top = scope;
                    while let Value::Scope(parent) = top.before {
                        self.charge(1)?;
                        top = parent;
                    }
                    Value::Scope(top)
                }
                "empty" => Value::Null,
                name => scope.storage.get_named(name).unwrap_or(Value::Null),
            },
            _ => Value::Null,
        })
    }

    /// `value[index]`
    pub(super) fn index(&mut self, value: Value<'a>, index: Value<'a>) -> Result<Value<'a>, Halt<'a>> {
        let index = self.counted_from_end(value, index)?;
        match (value, index) {
            (Value::List(list), Value::Int(position)) if list.kind != ListKind::View => {
                let item = usize::try_from(position).ok();
                let item = item.and_then(|position| list.items.borrow().get(position).copied());
                item.ok_or_else(|| Halt::failed(format!("index {position} is out of bounds")))
            }
            (Value::Map(map), index) => Ok(map.get(index).unwrap_or(Value::Null)),
            (Value::Host(host), Value::Text(name)) if !matches!(host, Host::Input | Host::Util) => {
                self.host_property(host, name)
            }
            (Value::Scope(scope), index) => Ok(scope.storage.get(index).unwrap_or(Value::Null)),
            _ => Ok(Value::Null),
        }
    }

    /// A negative index counts from the end of whatever has a size.
    fn counted_from_end(&self, value: Value<'a>, index: Value<'a>) -> Result<Value<'a>, Halt<'a>> {
        let Value::Int(position @ ..0) = index else { return Ok(index) };
        let size = match value {
            Value::List(list) => list.items.borrow().len(),
            Value::Map(map) => map.len(),
            Value::Scope(scope) => scope.storage.len(),
            _ => return Err(Halt::failed("a negative index needs something that has a size")),
        };
        Ok(Value::Int(size as i32 + position))
    }

    /// `#set`
    pub(super) fn assign(&mut self, target: &'a Reference, value: Value<'a>) -> Result<(), Halt<'a>> {
        self.at = target.at as usize;
        let Some((last, way)) = target.steps.split_last() else {
            self.slots[target.slot as usize] = value;
            return Ok(());
        };
        let mut holder = self.variable(target.slot);
        for step in way {
            if holder.is_null() {
                return Ok(());
            }
            holder = self.step(holder, step)?;
        }
        self.before_change(holder, "put");
        match last {
            Step::Property(name) => self.put(holder, Value::Text(name), value),
            Step::Method(call) => self.put(holder, Value::Text(&call.name), value),
            Step::Index(index) => {
                let index = self.value(index)?;
                let index = self.counted_from_end(holder, index)?;
                match (holder, index) {
                    (Value::List(list), Value::Int(position)) if list.kind != ListKind::View => {
                        self.set_item(list, position, value).map(|_| ())
                    }
                    (Value::List(_), _) => Ok(()),
                    (holder, index) => self.put(holder, index, value),
                }
            }
        }
    }

    fn put(&mut self, holder: Value<'a>, key: Value<'a>, value: Value<'a>) -> Result<(), Halt<'a>> {
        match holder {
            Value::Map(map) => map.put(self.heap, key, value).map(|_| ())?,
            Value::Scope(scope) => scope.storage.put(self.heap, key, value).map(|_| ())?,
            Value::Entry(entry) if key.as_text() == Some("value") => {
                entry.value.set(value);
                entry.map.put(self.heap, entry.key, value)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The value of an expression; null only where Velocity has none.
    pub(super) fn value(&mut self, expression: &'a Expression) -> Result<Value<'a>, Halt<'a>> {
        self.charge(1)?;
        Ok(match expression {
            Expression::Nothing => Value::Null,
            Expression::Text(text) => Value::Text(text),
            Expression::Interpolated(block, has_tail) => {
                let mut text = self.captured(|renderer| renderer.block(block))?;
                if *has_tail {
                    text.pop();
                }
                Value::Text(self.heap.keep(&String::from_utf8_lossy(&text))?)
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
    pub(super) fn truth(&mut self, expression: &'a Expression) -> Result<bool, Halt<'a>> {
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

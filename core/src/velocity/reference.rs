//! What references and expressions mean.

use super::fault::Halt;
use super::host::Host;
use super::print::{self, Plain, Slash};
use super::program::{Call, Print, Property, Reference, Step, Word};
use super::render::Renderer;
use super::value::{ListKind, Value};

/// Most arguments that a method takes.
pub(super) const ARGUMENTS_MAX: usize = 4;

impl<'a> Renderer<'a> {
    /// The value of a reference; what is unknown or null on the way is the empty text.
    #[inline(always)]
    pub(super) fn reference(&mut self, reference: &'a Reference) -> Result<Value<'a>, Halt<'a>> {
        self.at = reference.at as usize;
        match self.variables.look(reference, |value| (!value.is_null()).then_some(*value)) {
            Some(value) => Ok(value),
            None => self.follow(self.variables.value(reference.slot), &reference.steps),
        }
    }

    #[inline(never)]
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
        if let Some(value) = self.variables.look(reference, Plain::of) {
            if !print.prefix.is_empty() {
                self.out.extend_from_slice(print.prefix.as_bytes());
            }
            value.write(&mut self.out);
            return self.check_output();
        }
        // The usual `$input.json('$.a')` is written straight into the output.
        if let [Step::Method(call)] = &*reference.steps
            && let (Value::Host(Host::Input), "json", Some(_)) =
                (self.variables.value(reference.slot), &*call.name, &call.path)
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
                if !print.prefix.is_empty() {
                    self.out.extend_from_slice(print.prefix.as_bytes());
                }
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
        match (step, value) {
            (Step::Property(Property { name, .. }), Value::Map(map)) => {
                Ok(map.get_named(name).unwrap_or(Value::Null))
            }
            (Step::Property(property), value) => self.property(value, property),
            (Step::Index(index), value) => {
                let index = self.value(index)?;
                self.index(value, index)
            }
            (Step::Method(call), value) => self.call_with_arguments(value, call),
        }
    }

    fn call_with_arguments(&mut self, value: Value<'a>, call: &'a Call) -> Result<Value<'a>, Halt<'a>> {
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

    /// A property of what is no map.
    fn property(&mut self, value: Value<'a>, property: &'a Property) -> Result<Value<'a>, Halt<'a>> {
        let name = &*property.name;
        Ok(match (value, property.word) {
            (Value::Host(host), _) => self.host_property(host, name)?,
            (Value::List(list), Word::Empty) if list.kind != ListKind::Array => {
                Value::Boolean(list.items.borrow().is_empty())
            }
            (Value::Text(text), Word::Empty) => Value::Boolean(text.is_empty()),
            (Value::Entry(entry), Word::Key) => entry.key,
            (Value::Entry(entry), Word::Value) => entry.value.get(),
            (Value::Scope(scope), word) => match word {
                Word::Index => Value::Int(scope.index.get()),
                Word::Count => Value::Int(scope.index.get() + 1),
                Word::HasNext => Value::Boolean(scope.has_next.get()),
                Word::First => Value::Boolean(scope.index.get() < 1),
                Word::Last => Value::Boolean(!scope.has_next.get()),
                Word::Parent => match scope.before {
                    parent @ Value::Scope(_) => parent,
                    _ => Value::Null,
                },
                Word::Topmost => {
                    let mut top = scope;
                    while let Value::Scope(parent) = top.before {
                        self.charge(1)?;
                        top = parent;
                    }
                    Value::Scope(top)
                }
                Word::Empty => Value::Null,
                Word::Key | Word::Value | Word::Other => {
                    scope.storage.get_named(&property.name).unwrap_or(Value::Null)
                }
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
            self.variables.set(target.slot, value);
            return Ok(());
        };
        let mut holder = self.variables.value(target.slot);
        for step in way {
            if holder.is_null() {
                return Ok(());
            }
            holder = self.step(holder, step)?;
        }
        self.before_change(holder, "put");
        match last {
            Step::Property(property) => self.put(holder, Value::Text(&property.name), value),
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
}

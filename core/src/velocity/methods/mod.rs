//! Methods of Java's classes that templates call. One that a class does not have, or not with such arguments, gives null.

mod collection;
mod map;
mod scalar;
mod text;
mod util;

use super::fault::Halt;
use super::host::Host;
use super::map::MapKind;
use super::program::Call;
use super::render::Renderer;
use super::value::{ListKind, Value};

impl<'a> Renderer<'a> {
    pub(super) fn call(
        &mut self,
        receiver: Value<'a>,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        self.before_change(receiver, &call.name);
        if !arguments.is_empty() && takes_nothing(receiver, &call.name) {
            return Err(Halt::failed(format!("{}() takes no arguments", call.name)));
        }
        match (receiver, &*call.name, arguments) {
            (Value::Block(_), "equals", [other]) => return Ok(Value::Boolean(receiver.is_same(*other))),
            (Value::Host(Host::Input | Host::Util), "toString", []) => return Ok(Value::Text("")),
            (Value::Host(_), "equals", [other]) => return Ok(Value::Boolean(receiver.is_same(*other))),
            (Value::Host(Host::Input), ..) => return self.call_input(call, arguments),
            (Value::Host(Host::Util), ..) => return self.call_util(call, arguments),
            (Value::Block(_), "toString", []) => return self.text_of(receiver).map(Value::Text),
            (Value::Null | Value::Block(_), ..) => return Ok(Value::Null),
            (_, "toString", []) => return self.text_of(receiver).map(Value::Text),
            (_, "equals", [other]) => return self.equals(receiver, *other).map(Value::Boolean),
            _ => {}
        }
        match receiver {
            Value::Text(text) => self.call_text(text, call, arguments),
            Value::List(list) => self.call_list(list, call, arguments),
            Value::Map(map) => self.call_map(map, call, arguments),
            Value::Host(host) => self.call_host_map(host, call, arguments),
            Value::Scope(scope) => self.call_scope(scope, call, arguments),
            Value::Entry(entry) => Ok(match (&*call.name, arguments) {
                ("getKey", []) => entry.key,
                ("getValue", []) => entry.value.get(),
                ("setValue", [value]) => {
                    entry.map.put(self.heap, entry.key, *value)?;
                    entry.value.replace(*value)
                }
                _ => Value::Null,
            }),
            scalar => self.call_scalar(scalar, call, arguments),
        }
    }

    /// Every `$input.path()` gives values of its own: when some are changed, the body is read anew for the next.
    pub(super) fn before_change(&mut self, holder: Value<'a>, name: &str) {
        let is_json = match holder {
            Value::List(list) => list.kind == ListKind::Json,
            Value::Map(map) => map.kind == MapKind::Json,
            Value::Entry(entry) => entry.map.kind == MapKind::Json,
            _ => false,
        };
        if is_json && CHANGES.contains(&name) {
            self.document = None;
        }
    }

    fn call_scope(
        &mut self,
        scope: &'a super::loops::Scope<'a>,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        Ok(match (&*call.name, arguments) {
            ("getIndex", []) => Value::Int(scope.index.get()),
            ("getCount", []) => Value::Int(scope.index.get() + 1),
            ("hasNext" | "getHasNext", []) => Value::Boolean(scope.has_next.get()),
            ("isFirst" | "getFirst", []) => Value::Boolean(scope.index.get() < 1),
            ("isLast" | "getLast", []) => Value::Boolean(!scope.has_next.get()),
            ("getParent", []) => match scope.before {
                parent @ Value::Scope(_) => parent,
                _ => Value::Null,
            },
            _ => return self.call_map(scope.storage, call, arguments),
        })
    }
}

/// Methods that change what they are called on.
const CHANGES: [&str; 12] = [
    "add",
    "addAll",
    "clear",
    "put",
    "putAll",
    "putIfAbsent",
    "remove",
    "removeAll",
    "replace",
    "retainAll",
    "set",
    "setValue",
];

/// Whether a class has a method of this name that takes no arguments. Velocity finds it for any arguments, and fails.
fn takes_nothing(receiver: Value<'_>, name: &str) -> bool {
    let names: &[&str] = match receiver {
        Value::Text(_) => &[
            "length",
            "isEmpty",
            "isBlank",
            "trim",
            "strip",
            "stripLeading",
            "stripTrailing",
            "toLowerCase",
            "toUpperCase",
            "toString",
        ],
        Value::List(_) => &["size", "isEmpty", "clear", "toString"],
        Value::Map(_) => &["size", "isEmpty", "clear", "keySet", "values", "entrySet", "toString"],
        Value::Scope(_) => &[
            "size",
            "isEmpty",
            "clear",
            "keySet",
            "values",
            "entrySet",
            "toString",
            "hasNext",
            "getHasNext",
            "getIndex",
            "getCount",
            "isFirst",
            "getFirst",
            "isLast",
            "getLast",
            "getParent",
        ],
        Value::Entry(_) => &["getKey", "getValue", "toString"],
        Value::Int(_) | Value::Long(_) | Value::Double(_) | Value::Big(_) | Value::Digits(_) => {
            &["intValue", "longValue", "doubleValue", "shortValue", "byteValue"]
        }
        Value::Boolean(_) => &["booleanValue"],
        Value::Character(_) => &["charValue"],
        Value::Host(Host::Input | Host::Util) => &["toString"],
        Value::Null | Value::Block(_) | Value::Host(_) => &[],
    };
    names.contains(&name)
}

/// `compareTo` something of another class.
fn not_comparable<'a>() -> Halt<'a> {
    Halt::failed("compareTo() takes a value of the same class")
}

/// What a method without result gives.
fn void<'a>() -> Value<'a> {
    Value::Text("")
}

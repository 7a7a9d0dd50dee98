//! `java.util.LinkedHashMap`.

use super::super::fault::Halt;
use super::super::host::Host;
use super::super::map::Map;
use super::super::program::Call;
use super::super::render::Renderer;
use super::super::value::{ListKind, Value};
use super::void;

impl<'a> Renderer<'a> {
    pub(super) fn call_map(
        &mut self,
        map: &'a Map<'a>,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        let or_null = |value: Option<Value<'a>>| value.unwrap_or(Value::Null);
        Ok(match (&*call.name, arguments) {
            ("size", []) => Value::Int(map.len() as i32),
            ("isEmpty", []) => Value::Boolean(map.len() == 0),
            ("get", [key]) => or_null(map.get(*key)),
            ("getOrDefault", [key, value]) => map.get(*key).unwrap_or(*value),
            ("put", [key, value]) => or_null(map.put(self.heap, *key, *value)?),
            ("putIfAbsent", [key, value]) => match or_null(map.get(*key)) {
                Value::Null => {
                    map.put(self.heap, *key, *value)?;
                    Value::Null
                }
                known => known,
            },
            ("replace", [key, value]) => match map.get(*key) {
                Some(_) => or_null(map.put(self.heap, *key, *value)?),
                None => Value::Null,
            },
            ("putAll", [Value::Map(other)]) => {
                self.put_all(map, other)?;
                void()
            }
            ("remove", [key]) => {
                self.charge(map.len() / 16)?;
                or_null(map.remove(*key))
            }
            ("clear", []) => {
                map.clear();
                void()
            }
            ("containsKey", [key]) => Value::Boolean(map.get(*key).is_some()),
            ("containsValue", [value]) => {
                let values = self.values_of(map)?;
                Value::Boolean(self.find_item(values, *value)?.is_some())
            }
            ("keySet", []) => self.view(map, |key, _| key)?,
            ("values", []) => self.view(map, |_, value| value)?,
            ("entrySet", []) => self.entries(map)?,
            _ => Value::Null,
        })
    }

    /// A map that is not of the template's making; what is put into it is lost.
    pub(super) fn call_host_map(
        &mut self,
        host: Host,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        match (&*call.name, arguments) {
            ("get", [Value::Text(name)]) => self.host_property(host, name),
            ("getOrDefault", [Value::Text(name), otherwise]) => {
                let found = self.host_property(host, name)?;
                Ok(if found.is_null() { *otherwise } else { found })
            }
            _ => match self.host_map(host)? {
                Value::Map(map) => self.call_map(map, call, arguments),
                _ => Ok(Value::Null),
            },
        }
    }

    fn put_all(&mut self, map: &'a Map<'a>, other: &'a Map<'a>) -> Result<(), Halt<'a>> {
        self.charge(other.len())?;
        for position in 0..other.len() {
            if let Some((key, value)) = other.at(position) {
                map.put(self.heap, key, value)?;
            }
        }
        Ok(())
    }

    /// Keys or values as they are now: what changes in the map afterwards does not show, as it would in Java.
    fn view(
        &mut self,
        map: &'a Map<'a>,
        part: impl Fn(Value<'a>, Value<'a>) -> Value<'a>,
    ) -> Result<Value<'a>, Halt<'a>> {
        self.charge(map.len())?;
        let parts = (0..map.len()).filter_map(|position| map.at(position));
        let parts: Vec<Value<'a>> = parts.map(|(key, value)| part(key, value)).collect();
        Ok(self.heap.list(ListKind::View, &parts)?)
    }

    fn entries(&mut self, map: &'a Map<'a>) -> Result<Value<'a>, Halt<'a>> {
        self.charge(map.len())?;
        let mut entries = Vec::with_capacity(map.len());
        for position in 0..map.len() {
            if let Some((key, value)) = map.at(position) {
                entries.push(self.heap.entry(map, key, value)?);
            }
        }
        Ok(self.heap.list(ListKind::View, &entries)?)
    }
}

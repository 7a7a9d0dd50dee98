//! `java.util.ArrayList`, and the collections that maps and texts give.

use super::super::fault::Halt;
use super::super::program::Call;
use super::super::render::Renderer;
use super::super::value::{List, ListKind, Value};
use super::void;

impl<'a> Renderer<'a> {
    pub(super) fn call_list(
        &mut self,
        list: &'a List<'a>,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        let length = list.items.borrow().len();
        match (&*call.name, arguments) {
            ("size", []) => return Ok(Value::Int(length as i32)),
            ("isEmpty", []) => return Ok(Value::Boolean(length == 0)),
            ("contains", [item]) => return Ok(Value::Boolean(self.find_item(list, *item)?.is_some())),
            ("containsAll", [Value::List(others)]) => return self.contains_all(list, others),
            _ if list.kind == ListKind::View => return Ok(Value::Null),
            ("get", [Value::Int(_)]) => return self.item(list, arguments[0]),
            ("set", [Value::Int(at), value]) => return self.set_item(list, *at, *value),
            ("indexOf", [item]) => {
                return Ok(Value::Int(self.find_item(list, *item)?.map_or(-1, |position| position as i32)));
            }
            ("lastIndexOf", [item]) => return self.last_index(list, *item),
            ("add", [_] | [Value::Int(_), _])
            | ("addAll", [Value::List(_)])
            | ("remove", [Value::Int(_)])
            | ("clear", [])
                if list.kind == ListKind::Array =>
            {
                return Err(Halt::failed("an array keeps its length"));
            }
            _ if list.kind == ListKind::Array => return Ok(Value::Null),
            _ => {}
        }
        match (&*call.name, arguments) {
            ("add", [value]) => {
                self.insert(list, length as i32, *value)?;
                Ok(Value::Boolean(true))
            }
            ("add", [Value::Int(at), value]) => {
                self.insert(list, *at, *value)?;
                Ok(void())
            }
            ("addAll", [Value::List(others)]) => self.add_all(list, others),
            ("remove", [Value::Int(at)]) => self.remove_at(list, *at),
            ("remove", [value]) => {
                let found = self.find_item(list, *value)?;
                if let Some(position) = found {
                    list.items.borrow_mut().remove(position);
                }
                Ok(Value::Boolean(found.is_some()))
            }
            ("addAll" | "removeAll" | "retainAll" | "containsAll", [Value::Null]) => {
                Err(Halt::failed(format!("{}() is called with null", call.name)))
            }
            ("removeAll", [Value::List(others)]) => self.retain(list, others, false),
            ("retainAll", [Value::List(others)]) => self.retain(list, others, true),
            ("subList", [Value::Int(from), Value::Int(to)]) => self.sub_list(list, *from, *to),
            ("clear", []) => {
                list.items.borrow_mut().clear();
                Ok(void())
            }
            _ => Ok(Value::Null),
        }
    }

    fn item(&mut self, list: &'a List<'a>, position: Value<'a>) -> Result<Value<'a>, Halt<'a>> {
        let Value::Int(position) = position else { return Ok(Value::Null) };
        let item = usize::try_from(position).ok().and_then(|at| list.items.borrow().get(at).copied());
        item.ok_or_else(|| out_of_bounds(position, list))
    }

    /// Sets an item; gives back the one before.
    pub(in super::super) fn set_item(
        &mut self,
        list: &'a List<'a>,
        position: i32,
        value: Value<'a>,
    ) -> Result<Value<'a>, Halt<'a>> {
        let at = usize::try_from(position).ok().filter(|at| *at < list.items.borrow().len());
        let at = at.ok_or_else(|| out_of_bounds(position, list))?;
        Ok(std::mem::replace(&mut list.items.borrow_mut()[at], value))
    }

    fn insert(&mut self, list: &'a List<'a>, position: i32, value: Value<'a>) -> Result<(), Halt<'a>> {
        let length = list.items.borrow().len();
        let at = usize::try_from(position).ok().filter(|at| *at <= length);
        let at = at.ok_or_else(|| out_of_bounds(position, list))?;
        self.grow(list, 1)?;
        self.charge((length - at) / 64)?;
        list.items.borrow_mut().insert(at, value);
        Ok(())
    }

    fn grow(&mut self, list: &'a List<'a>, by: usize) -> Result<(), Halt<'a>> {
        let items = list.items.borrow();
        if items.len() + by > items.capacity() {
            self.heap.reserve(2 * (items.len() + by) * size_of::<Value<'_>>())?;
        }
        Ok(())
    }

    fn add_all(&mut self, list: &'a List<'a>, others: &'a List<'a>) -> Result<Value<'a>, Halt<'a>> {
        let added: Vec<Value<'a>> = others.items.borrow().to_vec();
        self.charge(added.len())?;
        self.grow(list, added.len())?;
        list.items.borrow_mut().extend_from_slice(&added);
        Ok(Value::Boolean(!added.is_empty()))
    }

    fn remove_at(&mut self, list: &'a List<'a>, position: i32) -> Result<Value<'a>, Halt<'a>> {
        let at = usize::try_from(position).ok().filter(|at| *at < list.items.borrow().len());
        let at = at.ok_or_else(|| out_of_bounds(position, list))?;
        self.charge(list.items.borrow().len() / 64)?;
        Ok(list.items.borrow_mut().remove(at))
    }

    fn retain(
        &mut self,
        list: &'a List<'a>,
        others: &'a List<'a>,
        wanted: bool,
    ) -> Result<Value<'a>, Halt<'a>> {
        let items: Vec<Value<'a>> = list.items.borrow().to_vec();
        let mut kept = Vec::new();
        for item in &items {
            if self.find_item(others, *item)?.is_some() == wanted {
                kept.push(*item);
            }
        }
        let changed = kept.len() != items.len();
        let mut left = list.items.borrow_mut();
        left.clear();
        left.extend_from_slice(&kept);
        Ok(Value::Boolean(changed))
    }

    pub(super) fn find_item(
        &mut self,
        list: &'a List<'a>,
        item: Value<'a>,
    ) -> Result<Option<usize>, Halt<'a>> {
        for position in 0..list.items.borrow().len() {
            let other = list.items.borrow()[position];
            if self.equals(item, other)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    fn last_index(&mut self, list: &'a List<'a>, item: Value<'a>) -> Result<Value<'a>, Halt<'a>> {
        for position in (0..list.items.borrow().len()).rev() {
            let other = list.items.borrow()[position];
            if self.equals(item, other)? {
                return Ok(Value::Int(position as i32));
            }
        }
        Ok(Value::Int(-1))
    }

    fn contains_all(&mut self, list: &'a List<'a>, others: &'a List<'a>) -> Result<Value<'a>, Halt<'a>> {
        for position in 0..others.items.borrow().len() {
            let other = others.items.borrow()[position];
            if self.find_item(list, other)?.is_none() {
                return Ok(Value::Boolean(false));
            }
        }
        Ok(Value::Boolean(true))
    }

    /// A copy: what is done to it afterwards does not show in the list, as it would in Java.
    fn sub_list(&mut self, list: &'a List<'a>, from: i32, to: i32) -> Result<Value<'a>, Halt<'a>> {
        let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let part = range.and_then(|(from, to)| list.items.borrow().get(from..to).map(<[_]>::to_vec));
        let part = part.ok_or_else(|| out_of_bounds(to, list))?;
        self.charge(part.len())?;
        Ok(self.heap.list(ListKind::Java, &part)?)
    }
}

fn out_of_bounds<'a>(position: i32, list: &List<'a>) -> Halt<'a> {
    Halt::failed(format!("index {position} is out of bounds of a list of {}", list.items.borrow().len()))
}

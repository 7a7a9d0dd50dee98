//! `#foreach`: its passes, and what it does to variables.

use std::cell::Cell;

use super::fault::Halt;
use super::host::Host;
use super::map::Map;
use super::program::{Foreach, Slot};
use super::render::Renderer;
use super::value::{List, Value};
use crate::limits;

/// Slots of `$foreach`, `$velocityCount` and `$velocityHasNext` among [`super::render::PREDEFINED`].
const FOREACH: usize = 4;
const VELOCITY_COUNT: usize = 5;
const VELOCITY_HAS_NEXT: usize = 6;

/// `$foreach` of one run of a loop.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(super) owner: &'a Foreach,
    pub(super) index: Cell<i32>,
    pub(super) has_next: Cell<bool>,
    /// What `$foreach` was before: the scope of an outer loop, or something of the template's.
    pub(super) before: Value<'a>,
    /// What the template put into it.
    pub(super) storage: &'a Map<'a>,
}

impl<'a> Renderer<'a> {
    pub(super) fn foreach(&mut self, each: &'a Foreach) -> Result<(), Halt<'a>> {
        let list = match self.value(&each.list)? {
            Value::List(list) => list,
            Value::Map(map) => self.values_of(map)?,
            Value::Scope(scope) => self.values_of(scope.storage)?,
            Value::Host(host) if !matches!(host, Host::Input | Host::Util) => match self.host_map(host)? {
                Value::Map(map) => self.values_of(map)?,
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        let slot = each.slot as usize;
        let saved =
            [slot, VELOCITY_COUNT, VELOCITY_HAS_NEXT].map(|slot| (slot, self.variables.value(slot as Slot)));
        let before = self.variables.slots[FOREACH];
        self.heap.reserve(size_of::<Scope<'_>>())?;
        let scope: &'a Scope<'a> = self.heap.bump.alloc(Scope {
            owner: each,
            index: Cell::new(-1),
            has_next: Cell::new(false),
            before,
            storage: self.heap.map()?,
        });
        self.variables.slots[FOREACH] = Value::Scope(scope);
        let done = self.passes(each, scope, list);
        for (slot, value) in saved {
            self.variables.slots[slot] = value;
            if value.is_null() {
                self.variables.masked.retain(|masked| *masked as usize != slot);
            }
        }
        if let Value::Scope(scope) = self.variables.slots[FOREACH] {
            self.variables.slots[FOREACH] = scope.before;
        }
        match done {
            Err(Halt::Break) => Ok(()),
            Err(Halt::BreakLoop(owner)) if std::ptr::eq(owner, each) => Ok(()),
            other => other,
        }
    }

    fn passes(
        &mut self,
        each: &'a Foreach,
        scope: &'a Scope<'a>,
        list: &'a List<'a>,
    ) -> Result<(), Halt<'a>> {
        let length = list.items.borrow().len();
        let mut masks = true;
        for position in 0..length.min(limits::FOREACH_PASSES_MAX) {
            let item = match &**list.items.borrow() {
                items if items.len() == length => items[position],
                // Java's iterators notice.
                items if items.len() == position => return Ok(()),
                _ => return Err(Halt::failed("the list changed while a #foreach went through it")),
            };
            self.charge(1)?;
            let has_next = position + 1 < length;
            scope.index.set(position as i32);
            scope.has_next.set(has_next);
            self.variables.slots[VELOCITY_COUNT] = Value::Int(position as i32 + 1);
            self.variables.slots[VELOCITY_HAS_NEXT] = Value::Boolean(has_next);
            self.variables.slots[each.slot as usize] = item;
            if !item.is_null() || !masks {
                self.block(&each.body)?;
                continue;
            }
            let outer = self.variables.masked.len();
            self.variables.masked.push(each.slot);
            let done = self.block(&each.body);
            masks = self.variables.masked.len() > outer;
            self.variables.masked.truncate(outer);
            done?;
        }
        Ok(())
    }
}

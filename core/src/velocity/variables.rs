//! The variables of a template while it runs.

use super::program::{Reference, Slot, Step, Word};
use super::value::Value;

#[derive(Debug)]
pub(crate) struct Variables<'a> {
    pub(super) slots: &'a mut [Value<'a>],
    /// Loop variables that are null now, whatever is set to them: so a null item of a list is for Velocity.
    pub(super) masked: Vec<Slot>,
}

impl<'a> Variables<'a> {
    /// The value of a variable.
    #[inline]
    pub(super) fn value(&self, slot: Slot) -> Value<'a> {
        let is_masked = !self.masked.is_empty() && self.masked.contains(&slot);
        if is_masked { Value::Null } else { self.slots[slot as usize] }
    }

    pub(super) fn set(&mut self, slot: Slot, value: Value<'a>) {
        self.slots[slot as usize] = value;
    }

    /// Looks at the value of what most references are: a variable, a name of JSON, a word of `$foreach`. None: it is something
    /// else, or `look` finds nothing. The value is looked at where it is, and the look inlined: with copies and calls the usual
    /// template takes a third more.
    #[inline(always)]
    pub(super) fn look<T>(
        &self,
        reference: &'a Reference,
        look: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<T> {
        if !self.masked.is_empty() {
            return None;
        }
        let start = &self.slots[reference.slot as usize];
        match &*reference.steps {
            [] => look(start),
            [Step::Property(property)] => match (start, property.word) {
                (Value::Map(map), _) => map.look(&property.name, look),
                (Value::Scope(scope), Word::Count) => look(&Value::Int(scope.index.get() + 1)),
                (Value::Scope(scope), Word::HasNext) => look(&Value::Boolean(scope.has_next.get())),
                _ => None,
            },
            _ => None,
        }
    }
}

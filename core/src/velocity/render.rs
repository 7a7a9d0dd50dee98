//! Runs a program.

use std::fmt;

use bumpalo::Bump;

pub(super) use super::host::Host;
use super::host::Surroundings;
use super::overrides::{Maps, Overrides};
use super::path::Missing;
use super::print::{self, Unprintable};
use super::program::{Block, Definition, Foreach, Node, Program, Slot};
use super::value::{Heap, ListKind, OutOfMemory, Value};
use crate::limits;

/// The variables that a template finds, by slot.
pub(super) const PREDEFINED: [&str; 7] =
    ["input", "util", "context", "stageVariables", "foreach", "velocityCount", "velocityHasNext"];
/// The slot of `$input`.
pub(super) const INPUT: Slot = 0;
const FOREACH: usize = 4;
const VELOCITY_COUNT: usize = 5;
const VELOCITY_HAS_NEXT: usize = 6;

/// Where values live while a template runs; used again for the next one.
#[derive(Debug, Default)]
pub struct Arena {
    bump: Bump,
}

impl Arena {
    pub(super) fn bump(&self) -> &Bump {
        &self.bump
    }

    /// Throws all values away. Of the memory only what the usual template needs is kept.
    pub(super) fn reset(&mut self) {
        if self.bump.allocated_bytes() > limits::ARENA_KEPT_BYTES_MAX {
            self.bump = Bump::new();
        } else {
            self.bump.reset();
        }
    }
}

/// Why a template could not be run to its end. Clients get 500.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the template, in bytes.
    pub at: usize,
    /// What is wrong.
    pub why: Why,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// [`limits::RENDER_STEPS_MAX`]
    Steps,
    /// [`limits::RENDER_MEMORY_BYTES_MAX`]
    Memory,
    /// [`limits::RENDER_OUTPUT_BYTES_MAX`]
    Output,
    /// [`limits::VALUE_DEPTH_MAX`], or a value that contains itself.
    Depth,
    /// A body or text that is no JSON.
    Json,
    /// What Java throws, or what is not supported.
    Failed(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps => write!(f, "it takes more than {} steps", limits::RENDER_STEPS_MAX),
            Self::Memory => write!(f, "its values take more than {} bytes", limits::RENDER_MEMORY_BYTES_MAX),
            Self::Output => {
                write!(f, "a text or the output has more than {} bytes", limits::RENDER_OUTPUT_BYTES_MAX)
            }
            Self::Depth => write!(f, "a value nests deeper than {}", limits::VALUE_DEPTH_MAX),
            Self::Json => f.write_str("this is not JSON"),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

/// What ends the running of a block before its end.
#[derive(Debug)]
pub(crate) enum Halt<'a> {
    /// `#break`: the innermost loop or block ends.
    Break,
    /// `#break($scope)`: this loop ends.
    BreakLoop(&'a Foreach),
    /// `#stop`: the template ends.
    Stop,
    /// It cannot go on. The place is filled in where it is known.
    Fault(Box<Fault>),
}

/// A fault whose place is not known yet.
const NOWHERE: usize = usize::MAX;

impl Halt<'_> {
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Why::Failed(what.into()).into()
    }
}

impl From<Why> for Halt<'_> {
    fn from(why: Why) -> Self {
        Self::Fault(Box::new(Fault { at: NOWHERE, why }))
    }
}

impl From<OutOfMemory> for Halt<'_> {
    fn from(_: OutOfMemory) -> Self {
        Why::Memory.into()
    }
}

impl From<Unprintable> for Halt<'_> {
    fn from(error: Unprintable) -> Self {
        match error {
            Unprintable::Output => Why::Output.into(),
            Unprintable::Depth => Why::Depth.into(),
            Unprintable::Block => Self::failed("a block is printed as JSON"),
        }
    }
}

impl From<Missing> for Halt<'_> {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::NotFound => Self::failed("the path leads nowhere"),
            Missing::Invalid(what) => Self::failed(what),
            Missing::Memory => Why::Memory.into(),
            Missing::Depth => Why::Depth.into(),
            Missing::Steps => Why::Steps.into(),
        }
    }
}

/// `$foreach` of one run of a loop.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(super) owner: &'a Foreach,
    pub(super) index: std::cell::Cell<i32>,
    pub(super) has_next: std::cell::Cell<bool>,
    /// What `$foreach` was before: the scope of an outer loop, or something of the template's.
    pub(super) before: Value<'a>,
    /// What the template put into it.
    pub(super) storage: &'a super::value::Map<'a>,
}

pub(crate) struct Renderer<'a> {
    pub(super) heap: Heap<'a>,
    pub(super) around: &'a (dyn Surroundings + 'a),
    pub(super) overrides: &'a Overrides,
    pub(super) overridden: Option<Maps<'a>>,
    pub(super) document: Option<Value<'a>>,
    pub(super) slots: Vec<Value<'a>>,
    /// Loop variables that are null now, whatever is set to them: so a null item of a list is for Velocity.
    masked: Vec<Slot>,
    pub(super) steps: u32,
    pub(super) out: Vec<u8>,
    /// The blocks of `#define` that are being printed.
    defined: Vec<&'a Definition>,
    /// Where a fault belongs.
    pub(super) at: usize,
}

impl Program {
    /// Renders the template: appends its output, and changes `overrides` as it says. After a fault `out` is as it was.
    pub fn render(
        &self,
        around: &dyn Surroundings,
        overrides: &mut Overrides,
        arena: &mut Arena,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if let Some(text) = self.constant() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let start = out.len();
        let (rendered, buffer) = self.run(around, overrides, &arena.bump, std::mem::take(out));
        *out = buffer;
        arena.reset();
        let changed = rendered.inspect_err(|_| out.truncate(start))?;
        if let Some(changed) = changed {
            *overrides = changed;
        }
        Ok(())
    }

    fn run(
        &self,
        around: &dyn Surroundings,
        overrides: &Overrides,
        bump: &Bump,
        out: Vec<u8>,
    ) -> (Result<Option<Overrides>, Fault>, Vec<u8>) {
        let mut slots = vec![Value::Null; self.names.len()];
        let hosts = [Host::Input, Host::Util, Host::Context, Host::StageVariables];
        for (slot, host) in slots.iter_mut().zip(hosts) {
            *slot = Value::Host(host);
        }
        let mut renderer = Renderer {
            heap: Heap { bump },
            around,
            overrides,
            overridden: None,
            document: None,
            slots,
            masked: Vec::new(),
            steps: limits::RENDER_STEPS_MAX,
            out,
            defined: Vec::new(),
            at: 0,
        };
        let done = renderer.whole(self);
        let at = renderer.at;
        let done = done.map_err(|halt| match halt {
            Halt::Fault(fault) if fault.at == NOWHERE => Fault { at, ..*fault },
            Halt::Fault(fault) => *fault,
            Halt::Break | Halt::BreakLoop(_) | Halt::Stop => Fault { at, why: Why::Steps },
        });
        (done, renderer.out)
    }
}

impl<'a> Renderer<'a> {
    fn whole(&mut self, program: &'a Program) -> Result<Option<Overrides>, Halt<'a>> {
        self.out.reserve(program.text_bytes * 2);
        match self.block(&program.body) {
            Ok(()) | Err(Halt::Break | Halt::BreakLoop(_) | Halt::Stop) => {}
            Err(fault @ Halt::Fault(_)) => return Err(fault),
        }
        let Some(maps) = self.overridden else { return Ok(None) };
        let mut changed = Overrides::default();
        maps.save(&mut changed)?;
        Ok(Some(changed))
    }

    pub(super) fn block(&mut self, nodes: &'a Block) -> Result<(), Halt<'a>> {
        for node in nodes {
            self.charge(1)?;
            self.node(node)?;
        }
        Ok(())
    }

    /// Counts steps; also where the limits of output and memory are looked at.
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), Halt<'a>> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(Why::Steps)?;
        if self.out.len() > limits::RENDER_OUTPUT_BYTES_MAX {
            return Err(Why::Output.into());
        }
        Ok(())
    }

    /// A fault where the renderer is.
    pub(super) fn fault(&self, why: Why) -> Halt<'a> {
        Halt::Fault(Box::new(Fault { at: self.at, why }))
    }

    /// The value of a variable.
    pub(super) fn variable(&self, slot: Slot) -> Value<'a> {
        if self.masked.contains(&slot) { Value::Null } else { self.slots[slot as usize] }
    }

    fn node(&mut self, node: &'a Node) -> Result<(), Halt<'a>> {
        match node {
            Node::Text(text) => self.out.extend_from_slice(text.as_bytes()),
            Node::Print(print) => self.print_reference(print)?,
            Node::Discard(reference) => {
                self.reference(reference)?;
            }
            Node::Set(target, expression) => {
                let value = self.value(expression)?;
                if !value.is_null() {
                    self.assign(target, value)?;
                }
            }
            Node::If(branches, otherwise) => {
                for (condition, block) in branches {
                    if self.truth(condition)? {
                        return self.block(block);
                    }
                }
                self.block(otherwise)?;
            }
            Node::Foreach(each) => self.foreach(each)?,
            Node::Define(slot, definition) => self.slots[*slot as usize] = Value::Block(definition),
            Node::Break(None) => return Err(Halt::Break),
            Node::Break(Some(scope)) => {
                return Err(match self.value(scope)? {
                    Value::Scope(scope) => Halt::BreakLoop(scope.owner),
                    _ => Halt::failed("#break takes the scope of a loop"),
                });
            }
            Node::Stop(message) => {
                if let Some(message) = message {
                    self.value(message)?;
                }
                return Err(Halt::Stop);
            }
        }
        Ok(())
    }

    /// Appends what a value prints as. Null prints as nothing.
    pub(super) fn print(&mut self, value: Value<'a>) -> Result<(), Halt<'a>> {
        match value {
            Value::Text(text) => self.out.extend_from_slice(text.as_bytes()),
            Value::Block(definition) => {
                self.print_block(definition)?;
            }
            Value::Host(Host::StageVariables) => {
                let map = self.stage_variable_map()?;
                print::java(map, &mut self.out)?;
            }
            Value::Null => {}
            value => {
                let start = self.out.len();
                match print::java(value, &mut self.out) {
                    Err(Unprintable::Block) => {
                        self.out.truncate(start);
                        self.print_with_blocks(value, 0)?;
                    }
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// Prints a list or map that has blocks of `#define` in it.
    fn print_with_blocks(&mut self, value: Value<'a>, depth: usize) -> Result<(), Halt<'a>> {
        self.charge(1)?;
        if depth > limits::TEMPLATE_DEPTH_MAX {
            return Err(Why::Depth.into());
        }
        match value {
            Value::List(list) if list.kind != ListKind::Json => {
                self.out.push(b'[');
                for position in 0..list.items.borrow().len() {
                    self.out.extend_from_slice(if position > 0 { b", " } else { b"" });
                    let item = list.items.borrow()[position];
                    self.print_with_blocks(item, depth + 1)?;
                }
                self.out.push(b']');
            }
            Value::Map(map) => {
                self.out.push(b'{');
                for position in 0..map.len() {
                    let Some((key, value)) = map.at(position) else { break };
                    self.out.extend_from_slice(if position > 0 { b", " } else { b"" });
                    self.print_with_blocks(key, depth + 1)?;
                    self.out.push(b'=');
                    self.print_with_blocks(value, depth + 1)?;
                }
                self.out.push(b'}');
            }
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Block(_) => {
                let text = self.text_of(value)?;
                self.out.extend_from_slice(text.as_bytes());
            }
            value => print::java(value, &mut self.out)?,
        }
        Ok(())
    }

    /// Prints what `#define` made; false if that is being printed twice already.
    pub(super) fn print_block(&mut self, definition: &'a Definition) -> Result<bool, Halt<'a>> {
        const DEPTH_MAX: usize = 2;
        let running = self.defined.iter().filter(|running| std::ptr::eq(**running, definition)).count();
        if running >= DEPTH_MAX {
            return Ok(false);
        }
        if self.defined.len() >= limits::TEMPLATE_DEPTH_MAX {
            return Err(Why::Depth.into());
        }
        self.defined.push(definition);
        let done = self.block(&definition.body);
        self.defined.pop();
        match done {
            Ok(()) | Err(Halt::Break) => Ok(true),
            Err(other) => Err(other),
        }
    }

    /// What something prints, as a text of its own.
    pub(super) fn captured(
        &mut self,
        print: impl FnOnce(&mut Self) -> Result<(), Halt<'a>>,
    ) -> Result<Vec<u8>, Halt<'a>> {
        let outer = std::mem::take(&mut self.out);
        let done = print(self);
        let text = std::mem::replace(&mut self.out, outer);
        done.map(|()| text)
    }

    /// `toString()`
    pub(super) fn text_of(&mut self, value: Value<'a>) -> Result<&'a str, Halt<'a>> {
        if let Value::Text(text) = value {
            return Ok(text);
        }
        let text = self.captured(|renderer| match value {
            Value::Block(definition) => match renderer.print_block(definition)? {
                true => Ok(()),
                false => Err(Why::Depth.into()),
            },
            value => renderer.print(value),
        })?;
        Ok(self.heap.keep(&String::from_utf8_lossy(&text))?)
    }

    fn foreach(&mut self, each: &'a Foreach) -> Result<(), Halt<'a>> {
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
        let saved = [slot, VELOCITY_COUNT, VELOCITY_HAS_NEXT].map(|slot| (slot, self.variable(slot as Slot)));
        let before = self.slots[FOREACH];
        self.heap.reserve(size_of::<Scope<'_>>())?;
        let scope: &'a Scope<'a> = self.heap.bump.alloc(Scope {
            owner: each,
            index: std::cell::Cell::new(-1),
            has_next: std::cell::Cell::new(false),
            before,
            storage: self.heap.map()?,
        });
        self.slots[FOREACH] = Value::Scope(scope);
        let done = self.passes(each, scope, list);
        for (slot, value) in saved {
            self.slots[slot] = value;
            if value.is_null() {
                self.masked.retain(|masked| *masked as usize != slot);
            }
        }
        if let Value::Scope(scope) = self.slots[FOREACH] {
            self.slots[FOREACH] = scope.before;
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
        list: &'a super::value::List<'a>,
    ) -> Result<(), Halt<'a>> {
        let length = list.items.borrow().len();
        let mut masks = true;
        for position in 0..length.min(limits::FOREACH_PASSES_MAX) {
            let now = list.items.borrow().len();
            if now != length {
                // Java's iterators notice.
                return if position == now {
                    Ok(())
                } else {
                    Err(Halt::failed("the list changed while a #foreach went through it"))
                };
            }
            self.charge(1)?;
            let item = list.items.borrow()[position];
            let has_next = position + 1 < length;
            scope.index.set(position as i32);
            scope.has_next.set(has_next);
            self.slots[VELOCITY_COUNT] = Value::Int(position as i32 + 1);
            self.slots[VELOCITY_HAS_NEXT] = Value::Boolean(has_next);
            self.slots[each.slot as usize] = item;
            if !item.is_null() || !masks {
                self.block(&each.body)?;
                continue;
            }
            let outer = self.masked.len();
            self.masked.push(each.slot);
            let done = self.block(&each.body);
            masks = self.masked.len() > outer;
            self.masked.truncate(outer);
            done?;
        }
        Ok(())
    }

    pub(super) fn values_of(
        &mut self,
        map: &'a super::value::Map<'a>,
    ) -> Result<&'a super::value::List<'a>, Halt<'a>> {
        self.charge(map.len())?;
        let values: Vec<Value<'a>> =
            (0..map.len()).filter_map(|position| map.at(position).map(|(_, value)| value)).collect();
        Ok(self.heap.new_list(ListKind::View, &values)?)
    }
}

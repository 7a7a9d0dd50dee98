//! Runs a program.

use bumpalo::Bump;

use super::fault::{Fault, Halt, NOWHERE, Why};
pub(super) use super::host::Host;
use super::host::Surroundings;
use super::java::Patterns;
use super::overrides::{Maps, Overrides};
use super::print::{self, Unprintable};
use super::program::{Block, Definition, Node, Program, Slot};
use super::value::{Heap, ListKind, Value};
use super::variables::Variables;
use crate::limits;

/// The variables that a template finds, by slot.
pub(super) const PREDEFINED: [&str; 7] =
    ["input", "util", "context", "stageVariables", "foreach", "velocityCount", "velocityHasNext"];
/// The slot of `$input`.
pub(super) const INPUT: Slot = 0;

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

pub(crate) struct Renderer<'a> {
    pub(super) heap: Heap<'a>,
    pub(super) around: &'a (dyn Surroundings + 'a),
    pub(super) overrides: &'a Overrides,
    pub(super) overridden: Option<Maps<'a>>,
    pub(super) document: Option<Value<'a>>,
    pub(super) variables: Variables<'a>,
    pub(super) steps: u32,
    pub(super) out: Vec<u8>,
    /// Empty buffers for texts that are printed aside.
    spare: Vec<Vec<u8>>,
    pub(super) patterns: Patterns<'a>,
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
        let slots = bump.alloc_slice_fill_copy(self.names.len(), Value::Null);
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
            variables: Variables { slots, masked: Vec::new() },
            steps: limits::RENDER_STEPS_MAX,
            out,
            spare: Vec::new(),
            patterns: Patterns::default(),
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
        self.check_output()?;
        let Some(maps) = self.overridden else { return Ok(None) };
        let mut changed = Overrides::default();
        maps.save(&mut changed)?;
        Ok(Some(changed))
    }

    pub(super) fn block(&mut self, nodes: &'a Block) -> Result<(), Halt<'a>> {
        self.charge(nodes.len())?;
        for node in nodes {
            self.node(node)?;
        }
        Ok(())
    }

    /// Counts steps; also where the limits of output and memory are looked at.
    #[inline(always)]
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), Halt<'a>> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(Why::Steps)?;
        self.check_output()
    }

    #[inline(always)]
    pub(super) fn check_output(&self) -> Result<(), Halt<'a>> {
        if self.out.len() > limits::RENDER_OUTPUT_BYTES_MAX { Err(Why::Output.into()) } else { Ok(()) }
    }

    /// A fault where the renderer is.
    pub(super) fn fault(&self, why: Why) -> Halt<'a> {
        Halt::Fault(Box::new(Fault { at: self.at, why }))
    }

    fn node(&mut self, node: &'a Node) -> Result<(), Halt<'a>> {
        match node {
            Node::Text(text) => self.out.extend_from_slice(text.as_bytes()),
            Node::ShortText(text) => text.write(&mut self.out),
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
            Node::Define(slot, definition) => self.variables.set(*slot, Value::Block(definition)),
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
    ) -> Result<&'a str, Halt<'a>> {
        let buffer = self.spare.pop().unwrap_or_default();
        let outer = std::mem::replace(&mut self.out, buffer);
        let done = print(self);
        let mut text = std::mem::replace(&mut self.out, outer);
        done?;
        let kept = self.heap.keep(&String::from_utf8_lossy(&text))?;
        text.clear();
        self.spare.push(text);
        Ok(kept)
    }

    /// `toString()`
    pub(super) fn text_of(&mut self, value: Value<'a>) -> Result<&'a str, Halt<'a>> {
        if let Value::Text(text) = value {
            return Ok(text);
        }
        self.captured(|renderer| match value {
            Value::Block(definition) => match renderer.print_block(definition)? {
                true => Ok(()),
                false => Err(Why::Depth.into()),
            },
            value => renderer.print(value),
        })
    }

    pub(super) fn values_of(
        &mut self,
        map: &'a super::map::Map<'a>,
    ) -> Result<&'a super::value::List<'a>, Halt<'a>> {
        self.charge(map.len())?;
        let values: Vec<Value<'a>> =
            (0..map.len()).filter_map(|position| map.at(position).map(|(_, value)| value)).collect();
        Ok(self.heap.new_list(ListKind::View, &values)?)
    }
}

//! References: `$a.b(1)[2]`, `${a.b}`, what is printed of them, and what `#set` assigns to.

use super::SyntaxError;
use super::ahead::starts_parameter;
use super::check;
use super::parser::Parser;
use super::token::Kind;
use crate::velocity::program::{Call, Node, Print, Property, Reference, Step};

/// A reference as it was read.
pub(super) struct Parsed {
    pub(super) reference: Reference,
    /// What is printed before its value.
    prefix: String,
    /// Whether it is printed as it is written.
    is_escaped: bool,
    /// How it is written, without its escape.
    literal: String,
    /// Not a reference at all but text that was read as one; printed as it is.
    is_text: bool,
    /// Has no value in an expression: it is no reference, or one with `\\!` in it.
    pub(super) is_none: bool,
    pub(super) root: String,
}

impl Parser<'_, '_> {
    pub(super) fn printed_reference(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
        let parsed = self.reference()?;
        if parsed.is_text {
            self.text(nodes, &parsed.root);
            return Ok(());
        }
        match parsed.is_escaped {
            false => nodes.push(Node::Print(Box::new(Print {
                prefix: parsed.prefix.into(),
                reference: parsed.reference,
                literal: parsed.literal.into(),
            }))),
            true => {
                // Velocity works an escaped reference out, too.
                if parsed.reference.steps.iter().any(|step| !matches!(step, Step::Property(_))) {
                    nodes.push(Node::Discard(parsed.reference));
                }
                self.text(nodes, &(parsed.prefix + &parsed.literal));
            }
        }
        Ok(())
    }

    /// `$a.b(1)[2]`, `${a.b}`.
    pub(super) fn reference(&mut self) -> Result<Parsed, SyntaxError> {
        self.descend()?;
        let first = self.next;
        let at = self.base + self.tokens.get(first).map_or(0, |token| token.at);
        let formal = self.peek()? == Kind::FormalOpen;
        if formal {
            self.take()?;
        }
        self.expect(Kind::Identifier)?;
        let mut steps = Vec::new();
        self.indexes(&mut steps)?;
        while self.peek()? == Kind::Dot && self.peek_at(1)? == Kind::Identifier {
            self.take()?;
            let step = if self.is_method()? { self.method()? } else { self.property()? };
            steps.push(step);
            self.indexes(&mut steps)?;
        }
        if formal {
            self.expect(Kind::FormalClose)?;
        }
        self.depth -= 1;
        self.finish_reference(first, steps, at)
    }

    fn property(&mut self) -> Result<Step, SyntaxError> {
        Ok(Step::Property(Property::new(&self.take()?.image)))
    }

    fn method(&mut self) -> Result<Step, SyntaxError> {
        let token = self.take()?;
        let (at, name): (usize, Box<str>) = (token.at, token.image.as_str().into());
        self.expect(Kind::ParenOpen)?;
        let mut arguments = Vec::new();
        if starts_parameter(self.peek()?) {
            arguments.push(self.parameter()?);
            while self.peek()? == Kind::Comma {
                self.take()?;
                arguments.push(self.parameter()?);
            }
        }
        self.expect(Kind::MethodClose)?;
        let at = self.base + at;
        let call = Call { name, arguments: arguments.into(), at: at as u32, pattern: None, path: None };
        Ok(Step::Method(Box::new(check::method(call)?)))
    }

    fn indexes(&mut self, steps: &mut Vec<Step>) -> Result<(), SyntaxError> {
        while self.peek()? == Kind::IndexOpen {
            self.take()?;
            self.white_space()?;
            let index = match self.peek()? {
                Kind::String | Kind::Integer | Kind::True | Kind::False => self.literal_expression()?,
                Kind::Identifier | Kind::FormalOpen => self.reference_expression()?,
                _ => return Err(self.unexpected("expected an index")),
            };
            self.white_space()?;
            self.expect(Kind::IndexClose)?;
            steps.push(Step::Index(index));
        }
        Ok(())
    }

    /// Works out name, prefix and escape, and leaves the first token without them: what prints it whole sees that.
    fn finish_reference(&mut self, first: usize, steps: Vec<Step>, at: usize) -> Result<Parsed, SyntaxError> {
        let mut image = self.tokens[first].image.clone();
        let following = self.tokens.get(first + 1).map(|token| token.image.clone()).unwrap_or_default();
        if image.contains("\\!") {
            let slot = self.slot("\\!");
            let reference = Reference { slot, steps: steps.into(), at: at as u32 };
            return Ok(Parsed {
                reference,
                prefix: String::new(),
                is_escaped: false,
                literal: String::new(),
                is_text: false,
                is_none: true,
                root: image,
            });
        }
        let slashes = image.bytes().take_while(|byte| *byte == b'\\').count();
        let escape = image[..slashes / 2].to_owned();
        let mut prefix = escape.clone();
        image.drain(..slashes);
        let before_dollar = image.rfind('$').unwrap_or(0);
        let escaped = slashes % 2 != 0;
        if !escaped {
            prefix.push_str(&image[..before_dollar]);
        }
        image.drain(..before_dollar);
        self.tokens[first].image.clone_from(&image);
        let literal: String = (first..self.next).map(|at| self.literal(at)).collect();
        // An escaped reference prints as it is written; one that fails to print, what stands before it as well.
        let literal = match (escaped, image.starts_with("$!")) {
            (true, _) => literal,
            (false, true) => escape + &prefix,
            (false, false) => escape + &prefix + &literal,
        };
        let root = match image.as_str() {
            "${" | "$!{" => following,
            _ => image.strip_prefix("$!").or(image.strip_prefix('$')).unwrap_or(&image).to_owned(),
        };
        let is_text = !image.starts_with('$');
        let slot = if is_text { self.slot("\\!") } else { self.slot(&root) };
        let reference = check::reference(Reference { slot, steps: steps.into(), at: at as u32 })?;
        Ok(Parsed { reference, prefix, is_escaped: escaped, literal, is_text, is_none: is_text, root })
    }

    /// What `#set` assigns to. Velocity takes the text behind `$` for the name, so `#set(${a} = 1)` sets nothing that
    /// could be read.
    pub(super) fn target(&mut self) -> Result<Reference, SyntaxError> {
        if !matches!(self.peek()?, Kind::Identifier | Kind::FormalOpen) {
            return Err(self.unexpected("expected a reference"));
        }
        let first = self.next;
        let parsed = self.reference()?;
        let mut reference = parsed.reference;
        if reference.steps.is_empty() {
            let name = self.tokens[first].image.get(1..).unwrap_or_default().to_owned();
            reference.slot = self.slot(&name);
        }
        Ok(reference)
    }
}

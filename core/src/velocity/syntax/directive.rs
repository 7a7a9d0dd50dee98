//! Directives: `#if`, `#set`, `#foreach` and the others, and what only looks like one.

use super::SyntaxError;
use super::parser::Parser;
use super::token::Kind;
use crate::velocity::program::{Block, Definition, Expression, Foreach, Node};

/// The directives that Velocity has and API Gateway leaves. The others are printed as they are written, as is everything
/// that looks like the call of a macro: a `#macro` is read and never defined.
pub(super) const DIRECTIVES: [&str; 6] = ["foreach", "macro", "literal", "break", "define", "stop"];

/// An argument of a directive.
pub(super) struct Argument {
    /// Its value; a bare word has none.
    pub(super) value: Option<Expression>,
    /// Its first token.
    pub(super) image: String,
    /// The variable that it names, if it is a reference; else the first token without its first character.
    pub(super) root: String,
    /// How it is written.
    pub(super) literal: String,
}

impl Parser<'_, '_> {
    pub(super) fn if_statement(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
        let mut branches = vec![self.branch()?];
        while self.peek()? == Kind::ElseIf {
            branches.push(self.branch()?);
        }
        let mut otherwise = Block::default();
        if self.peek()? == Kind::Else {
            self.take()?;
            otherwise = self.block()?;
        }
        self.expect(Kind::End)?;
        nodes.push(Node::If(branches.into(), otherwise));
        Ok(())
    }

    fn branch(&mut self) -> Result<(Expression, Block), SyntaxError> {
        self.take()?;
        self.white_space()?;
        self.expect(Kind::ParenOpen)?;
        let condition = self.expression()?;
        self.expect(Kind::ParenClose)?;
        Ok((condition, self.block()?))
    }

    pub(super) fn set(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
        self.take()?;
        self.white_space()?;
        let target = self.target()?;
        self.white_space()?;
        self.expect(Kind::Assign)?;
        let value = self.expression()?;
        self.expect(Kind::ParenClose)?;
        self.lexer.leave_set();
        nodes.push(Node::Set(target, value));
        Ok(())
    }

    /// `#name`, `#name(…)`, and with a block `#name(…) … #end`.
    pub(super) fn directive(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
        let first = self.next;
        let token = self.take()?;
        let at = token.at;
        let image = token.image.clone();
        let braced = token.kind == Kind::BracedWord;
        let name = if braced { &image[2..image.len() - 1] } else { &image[1..] };
        self.lexer.enter_directive();
        if !self.lexer.is_before_paren() {
            if name == "macro" {
                return Err(self.error(at, "a #macro needs a name in parentheses"));
            }
            self.lexer.pop();
            return self.without_arguments(name, first, nodes);
        }
        let arguments = self.arguments(name, at)?;
        match name {
            "break" | "stop" => {
                if arguments.len() > 1 {
                    return Err(self.error(at, format!("#{name} takes one argument at most")));
                }
                let argument = arguments.into_iter().next().and_then(|argument| argument.value);
                nodes.push(if name == "break" { Node::Break(argument) } else { Node::Stop(argument) });
                Ok(())
            }
            "foreach" => self.foreach(arguments, at, nodes),
            "define" => self.define(arguments, at, nodes),
            "macro" => self.macro_definition(&arguments, at),
            "literal" => self.literal_block(&arguments, nodes),
            _ => self.unknown(name, first, nodes),
        }
    }

    fn without_arguments(
        &mut self,
        name: &str,
        first: usize,
        nodes: &mut Vec<Node>,
    ) -> Result<(), SyntaxError> {
        let at = self.tokens[first].at;
        match name {
            "break" => nodes.push(Node::Break(None)),
            "stop" => nodes.push(Node::Stop(None)),
            "foreach" | "define" | "literal" => {
                return Err(self.error(at, format!("#{name} needs arguments in parentheses")));
            }
            _ if name.starts_with('@') => self.text(nodes, &format!("#{name}")),
            _ => {
                let image = self.tokens[first].image.clone();
                self.text(nodes, &image);
            }
        }
        Ok(())
    }

    /// A directive that is none, with all that belongs to it.
    fn unknown(&mut self, name: &str, first: usize, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
        if name.starts_with('@') {
            self.block()?;
            self.expect(Kind::End)?;
        }
        let images = self.tokens[first..self.next].iter().map(|token| token.image.as_str());
        let text: String = images.collect();
        self.text(nodes, &text);
        Ok(())
    }

    fn foreach(
        &mut self,
        arguments: Vec<Argument>,
        at: usize,
        nodes: &mut Vec<Node>,
    ) -> Result<(), SyntaxError> {
        let body = self.block()?;
        self.expect(Kind::End)?;
        let wrong = "a loop is written #foreach($item in $list)";
        let [element, _, list]: [Argument; 3] = arguments.try_into().map_err(|_| self.error(at, wrong))?;
        let slot = self.slot(&element.root);
        let list = list.value.ok_or_else(|| self.error(at, wrong))?;
        nodes.push(Node::Foreach(Box::new(Foreach { slot, list, body })));
        Ok(())
    }

    fn define(
        &mut self,
        arguments: Vec<Argument>,
        at: usize,
        nodes: &mut Vec<Node>,
    ) -> Result<(), SyntaxError> {
        let body = self.block()?;
        self.expect(Kind::End)?;
        let [name]: [Argument; 1] =
            arguments.try_into().map_err(|_| self.error(at, "a block is written #define($name)"))?;
        let slot = self.slot(name.image.get(1..).unwrap_or_default());
        nodes.push(Node::Define(slot, Box::new(Definition { body })));
        Ok(())
    }

    /// API Gateway reads macros and does not define them.
    fn macro_definition(&mut self, arguments: &[Argument], at: usize) -> Result<(), SyntaxError> {
        self.block()?;
        self.expect(Kind::End)?;
        match arguments {
            [] => Err(self.error(at, "a #macro needs a name in parentheses")),
            [name, ..] => {
                self.macros.push(name.image.clone());
                Ok(())
            }
        }
    }

    /// `#literal() … #end`: the block as it is written, but for its escapes.
    fn literal_block(&mut self, arguments: &[Argument], nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
        let first = self.next;
        self.block()?;
        let last = self.next;
        self.expect(Kind::End)?;
        if first == last {
            // Velocity trips over it, and so does every template that has one.
            return Err(self.error(self.tokens[last].at, "a #literal() has nothing in it"));
        }
        let text = match arguments {
            [] => (first..last).map(|at| self.literal(at)).collect(),
            [argument, ..] => argument.literal.clone(),
        };
        self.text(nodes, &text);
        Ok(())
    }
}

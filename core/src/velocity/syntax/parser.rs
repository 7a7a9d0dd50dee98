//! Statements: text, references, directives.

use super::SyntaxError;
use super::lexer::{Lexer, Token};
use super::token::Kind;
use crate::limits;
use crate::velocity::program::{Block, Definition, Foreach, Node, Program, Slot};
use crate::velocity::render::{INPUT, PREDEFINED};

/// Compiles a template.
pub(in crate::velocity) fn compile(text: &str) -> Result<Program, SyntaxError> {
    if text.len() > limits::TEMPLATE_BYTES_MAX {
        return Err(SyntaxError::new(
            0,
            format!("a template has at most {} bytes", limits::TEMPLATE_BYTES_MAX),
        ));
    }
    let names = PREDEFINED.iter().map(|name| (*name).into()).collect();
    let mut variables = Variables { names, reads_input: false };
    let mut parser = Parser::new(text, 0, 0, &mut variables);
    let body = parser.template()?;
    let text_bytes = parser.text_bytes;
    Ok(Program { body, names: variables.names, text_bytes, reads_input: variables.reads_input })
}

/// The variables of a template, with those of the strings in it.
pub(super) struct Variables {
    names: Vec<Box<str>>,
    reads_input: bool,
}

pub(super) struct Parser<'t, 'n> {
    pub(super) lexer: Lexer<'t>,
    /// All tokens so far; behind `next` those that were looked at already.
    pub(super) tokens: Vec<Token>,
    pub(super) next: usize,
    pub(super) variables: &'n mut Variables,
    /// Where the text starts in the template: a string literal is a template in a template.
    pub(super) base: usize,
    pub(super) depth: usize,
    text_bytes: usize,
    /// Macros that were read: escapes before their names count, though nothing calls them.
    macros: Vec<String>,
}

/// The directives that Velocity has and API Gateway leaves. The others are printed as they are written, as is everything
/// that looks like the call of a macro: a `#macro` is read and never defined.
const DIRECTIVES: [&str; 6] = ["foreach", "macro", "literal", "break", "define", "stop"];

impl<'t, 'n> Parser<'t, 'n> {
    pub(super) fn new(text: &'t str, base: usize, depth: usize, variables: &'n mut Variables) -> Self {
        Self {
            lexer: Lexer::new(text),
            tokens: Vec::new(),
            next: 0,
            variables,
            base,
            depth,
            text_bytes: 0,
            macros: Vec::new(),
        }
    }

    pub(super) fn template(&mut self) -> Result<Block, SyntaxError> {
        let nodes = self.block()?;
        self.expect(Kind::End0)?;
        Ok(nodes)
    }

    /// Statements until something else stands there.
    fn block(&mut self) -> Result<Block, SyntaxError> {
        self.descend()?;
        let mut nodes = Vec::new();
        while self.statement(&mut nodes)? {}
        self.depth -= 1;
        Ok(nodes.into())
    }

    pub(super) fn descend(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > limits::TEMPLATE_DEPTH_MAX {
            let at = self.base + self.tokens.get(self.next).map_or(0, |token| token.at);
            return Err(SyntaxError::new(at, format!("nested deeper than {}", limits::TEMPLATE_DEPTH_MAX)));
        }
        Ok(())
    }

    /// One statement; false if none stands here.
    fn statement(&mut self, nodes: &mut Vec<Node>) -> Result<bool, SyntaxError> {
        match self.peek()? {
            Kind::If => self.if_statement(nodes)?,
            Kind::Identifier => self.printed_reference(nodes)?,
            Kind::FormalOpen if self.peek_at(1)? == Kind::Identifier => self.printed_reference(nodes)?,
            Kind::LineCommentStart => {
                let image = &self.take()?.image;
                let before = image[..image.find("##").unwrap_or(0)].to_owned();
                self.text(nodes, &before);
                if self.peek()? == Kind::LineCommentEnd {
                    self.take()?;
                }
            }
            Kind::CommentEnd | Kind::FormalCommentEnd => {
                let image = &self.take()?.image;
                let before = image.find("##").or_else(|| image.find("#*")).unwrap_or(0);
                let before = image[..before].to_owned();
                self.text(nodes, &before);
            }
            Kind::TextBlock => {
                let token = self.take()?;
                let (at, text) = (token.at, without_marks(&token.image));
                let text = text.ok_or_else(|| self.error(at, "`]]#` ends nothing"))?;
                self.text(nodes, &text);
            }
            Kind::Set => self.set(nodes)?,
            Kind::EscapedDirective => {
                let image = self.take()?.image.clone();
                let image = self.unescaped(&image);
                self.text(nodes, &image);
                let last = self.next - 1;
                self.tokens[last].image = image;
            }
            Kind::DoubleEscape => self.escapes(nodes)?,
            Kind::Word | Kind::BracedWord => self.directive(nodes)?,
            Kind::ParenOpen
            | Kind::ParenClose
            | Kind::Escape
            | Kind::Text
            | Kind::String
            | Kind::Integer
            | Kind::Float
            | Kind::Dot
            | Kind::FormalOpen
            | Kind::FormalClose
            | Kind::EmptyIndex => {
                self.take()?;
                let text = self.literal(self.next - 1);
                self.text(nodes, &text);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn text(&mut self, nodes: &mut Vec<Node>, text: &str) {
        self.text_bytes += text.len();
        match nodes.last_mut() {
            _ if text.is_empty() => {}
            Some(Node::Text(before)) => *before = [before, text].concat().into(),
            _ => nodes.push(Node::Text(text.into())),
        }
    }

    /// `\\` pairs: halved before a directive.
    fn escapes(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
        let mut count = 0;
        while self.peek()? == Kind::DoubleEscape {
            self.take()?;
            count += 1;
        }
        let next = &self.tokens[self.next];
        let halved = matches!(next.kind, Kind::End | Kind::If | Kind::ElseIf | Kind::Else)
            || next.image.get(1..).is_some_and(|name| self.is_directive(name));
        self.text(nodes, &if halved { "\\" } else { "\\\\" }.repeat(count));
        Ok(())
    }

    fn if_statement(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
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

    fn branch(&mut self) -> Result<(Condition, Block), SyntaxError> {
        self.take()?;
        self.white_space()?;
        self.expect(Kind::ParenOpen)?;
        let condition = self.expression()?;
        self.expect(Kind::ParenClose)?;
        Ok((condition, self.block()?))
    }

    fn set(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
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
    fn directive(&mut self, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
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

    /// An escaped directive: without half of its backslashes if there is such a directive.
    fn unescaped(&self, image: &str) -> String {
        let last = image.rfind('\\').unwrap_or(0);
        let directive = &image[last + 1..];
        let name = directive[1..].trim_start_matches('{').trim_end_matches('}');
        let known = ["if", "end", "set", "else", "elseif"].contains(&name) || self.is_directive(name);
        if known { [&image[..last / 2], directive].concat() } else { image.to_owned() }
    }

    fn is_directive(&self, name: &str) -> bool {
        DIRECTIVES.contains(&name) || self.macros.iter().any(|known| known == name)
    }

    pub(super) fn slot(&mut self, name: &str) -> Slot {
        let names = &mut self.variables.names;
        let slot = names.iter().position(|known| &**known == name).unwrap_or_else(|| {
            names.push(name.into());
            names.len() - 1
        }) as Slot;
        self.variables.reads_input |= slot == INPUT;
        slot
    }

    /// A token as it is written, with what was lost before it.
    pub(super) fn literal(&self, at: usize) -> String {
        let token = &self.tokens[at];
        match token.kind {
            Kind::CommentEnd => String::new(),
            _ => [token.before.as_str(), token.image.as_str()].concat(),
        }
    }

    pub(super) fn peek(&mut self) -> Result<Kind, SyntaxError> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&mut self, ahead: usize) -> Result<Kind, SyntaxError> {
        self.kind_at(self.next + ahead)
    }

    /// The kind of a token by its number, reading it if need be.
    pub(super) fn kind_at(&mut self, at: usize) -> Result<Kind, SyntaxError> {
        while self.tokens.len() <= at {
            let token =
                self.lexer.next().map_err(|error| SyntaxError { at: error.at + self.base, ..error })?;
            self.tokens.push(token);
        }
        Ok(self.tokens[at].kind)
    }

    pub(super) fn take(&mut self) -> Result<&Token, SyntaxError> {
        self.peek()?;
        self.next += 1;
        Ok(&self.tokens[self.next - 1])
    }

    pub(super) fn expect(&mut self, kind: Kind) -> Result<(), SyntaxError> {
        if self.peek()? != kind {
            return Err(self.unexpected(&format!("expected {}", kind.name())));
        }
        self.next += 1;
        Ok(())
    }

    pub(super) fn white_space(&mut self) -> Result<(), SyntaxError> {
        if self.peek()? == Kind::Whitespace {
            self.next += 1;
        }
        Ok(())
    }

    /// The next token cannot stand here.
    pub(super) fn unexpected(&self, expected: &str) -> SyntaxError {
        let token = &self.tokens[self.next];
        let found = match token.kind {
            Kind::End0 => token.kind.name().to_owned(),
            _ => format!("`{}`", token.image.trim().chars().take(20).collect::<String>()),
        };
        self.error(token.at, format!("{expected}, found {found}"))
    }

    pub(super) fn error(&self, at: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.base + at, message)
    }
}

pub(super) type Condition = crate::velocity::program::Expression;

/// An argument of a directive.
pub(super) struct Argument {
    /// Its value; a bare word has none.
    pub(super) value: Option<Condition>,
    /// Its first token.
    pub(super) image: String,
    /// The variable that it names, if it is a reference; else the first token without its first character.
    pub(super) root: String,
    /// How it is written.
    pub(super) literal: String,
}

/// The text of `#[[…]]#`. Velocity cuts three characters off both ends even of what is left when a `##` stood in it.
fn without_marks(image: &str) -> Option<String> {
    let units: Vec<u16> = image.encode_utf16().collect();
    let inner = units.get(3..units.len().checked_sub(3)?)?;
    Some(String::from_utf16_lossy(inner))
}

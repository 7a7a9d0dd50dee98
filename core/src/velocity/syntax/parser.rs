//! Statements: text, references, directives.

use super::SyntaxError;
use super::directive::DIRECTIVES;
use super::lexer::{Lexer, Token};
use super::token::Kind;
use crate::limits;
use crate::velocity::program::{Block, Node, Program, Slot};
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
    pub(super) macros: Vec<String>,
}

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
    pub(super) fn block(&mut self) -> Result<Block, SyntaxError> {
        self.descend()?;
        let mut nodes = Vec::new();
        while self.statement(&mut nodes)? {}
        self.depth -= 1;
        Ok(nodes.into_iter().map(Node::settled).collect())
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

/// The text of `#[[…]]#`. Velocity cuts three characters off both ends even of what is left when a `##` stood in it.
fn without_marks(image: &str) -> Option<String> {
    let units: Vec<u16> = image.encode_utf16().collect();
    let inner = units.get(3..units.len().checked_sub(3)?)?;
    Some(String::from_utf16_lossy(inner))
}

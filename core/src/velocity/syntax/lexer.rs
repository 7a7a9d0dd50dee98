//! Cuts a template into tokens, as the parser asks for them.
//!
//! Keeps the stack of modes that Velocity keeps, with its habits: the parser reaches in where the grammar alone cannot say
//! what follows.

use super::SyntaxError;
use super::token::{self, Kind, LastQuotes, Mode};

/// A token as it was written.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// The text, which for some tokens is not all that was read.
    pub(super) image: String,
    /// What was read before it and belongs to no token: a lone `$` or `#`.
    pub(super) before: String,
    /// Where it starts, in bytes.
    pub(super) at: usize,
}

#[derive(Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    last_quotes: LastQuotes,
    at: usize,
    mode: Mode,
    stack: Vec<Saved>,
    open: u32,
    closed: u32,
    in_set: bool,
    in_comment: bool,
}

#[derive(Debug)]
struct Saved {
    mode: Mode,
    open: u32,
    closed: u32,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            last_quotes: LastQuotes::of(text.as_bytes()),
            at: 0,
            mode: Mode::Default,
            stack: Vec::new(),
            open: 0,
            closed: 0,
            in_set: false,
            in_comment: false,
        }
    }

    /// The next token; behind the last one always [`Kind::End0`].
    pub(super) fn next(&mut self) -> Result<Token, SyntaxError> {
        let mut before = String::new();
        loop {
            let start = self.at;
            let Some(kind) = self.read()? else {
                return Ok(Token { kind: Kind::End0, image: String::new(), before, at: start });
            };
            if kind.is_terminator() {
                let image = &self.text[start..self.at - 1];
                self.at -= 1;
                self.pop();
                // Only the last of several is asked whether it is a comment, and none ever is.
                before.push_str(&lone(image));
            } else if kind != Kind::CommentCharacter {
                let mut image = self.text[start..self.at].to_owned();
                self.act(kind, &mut image);
                return Ok(Token { kind, image, before, at: start });
            }
        }
    }

    /// Reads on until a token is complete; none at the end.
    fn read(&mut self) -> Result<Option<Kind>, SyntaxError> {
        if self.at == self.text.len() {
            return Ok(None);
        }
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some((kind, length)) = token::longest(self.mode, rest, &self.last_quotes) else {
                let unread = if rest.is_empty() {
                    "the template ends inside of `$`, `#` or a comment"
                } else {
                    "this cannot stand here"
                };
                return Err(SyntaxError::new(self.at, unread));
            };
            self.at += length;
            if kind == Kind::CommentCharacter {
                self.skip_comment();
            }
            if !kind.continues() {
                return Ok(Some(kind));
            }
            self.go_on(kind);
        }
    }

    /// What stands in a comment and begins nothing.
    fn skip_comment(&mut self) {
        let stops = |byte: &u8| b"*#$\\\n\r".contains(byte);
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(stops).unwrap_or(rest.len());
    }

    fn go_on(&mut self, kind: Kind) {
        if self.in_comment {
            return;
        }
        match kind {
            Kind::Dollar | Kind::DollarBang => {
                if self.mode == Mode::Reference {
                    self.pop();
                }
                self.push(Mode::Reference);
            }
            Kind::Hash => {
                if matches!(self.mode, Mode::Reference | Mode::Property) {
                    self.pop();
                }
                self.push(Mode::Hash);
            }
            Kind::TextBlockStart => self.comment(Mode::TextBlock),
            Kind::FormalCommentStart => {
                self.at -= 1;
                self.comment(Mode::FormalComment);
            }
            Kind::CommentStart => self.comment(Mode::Comment),
            _ => {}
        }
    }

    fn comment(&mut self, mode: Mode) {
        self.in_comment = true;
        self.push(mode);
    }

    fn act(&mut self, kind: Kind, image: &mut String) {
        match kind {
            Kind::IndexOpen => self.push(Mode::Index),
            Kind::IndexClose | Kind::FormalClose | Kind::End | Kind::Else => self.pop(),
            Kind::ParenOpen => {
                self.open += u32::from(!self.in_comment);
                if self.mode == Mode::Property {
                    self.mode = Mode::Arguments;
                }
            }
            Kind::ParenClose => self.close(),
            Kind::MethodClose => self.mode = Mode::Reference,
            Kind::Set if !self.in_comment => {
                self.push(Mode::Directive);
                self.in_set = true;
                self.open += 1;
            }
            Kind::LineCommentStart if !self.in_comment => {
                if self.mode == Mode::Reference {
                    self.pop();
                }
                self.comment(Mode::LineComment);
            }
            Kind::LineCommentEnd | Kind::FormalCommentEnd | Kind::CommentEnd | Kind::TextBlock => {
                self.in_comment = false;
                self.pop();
            }
            Kind::String if self.mode == Mode::Directive && !self.in_set && self.open == 0 => self.pop(),
            Kind::If | Kind::ElseIf => self.mode = Mode::Directive,
            Kind::Integer => {
                if image.ends_with("..") {
                    self.at -= 2;
                    image.truncate(image.len() - 2);
                }
                self.end_of_number(&[Mode::Arguments, Mode::Index]);
            }
            Kind::Float => self.end_of_number(&[Mode::Arguments]),
            Kind::Dot => {
                self.at -= 1;
                *image = ".".to_owned();
                self.mode = Mode::Property;
            }
            _ => {}
        }
    }

    fn end_of_number(&mut self, inside: &[Mode]) {
        if self.open == 0 && !self.in_set && !inside.contains(&self.mode) {
            self.pop();
        }
    }

    /// A `)` of a directive: ends the innermost mode that has an open one.
    fn close(&mut self) {
        while !self.in_comment {
            if self.open == 0 {
                if self.stack.is_empty() {
                    self.pop();
                    return;
                }
                self.pop();
            } else {
                if self.open == self.closed + 1 {
                    self.pop();
                } else {
                    self.closed += 1;
                }
                return;
            }
        }
    }

    fn push(&mut self, mode: Mode) {
        self.stack.push(Saved { mode: self.mode, open: self.open, closed: self.closed });
        self.open = 0;
        self.mode = mode;
    }

    /// Ends a mode. The parser calls it for a directive that turns out to be none.
    pub(super) fn pop(&mut self) {
        match self.stack.pop() {
            Some(saved) => (self.mode, self.open, self.closed) = (saved.mode, saved.open, saved.closed),
            None => (self.mode, self.open) = (Mode::Default, 0),
        }
    }

    /// The parser has read the name of a directive.
    pub(super) fn enter_directive(&mut self) {
        self.mode = Mode::Directive;
    }

    /// The parser has read a whole `#set`.
    pub(super) fn leave_set(&mut self) {
        self.in_set = false;
    }

    /// Whether `(` follows, behind any white space.
    pub(super) fn is_before_paren(&self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        rest.iter().find(|byte| !b" \n\r\t".contains(byte)) == Some(&b'(')
    }
}

/// What is left of text that was read as a reference or directive and is none.
fn lone(image: &str) -> String {
    let bytes = image.as_bytes();
    let mut kept = String::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' | b'$' => kept.push(char::from(bytes[at])),
            b'\\' => {
                let slashes = bytes[at..].iter().take_while(|byte| **byte == b'\\').count();
                if bytes.get(at + slashes) == Some(&b'$') {
                    kept.push_str(&image[at..=at + slashes]);
                    at += slashes + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    kept
}

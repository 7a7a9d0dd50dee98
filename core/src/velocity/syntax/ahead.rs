//! What the parser looks ahead for. Nothing is taken: positions go in and come out.

use super::SyntaxError;
use super::parser::Parser;
use super::token::Kind;

/// The position behind what was looked for, if it is there.
type Ahead = Result<Option<usize>, SyntaxError>;

impl Parser<'_, '_> {
    /// Whether `[a..` stands here: then it is a range, else a list.
    pub(super) fn is_range(&mut self) -> Result<bool, SyntaxError> {
        if self.peek()? != Kind::BracketOpen {
            return Ok(false);
        }
        let at = self.skip_white_space(self.next + 1)?;
        let Some(at) = self.skip_bound(at)? else { return Ok(false) };
        let at = self.skip_white_space(at)?;
        Ok(self.kind_at(at)? == Kind::DoubleDot)
    }

    /// Whether `.name(` stands here with something that can be its arguments.
    pub(super) fn is_method(&mut self) -> Result<bool, SyntaxError> {
        if self.peek()? != Kind::Identifier || self.peek_at(1)? != Kind::ParenOpen {
            return Ok(false);
        }
        let third = self.peek_at(2)?;
        Ok(third == Kind::MethodClose || starts_parameter(third))
    }

    /// Whether another argument of a directive stands here.
    pub(super) fn is_argument(&mut self) -> Result<bool, SyntaxError> {
        let first = self.peek()?;
        if !matches!(
            first,
            Kind::Whitespace | Kind::Comma | Kind::FormalOpen | Kind::BracketOpen | Kind::BraceOpen
        ) {
            return Ok(starts_argument(first));
        }
        let second = self.peek_at(1)?;
        Ok(match first {
            Kind::Whitespace => second == Kind::Comma || starts_argument(second),
            Kind::Comma => second == Kind::Whitespace || starts_argument(second),
            Kind::FormalOpen => second == Kind::Identifier,
            Kind::BracketOpen => second == Kind::BracketClose || starts_parameter(second),
            _ => matches!(second, Kind::BraceClose | Kind::FormalClose) || starts_parameter(second),
        })
    }

    fn skip_white_space(&mut self, at: usize) -> Result<usize, SyntaxError> {
        Ok(at + usize::from(self.kind_at(at)? == Kind::Whitespace))
    }

    fn skip(&mut self, at: usize, kind: Kind) -> Ahead {
        Ok((self.kind_at(at)? == kind).then_some(at + 1))
    }

    /// An end of a range: a number or a reference.
    fn skip_bound(&mut self, at: usize) -> Ahead {
        match self.kind_at(at)? {
            Kind::Integer => Ok(Some(at + 1)),
            _ => self.skip_reference(at),
        }
    }

    fn skip_reference(&mut self, at: usize) -> Ahead {
        match self.kind_at(at)? {
            Kind::Identifier => self.skip_path(at + 1).map(Some),
            Kind::FormalOpen if self.kind_at(at + 1)? == Kind::Identifier => {
                let at = self.skip_path(at + 2)?;
                self.skip(at, Kind::FormalClose)
            }
            _ => Ok(None),
        }
    }

    fn skip_path(&mut self, at: usize) -> Result<usize, SyntaxError> {
        let mut at = self.skip_indexes(at)?;
        while self.kind_at(at)? == Kind::Dot && self.kind_at(at + 1)? == Kind::Identifier {
            let method = self.skip_method(at + 1)?;
            at = self.skip_indexes(method.unwrap_or(at + 2))?;
        }
        Ok(at)
    }

    fn skip_method(&mut self, at: usize) -> Ahead {
        if self.kind_at(at + 1)? != Kind::ParenOpen {
            return Ok(None);
        }
        if self.kind_at(at + 2)? == Kind::MethodClose {
            return Ok(Some(at + 3));
        }
        let at = self.skip_parameters(at + 2, Kind::Comma)?;
        match at {
            Some(at) => self.skip(at, Kind::MethodClose),
            None => Ok(None),
        }
    }

    /// Parameters with these between them.
    fn skip_parameters(&mut self, at: usize, between: Kind) -> Ahead {
        let Some(mut at) = self.skip_parameter(at)? else { return Ok(None) };
        while self.kind_at(at)? == between {
            match self.skip_parameter(at + 1)? {
                Some(after) => at = after,
                None => return Ok(Some(at)),
            }
        }
        Ok(Some(at))
    }

    fn skip_indexes(&mut self, mut at: usize) -> Result<usize, SyntaxError> {
        while self.kind_at(at)? == Kind::IndexOpen {
            let inner = self.skip_white_space(at + 1)?;
            let Some(inner) = self.skip_simple(inner)? else { break };
            let inner = self.skip_white_space(inner)?;
            let Some(after) = self.skip(inner, Kind::IndexClose)? else { break };
            at = after;
        }
        Ok(at)
    }

    fn skip_simple(&mut self, at: usize) -> Ahead {
        match self.kind_at(at)? {
            Kind::String | Kind::Integer | Kind::True | Kind::False => Ok(Some(at + 1)),
            _ => self.skip_reference(at),
        }
    }

    fn skip_parameter(&mut self, at: usize) -> Ahead {
        self.descend()?;
        let at = self.skip_white_space(at)?;
        let after = match self.kind_at(at)? {
            Kind::Float => Some(at + 1),
            Kind::BracketOpen => self.skip_list(at)?,
            Kind::BraceOpen => self.skip_map(at)?,
            _ => self.skip_simple(at)?,
        };
        self.depth -= 1;
        match after {
            Some(at) => self.skip_white_space(at).map(Some),
            None => Ok(None),
        }
    }

    fn skip_list(&mut self, at: usize) -> Ahead {
        let bound = self.skip_white_space(at + 1)?;
        if let Some(dots) = self.skip_bound(bound)? {
            let dots = self.skip_white_space(dots)?;
            if self.kind_at(dots)? == Kind::DoubleDot {
                let bound = self.skip_white_space(dots + 1)?;
                let Some(end) = self.skip_bound(bound)? else { return Ok(None) };
                let end = self.skip_white_space(end)?;
                return self.skip(end, Kind::BracketClose);
            }
        }
        match self.skip_parameters(at + 1, Kind::Comma)? {
            Some(end) => self.skip(end, Kind::BracketClose),
            None => self.skip(at + 1, Kind::BracketClose),
        }
    }

    fn skip_map(&mut self, at: usize) -> Ahead {
        let mut at = at + 1;
        while let Some(colon) = self.skip_parameter(at)? {
            let Some(value) = self.skip(colon, Kind::Colon)? else { return Ok(None) };
            let Some(after) = self.skip_parameter(value)? else { return Ok(None) };
            at = after;
            if self.kind_at(at)? != Kind::Comma {
                break;
            }
            at += 1;
        }
        let at = self.skip_white_space(at)?;
        Ok(matches!(self.kind_at(at)?, Kind::BraceClose | Kind::FormalClose).then_some(at + 1))
    }
}

/// What a parameter of a method can start with.
pub(super) fn starts_parameter(kind: Kind) -> bool {
    kind == Kind::Whitespace || (kind != Kind::Word && starts_argument(kind))
}

/// What an argument of a directive can start with.
fn starts_argument(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Identifier
            | Kind::FormalOpen
            | Kind::Word
            | Kind::String
            | Kind::Integer
            | Kind::Float
            | Kind::BracketOpen
            | Kind::BraceOpen
            | Kind::True
            | Kind::False
    )
}

//! Expressions, references and literals.

use std::ops::Range;

use super::SyntaxError;
use super::directive::{Argument, DIRECTIVES};
use super::parser::Parser;
use super::token::Kind;
use crate::limits;
use crate::velocity::program::{Comparison, Expression, Operand, Operator};

/// An expression with what is known of it while it grows.
struct Tree {
    expression: Expression,
    height: usize,
    /// The tokens that it was read from.
    written: Range<usize>,
}

impl Parser<'_, '_> {
    /// `a || b`.
    pub(super) fn expression(&mut self) -> Result<Expression, SyntaxError> {
        Ok(self.or()?.expression)
    }

    fn or(&mut self) -> Result<Tree, SyntaxError> {
        self.descend()?;
        let mut left = self.and()?;
        while self.peek()? == Kind::Or {
            self.take()?;
            let right = self.and()?;
            left = self.join(left, right, Expression::Or)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Tree, SyntaxError> {
        let mut left = self.equality()?;
        while self.peek()? == Kind::And {
            self.take()?;
            let right = self.equality()?;
            left = self.join(left, right, Expression::And)?;
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<Tree, SyntaxError> {
        let mut left = self.relation()?;
        loop {
            let comparison = match self.peek()? {
                Kind::Equal => Comparison::Equal,
                Kind::NotEqual => Comparison::NotEqual,
                _ => return Ok(left),
            };
            self.take()?;
            let right = self.relation()?;
            left = self.join(left, right, |sides| Expression::Compare(comparison, sides))?;
        }
    }

    fn relation(&mut self) -> Result<Tree, SyntaxError> {
        let mut left = self.sum()?;
        loop {
            let comparison = match self.peek()? {
                Kind::Less => Comparison::Less,
                Kind::LessOrEqual => Comparison::LessOrEqual,
                Kind::Greater => Comparison::Greater,
                Kind::GreaterOrEqual => Comparison::GreaterOrEqual,
                _ => return Ok(left),
            };
            self.take()?;
            let right = self.sum()?;
            left = self.join(left, right, |sides| Expression::Compare(comparison, sides))?;
        }
    }

    fn join(
        &self,
        left: Tree,
        right: Tree,
        make: impl FnOnce(Box<(Expression, Expression)>) -> Expression,
    ) -> Result<Tree, SyntaxError> {
        let height = self.height(&left, &right)?;
        let expression = make(Box::new((left.expression, right.expression)));
        Ok(Tree { expression, height, written: left.written })
    }

    /// The height of a tree over two. Chains of operators grow without nesting, and what walks the tree does nest.
    fn height(&self, left: &Tree, right: &Tree) -> Result<usize, SyntaxError> {
        let height = left.height.max(right.height) + 1;
        if height > limits::TEMPLATE_DEPTH_MAX {
            return Err(self.unexpected("an expression has too many operators"));
        }
        Ok(height)
    }

    fn sum(&mut self) -> Result<Tree, SyntaxError> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek()? {
                Kind::Plus => Operator::Add,
                Kind::Minus => Operator::Subtract,
                _ => return Ok(left),
            };
            self.take()?;
            let first = self.next;
            let right = self.product()?;
            left = self.math(operator, left, right, first)?;
        }
    }

    fn product(&mut self) -> Result<Tree, SyntaxError> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek()? {
                Kind::Times => Operator::Multiply,
                Kind::Divide => Operator::Divide,
                Kind::Modulo => Operator::Modulo,
                _ => return Ok(left),
            };
            self.take()?;
            let first = self.next;
            let right = self.unary()?;
            left = self.math(operator, left, right, first)?;
        }
    }

    /// Velocity takes what stands right of the operator, from token `first` on, for all of what is written.
    fn math(&self, operator: Operator, left: Tree, right: Tree, first: usize) -> Result<Tree, SyntaxError> {
        let height = self.height(&left, &right)?;
        let written = first..self.next;
        let operand =
            |tree: Tree| Operand { literal: self.written(tree.written), expression: tree.expression };
        let expression = Expression::Math(operator, Box::new((operand(left), operand(right))));
        Ok(Tree { expression, height, written })
    }

    /// Tokens as they are written. Only an operand without a value is ever printed so.
    fn written(&self, tokens: Range<usize>) -> Box<str> {
        tokens.take(limits::OPERAND_TOKENS_MAX).map(|at| self.literal(at)).collect::<String>().into()
    }

    fn unary(&mut self) -> Result<Tree, SyntaxError> {
        self.descend()?;
        let blank = usize::from(self.peek()? == Kind::Whitespace);
        let tree = if self.peek_at(blank)? == Kind::Not {
            self.next += blank + 1;
            let Tree { expression, height, written } = self.unary()?;
            Tree { expression: Expression::Not(Box::new(expression)), height: height + 1, written }
        } else {
            self.white_space()?;
            let first = self.next;
            let (expression, height) = self.primary()?;
            let written = first..self.next;
            self.white_space()?;
            Tree { expression, height, written }
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn primary(&mut self) -> Result<(Expression, usize), SyntaxError> {
        if self.peek()? != Kind::ParenOpen {
            return Ok((self.value()?, 1));
        }
        self.take()?;
        let inner = self.or()?;
        self.expect(Kind::ParenClose)?;
        Ok((inner.expression, inner.height))
    }

    /// An argument of a method, with blanks around it.
    pub(super) fn parameter(&mut self) -> Result<Expression, SyntaxError> {
        self.white_space()?;
        let value = self.value()?;
        self.white_space()?;
        Ok(value)
    }

    fn value(&mut self) -> Result<Expression, SyntaxError> {
        match self.peek()? {
            Kind::String | Kind::Integer | Kind::Float | Kind::True | Kind::False => {
                self.literal_expression()
            }
            Kind::Identifier | Kind::FormalOpen => self.reference_expression(),
            Kind::BracketOpen => {
                self.descend()?;
                let list = if self.is_range()? { self.range()? } else { self.list()? };
                self.depth -= 1;
                Ok(list)
            }
            Kind::BraceOpen => self.map(),
            _ => Err(self.unexpected("expected a value")),
        }
    }

    pub(super) fn reference_expression(&mut self) -> Result<Expression, SyntaxError> {
        let parsed = self.reference()?;
        Ok(if parsed.is_none { Expression::Nothing } else { Expression::Reference(parsed.reference) })
    }

    fn range(&mut self) -> Result<Expression, SyntaxError> {
        self.expect(Kind::BracketOpen)?;
        let from = self.bound()?;
        self.expect(Kind::DoubleDot)?;
        let to = self.bound()?;
        self.expect(Kind::BracketClose)?;
        Ok(Expression::Range(Box::new((from, to))))
    }

    fn bound(&mut self) -> Result<Expression, SyntaxError> {
        self.white_space()?;
        let bound = match self.peek()? {
            Kind::Integer => self.literal_expression()?,
            Kind::Identifier | Kind::FormalOpen => self.reference_expression()?,
            _ => return Err(self.unexpected("expected an end of the range")),
        };
        self.white_space()?;
        Ok(bound)
    }

    fn list(&mut self) -> Result<Expression, SyntaxError> {
        self.expect(Kind::BracketOpen)?;
        let mut items = Vec::new();
        if self.peek()? != Kind::BracketClose {
            items.push(self.parameter()?);
            while self.peek()? == Kind::Comma {
                self.take()?;
                items.push(self.parameter()?);
            }
        }
        self.expect(Kind::BracketClose)?;
        Ok(Expression::List(items.into()))
    }

    fn map(&mut self) -> Result<Expression, SyntaxError> {
        self.descend()?;
        self.expect(Kind::BraceOpen)?;
        let mut items = Vec::new();
        let blank = usize::from(self.peek()? == Kind::Whitespace);
        if !matches!(self.peek_at(blank)?, Kind::BraceClose | Kind::FormalClose) {
            loop {
                items.push(self.parameter()?);
                self.expect(Kind::Colon)?;
                items.push(self.parameter()?);
                if self.peek()? != Kind::Comma {
                    break;
                }
                self.take()?;
            }
        }
        self.white_space()?;
        match self.peek()? {
            Kind::FormalClose => self.next += 1,
            _ => self.expect(Kind::BraceClose)?,
        }
        self.depth -= 1;
        Ok(Expression::Map(items.into()))
    }

    pub(super) fn literal_expression(&mut self) -> Result<Expression, SyntaxError> {
        let token = self.take()?;
        let (kind, at) = (token.kind, token.at);
        let image = token.image.clone();
        Ok(match kind {
            Kind::True => Expression::Boolean(true),
            Kind::False => Expression::Boolean(false),
            Kind::Float => Expression::Float(image.parse().unwrap_or(f64::NAN)),
            Kind::String => self.string(&image, at)?,
            _ => match (image.parse(), image.parse()) {
                (Ok(number), _) => Expression::Integer(number),
                (_, Ok(number)) => Expression::Long(number),
                _ => Expression::Big(image.into()),
            },
        })
    }

    /// `'text'`, or `"text with $references and #directives"`.
    fn string(&mut self, image: &str, at: usize) -> Result<Expression, SyntaxError> {
        let double = image.starts_with('"');
        let mut text = image[1..image.len() - 1].to_owned();
        if double {
            text = unescape(&text)
                .ok_or_else(|| self.error(at, "not a Unicode escape: it is \\u and four digits"))?;
        }
        let quote = if double { "\"" } else { "'" };
        let text = text.replace(&quote.repeat(2), quote);
        if !double || !image.contains(['$', '#']) {
            return Ok(Expression::Text(text.into()));
        }
        let has_comment = text.contains("##");
        let template = if has_comment { text } else { text + " " };
        let mut inner = Parser::new(&template, self.base + at + 1, self.depth, self.variables);
        let block = inner
            .template()
            .map_err(|error| SyntaxError { at: error.at.min(self.base + at + image.len() - 1), ..error })?;
        Ok(Expression::Interpolated(block, !has_comment))
    }

    /// The arguments of a directive.
    pub(super) fn arguments(&mut self, name: &str, at: usize) -> Result<Vec<Argument>, SyntaxError> {
        self.white_space()?;
        self.expect(Kind::ParenOpen)?;
        let mut arguments = Vec::new();
        while self.is_argument()? {
            self.white_space()?;
            if self.peek()? == Kind::Comma {
                self.take()?;
                self.white_space()?;
            }
            let argument = self.argument()?;
            let (is_word, position) = (argument.value.is_none(), arguments.len());
            let known = DIRECTIVES.contains(&name);
            let may_be_word = (name == "macro" && position == 0) || (name == "foreach" && position == 1);
            if known && is_word && !may_be_word {
                return Err(self.error(at, format!("#{name} takes no bare word here")));
            }
            if name == "macro" && position == 0 && !is_word {
                return Err(self.error(at, "the first argument of #macro is its name"));
            }
            arguments.push(argument);
        }
        self.white_space()?;
        self.expect(Kind::ParenClose)?;
        Ok(arguments)
    }

    fn argument(&mut self) -> Result<Argument, SyntaxError> {
        let first = self.next;
        let mut root = None;
        let value = match self.peek()? {
            Kind::Word => {
                self.take()?;
                None
            }
            Kind::Identifier | Kind::FormalOpen => {
                let parsed = self.reference()?;
                root = Some(parsed.root);
                Some(Expression::Reference(parsed.reference))
            }
            _ => Some(self.value()?),
        };
        let image = self.tokens[first].image.clone();
        let root = root.unwrap_or_else(|| image.get(1..).unwrap_or_default().to_owned());
        Ok(Argument { value, image, root, literal: self.written(first..self.next).into() })
    }
}

/// `\u0041` to what it means. None if it is not such an escape.
fn unescape(text: &str) -> Option<String> {
    if !text.contains("\\u") {
        return Some(text.to_owned());
    }
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        units.extend(rest[..at].encode_utf16());
        let digits = rest.get(at + 2..at + 6)?;
        units.push(u16::from_str_radix(digits, 16).ok()?);
        rest = &rest[at + 6..];
    }
    units.extend(rest.encode_utf16());
    Some(String::from_utf16_lossy(&units))
}

//! A template as it is run: nodes and expressions, with variables as numbers and everything constant worked out.

use std::fmt;

use super::java::Pattern;
use super::name::Name;
use super::path::Path;

/// A compiled mapping template.
#[derive(Debug)]
pub struct Program {
    pub(super) body: Block,
    /// The names of the variables, by slot. The first are those of [`super::render`].
    pub(super) names: Vec<Box<str>>,
    /// Bytes of literal text, a guess at how long the output becomes.
    pub(super) text_bytes: usize,
    pub(super) reads_input: bool,
}

impl Program {
    /// The output, if it is the same for every request.
    pub fn constant(&self) -> Option<&str> {
        match &*self.body {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            [Node::ShortText(text)] => Some(&text.text),
            _ => None,
        }
    }

    /// Whether it names `$input`, so that the body has to be there.
    pub fn reads_input(&self) -> bool {
        self.reads_input
    }
}

/// Nodes that run one after the other.
pub(super) type Block = Box<[Node]>;

/// The number of a variable.
pub(super) type Slot = u32;

#[derive(Debug)]
#[repr(u8)]
pub(super) enum Node {
    /// Text as it is.
    Text(Box<str>),
    ShortText(Box<ShortText>),
    /// `$a.b`, printed.
    Print(Box<Print>),
    /// `\$a.b()`: worked out and not printed.
    Discard(Reference),
    /// `#set($a.b = …)`. The expression may have no value; then nothing is set.
    Set(Reference, Expression),
    /// `#if`, `#elseif` in order, `#else`.
    If(Box<[(Expression, Block)]>, Block),
    Foreach(Box<Foreach>),
    /// `#define($a)`: the block is what the variable prints.
    Define(Slot, Box<Definition>),
    /// `#break`, or `#break($scope)`.
    Break(Option<Expression>),
    /// `#stop`; its message is worked out and lost.
    Stop(Option<Expression>),
}

impl Node {
    /// The same once nothing is added to it.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Text(text) if text.len() <= SHORT_BYTES => Self::ShortText(Box::new(ShortText::new(text))),
            other => other,
        }
    }
}

/// What is copied without a call: two vector registers.
const SHORT_BYTES: usize = 32;

/// A short text, and zeros behind it. Most texts between references are short, and calls of `memcpy` for them were a tenth
/// of what the usual template takes.
#[derive(Debug)]
pub(super) struct ShortText {
    text: Box<str>,
    padded: [u8; SHORT_BYTES],
}

impl ShortText {
    fn new(text: Box<str>) -> Self {
        let mut padded = [0; SHORT_BYTES];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        Self { text, padded }
    }

    #[inline(always)]
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.text.len();
        out.extend_from_slice(&self.padded);
        out.truncate(end);
    }
}

/// A printed reference.
#[derive(Debug)]
pub(super) struct Print {
    /// What stands before its value.
    pub(super) prefix: Box<str>,
    pub(super) reference: Reference,
    /// What is printed, prefix and all, for a block that contains itself.
    pub(super) literal: Box<str>,
}

#[derive(Debug)]
pub(super) struct Foreach {
    pub(super) slot: Slot,
    pub(super) list: Expression,
    pub(super) body: Block,
}

/// What `#define` names.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) body: Block,
}

/// A variable, and the way from there.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) slot: Slot,
    pub(super) steps: Box<[Step]>,
    /// Where it is written.
    pub(super) at: u32,
}

#[derive(Debug)]
pub(super) enum Step {
    Property(Property),
    Method(Box<Call>),
    Index(Expression),
}

/// `.name`
#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: Name,
    pub(super) word: Word,
}

/// The names of properties that mean something for what is no map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Index,
    Count,
    HasNext,
    First,
    Last,
    Parent,
    Topmost,
    Empty,
    Key,
    Value,
    Other,
}

impl Property {
    pub(super) fn new(name: &str) -> Self {
        let word = match name {
            "index" => Word::Index,
            "count" => Word::Count,
            "hasNext" => Word::HasNext,
            "first" => Word::First,
            "last" => Word::Last,
            "parent" => Word::Parent,
            "topmost" => Word::Topmost,
            "empty" => Word::Empty,
            "key" => Word::Key,
            "value" => Word::Value,
            _ => Word::Other,
        };
        Self { name: name.into(), word }
    }
}

/// A call of a method.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: Box<str>,
    pub(super) arguments: Box<[Expression]>,
    pub(super) at: u32,
    /// The first argument as a regular expression, when it is constant and the method takes one.
    pub(super) pattern: Option<Pattern>,
    /// The first argument as a path into JSON, when it is constant and the method takes one.
    pub(super) path: Option<Path>,
}

#[derive(Debug)]
pub(super) enum Expression {
    /// No value: what looks like a reference and is none.
    Nothing,
    Text(Box<str>),
    /// A string with references in it. Its output is one character longer than its value, unless it ends in a comment.
    Interpolated(Block, bool),
    Integer(i32),
    Long(i64),
    /// Beyond 64 bits: its digits.
    Big(Box<str>),
    Float(f64),
    Boolean(bool),
    Reference(Reference),
    Range(Box<(Expression, Expression)>),
    List(Box<[Expression]>),
    /// Keys and values by turns.
    Map(Box<[Expression]>),
    Not(Box<Expression>),
    And(Box<(Expression, Expression)>),
    Or(Box<(Expression, Expression)>),
    Compare(Comparison, Box<(Expression, Expression)>),
    Math(Operator, Box<(Operand, Operand)>),
}

/// A side of an arithmetic operation, and how it is written: `null + "a"` prints that.
#[derive(Debug)]
pub(super) struct Operand {
    pub(super) expression: Expression,
    pub(super) literal: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where, in bytes.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

impl SyntaxError {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

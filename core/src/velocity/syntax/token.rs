//! Tokens of the template language, and which of them can stand where.
//!
//! Velocity 1.7 reads a template in modes: what a character means depends on what stands before it. The modes and the
//! rule "the longest token wins, of equally long ones the first in this list" are Velocity's, because whitespace, escapes
//! and lone `$` and `#` come out right only so.

use super::scan::{empty_index, escaped_directive, line_end, numbers, run, set, string, with_line_end, word};

/// What a token is; of equally long ones the first wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    End0,
    IndexOpen,
    IndexClose,
    BracketOpen,
    BracketClose,
    Comma,
    DoubleDot,
    Colon,
    BraceOpen,
    BraceClose,
    ParenOpen,
    ParenClose,
    MethodClose,
    EscapedDirective,
    Set,
    Dollar,
    DollarBang,
    TextBlockStart,
    FormalCommentStart,
    CommentStart,
    Hash,
    LineCommentStart,
    DoubleEscape,
    Escape,
    Text,
    LineCommentEnd,
    FormalCommentEnd,
    CommentEnd,
    TextBlock,
    CommentCharacter,
    TextBlockCharacter,
    Whitespace,
    String,
    True,
    False,
    Minus,
    Plus,
    Times,
    Divide,
    Modulo,
    And,
    Or,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Not,
    Assign,
    End,
    If,
    ElseIf,
    Else,
    Integer,
    Float,
    Word,
    BracedWord,
    Identifier,
    Dot,
    FormalOpen,
    FormalClose,
    ReferenceTerminator,
    DirectiveTerminator,
    EmptyIndex,
}

impl Kind {
    /// Goes on as the beginning of the next token.
    pub(super) fn continues(self) -> bool {
        matches!(
            self,
            Self::Dollar
                | Self::DollarBang
                | Self::TextBlockStart
                | Self::FormalCommentStart
                | Self::CommentStart
                | Self::Hash
                | Self::TextBlockCharacter
        )
    }

    /// Ends a mode without being part of anything.
    pub(super) fn is_terminator(self) -> bool {
        matches!(self, Self::ReferenceTerminator | Self::DirectiveTerminator)
    }

    /// How messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::End0 => "the end of the template",
            Self::IndexOpen | Self::BracketOpen => "`[`",
            Self::IndexClose | Self::BracketClose => "`]`",
            Self::Comma => "`,`",
            Self::DoubleDot => "`..`",
            Self::Colon => "`:`",
            Self::BraceOpen | Self::FormalOpen => "`{`",
            Self::BraceClose | Self::FormalClose => "`}`",
            Self::ParenOpen => "`(`",
            Self::ParenClose | Self::MethodClose => "`)`",
            Self::Assign => "`=`",
            Self::End => "#end",
            Self::If => "#if",
            Self::ElseIf => "#elseif",
            Self::Else => "#else",
            Self::Set => "#set",
            Self::Identifier => "a name",
            Self::Whitespace => "white space",
            Self::String => "a string",
            Self::Integer | Self::Float => "a number",
            _ => "this",
        }
    }
}

/// What characters mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Text with references and directives in it.
    Default,
    /// Behind `$`.
    Reference,
    /// Behind the `.` of a reference.
    Property,
    /// Between the parentheses of a method.
    Arguments,
    /// Between the brackets of an index.
    Index,
    /// Between the parentheses of a directive.
    Directive,
    /// Behind `#`.
    Hash,
    LineComment,
    Comment,
    FormalComment,
    TextBlock,
}

/// The longest token at the start of `rest`, and its length in bytes.
pub(super) fn longest(mode: Mode, rest: &[u8], last_quotes: &LastQuotes) -> Option<(Kind, usize)> {
    let mut best: Option<(Kind, usize)> = None;
    let mut offer = |kind: Kind, length: usize| {
        let wins = best.is_none_or(|(known, so_far)| length > so_far || (length == so_far && kind < known));
        if (1..=rest.len()).contains(&length) && wins {
            best = Some((kind, length));
        }
    };
    everywhere(rest, &mut offer);
    if matches!(mode, Mode::Default | Mode::Reference | Mode::Directive | Mode::Hash) {
        offer(Kind::LineCommentStart, word(rest, b"##"));
    }
    match mode {
        Mode::Default => {
            offer(Kind::EscapedDirective, escaped_directive(rest));
            offer(Kind::Set, set(rest));
            offer(Kind::DoubleEscape, word(rest, b"\\\\"));
            offer(Kind::Escape, word(rest, b"\\"));
            offer(Kind::Text, run(rest, |byte| !b"$#\\".contains(&byte)));
            offer(Kind::EmptyIndex, empty_index(rest));
        }
        Mode::Reference | Mode::Property => {
            offer(Kind::IndexOpen, word(rest, b"["));
            offer(Kind::Set, set(rest));
            offer(Kind::FormalOpen, word(rest, b"{"));
            offer(Kind::FormalClose, word(rest, b"}"));
            names(rest, &mut offer);
            booleans(rest, &mut offer);
            offer(Kind::ReferenceTerminator, 1);
            match mode {
                Mode::Reference => offer(Kind::EmptyIndex, empty_index(rest)),
                _ => offer(Kind::ParenOpen, word(rest, b"(")),
            }
        }
        Mode::Arguments => {
            offer(Kind::Set, set(rest));
            offer(Kind::MethodClose, word(rest, b")"));
            names(rest, &mut offer);
            literals(rest, last_quotes, &mut offer);
            brackets(rest, &mut offer);
        }
        Mode::Index => {
            offer(Kind::IndexClose, word(rest, b"]"));
            literals(rest, last_quotes, &mut offer);
        }
        Mode::Directive => {
            offer(Kind::ParenOpen, word(rest, b"("));
            offer(Kind::ParenClose, with_line_end(rest, word(rest, b")")));
            literals(rest, last_quotes, &mut offer);
            brackets(rest, &mut offer);
            operators(rest, &mut offer);
            words(rest, &mut offer);
        }
        Mode::Hash => {
            for (kind, plain, braced) in
                [(Kind::If, b"if".as_slice(), b"{if}".as_slice()), (Kind::ElseIf, b"elseif", b"{elseif}")]
            {
                offer(kind, word(rest, plain).max(word(rest, braced)));
            }
            for (kind, plain, braced) in
                [(Kind::End, b"end".as_slice(), b"{end}".as_slice()), (Kind::Else, b"else", b"{else}")]
            {
                offer(kind, with_line_end(rest, word(rest, plain).max(word(rest, braced))));
            }
            numbers(rest, &mut offer);
            words(rest, &mut offer);
            offer(Kind::DirectiveTerminator, 1);
        }
        Mode::LineComment => {
            offer(Kind::LineCommentEnd, line_end(rest));
            offer(Kind::CommentCharacter, 1);
        }
        Mode::Comment => {
            offer(Kind::CommentEnd, word(rest, b"*#"));
            offer(Kind::CommentCharacter, 1);
        }
        Mode::FormalComment => {
            offer(Kind::FormalCommentEnd, word(rest, b"*#"));
            offer(Kind::CommentCharacter, 1);
        }
        Mode::TextBlock => {
            offer(Kind::TextBlock, word(rest, b"]]#"));
            offer(Kind::TextBlockCharacter, 1);
        }
    }
    best
}

fn everywhere(rest: &[u8], offer: &mut impl FnMut(Kind, usize)) {
    let slashes = run(rest, |byte| byte == b'\\');
    if rest.get(slashes) == Some(&b'$') {
        offer(Kind::Dollar, slashes + 1);
        let more = run(&rest[slashes + 1..], |byte| byte == b'\\');
        if rest.get(slashes + 1 + more) == Some(&b'!') {
            offer(Kind::DollarBang, slashes + more + 2);
        }
    }
    offer(Kind::TextBlockStart, word(rest, b"#[["));
    if rest.starts_with(b"#**") && rest.get(3).is_some_and(|byte| *byte != b'#') {
        offer(Kind::FormalCommentStart, 4);
    }
    offer(Kind::CommentStart, word(rest, b"#*"));
    offer(Kind::Hash, word(rest, b"#"));
}

fn names(rest: &[u8], offer: &mut impl FnMut(Kind, usize)) {
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if rest.first().is_some_and(starts) {
        offer(Kind::Identifier, run(rest, |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
    if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_alphabetic) {
        offer(Kind::Dot, 2);
    }
}

fn booleans(rest: &[u8], offer: &mut impl FnMut(Kind, usize)) {
    offer(Kind::True, word(rest, b"true"));
    offer(Kind::False, word(rest, b"false"));
}

fn literals(rest: &[u8], last_quotes: &LastQuotes, offer: &mut impl FnMut(Kind, usize)) {
    offer(Kind::Whitespace, run(rest, |byte| b" \t\n\r".contains(&byte)));
    if let Some(quote @ (b'"' | b'\'')) = rest.first() {
        offer(Kind::String, string(rest, *quote, last_quotes.bytes_left(*quote, rest.len())));
    }
    booleans(rest, offer);
    numbers(rest, offer);
}

fn brackets(rest: &[u8], offer: &mut impl FnMut(Kind, usize)) {
    for (kind, text) in [
        (Kind::BracketOpen, b"[".as_slice()),
        (Kind::BracketClose, b"]"),
        (Kind::Comma, b","),
        (Kind::DoubleDot, b".."),
        (Kind::Colon, b":"),
        (Kind::BraceOpen, b"{"),
        (Kind::BraceClose, b"}"),
    ] {
        offer(kind, word(rest, text));
    }
}

const OPERATORS: [(Kind, &str, &str); 14] = [
    (Kind::Minus, "-", ""),
    (Kind::Plus, "+", ""),
    (Kind::Times, "*", ""),
    (Kind::Divide, "/", ""),
    (Kind::Modulo, "%", ""),
    (Kind::And, "&&", "and"),
    (Kind::Or, "||", "or"),
    (Kind::Less, "<", "lt"),
    (Kind::LessOrEqual, "<=", "le"),
    (Kind::Greater, ">", "gt"),
    (Kind::GreaterOrEqual, ">=", "ge"),
    (Kind::Equal, "==", "eq"),
    (Kind::NotEqual, "!=", "ne"),
    (Kind::Not, "!", "not"),
];

fn operators(rest: &[u8], offer: &mut impl FnMut(Kind, usize)) {
    for (kind, sign, name) in OPERATORS {
        offer(kind, word(rest, sign.as_bytes()).max(word(rest, name.as_bytes())));
    }
    offer(Kind::Assign, word(rest, b"="));
}

pub(super) fn words(rest: &[u8], offer: &mut impl FnMut(Kind, usize)) {
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || b"_@".contains(&byte);
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if rest.first().is_some_and(|byte| starts(byte) || *byte == b'@') {
        offer(Kind::Word, run(rest, goes_on));
    }
    offer(Kind::BracedWord, braced_word(rest));
}

fn braced_word(rest: &[u8]) -> usize {
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if rest.first() != Some(&b'{') || !rest.get(1).is_some_and(starts) {
        return 0;
    }
    let length = run(&rest[1..], |byte| byte.is_ascii_alphanumeric() || b"_@".contains(&byte));
    if rest.get(length + 1) == Some(&b'}') { length + 2 } else { 0 }
}

/// Where the last quotes of a template stand, so that no search for one goes beyond it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastQuotes {
    bytes: usize,
    single: usize,
    double: usize,
}

impl LastQuotes {
    pub(super) fn of(text: &[u8]) -> Self {
        let end = |quote| memchr::memrchr(quote, text).map_or(0, |at| at + 1);
        Self { bytes: text.len(), single: end(b'\''), double: end(b'"') }
    }

    /// Bytes up to and with the last quote, of the text's last `rest` bytes.
    fn bytes_left(&self, quote: u8, rest: usize) -> usize {
        let end = if quote == b'"' { self.double } else { self.single };
        end.saturating_sub(self.bytes - rest)
    }
}

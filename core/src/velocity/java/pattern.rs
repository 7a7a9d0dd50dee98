//! Java's regular expressions, as far as they run in linear time.

use regex::{Regex, RegexBuilder};

use super::dialect;
use crate::limits;

/// A compiled regular expression: to search with, and to match a whole text with.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    search: Regex,
    whole: Regex,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPattern {
    /// It has more than so many bytes when compiled.
    TooLarge(String),
    Other(String),
}

impl Pattern {
    /// Compiles it; an error says what is wrong with it, or what is not supported.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        Self::with_case(text, false)
    }

    pub(crate) fn with_case(text: &str, ignore_case: bool) -> Result<Self, String> {
        let pattern = Self::within(limits::PATTERN_BYTES_MAX, text, ignore_case);
        pattern.map_err(|(NoPattern::TooLarge(why) | NoPattern::Other(why))| why)
    }

    /// The same of a limited size, which is what compiling takes time for.
    pub(super) fn within(bytes: usize, text: &str, ignore_case: bool) -> Result<Self, NoPattern> {
        let compile = |text: &str| {
            let built = RegexBuilder::new(text).case_insensitive(ignore_case).size_limit(bytes).build();
            built.map_err(no_pattern)
        };
        let text = dialect::from_java(text);
        Ok(Self { search: compile(&text)?, whole: compile(&format!("\\A(?:{text})\\z"))? })
    }

    /// `String.matches`
    pub(crate) fn is_whole(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// `String.replaceAll` and `replaceFirst`; an error says what is wrong with the replacement.
    pub(crate) fn replace(&self, text: &str, with: &str, all: bool) -> Result<String, String> {
        if !self.search.is_match(text) {
            return Ok(text.to_owned());
        }
        let pieces = pieces(with, self.search.captures_len())?;
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for found in self.search.captures_iter(text).take(if all { usize::MAX } else { 1 }) {
            let Some(whole) = found.get(0) else { break };
            out.push_str(&text[copied..whole.start()]);
            copied = whole.end();
            for piece in &pieces {
                match piece {
                    Piece::Text(text) => out.push_str(text),
                    Piece::Group(number) => {
                        out.push_str(found.get(*number).map_or("", |group| group.as_str()));
                    }
                }
            }
            if out.len() > limits::RENDER_OUTPUT_BYTES_MAX {
                return Err("the text becomes too long".to_owned());
            }
        }
        out.push_str(&text[copied..]);
        Ok(out)
    }

    /// `String.split`: no part before a match of nothing at the start; with limit 0 no empty parts at the end.
    pub(crate) fn split<'t>(&self, text: &'t str, limit: i32) -> Vec<&'t str> {
        let most = usize::try_from(limit).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
        let mut parts = Vec::new();
        let mut from = 0;
        for found in self.search.find_iter(text) {
            if parts.len() + 1 >= most {
                break;
            }
            if found.end() == 0 || (found.is_empty() && found.start() >= text.len()) {
                continue;
            }
            parts.push(&text[from..found.start()]);
            from = found.end();
        }
        if parts.is_empty() {
            return vec![text];
        }
        parts.push(&text[from..]);
        while limit == 0 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        parts
    }
}

/// What is wrong with an expression, without where.
pub(crate) fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn no_pattern(error: regex::Error) -> NoPattern {
    let why = format!("not a regular expression that can be matched: {}", reason(&error));
    match error {
        regex::Error::CompiledTooBig(_) => NoPattern::TooLarge(why),
        _ => NoPattern::Other(why),
    }
}

enum Piece {
    Text(String),
    Group(usize),
}

/// A replacement: `$1` is a group, `\` makes the next character plain.
fn pieces(with: &str, groups: usize) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut characters = with.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().ok_or("a character to be escaped is missing")?),
            '$' => {
                let digit = |next: Option<&char>| next.and_then(|next| next.to_digit(10));
                let mut number = digit(characters.peek()).ok_or("illegal group reference")? as usize;
                characters.next();
                if number >= groups {
                    return Err(format!("no group {number}"));
                }
                while let Some(next) = digit(characters.peek()) {
                    let longer = number * 10 + next as usize;
                    if longer >= groups {
                        break;
                    }
                    number = longer;
                    characters.next();
                }
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Group(number));
            }
            other => text.push(other),
        }
    }
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

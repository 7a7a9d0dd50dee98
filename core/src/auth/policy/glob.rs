//! Patterns of IAM: `*` is any run of characters, `?` any one, `${key}` what the request has for the key.

use super::facts::{Facts, Found};
use super::key::Key;

/// Whether `${…}` is a variable. AWS: in policies of version `2012-10-17` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variables {
    /// It is plain text.
    None,
    /// It is a variable.
    Replaced,
}

/// A compiled pattern: the parts between its `*`. Each has a length that does not depend on the text, so looking for
/// them from left to right, each at its first place, finds a fit if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// Never empty. The text starts with the first and ends with the last; one alone is the whole text.
    runs: Box<[Run]>,
}

/// What stands between two `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Run {
    /// Plain text; may be empty.
    Literal(Box<[u8]>),
    /// Text with `?` or variables in it.
    Parts(Box<[Part]>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<[u8]>),
    AnyOne,
    Variable { key: Key, default: Option<Box<[u8]>> },
}

/// Why a pattern cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobError {
    /// `${` without `}`.
    Unclosed,
    /// `${…}` that names no condition key.
    UnknownVariable(String),
}

impl std::fmt::Display for GlobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unclosed => write!(f, "`${{` is not closed"),
            Self::UnknownVariable(name) => write!(f, "`{name}` is no policy variable"),
        }
    }
}

impl Glob {
    /// Compiles a pattern with wildcards.
    pub fn parse(text: &str, variables: Variables) -> Result<Self, GlobError> {
        Self::compile(text, variables, true)
    }

    /// Compiles a text in which `*` and `?` stand for themselves, but variables may be.
    pub fn parse_plain(text: &str, variables: Variables) -> Result<Self, GlobError> {
        Self::compile(text, variables, false)
    }

    fn compile(mut text: &str, variables: Variables, wildcards: bool) -> Result<Self, GlobError> {
        let (mut runs, mut parts) = (Vec::new(), Vec::new());
        while let Some(first) = text.chars().next() {
            if variables == Variables::Replaced && text.starts_with("${") {
                let end = text.find('}').ok_or(GlobError::Unclosed)?;
                parts.push(variable(&text[2..end])?);
                text = &text[end + 1..];
                continue;
            }
            text = &text[first.len_utf8()..];
            match first {
                '*' if wildcards => runs.push(Run::of(std::mem::take(&mut parts))),
                '?' if wildcards => parts.push(Part::AnyOne),
                other => parts.push(Part::Literal(other.to_string().into_bytes().into())),
            }
        }
        runs.push(Run::of(parts));
        Ok(Self { runs: runs.into() })
    }

    /// Whether the pattern is `*` alone.
    pub(super) fn is_anything(&self) -> bool {
        let empty = |run: &Run| matches!(run, Run::Literal(text) if text.is_empty());
        self.runs.len() > 1 && self.runs.iter().all(empty)
    }

    /// Whether it has variables.
    pub(super) fn has_variables(&self) -> bool {
        let is_variable = |part: &Part| matches!(part, Part::Variable { .. });
        self.runs.iter().any(|run| matches!(run, Run::Parts(parts) if parts.iter().any(is_variable)))
    }

    /// Whether the text fits a pattern without variables.
    pub(super) fn fits_text(&self, text: &[u8]) -> bool {
        debug_assert!(!self.has_variables());
        self.fits_with(text, None, false)
    }

    /// Whether the text fits. A variable without value fits nothing.
    pub(super) fn fits(&self, text: &[u8], facts: &Facts<'_>) -> bool {
        self.fits_with(text, Some(facts), false)
    }

    /// The same without looking at ASCII case.
    pub(super) fn fits_ignoring_case(&self, text: &[u8], facts: &Facts<'_>) -> bool {
        self.fits_with(text, Some(facts), true)
    }

    fn fits_with(&self, mut text: &[u8], facts: Option<&Facts<'_>>, ignore_case: bool) -> bool {
        let runs = Runs { facts, ignore_case };
        let Some((first, others)) = self.runs.split_first() else { return false };
        let Some(length) = runs.at_start(first, text) else { return false };
        let Some((last, middle)) = others.split_last() else { return length == text.len() };
        text = &text[length..];
        for run in middle {
            let Some(end) = runs.find(run, text) else { return false };
            text = &text[end..];
        }
        runs.at_end(last, text)
    }
}

impl Run {
    fn of(parts: Vec<Part>) -> Self {
        let mut merged: Vec<Part> = Vec::new();
        for part in parts {
            match (merged.last_mut(), part) {
                (Some(Part::Literal(before)), Part::Literal(text)) => {
                    *before = [&before[..], &text].concat().into();
                }
                (_, part) => merged.push(part),
            }
        }
        match merged.as_mut_slice() {
            [] => Self::Literal(Box::default()),
            [Part::Literal(text)] => Self::Literal(std::mem::take(text)),
            _ => Self::Parts(merged.into()),
        }
    }
}

/// How runs are compared with a text.
#[derive(Clone, Copy)]
struct Runs<'a> {
    facts: Option<&'a Facts<'a>>,
    ignore_case: bool,
}

impl Runs<'_> {
    /// How many bytes of the text's start the run takes.
    fn at_start(self, run: &Run, text: &[u8]) -> Option<usize> {
        match run {
            Run::Literal(literal) if literal.is_empty() => Some(0),
            Run::Literal(literal) => self.starts(text, literal).then_some(literal.len()),
            Run::Parts(parts) => {
                parts.iter().try_fold(0, |at, part| Some(at + self.part_at_start(part, &text[at..])?))
            }
        }
    }

    fn part_at_start(self, part: &Part, text: &[u8]) -> Option<usize> {
        match part {
            Part::Literal(literal) => self.starts(text, literal).then_some(literal.len()),
            Part::AnyOne => character_bytes(text),
            Part::Variable { key, default } => {
                let value = self.facts.map_or(Found::Absent, |facts| facts.find(key));
                value
                    .with_text(default.as_deref(), |value| self.starts(text, value).then_some(value.len()))?
            }
        }
    }

    fn starts(self, text: &[u8], literal: &[u8]) -> bool {
        match text.get(..literal.len()) {
            Some(start) if self.ignore_case => start.eq_ignore_ascii_case(literal),
            Some(start) => start == literal,
            None => false,
        }
    }

    /// Where the run's first place in the text ends.
    fn find(self, run: &Run, text: &[u8]) -> Option<usize> {
        match run {
            Run::Literal(literal) if !self.ignore_case => {
                memchr::memmem::find(text, literal).map(|at| at + literal.len())
            }
            _ => (0..=text.len()).find_map(|at| Some(at + self.at_start(run, &text[at..])?)),
        }
    }

    fn at_end(self, run: &Run, text: &[u8]) -> bool {
        match run {
            // Comparing nothing with nothing costs 45 ns where memcmp loads by a mask from the empty text's null page.
            Run::Literal(literal) if literal.is_empty() => true,
            Run::Literal(literal) => {
                let start = text.len().checked_sub(literal.len());
                start.is_some_and(|start| self.starts(&text[start..], literal))
            }
            Run::Parts(_) => {
                (0..=text.len()).any(|at| self.at_start(run, &text[at..]) == Some(text.len() - at))
            }
        }
    }
}

/// The length of the character that the text starts with; a byte that is no UTF-8 is one.
fn character_bytes(text: &[u8]) -> Option<usize> {
    let first = *text.first()?;
    let bytes = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let is_character = text.get(..bytes).is_some_and(|text| std::str::from_utf8(text).is_ok());
    Some(if is_character { bytes } else { 1 })
}

/// What stands between `${` and `}`: a key, perhaps with `, 'default'`, or one of the characters `*`, `?`, `$`.
fn variable(text: &str) -> Result<Part, GlobError> {
    if matches!(text, "*" | "?" | "$") {
        return Ok(Part::Literal(text.as_bytes().into()));
    }
    let (name, default) = match text.split_once(',') {
        Some((name, default)) => (name.trim(), Some(default.trim())),
        None => (text, None),
    };
    let unknown = || GlobError::UnknownVariable(text.to_owned());
    let default = default
        .map(|text| text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).ok_or_else(unknown));
    let default = default.transpose()?.map(|text| text.as_bytes().into());
    Ok(Part::Variable { key: Key::parse(name).ok_or_else(unknown)?, default })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(pattern: &str) -> Glob {
        Glob::parse(pattern, Variables::Replaced).expect("a pattern")
    }

    #[track_caller]
    fn check(pattern: &str, fitting: &[&str], others: &[&str]) {
        for text in fitting {
            assert!(glob(pattern).fits_text(text.as_bytes()), "{pattern} fits {text}");
        }
        for text in others {
            assert!(!glob(pattern).fits_text(text.as_bytes()), "{pattern} does not fit {text}");
        }
    }

    #[test]
    fn wildcards() {
        check("", &[""], &["a"]);
        check("*", &["", "a", "a/b:c"], &[]);
        check("a*", &["a", "ab"], &["", "ba", "A"]);
        check("*a", &["a", "ba", "aa"], &["", "ab"]);
        check("a*a", &["aa", "aba"], &["a", "ab"]);
        check("a*b*c", &["abc", "axbxc", "abcbc"], &["ac", "abcd", "acb"]);
        check("?", &["a", "ä"], &["", "ab"]);
        check("a?*", &["ab", "abc"], &["a"]);
        check("*?b", &["ab", "xxb", "bb"], &["b"]);
        check("*ab?", &["abc", "ababc"], &["ab", "abcd"]);
        check("a**b", &["ab", "axb"], &["a"]);
        check("${*}${?}${$}", &["*?$"], &["abc", "*?"]);
    }

    #[test]
    fn what_is_no_pattern() {
        let error = |text: &str| Glob::parse(text, Variables::Replaced).expect_err("no pattern");
        assert_eq!(error("a${aws:username"), GlobError::Unclosed);
        assert_eq!(error("${aws:nobody}"), GlobError::UnknownVariable("aws:nobody".to_owned()));
        assert_eq!(error("${aws:username, x}"), GlobError::UnknownVariable("aws:username, x".to_owned()));
        assert!(
            Glob::parse("${aws:nobody}", Variables::None).is_ok_and(|glob| glob.fits_text(b"${aws:nobody}"))
        );
        assert!(
            Glob::parse_plain("a*", Variables::None)
                .is_ok_and(|glob| glob.fits_text(b"a*") && !glob.fits_text(b"ab"))
        );
    }

    /// All ways to fit, tried one after the other.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            Some((b'?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((byte, rest)) => text.first() == Some(byte) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn fits_as_a_naive_matcher_does(pattern in "[ab*?]{0,8}", text in "[ab]{0,12}") {
            prop_assert_eq!(glob(&pattern).fits_text(text.as_bytes()), naive(pattern.as_bytes(), text.as_bytes()));
        }
    }
}

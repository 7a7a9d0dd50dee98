//! Filters: `[?(@.price < 10 && @.isbn)]`.

use std::cmp::Ordering;

use super::Path;
use super::evaluate::{Missing, Search};
use crate::velocity::java::Pattern;
use crate::velocity::java::number;
use crate::velocity::print;
use crate::velocity::value::Value;

/// How deep paths may stand in filters of paths.
const DEPTH_MAX: usize = 8;

/// Conditions, and what joins each to those before it. Jayway works them out from the last to the first.
#[derive(Debug)]
pub(super) struct Filter {
    criteria: Box<[Criterion]>,
    /// Whether `&&` stands between two; else `||`.
    all: Box<[bool]>,
}

#[derive(Debug)]
enum Criterion {
    /// `@.a`, or `!@.a` with false.
    Exists(Path, bool),
    Compare(Side, Comparison, Side),
}

#[derive(Debug)]
enum Side {
    Path(Path),
    Text(Box<str>),
    Pattern(Pattern),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    GreaterOrEqual,
    LessOrEqual,
    NotEqual,
    Less,
    Greater,
    Matches,
}

/// In the order in which they are looked for.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("==", Comparison::Equal),
    (">=", Comparison::GreaterOrEqual),
    ("<=", Comparison::LessOrEqual),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("=~", Comparison::Matches),
];

impl Filter {
    /// Reads `[?(…)]`.
    pub(super) fn parse(text: &str, depth: usize) -> Result<Self, String> {
        if depth >= DEPTH_MAX {
            return Err(format!("filters nest deeper than {DEPTH_MAX}"));
        }
        let wrong = || format!("{text} is not of the form [?(…)]");
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or_else(wrong)?.trim();
        let inside = inside.strip_prefix('?').ok_or_else(wrong)?.trim();
        let inside = inside.strip_prefix('(').and_then(|text| text.strip_suffix(')')).ok_or_else(wrong)?;
        let (mut criteria, mut all) = (Vec::new(), Vec::new());
        let mut rest = inside.trim();
        loop {
            let joint = [rest.find("&&"), rest.find("||")].into_iter().flatten().min();
            criteria.push(Criterion::parse(&rest[..joint.unwrap_or(rest.len())], depth)?);
            let Some(joint) = joint else { break };
            all.push(rest[joint..].starts_with("&&"));
            rest = &rest[joint + 2..];
        }
        Ok(Self { criteria: criteria.into(), all: all.into() })
    }

    pub(super) fn accepts<'a>(&self, search: &mut Search<'_, 'a>, item: Value<'a>) -> Result<bool, Missing> {
        let mut last = self.criteria.len() - 1;
        let mut accepted = self.criteria[last].accepts(search, item)?;
        while last > 0 {
            last -= 1;
            accepted = match (self.all[last], accepted) {
                (true, true) | (false, false) => self.criteria[last].accepts(search, item)?,
                (_, decided) => decided,
            };
        }
        Ok(accepted)
    }
}

impl Criterion {
    fn parse(text: &str, depth: usize) -> Result<Self, String> {
        let text = text.trim_start_matches(['[', '?', '(', ' ']).trim_end_matches([')', ' ']);
        if text.is_empty() {
            return Err("a filter has an empty condition".to_owned());
        }
        let found = COMPARISONS.iter().find_map(|(sign, comparison)| {
            text.find(sign).map(|at| (&text[..at], *comparison, &text[at + sign.len()..]))
        });
        let Some((left, comparison, right)) = found else {
            let exists = !text.starts_with('!');
            let Side::Path(path) = Side::parse(text.trim_start_matches('!'), depth)? else {
                return Err(format!("{text} is no condition"));
            };
            return Ok(Self::Exists(path, exists));
        };
        if right.trim().starts_with("!@") {
            return Err("`!` stands only before a path that is asked for".to_owned());
        }
        let left = left.trim();
        let left = if left.starts_with("!@") { &left[1..] } else { left };
        Ok(Self::Compare(Side::parse(left, depth)?, comparison, Side::parse(right, depth)?))
    }

    fn accepts<'a>(&self, search: &mut Search<'_, 'a>, item: Value<'a>) -> Result<bool, Missing> {
        match self {
            Self::Exists(path, wanted) => match search.nested(path, item, true) {
                Ok(value) => Ok(value.is_null() != *wanted),
                Err(Missing::NotFound) => Ok(!wanted),
                Err(other) => Err(other),
            },
            Self::Compare(left, comparison, right) => {
                let found = left.value(search, item).and_then(|left| Ok((left, right.value(search, item)?)));
                match found {
                    Ok((left, right)) => compare(*comparison, left, right),
                    Err(Missing::NotFound) => Ok(false),
                    Err(other) => Err(other),
                }
            }
        }
    }
}

/// A side of a comparison as it is known for an item.
#[derive(Clone, Copy)]
enum Operand<'f, 'a> {
    Value(Value<'a>),
    Text(&'f str),
    Pattern(&'f Pattern),
}

impl Side {
    fn parse(text: &str, depth: usize) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with(['$', '@']) {
            let path = Path::nested(text, depth + 1)?;
            if !path.is_definite() {
                return Err(format!("{text} in a filter may mean several values"));
            }
            return Ok(Self::Path(path));
        }
        if let Some(quoted) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return Ok(Self::Text(quoted.into()));
        }
        if text.len() > 1 && text.starts_with('/') && (text.ends_with('/') || text.ends_with("/i")) {
            let end = text.rfind('/').unwrap_or(0).max(1);
            return Ok(Self::Pattern(Pattern::with_case(&text[1..end], text.ends_with('i'))?));
        }
        Ok(Self::Text(text.into()))
    }

    fn value<'a>(&self, search: &mut Search<'_, 'a>, item: Value<'a>) -> Result<Operand<'_, 'a>, Missing> {
        Ok(match self {
            Self::Path(path) => Operand::Value(search.nested(path, item, false)?),
            Self::Text(text) => Operand::Text(text),
            Self::Pattern(pattern) => Operand::Pattern(pattern),
        })
    }
}

fn compare<'o, 'a: 'o>(
    comparison: Comparison,
    left: Operand<'o, 'a>,
    right: Operand<'o, 'a>,
) -> Result<bool, Missing> {
    if comparison == Comparison::Matches {
        return Ok(matches(left, right));
    }
    let one_is_null = is_null(left) != is_null(right);
    if one_is_null && !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
        return Ok(false);
    }
    let Some(order) = order(right, left)? else { return Ok(false) };
    Ok(match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Greater => order == Ordering::Less,
        Comparison::GreaterOrEqual => order != Ordering::Greater,
        Comparison::Less => order == Ordering::Greater,
        Comparison::LessOrEqual => order != Ordering::Less,
        Comparison::Matches => false,
    })
}

/// Either side may be the pattern.
fn matches<'o, 'a>(left: Operand<'o, 'a>, right: Operand<'o, 'a>) -> bool
where
    'a: 'o,
{
    match (left, right) {
        (Operand::Pattern(pattern), other) | (other, Operand::Pattern(pattern)) => {
            text_of(other).is_some_and(|text| pattern.is_whole(text))
        }
        _ => false,
    }
}

fn text_of<'o, 'a: 'o>(operand: Operand<'o, 'a>) -> Option<&'o str> {
    match operand {
        Operand::Text(text) | Operand::Value(Value::Text(text)) => Some(text),
        Operand::Value(_) | Operand::Pattern(_) => None,
    }
}

fn is_null(operand: Operand<'_, '_>) -> bool {
    matches!(operand, Operand::Value(Value::Null))
}

/// How the expected value compares to the one found; none if they cannot be compared.
fn order<'o, 'a: 'o>(expected: Operand<'o, 'a>, found: Operand<'o, 'a>) -> Result<Option<Ordering>, Missing> {
    let nullish = |operand: Operand<'o, 'a>| is_null(operand) || text_of(operand) == Some("null");
    match (nullish(expected), nullish(found)) {
        (true, true) => return Ok(Some(Ordering::Equal)),
        (true, false) => return Ok(Some(Ordering::Less)),
        (false, true) => return Ok(Some(Ordering::Greater)),
        (false, false) => {}
    }
    if let (Some(expected), Some(found)) = (text_of(expected), text_of(found)) {
        return Ok(Some(expected.replace("\\'", "'").as_str().cmp(found)));
    }
    Ok(match (expected, found) {
        (Operand::Value(one), Operand::Value(two)) => match (one, two) {
            (Value::Boolean(one), Value::Boolean(two)) => Some(one.cmp(&two)),
            _ => one.number().zip(two.number()).and_then(|(one, two)| number::compare(one, two)),
        },
        (_, Operand::Value(Value::Boolean(found))) => {
            text_of(expected).map(|text| text.eq_ignore_ascii_case("true").cmp(&found))
        }
        (_, Operand::Value(found)) => match (text_of(expected), found.number()) {
            (Some(text), Some(found)) => {
                let wanted = print::parse_number(text)
                    .ok_or(Missing::Invalid("a filter compares a number with a text"))?;
                number::compare(wanted, found)
            }
            _ => None,
        },
        _ => None,
    })
}

//! Strings that match a pattern.

use fastrand::Rng;
use regex_syntax::hir::{Class, Hir, HirKind};

/// How often more than needed something is repeated.
const REPEAT_MORE_MAX: u32 = 3;
/// A bound on what is made.
const BYTES_MAX: usize = 4096;

/// A string that a pattern accepts. Anchors and word boundaries are taken as fulfilled.
pub(super) fn matching(pattern: &str, random: &mut Rng) -> Result<String, String> {
    let hir = regex_syntax::parse(pattern)
        .map_err(|_| format!("the pattern `{pattern}` is beyond tidegate-load"))?;
    let mut text = String::new();
    put(&hir, random, &mut text);
    Ok(text)
}

fn put(hir: &Hir, random: &mut Rng, text: &mut String) {
    if text.len() > BYTES_MAX {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            text.extend(pick(class.ranges().iter().map(|range| (range.start(), range.end())), random));
        }
        HirKind::Class(Class::Bytes(class)) => {
            text.extend(pick(
                class.ranges().iter().map(|range| (range.start() as char, range.end() as char)),
                random,
            ));
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(REPEAT_MORE_MAX));
            for _ in 0..random.u32(repetition.min..=most.max(repetition.min)) {
                put(&repetition.sub, random, text);
            }
        }
        HirKind::Capture(capture) => put(&capture.sub, random, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| put(part, random, text)),
        HirKind::Alternation(parts) => put(&parts[random.usize(..parts.len())], random, text),
    }
}

/// A character of some ranges; letters and digits before anything else, as people would.
fn pick(ranges: impl Iterator<Item = (char, char)>, random: &mut Rng) -> Option<char> {
    let ranges: Vec<(char, char)> = ranges.collect();
    let within = |low: char, high: char| -> Vec<(char, char)> {
        let common = ranges.iter().map(|&(start, end)| (start.max(low), end.min(high)));
        common.filter(|(start, end)| start <= end).collect()
    };
    let mut usual = [within('a', 'z'), within('0', '9'), within('A', 'Z')].concat();
    if usual.is_empty() {
        usual = within(' ', '~');
    }
    if usual.is_empty() {
        usual = ranges;
    }
    let (start, end) = *usual.get(random.usize(..usual.len().max(1)))?;
    Some(random.char(start..=end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_what_matches() {
        let mut random = Rng::with_seed(5);
        for pattern in [
            "^[a-z]{3}-\\d{4}$",
            "^(cat|dog)s?$",
            "^[^/]+$",
            "^\\w+@\\w+\\.com$",
            "^[A-Z]{2}[0-9]{2,}$",
            "x*",
        ] {
            let check = regex_syntax_matches(pattern);
            for _ in 0..50 {
                let text = matching(pattern, &mut random).unwrap();
                assert!(check(&text), "{pattern}: {text}");
            }
        }
        assert!(matching("(?=look)", &mut random).is_err());
    }

    fn regex_syntax_matches(pattern: &str) -> impl Fn(&str) -> bool {
        let regex = regex::Regex::new(pattern).unwrap();
        move |text| regex.is_match(text)
    }
}

//! Patterns that are not known before a template runs.

use std::rc::Rc;

use super::Pattern;
use super::pattern::NoPattern;
use crate::limits;

/// Sizes that are tried, and how many steps each takes: compiling takes as long as what comes of it is large, which only shows
/// when it is done.
const SIZES: [(usize, u32); 2] = [
    (16 * 1024, limits::RENDER_STEPS_MAX / 1_000),
    (limits::PATTERN_BYTES_MAX, limits::RENDER_STEPS_MAX / 10),
];
/// Patterns that are kept: loops use the same again and again.
const RECENT_MAX: usize = 8;

/// The patterns that a template has made of late.
#[derive(Debug, Default)]
pub(in super::super) struct Patterns<'a> {
    recent: Vec<(&'a str, Rc<Pattern>)>,
}

/// Why there is no pattern.
pub(in super::super) enum Unmade {
    /// There are not enough steps left.
    Steps,
    Wrong(String),
}

impl<'a> Patterns<'a> {
    /// The pattern that a text means; takes steps if it has to be made.
    pub(in super::super) fn of(&mut self, text: &'a str, steps: &mut u32) -> Result<Rc<Pattern>, Unmade> {
        if let Some((_, pattern)) = self.recent.iter().find(|(known, _)| *known == text) {
            return Ok(Rc::clone(pattern));
        }
        let pattern = Rc::new(made(text, steps)?);
        if self.recent.len() == RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push((text, Rc::clone(&pattern)));
        Ok(pattern)
    }
}

fn made(text: &str, steps: &mut u32) -> Result<Pattern, Unmade> {
    let mut why = String::new();
    for (bytes, cost) in SIZES {
        *steps = steps.checked_sub(cost).ok_or(Unmade::Steps)?;
        match Pattern::within(bytes, text, false) {
            Ok(pattern) => return Ok(pattern),
            Err(NoPattern::TooLarge(reason)) => why = reason,
            Err(NoPattern::Other(reason)) => return Err(Unmade::Wrong(reason)),
        }
    }
    Err(Unmade::Wrong(why))
}

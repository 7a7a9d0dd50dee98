//! The values of path parameters.

use super::PARAMETERS_MAX;
use crate::span::Span;

/// The values of the path parameters of one request, in the order in which they stand in the resource path.
///
/// Spans of the path given to [`super::Router::find`], as sent: nothing is percent-decoded. Made once and used again
/// for every request; the names are [`super::resource::parameter_names`].
#[derive(Clone, Debug)]
pub struct PathParameters {
    spans: [Span; PARAMETERS_MAX],
    count: usize,
}

impl PathParameters {
    /// No values.
    pub fn new() -> Self {
        Self { spans: [Span::default(); PARAMETERS_MAX], count: 0 }
    }

    /// The values.
    pub fn as_slice(&self) -> &[Span] {
        &self.spans[..self.count]
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds a value. There is room: no resource that compiled has more than [`PARAMETERS_MAX`] above it.
    pub(super) fn push(&mut self, value: Span) {
        self.spans[self.count] = value;
        self.count += 1;
    }

    pub(super) fn pop(&mut self) {
        self.count -= 1;
    }
}

impl Default for PathParameters {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for PathParameters {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for PathParameters {}

//! Why a set of routes is not an API.

use super::{PARAMETERS_MAX, PART_BYTES_MAX, PARTS_MAX, ROUTES_MAX};
use std::fmt;

/// Why a set of routes is not an API. `spec` and `other` are indexes of the input of [`super::Router::compile`]; where
/// there are both, `spec` is the later one, which could be taken away to mend it.
///
/// The texts are AWS's where AWS has one (`CreateResource`, recorded).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// The path does not start with `/`.
    NoLeadingSlash {
        /// The route.
        spec: usize,
    },
    /// Two slashes follow each other.
    EmptyPart {
        /// The route.
        spec: usize,
    },
    /// `{}` or `{+}`.
    UnnamedParameter {
        /// The route.
        spec: usize,
    },
    /// A part has a character outside of AWS's set, or a brace elsewhere than around the whole part.
    Characters {
        /// The route.
        spec: usize,
        /// The part.
        part: Box<str>,
    },
    /// A part has more than [`PART_BYTES_MAX`] bytes.
    PartTooLong {
        /// The route.
        spec: usize,
    },
    /// The path has more than [`PARTS_MAX`] parts.
    TooManyParts {
        /// The route.
        spec: usize,
    },
    /// The path has more than [`PARAMETERS_MAX`] parameters.
    TooManyParameters {
        /// The route.
        spec: usize,
    },
    /// Two parameters of the path have the same name.
    DuplicateParameter {
        /// The route.
        spec: usize,
        /// The name.
        name: Box<str>,
    },
    /// Something follows a greedy parameter.
    ChildOfGreedy {
        /// The route.
        spec: usize,
        /// The greedy parameter.
        name: Box<str>,
    },
    /// Two different parameters share a parent, `/{a}` and `/{b}`, or `/{a}` and `/{a+}`.
    VariableSibling {
        /// The route.
        spec: usize,
        /// The first route with the other parameter.
        other: usize,
        /// The other parameter with its braces.
        sibling: Box<str>,
    },
    /// The resource has this method already.
    DuplicateMethod {
        /// The route.
        spec: usize,
        /// The first route of that resource and method.
        other: usize,
    },
    /// There are more than [`ROUTES_MAX`] routes.
    TooManyRoutes,
}

impl RouteError {
    /// The route that is wrong; for too many routes the first one too many.
    pub fn spec(&self) -> usize {
        match *self {
            Self::NoLeadingSlash { spec }
            | Self::EmptyPart { spec }
            | Self::UnnamedParameter { spec }
            | Self::Characters { spec, .. }
            | Self::PartTooLong { spec }
            | Self::TooManyParts { spec }
            | Self::TooManyParameters { spec }
            | Self::DuplicateParameter { spec, .. }
            | Self::ChildOfGreedy { spec, .. }
            | Self::VariableSibling { spec, .. }
            | Self::DuplicateMethod { spec, .. } => spec,
            Self::TooManyRoutes => ROUTES_MAX,
        }
    }

    /// The route that it is in conflict with.
    pub fn other(&self) -> Option<usize> {
        match *self {
            Self::VariableSibling { other, .. } | Self::DuplicateMethod { other, .. } => Some(other),
            Self::NoLeadingSlash { .. }
            | Self::EmptyPart { .. }
            | Self::UnnamedParameter { .. }
            | Self::Characters { .. }
            | Self::PartTooLong { .. }
            | Self::TooManyParts { .. }
            | Self::TooManyParameters { .. }
            | Self::DuplicateParameter { .. }
            | Self::ChildOfGreedy { .. }
            | Self::TooManyRoutes => None,
        }
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLeadingSlash { .. } => out.write_str("A resource path starts with a slash"),
            Self::EmptyPart { .. } => out.write_str("Resource's path part must be specified"),
            Self::UnnamedParameter { .. } => {
                out.write_str("A path parameter needs a name between its braces")
            }
            Self::Characters { part, .. } => write!(
                out,
                "Resource's path part only allow a-zA-Z0-9._-:,$ or a valid greedy path variable and curly braces \
                 at the beginning and the end: {part}"
            ),
            Self::PartTooLong { .. } => write!(out, "A path part has at most {PART_BYTES_MAX} bytes"),
            Self::TooManyParts { .. } => write!(out, "A resource path has at most {PARTS_MAX} parts"),
            Self::TooManyParameters { .. } => {
                write!(out, "A resource path has at most {PARAMETERS_MAX} parameters")
            }
            Self::DuplicateParameter { name, .. } => {
                write!(out, "The path parameter {{{name}}} stands twice in the same resource path")
            }
            Self::ChildOfGreedy { name, .. } => {
                write!(out, "Cannot create a child of a resource with a greedy path variable: {{{name}+}}")
            }
            Self::VariableSibling { sibling, .. } => write!(
                out,
                "A sibling ({sibling}) of this resource already has a variable path part -- only one is allowed"
            ),
            Self::DuplicateMethod { .. } => out.write_str("Method already exists for this resource"),
            Self::TooManyRoutes => write!(out, "An API has at most {ROUTES_MAX} routes"),
        }
    }
}

impl std::error::Error for RouteError {}

//! The path of a resource, `/pets/{petId}/{rest+}`, taken apart.
//!
//! AWS's word for what stands between two slashes of a resource path is "path part"; in the path of a request it is
//! a segment (RFC 3986 section 3.3).

use super::PART_BYTES_MAX;
use std::fmt;

/// What stands between two slashes of a resource path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// `pets`: matches itself.
    Literal(&'a str),
    /// `{petId}`: matches one nonempty segment.
    Parameter(&'a str),
    /// `{rest+}`: matches everything that is left, which is at least one nonempty segment.
    Greedy(&'a str),
}

/// Why a part cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartError {
    Empty,
    Unnamed,
    TooLong,
    Characters,
}

impl<'a> Part<'a> {
    /// Reads one part.
    ///
    /// Literals and names are made of `A-Z a-z 0-9 . _ - : , $`: AWS's page of known issues lists these but `$`,
    /// which the AWS CDK lets pass. None of them is `%`, so no literal is percent-encoded; [`super::Router::find`]
    /// relies on it.
    pub(super) fn parse(part: &'a str) -> Result<Self, PartError> {
        let read = match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            None => Self::Literal(part),
            Some(name) => name.strip_suffix('+').map_or(Self::Parameter(name), Self::Greedy),
        };
        match read {
            Self::Literal("") => Err(PartError::Empty),
            Self::Parameter("") | Self::Greedy("") => Err(PartError::Unnamed),
            _ if part.len() > PART_BYTES_MAX => Err(PartError::TooLong),
            _ if !read.text().bytes().all(is_allowed) => Err(PartError::Characters),
            _ => Ok(read),
        }
    }

    /// The literal itself, or the name of the parameter.
    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Literal(text) | Self::Parameter(text) | Self::Greedy(text) => text,
        }
    }

    /// The name, if it is a parameter, greedy or not.
    pub(super) fn parameter(self) -> Option<&'a str> {
        match self {
            Self::Literal(_) => None,
            Self::Parameter(name) | Self::Greedy(name) => Some(name),
        }
    }
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => out.write_str(text),
            Self::Parameter(name) => write!(out, "{{{name}}}"),
            Self::Greedy(name) => write!(out, "{{{name}+}}"),
        }
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-:,$".contains(&byte)
}

/// The names of the parameters of a resource path that compiled, in the order of [`super::PathParameters`].
pub fn parameter_names(path: &str) -> impl Iterator<Item = &str> {
    parts(path.strip_prefix('/').unwrap_or(path)).filter_map(|part| Part::parse(part).ok()?.parameter())
}

/// The parts of a resource path without its leading slash. One slash at the end means nothing: AWS imports `/pets/`
/// as the resource `/pets`.
pub(super) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split_terminator('/')
}

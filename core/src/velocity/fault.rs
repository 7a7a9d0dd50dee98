//! Why a rendering ends before its end.

use std::fmt;

use super::java::Unmade;
use super::path::Missing;
use super::print::Unprintable;
use super::program::Foreach;
use super::value::OutOfMemory;
use crate::limits;

/// Why a template could not be run to its end. Clients get 500.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the template, in bytes.
    pub at: usize,
    /// What is wrong.
    pub why: Why,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// [`limits::RENDER_STEPS_MAX`]
    Steps,
    /// [`limits::RENDER_MEMORY_BYTES_MAX`]
    Memory,
    /// [`limits::RENDER_OUTPUT_BYTES_MAX`]
    Output,
    /// [`limits::VALUE_DEPTH_MAX`], or a value that contains itself.
    Depth,
    /// A body or text that is no JSON.
    Json,
    /// What Java throws, or what is not supported.
    Failed(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps => write!(f, "it takes more than {} steps", limits::RENDER_STEPS_MAX),
            Self::Memory => write!(f, "its values take more than {} bytes", limits::RENDER_MEMORY_BYTES_MAX),
            Self::Output => {
                write!(f, "a text or the output has more than {} bytes", limits::RENDER_OUTPUT_BYTES_MAX)
            }
            Self::Depth => write!(f, "a value nests deeper than {}", limits::VALUE_DEPTH_MAX),
            Self::Json => f.write_str("this is not JSON"),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

/// What ends the running of a block before its end.
#[derive(Debug)]
pub(crate) enum Halt<'a> {
    /// `#break`: the innermost loop or block ends.
    Break,
    /// `#break($scope)`: this loop ends.
    BreakLoop(&'a Foreach),
    /// `#stop`: the template ends.
    Stop,
    /// It cannot go on. The place is filled in where it is known.
    Fault(Box<Fault>),
}

/// A fault whose place is not known yet.
pub(super) const NOWHERE: usize = usize::MAX;

impl Halt<'_> {
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Why::Failed(what.into()).into()
    }
}

impl From<Why> for Halt<'_> {
    fn from(why: Why) -> Self {
        Self::Fault(Box::new(Fault { at: NOWHERE, why }))
    }
}

impl From<OutOfMemory> for Halt<'_> {
    fn from(_: OutOfMemory) -> Self {
        Why::Memory.into()
    }
}

impl From<Unprintable> for Halt<'_> {
    fn from(error: Unprintable) -> Self {
        match error {
            Unprintable::Output => Why::Output.into(),
            Unprintable::Depth => Why::Depth.into(),
            Unprintable::Block => Self::failed("a block is printed as JSON"),
        }
    }
}

impl From<Unmade> for Halt<'_> {
    fn from(unmade: Unmade) -> Self {
        match unmade {
            Unmade::Steps => Why::Steps.into(),
            Unmade::Wrong(why) => Self::failed(why),
        }
    }
}

impl From<Missing> for Halt<'_> {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::NotFound => Self::failed("the path leads nowhere"),
            Missing::Invalid(what) => Self::failed(what),
            Missing::Memory => Why::Memory.into(),
            Missing::Depth => Why::Depth.into(),
            Missing::Steps => Why::Steps.into(),
        }
    }
}

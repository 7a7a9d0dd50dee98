//! Base path mappings: which API of a custom domain a path belongs to.

use std::fmt;

/// Bytes of a base path (AWS: 300 characters, all of them ASCII).
pub const BASE_PATH_BYTES_MAX: usize = 300;

/// The base path mappings of one domain.
///
/// The longest mapping wins whose segments are the first segments of the path, case-sensitively; what resources the
/// APIs behind them have does not count (AWS: "Use API mappings to connect API stages to a custom domain name").
#[derive(Clone, Debug)]
pub struct BasePaths {
    /// Base path without slashes at its ends, and its index in the input; the longest first. A domain has few, at most
    /// 200 on AWS, so they are looked at one after the other.
    longest_first: Box<[(Box<[u8]>, usize)]>,
}

/// Why a set of base paths is none. Indexes are those of the input of [`BasePaths::compile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BasePathError {
    /// A character outside of AWS's `A-Z a-z 0-9 $ - _ . + ! * ' ( ) /`.
    Characters {
        /// The base path.
        index: usize,
    },
    /// A slash at the start or the end, or two in a row.
    EmptySegment {
        /// The base path.
        index: usize,
    },
    /// More than [`BASE_PATH_BYTES_MAX`] bytes.
    TooLong {
        /// The base path.
        index: usize,
    },
    /// The same base path a second time.
    Duplicate {
        /// The base path.
        index: usize,
        /// The first of the same text.
        other: usize,
    },
}

impl BasePaths {
    /// Compiles base paths: `orders`, `v1/orders`, or the empty one, which AWS's API calls `(none)` and which matches
    /// every path.
    pub fn compile(base_paths: &[&str]) -> Result<Self, BasePathError> {
        for (index, &base_path) in base_paths.iter().enumerate() {
            check(index, base_path)?;
            if let Some(other) = base_paths[..index].iter().position(|&other| other == base_path) {
                return Err(BasePathError::Duplicate { index, other });
            }
        }
        let mut longest_first: Vec<(Box<[u8]>, usize)> = base_paths
            .iter()
            .enumerate()
            .map(|(index, base_path)| (base_path.as_bytes().into(), index))
            .collect();
        longest_first.sort_by_key(|(base_path, _)| std::cmp::Reverse(base_path.len()));
        Ok(Self { longest_first: longest_first.into() })
    }

    /// The index of the mapping of a request, and how many bytes of `path` it takes, its leading slash included; what
    /// is left is empty or starts with a slash. The empty base path takes none.
    ///
    /// `path` is the path as sent; it is compared byte by byte, so neither a second leading slash nor a
    /// percent-encoded letter matches.
    pub fn find(&self, path: &[u8]) -> Option<(usize, usize)> {
        self.longest_first.iter().find_map(|(base_path, index)| Some((*index, bytes_taken(base_path, path)?)))
    }
}

/// How much of `path` the base path is, if it is its first segments.
fn bytes_taken(base_path: &[u8], path: &[u8]) -> Option<usize> {
    if base_path.is_empty() {
        return Some(0);
    }
    let rest = path.strip_prefix(b"/")?.strip_prefix(base_path)?;
    matches!(rest.first(), None | Some(b'/')).then(|| path.len() - rest.len())
}

fn check(index: usize, base_path: &str) -> Result<(), BasePathError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_.+!*'()/".contains(&byte);
    if base_path.len() > BASE_PATH_BYTES_MAX {
        return Err(BasePathError::TooLong { index });
    }
    if !base_path.bytes().all(allowed) {
        return Err(BasePathError::Characters { index });
    }
    if !base_path.is_empty() && base_path.split('/').any(str::is_empty) {
        return Err(BasePathError::EmptySegment { index });
    }
    Ok(())
}

impl fmt::Display for BasePathError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Characters { .. } => out.write_str("A base path only allows a-zA-Z0-9$-_.+!*'()/"),
            Self::EmptySegment { .. } => {
                out.write_str("A base path neither starts nor ends with a slash and has no two in a row")
            }
            Self::TooLong { .. } => write!(out, "A base path has at most {BASE_PATH_BYTES_MAX} characters"),
            Self::Duplicate { .. } => out.write_str("Base path already exists for this domain name"),
        }
    }
}

impl std::error::Error for BasePathError {}

//! From a host's path to the API, and from the path behind it to the method of a resource.
//!
//! Owns the shape of resource paths, the compiled resource tree and the base path mappings of a domain. It never
//! decodes a path, never resolves `.` or `..`, and knows nothing of stages, queries or what a route does.
//!
//! In reading order: [`resource`] reads the path of a resource, [`Router`] is the tree and its lookup, `compile` builds
//! it, `literals` is the table it finds literal children in; [`BasePaths`] is used before all of them.

mod base_path;
mod compile;
mod error;
mod literals;
mod parameters;
pub mod resource;
mod router;

pub use base_path::{BASE_PATH_BYTES_MAX, BasePathError, BasePaths};
pub use error::RouteError;
pub use parameters::PathParameters;
pub use router::{RouteId, Router};

use crate::method::RouteMethod;

/// Routes of one API; more are refused with [`RouteError::TooManyRoutes`]. AWS allows 300 resources of 8 methods.
pub const ROUTES_MAX: usize = 65_536;

/// Parts of a resource path, so also the depth of the lookup's recursion; AWS states no limit. More are refused with
/// [`RouteError::TooManyParts`]. The path of a request may have any number of segments.
pub const PARTS_MAX: usize = 64;

/// Bytes of one part of a resource path; AWS states no limit. More are refused with [`RouteError::PartTooLong`].
pub const PART_BYTES_MAX: usize = 255;

/// Parameters of a resource path; AWS states no limit. More are refused with [`RouteError::TooManyParameters`].
pub const PARAMETERS_MAX: usize = 16;

/// One method of one resource, as the API definition names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteSpec<'a> {
    /// The path of the resource: `/`, `/pets/{petId}`, `/{proxy+}`.
    pub path: &'a str,
    /// The method, or `ANY`.
    pub method: RouteMethod,
}

//! `tidegate.toml` and OpenAPI documents to a [`Plan`](tidegate_core::plan::Plan), or diagnostics with file, line and
//! help.
//!
//! Every finding of every file is collected in one run; what Tidegate does not support is refused by name and place,
//! never ignored. Nothing here opens a socket or knows `io`.
//!
//! In reading order:
//!
//! - `compile`: the way from files to plan, top down; `canaries`, `routing`, `stages`, `caches`, `execution_logs`,
//!   `functions` and `services` are its parts
//! - `file` reads `tidegate.toml`
//! - `openapi` reads OpenAPI documents with `x-amazon-apigateway-*` extensions
//! - `policy` reads IAM policies
//! - `fields`, `scalar`: reading maps and values with good errors
//! - `tls`: certificates, keys and authorities from files
//! - `tree`: TOML, YAML and JSON as one tree that knows where everything is written
//! - `diagnostics`, `render`, `report`, `source`, `suggest`: findings and how they are shown
//! - `routes_table`: a plan in words; `try_template`: a template without a gateway

#![forbid(unsafe_code)]

mod caches;
mod canaries;
mod compile;
mod execution_logs;
mod functions;
mod routing;
mod services;
mod stages;

mod file;

mod openapi;
mod policy;
mod policy_document;

mod fields;
mod scalar;
mod secret;
mod tls;

mod tree;

mod diagnostics;
mod render;
mod report;
mod source;
mod suggest;

mod routes_table;
mod try_template;

pub use compile::{Loaded, load};
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use file::{Listener, Settings, Shards};
pub use policy_document::policy_document;
pub use routes_table::routes_table;
pub use try_template::{Rendered, render_template};

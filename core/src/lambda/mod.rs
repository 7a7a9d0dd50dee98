//! Functions as backends: what they get and what they give, as bytes. Nothing here knows how a function is run.
//!
//! - [`event`]: the event of AWS_PROXY; `fields` and `parameters` write its maps, `context` its `requestContext`
//! - [`result`]: the answer of AWS_PROXY; [`answer`] writes what the client gets of it
//! - [`json`]: strings of JSON, from any bytes

pub mod event;

mod context;
mod fields;
mod parameters;

pub mod answer;
pub mod result;

pub mod json;

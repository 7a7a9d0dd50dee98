//! Functions as backends: what they get and what they give, as bytes. Nothing here knows how a function is run.
//!
//! - [`event`]: the event of AWS_PROXY; `fields` and `parameters` write its maps, `context` its `requestContext`
//! - [`authorizer_event`]: what the function of an authorizer gets
//! - [`payload`]: the event of AWS, which is the client's body or a template's output
//! - [`result`]: the answer of AWS_PROXY, and what an error says; [`answer`] writes what the client gets
//! - [`streamed`]: the beginning and the end of an answer that comes piece by piece
//! - [`json`]: strings of JSON, from any bytes

pub mod authorizer_event;
pub mod event;

mod context;
mod fields;
mod parameters;

pub mod payload;

pub mod answer;
pub mod result;
pub mod streamed;

pub mod json;

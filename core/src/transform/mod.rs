//! Shapes the request that goes to an integration and the answer that goes to the client.
//!
//! Writes heads into buffers; never sends them.

pub mod answer;
pub mod pass;
pub mod request;
pub mod template;
pub mod trailers;

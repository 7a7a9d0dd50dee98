//! Who may call: what a request proves about its caller.
//!
//! Decides only; secrets and policies come compiled with the plan. Never reads a clock, a file or a random number.
//!
//! - [`sigv4`]: AWS Signature Version 4, to verify what clients sign and to sign what goes to AWS.

pub mod sigv4;

//! Who may call: what a request proves about its caller, and what policies say about them.
//!
//! Decides only; secrets and policies come compiled with the plan. Never reads a clock, a file or a random number.
//!
//! - [`authenticate`]: whose signature a request has
//! - [`authorise`]: whether policies let it call its method
//! - [`authorizer`]: functions that say who calls
//! - [`jwt`]: signed tokens
//! - [`cognito`]: the tokens of Cognito user pools
//! - [`forwarded`]: whose request a proxy passes on
//! - [`sigv4`]: AWS Signature Version 4, to verify what clients sign and to sign what goes to AWS
//! - [`principal`]: the callers that the configuration knows
//! - [`policy`]: IAM policies, compiled
//! - [`cidr`]: ranges of addresses

pub mod authenticate;
pub mod authorise;
pub mod authorizer;
pub mod cidr;
pub mod cognito;
pub mod forwarded;
pub mod jwt;
pub mod policy;
pub mod principal;
pub mod sigv4;

//! AWS Signature Version 4: [`Signer`] signs requests, [`verify`] checks what clients signed.
//!
//! AWS: "Signature Version 4 for API requests". A signature is an HMAC over the time, a scope and a digest of the
//! *canonical request*, which both sides must write alike, byte for byte; [`canonical`] writes it for either.
//!
//! Signature Version 4A (asymmetric keys over several regions) is not built.

pub mod canonical;
mod claim;
mod credentials;
mod error;
mod key;
mod payload;
mod sign;
mod time;
mod verify;

pub use self::canonical::{Headers, PathStyle, Signable};
pub use self::claim::{Claim, Place};
pub use self::credentials::{Credentials, Secret};
pub use self::error::SignatureError;
pub use self::key::{Scope, SigningKey};
pub use self::payload::PayloadHash;
pub use self::sign::Signer;
pub use self::time::{AmzTime, SKEW_S_MAX};
pub use self::verify::{Verifier, check_scope, check_time};

/// The one algorithm, as the `Authorization` field and the query name it.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What ends a credential's scope.
pub const TERMINATOR: &str = "aws4_request";

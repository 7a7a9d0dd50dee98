//! Certificates, keys and authorities from files.
//!
//! - `pem`: what a file, or the files of a folder, hold
//! - `identity`: the certificates of a domain, each with its key
//! - `findings`: what is wrong with a certificate, or soon will be
//! - `authorities`: whose certificates are believed
//! - `security_policy`: AWS's names for versions and ciphers

mod authorities;
mod findings;
mod identity;
mod pem;
pub(crate) mod security_policy;

pub(crate) use authorities::read_authorities;
pub(crate) use identity::{IdentityKeys, read_client_identity, read_identities};

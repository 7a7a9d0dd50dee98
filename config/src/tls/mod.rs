//! Certificates, keys and authorities from files.
//!
//! - `pem`: what a file, or the files of a folder, hold
//! - `identity`: the certificates of a domain, each with its key
//! - `findings`: what is wrong with a certificate, or soon will be
//! - `authorities`: whose certificates are believed

mod authorities;
mod findings;
mod identity;
mod pem;

pub(crate) use authorities::read_authorities;
pub(crate) use identity::{IdentityKeys, read_identities};

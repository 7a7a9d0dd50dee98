//! Calls to AWS services: who signs them, and what credentials say. Asks nobody for credentials; whoever does hands them to
//! each shard's [`Signers`].
//!
//! - [`service`]: what makes an HTTP call one of an AWS service
//! - [`signers`]: a shard's credentials, and what it signs with
//! - [`event_stream`]: how the Lambda API streams what functions answer
//! - [`documents`]: credentials as STS and the metadata of containers and instances give them
//! - [`profiles`]: the shared configuration files

pub mod documents;
pub mod event_stream;
pub mod profiles;
pub mod service;
pub mod signers;

pub use self::service::{CredentialsSource, Service, Signatory, Signing};
pub use self::signers::{Issued, IssuedTable, NoCredentials, Signers};

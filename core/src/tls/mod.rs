//! TLS as the configuration wants it, as data: whoever performs it makes of it what its library needs.
//!
//! - here: what listeners present, what backends must prove
//! - [`certificate`]: what a certificate says, for findings and for `$context.identity.clientCert`; `name` writes names
//! - [`client`]: what a client has presented

pub mod certificate;
pub mod client;
mod name;

use std::fmt;
use std::sync::Arc;

/// What listeners present to clients and ask of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTls {
    /// The domains with certificates. Clients that name none of them get the first.
    pub domains: Vec<DomainTls>,
}

/// A domain's side of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainTls {
    /// Its name in lower case, or `*.` and a name.
    pub name: String,
    /// What it presents, in the order of preference: the first that a client can verify is taken.
    pub identities: Vec<Identity>,
    /// The least that clients must speak.
    pub policy: SecurityPolicy,
    /// Whose certificates clients must have, in DER; none: clients need not have any.
    pub truststore: Option<Vec<Vec<u8>>>,
}

/// A certificate with its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The certificate and those that lead from it towards a root, in DER.
    pub chain: Vec<Vec<u8>>,
    /// The private key in DER: PKCS #8, PKCS #1 or SEC 1.
    pub key: Vec<u8>,
    /// The OCSP response that goes with the certificate, in DER.
    pub staple: Option<Vec<u8>>,
}

/// Without the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

/// AWS: "Choose a security policy". The ciphers are those of rustls in either: all of them forward secret and AEAD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecurityPolicy {
    /// TLS 1.2 and 1.3
    #[default]
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// How a backend is called by https.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginTls {
    /// The name that its certificate must be for, and that it is asked for (SNI); an address literal without brackets is
    /// verified and not asked for.
    pub name: String,
    /// Whether somebody we know must have issued its certificate. AWS's `insecureSkipVerification` turns that off, and
    /// nothing else.
    pub verify_issuer: bool,
    /// What it is presented, if it asks who we are.
    pub client: Option<Arc<Identity>>,
}

/// Whose certificates we believe of backends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Which authorities are known beside `extra`.
    pub roots: Roots,
    /// Certificates of further authorities, in DER.
    pub extra: Vec<Vec<u8>>,
}

/// Which authorities are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Mozilla's, as they were when this was built.
    #[default]
    Mozilla,
    /// Those of this machine.
    System,
    /// None.
    None,
}

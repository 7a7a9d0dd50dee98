//! TLS on the test stand: one certificate for all proxies of a run, made when it begins, and a client that believes it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::trouble::Trouble;

/// How clients of a scenario begin their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// Each anew.
    Full,
    /// Each goes on with an earlier one, where there is one.
    Resumed,
}

/// The name in the certificate.
pub const NAME: &str = "bench.test";
/// Files in the folder of a proxy: what it shows, its key, and both in one, as HAProxy wants them.
pub const CERTIFICATE: &str = "certificate.pem";
/// See [`CERTIFICATE`].
pub const KEY: &str = "key.pem";
const BOTH: &str = "both.pem";

/// The certificate of a run: ECDSA on P-256.
#[derive(Debug)]
pub struct Identity {
    certificate: String,
    key: String,
    /// What believes it.
    pub client: Arc<ClientConfig>,
}

impl Identity {
    /// Makes one.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn make() -> Result<Self, Trouble> {
        let failed = |error: &dyn std::fmt::Display| Trouble::World(format!("a certificate: {error}"));
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let params = CertificateParams::new(vec![NAME.to_owned()]).map_err(|error| failed(&error))?;
        let certificate = params.self_signed(&key).map_err(|error| failed(&error))?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate.der().to_vec())).map_err(|error| failed(&error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem(), client: Arc::new(client) })
    }

    /// Puts it where a proxy looks for it.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Trouble> {
        let both = format!("{}{}", self.certificate, self.key);
        for (name, text) in [(CERTIFICATE, &self.certificate), (KEY, &self.key), (BOTH, &both)] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|error| Trouble::writing(&path, &error))?;
        }
        Ok(())
    }
}

//! TLS towards a target: whom to believe, what to speak, whether to resume sessions.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};

/// Sessions that a thread remembers.
const SESSIONS_MAX: usize = 4_096;

/// HTTP/2 over TLS (RFC 9113 section 3.2).
pub(super) const HTTP2: &[u8] = b"h2";

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Authorities to believe instead of Mozilla's.
    pub ca_file: Option<PathBuf>,
    /// Believe everybody.
    pub insecure: bool,
    /// Begin every session anew.
    pub no_resumption: bool,
    /// The only version to speak.
    pub version: Option<Version>,
    /// The name to ask for instead of the URL's.
    pub server_name: Option<String>,
    /// Speak HTTP/2 and nothing else.
    pub http2: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Version {
    /// TLS 1.2
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3
    #[value(name = "1.3")]
    Tls13,
}

/// How sessions with a target begin.
#[derive(Clone)]
pub struct Security {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    resumes: bool,
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Security {
    /// For a target of this host name or address.
    ///
    /// # Errors
    /// In words: a file or name that is of no use.
    pub fn new(host: &str, wish: &Wish) -> Result<Self, String> {
        let host = wish.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| format!("`{host}` can be in no certificate"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(wish.versions()).map_err(|error| error.to_string())?;
        let mut config = if wish.insecure {
            let anybody = Arc::new(Anybody(provider));
            builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth()
        } else {
            builder.with_root_certificates(wish.roots()?).with_no_client_auth()
        };
        config.alpn_protocols = vec![if wish.http2 { HTTP2 } else { b"http/1.1" }.to_vec()];
        Ok(Self { config: Arc::new(config), name, resumes: !wish.no_resumption }.for_thread())
    }

    /// The same with a memory of sessions of its own.
    pub(super) fn for_thread(&self) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption =
            if self.resumes { Resumption::in_memory_sessions(SESSIONS_MAX) } else { Resumption::disabled() };
        Self { config: Arc::new(config), name: self.name.clone(), resumes: self.resumes }
    }
}

impl Wish {
    fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        const ONLY_TLS12: &[&SupportedProtocolVersion] = &[&TLS12];
        const ONLY_TLS13: &[&SupportedProtocolVersion] = &[&TLS13];
        match self.version {
            None => rustls::DEFAULT_VERSIONS,
            Some(Version::Tls12) => ONLY_TLS12,
            Some(Version::Tls13) => ONLY_TLS13,
        }
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let Some(file) = &self.ca_file else {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            return Ok(roots);
        };
        let wrong = |why: &dyn fmt::Display| format!("cannot read {}: {why}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
        if roots.is_empty() { Err(wrong(&"there is no certificate in it")) } else { Ok(roots) }
    }
}

/// Believes everybody; signatures are still checked, so that the work of a handshake is what it always is.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! Certificates made for a test, and both sides of TLS with them.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm,
};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion};

/// An authority of a test.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("an authority") }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its own certificate, in DER.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.pem().as_bytes()).expect("PEM")]
    }

    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A certificate for these names, with an ECDSA key.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(&PKCS_ECDSA_P256_SHA256, names, |_| {})
    }

    /// One with an RSA key.
    pub(crate) fn issue_rsa(&self, names: &[&str]) -> Issued {
        self.issue_with(&PKCS_RSA_SHA256, names, |_| {})
    }

    pub(crate) fn issue_with(
        &self,
        algorithm: &'static SignatureAlgorithm,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names.clone()).expect("names");
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("nobody", |name| name));
        change(&mut params);
        let key = match algorithm == &PKCS_RSA_SHA256 {
            true => rsa_key(),
            false => KeyPair::generate_for(algorithm).expect("a key"),
        };
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// ring makes no RSA keys; OpenSSL does.
fn rsa_key() -> KeyPair {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        .output()
        .expect("openssl");
    KeyPair::from_pem(std::str::from_utf8(&made.stdout).expect("PEM")).expect("an RSA key")
}

impl Issued {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.certificate.as_bytes()).map(|der| der.expect("PEM")).collect()
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM")
    }
}

/// A client that believes one authority.
pub(crate) fn client_config(authority: &Authority) -> ClientConfig {
    client_config_for(authority, rustls::DEFAULT_VERSIONS)
}

/// The same, and speaks these versions only.
pub(crate) fn client_config_for(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("PEM")).expect("a root");
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The same client with a certificate of its own.
pub(crate) fn with_certificate(config: &ClientConfig, issued: &Issued) -> ClientConfig {
    let provider = rustls::crypto::ring::default_provider();
    let key = provider.key_provider.load_private_key(issued.key()).expect("a key");
    let certified = Arc::new(CertifiedKey::new(issued.chain(), key));
    let mut config = config.clone();
    config.client_auth_cert_resolver = Arc::new(Always(certified));
    config.resumption = rustls::client::Resumption::default();
    config
}

/// Presents it whomever the server knows.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A server that presents one certificate.
pub(crate) fn server_config(issued: &Issued) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(issued.chain(), issued.key())
        .expect("a certificate and its key")
}

pub(crate) fn server_name(name: &str) -> ServerName<'static> {
    ServerName::try_from(name.to_owned()).expect("a name")
}

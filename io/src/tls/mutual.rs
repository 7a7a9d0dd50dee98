//! Domains that ask clients for a certificate (mutual TLS).
//!
//! AWS breaks the handshake off when there is no certificate, and answers 403 when it does not know the one there is. So
//! the handshake takes any whose key the client has, and what the truststore says of it is found out behind it.

use std::rc::Rc;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, CommonState, DistinguishedName, Error, RootCertStore};
use tidegate_core::tls::certificate::{Certificate, Key};
use tidegate_core::tls::client::{ClientCertificate, Mutual};

use super::TlsError;
use super::signatures::verify_signatures;

/// AWS: "the certificate chain can have up to four certificates".
const CHAIN_MAX: usize = 4;
/// AWS: RSA-2048 or stronger, ECDSA-256 or stronger.
const RSA_BITS_MIN: usize = 2_048;

/// A domain's truststore.
#[derive(Debug)]
pub(super) struct Truststore {
    domain: Arc<str>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl Truststore {
    pub(super) fn new(
        domain: &str,
        authorities: &[Vec<u8>],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for der in authorities {
            roots.add(CertificateDer::from(der.clone())).map_err(|_| TlsError::Authority)?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        let verifier = verifier.map_err(|_| TlsError::Authority)?;
        Ok(Self { domain: domain.into(), verifier })
    }

    /// What it says of the certificate that a session began with; nothing if there was none, which ends a handshake.
    pub(super) fn judge(&self, session: &CommonState) -> Option<Mutual> {
        let chain = session.peer_certificates()?;
        let (leaf, others) = chain.split_first()?;
        Some(Mutual {
            domain: Rc::from(&*self.domain),
            certificate: ClientCertificate::parse(leaf).ok()?,
            refused: self.refusal(leaf, others),
        })
    }

    /// AWS's words, as its execution logs have them.
    fn refusal(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Option<&'static str> {
        if others.len() >= CHAIN_MAX {
            return Some("certificate chain too long");
        }
        let is_weak = |certificate: &CertificateDer<'_>| {
            Certificate::parse(certificate).is_ok_and(|read| {
                read.weakly_signed || matches!(read.key, Key::Rsa(bits) if bits < RSA_BITS_MIN)
            })
        };
        if is_weak(leaf) || others.iter().any(is_weak) {
            return Some("Client cert using an insecure Signature Algorithm");
        }
        let error = self.verifier.verify_client_cert(leaf, others, UnixTime::now()).err()?;
        let self_signed = Certificate::parse(leaf).is_ok_and(|leaf| leaf.is_self_issued());
        Some(match error {
            _ if self_signed => "self signed certificate",
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                "Could not find issuer for certificate"
            }
            Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => "certificate has expired",
            Error::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            ) => "certificate is not yet valid",
            _ => "certificate is not valid",
        })
    }
}

/// Takes any certificate whose key the client has.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    pub(super) provider: Arc<CryptoProvider>,
    /// What clients are told whom we know, so that they present the right one.
    pub(super) authorities: Vec<DistinguishedName>,
}

impl AnyCertificate {
    pub(super) fn new(truststore: &Truststore, provider: &Arc<CryptoProvider>) -> Self {
        let authorities = truststore.verifier.root_hint_subjects().to_vec();
        Self { provider: Arc::clone(provider), authorities }
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.authorities
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // One that cannot be read cannot be told of either.
        ClientCertificate::parse(leaf).map_err(|_| CertificateError::BadEncoding)?;
        Ok(ClientCertVerified::assertion())
    }

    verify_signatures!();
}

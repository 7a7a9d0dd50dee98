//! AWS's `insecureSkipVerification`: whoever has issued a backend's certificate is believed, and nothing else is given up.
//!
//! What is still checked (AWS: "x-amazon-apigateway-integration.tlsConfig object"): the host name, the time of every
//! certificate, that the certificates follow from one another up to the last one, and that the backend has the key.

use std::sync::Arc;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use tidegate_core::tls::certificate::Certificate;

use super::signatures::verify_signatures;

/// Believes any issuer, or none.
#[derive(Debug)]
pub(super) struct UnknownIssuer {
    provider: Arc<CryptoProvider>,
    believes: bool,
}

impl UnknownIssuer {
    pub(super) fn accepting(provider: &Arc<CryptoProvider>) -> Self {
        Self { provider: Arc::clone(provider), believes: true }
    }

    pub(super) fn refusing(provider: &Arc<CryptoProvider>) -> Self {
        Self { provider: Arc::clone(provider), believes: false }
    }
}

impl ServerCertVerifier for UnknownIssuer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.believes {
            return Err(CertificateError::UnknownIssuer.into());
        }
        std::iter::once(leaf).chain(others).try_for_each(|certificate| check_time(certificate, now))?;
        match ParsedCertificate::try_from(leaf) {
            Ok(leaf) => {
                verify_server_name(&leaf, name)?;
                follow(&leaf, others, now, &self.provider)?;
            }
            Err(error) => return Err(error),
        }
        Ok(ServerCertVerified::assertion())
    }

    verify_signatures!();
}

fn check_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = Certificate::parse(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let (from, until) = certificate.validity;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match now {
        _ if now < from => Err(CertificateError::NotValidYet.into()),
        _ if now > until => Err(CertificateError::Expired.into()),
        _ => Ok(()),
    }
}

/// Whether the certificates lead to the last one. A single one leads to itself.
fn follow(
    leaf: &ParsedCertificate<'_>,
    others: &[CertificateDer<'_>],
    now: UnixTime,
    provider: &CryptoProvider,
) -> Result<(), Error> {
    let Some(last) = others.last() else { return Ok(()) };
    let mut roots = RootCertStore::empty();
    roots.add(last.clone().into_owned())?;
    let algorithms = provider.signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(leaf, &roots, others, now, algorithms)
}

//! A client's certificate, as `$context.identity.clientCert` has it.

use std::rc::Rc;

use super::certificate::{Certificate, NotACertificate, pem, validity_text};

/// The members of `clientCert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// `clientCertPem`
    pub pem: String,
    /// `subjectDN`
    pub subject: String,
    /// `issuerDN`
    pub issuer: String,
    /// `serialNumber`
    pub serial: String,
    /// `validity.notBefore`
    pub not_before: String,
    /// `validity.notAfter`
    pub not_after: String,
}

impl ClientCertificate {
    /// Reads one in DER.
    pub fn parse(der: &[u8]) -> Result<Self, NotACertificate> {
        let read = Certificate::parse(der)?;
        Ok(Self {
            pem: pem(der),
            subject: read.subject,
            issuer: read.issuer,
            serial: read.serial,
            not_before: validity_text(read.validity.0),
            not_after: validity_text(read.validity.1),
        })
    }
}

/// What came of asking a client for its certificate, for a domain with mutual TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutual {
    /// The domain whose truststore was asked, by its configured name.
    pub domain: Rc<str>,
    /// What the client has presented, and has the key of.
    pub certificate: ClientCertificate,
    /// Why the truststore does not know it, in AWS's words.
    pub refused: Option<&'static str>,
}

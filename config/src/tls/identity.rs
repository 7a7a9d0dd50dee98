//! The certificates of a domain, each with the key that belongs to it, wherever in the files that stands.

use std::path::Path;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tidegate_core::span::Span;
use tidegate_core::tls::Identity;
use tidegate_core::tls::certificate::{Certificate, Key};

use super::findings;
use super::pem::{self, PemFile};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// Most bytes of an OCSP response; they have 0.5 to 2 KiB.
const STAPLE_BYTES_MAX: u64 = 16_384;

/// The entries of a section that say where certificates are.
#[derive(Clone, Copy)]
pub(crate) struct IdentityKeys<'n> {
    /// `certificate`: a file, a folder, or a list of such.
    pub(crate) certificate: Option<&'n Entry>,
    /// `key`: likewise; without it keys stand with the certificates.
    pub(crate) key: Option<&'n Entry>,
    /// `ocsp_staple`: a file, for a domain with one certificate.
    pub(crate) staple: Option<&'n Entry>,
}

/// Reads what a stage presents to backends: one certificate.
pub(crate) fn read_client_identity(value: &Node, folder: &Path, report: &mut Report) -> Option<Identity> {
    let mut fields = Fields::read(value, "`client_certificate`", report)?;
    let keys =
        IdentityKeys { certificate: fields.take("certificate"), key: fields.take("key"), staple: None };
    fields.finish(report);
    if keys.certificate.is_none() {
        report.error(value.span, "`certificate` is missing").help(
            "client_certificate = { certificate = \"client.pem\", key = \"client.key\" }, as AWS's clientCertificateId",
        );
        return None;
    }
    let mut identities = read_identities(keys, None, folder, report);
    if identities.len() > 1 {
        report.error(value.span, "a stage presents one certificate").help("name one file instead of several");
    }
    identities.pop()
}

/// Reads what a domain presents; nothing if it presents nothing, or what it should cannot be read. Without `domain` it is
/// for no host.
pub(crate) fn read_identities(
    keys: IdentityKeys<'_>,
    domain: Option<&str>,
    folder: &Path,
    report: &mut Report,
) -> Vec<Identity> {
    let Some(certificate) = keys.certificate else {
        for entry in [keys.key, keys.staple].into_iter().flatten() {
            report.error(entry.key_span, format!("`{}` without `certificate`", entry.key));
        }
        return Vec::new();
    };
    let at = certificate.value.span;
    let mut files = read_files(&certificate.value, folder, report);
    if !files.iter().any(|file| !file.certificates.is_empty()) {
        if !files.is_empty() {
            report
                .error(at, "there is no certificate in it")
                .help("it must be PEM: -----BEGIN CERTIFICATE-----");
        }
        return Vec::new();
    }
    let key_at = keys.key.map_or(at, |entry| entry.value.span);
    if let Some(entry) = keys.key {
        let more = read_files(&entry.value, folder, report);
        if more.iter().all(|file| file.keys.is_empty()) {
            if !more.is_empty() {
                report
                    .error(key_at, "there is no private key in it")
                    .help("it must be PEM and not encrypted");
            }
            return Vec::new();
        }
        files.extend(more.into_iter().map(|file| PemFile { certificates: Vec::new(), ..file }));
    }
    warn_of_public_keys(&files, key_at, report);
    let found = files.iter().filter(|file| !file.certificates.is_empty());
    let mut identities: Vec<Identity> =
        found.filter_map(|file| pair(file, &files, domain, (at, key_at), report)).collect();
    // ECDSA first: a signature costs a tenth of RSA's. Clients that cannot verify it get the other.
    identities.sort_by_key(|identity| {
        let key = Certificate::parse(&identity.chain[0]).map_or(Key::Other, |leaf| leaf.key);
        matches!(key, Key::Rsa(_))
    });
    if let Some(entry) = keys.staple {
        staple(entry, &mut identities, folder, report);
    }
    identities
}

/// The certificate of a file with the key of any file that fits.
fn pair(
    file: &PemFile,
    files: &[PemFile],
    domain: Option<&str>,
    (at, key_at): (Span, Span),
    report: &mut Report,
) -> Option<Identity> {
    let name = file.path.display().to_string();
    let mut chain = Vec::with_capacity(file.certificates.len());
    for der in &file.certificates {
        let Ok(certificate) = Certificate::parse(der) else {
            report.error(at, format!("there is a certificate in {name} that cannot be read"));
            return None;
        };
        chain.push(certificate);
    }
    let Some(key) = key_of(file, files) else {
        report
            .error(key_at, format!("no key belongs to the certificate in {name}"))
            .help("keys must be RSA with 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519; the first certificate of a file is that of the domain");
        return None;
    };
    findings::warn_of_leaf(&chain[0], &name, at, report);
    if let Some(domain) = domain {
        findings::warn_of_name(&chain[0], &name, domain, at, report);
    }
    findings::warn_of_chain(&chain, &name, at, report);
    Some(Identity { chain: file.certificates.clone(), key, staple: None })
}

fn key_of(file: &PemFile, files: &[PemFile]) -> Option<Vec<u8>> {
    let keys = files.iter().flat_map(|file| &file.keys);
    keys.into_iter().find(|key| belongs(file, key)).cloned()
}

fn belongs(file: &PemFile, key: &[u8]) -> bool {
    let Ok(key) = PrivateKeyDer::try_from(key) else { return false };
    let Ok(key) = any_supported_type(&key) else { return false };
    let leaf = CertificateDer::from_slice(&file.certificates[0]).into_owned();
    CertifiedKey::new(vec![leaf], key).keys_match().is_ok()
}

fn read_files(value: &Node, folder: &Path, report: &mut Report) -> Vec<PemFile> {
    let items = match &value.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(value),
    };
    let mut files = Vec::new();
    for item in items {
        let Some(path) = scalar::text(item, report) else { continue };
        match pem::read(&folder.join(path)) {
            Ok(read) => files.extend(read),
            Err(why) => {
                report.error(item.span, why);
            }
        }
    }
    files
}

fn warn_of_public_keys(files: &[PemFile], at: Span, report: &mut Report) {
    for file in files.iter().filter(|file| file.is_public && !file.keys.is_empty()) {
        let path = file.path.display();
        report
            .warning(at, format!("everybody on this machine can read the private key in {path}"))
            .help(format!("chmod o-r {path}"));
    }
}

fn staple(entry: &Entry, identities: &mut [Identity], folder: &Path, report: &mut Report) {
    let at = entry.value.span;
    let Some(path) = scalar::text(&entry.value, report) else { return };
    match pem::read_bytes(&folder.join(path), STAPLE_BYTES_MAX) {
        Err(why) => {
            report.error(at, why);
        }
        Ok(bytes) if !is_successful_response(&bytes) => {
            report
                .error(at, format!("{path} is not a successful OCSP response in DER"))
                .help("openssl ocsp … -respout FILE writes one");
        }
        Ok(bytes) => match identities {
            [] => {}
            [identity] => identity.staple = Some(bytes),
            [_, _, ..] => {
                report
                    .error(at, "`ocsp_staple` is for a domain with one certificate")
                    .help("an OCSP response is about one certificate only");
            }
        },
    }
}

/// RFC 6960 section 4.2.1: a sequence of the status `successful` and the response.
fn is_successful_response(bytes: &[u8]) -> bool {
    let (header, length) = match bytes {
        [0x30, 0x82, high, low, ..] => (4, usize::from(*high) << 8 | usize::from(*low)),
        [0x30, 0x81, length, ..] => (3, usize::from(*length)),
        [0x30, length @ ..=0x7f, ..] => (2, usize::from(*length)),
        _ => return false,
    };
    bytes.len() == header + length && bytes[header..].starts_with(&[0x0a, 1, 0])
}

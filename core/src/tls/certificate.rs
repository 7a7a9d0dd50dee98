//! What a certificate says (RFC 5280).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::name::distinguished_name;
use crate::clock;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is (RFC 4514), for example `CN=client,O=Example,C=US`.
    pub subject: String,
    /// Who has issued it.
    pub issuer: String,
    /// Its number in hexadecimal, with colons between the bytes.
    pub serial: String,
    /// The first and the last second of its time, in seconds since 1970.
    pub validity: (i64, i64),
    /// Host names that it is for, as they are written.
    pub dns_names: Vec<String>,
    /// Addresses that it is for.
    pub addresses: Vec<IpAddr>,
    /// Its key.
    pub key: Key,
    /// Whether it is signed with an algorithm that can be forged (MD5, SHA-1).
    pub weakly_signed: bool,
    /// Whether it may issue others.
    pub is_authority: bool,
}

/// The kind of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// RSA, with the bits of its modulus.
    Rsa(usize),
    /// A point on an elliptic curve, with the bits of a coordinate.
    Ec(usize),
    /// Something else, such as Ed25519.
    Other,
}

/// It cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACertificate;

impl Certificate {
    /// Reads one in DER.
    pub fn parse(der: &[u8]) -> Result<Self, NotACertificate> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| NotACertificate)?;
        if !rest.is_empty() {
            return Err(NotACertificate);
        }
        let validity = certificate.validity();
        let (dns_names, addresses) = alternative_names(&certificate);
        Ok(Self {
            subject: distinguished_name(certificate.subject())?,
            issuer: distinguished_name(certificate.issuer())?,
            serial: serial(certificate.raw_serial()),
            validity: (validity.not_before.timestamp(), validity.not_after.timestamp()),
            dns_names,
            addresses,
            key: Key::of(&certificate),
            weakly_signed: WEAK.contains(&certificate.signature_algorithm.algorithm.to_id_string().as_str()),
            is_authority: certificate.is_ca(),
        })
    }

    /// Whether it is for this host: a name, `*.` and a name, or an address. A name in it may begin with `*.`, which
    /// stands for one label (RFC 9525 section 6.3).
    pub fn is_for(&self, host: &str) -> bool {
        let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match literal.parse::<IpAddr>() {
            Ok(address) => self.addresses.contains(&address),
            Err(_) => self.dns_names.iter().any(|written| covers(written, host)),
        }
    }

    /// Whether it was issued with the key of whoever holds it.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// PEM (RFC 7468), as OpenSSL writes it.
pub fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.extend(line.iter().map(|&byte| char::from(byte)));
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// A second as AWS writes it in `clientCert.validity`: `May 28 12:30:02 2019 GMT`, the day padded with a blank.
pub fn validity_text(second: i64) -> String {
    let iso = clock::iso_8601(u64::try_from(second).unwrap_or(0));
    let part = |from: usize, to: usize| std::str::from_utf8(&iso[from..to]).unwrap_or_default();
    let month: usize = part(5, 7).parse().unwrap_or(1);
    let day = part(8, 10).trim_start_matches('0');
    let month = String::from_utf8_lossy(clock::month_name(month));
    format!("{month} {day:>2} {} {} GMT", part(11, 19), part(0, 4))
}

/// RSA with MD5 and SHA-1, ECDSA and DSA with SHA-1.
const WEAK: [&str; 5] = [
    "1.2.840.113549.1.1.4",
    "1.2.840.113549.1.1.5",
    "1.3.14.3.2.29",
    "1.2.840.10045.4.1",
    "1.2.840.10040.4.3",
];

impl Key {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => Self::Rsa(key.key_size()),
            Ok(PublicKey::EC(point)) => Self::Ec(point.key_size()),
            Ok(_) | Err(_) => Self::Other,
        }
    }
}

fn alternative_names(certificate: &X509Certificate<'_>) -> (Vec<String>, Vec<IpAddr>) {
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    let found = certificate.subject_alternative_name().ok().flatten();
    for name in found.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => names.push((*name).to_owned()),
            GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
            _ => {}
        }
    }
    (names, addresses)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn covers(written: &str, host: &str) -> bool {
    if written.eq_ignore_ascii_case(host) {
        return true;
    }
    let parent = |name: &str| name.split_once('.').map(|(_, parent)| parent.to_ascii_lowercase());
    written.starts_with("*.") && parent(written).is_some() && parent(written) == parent(host)
}

/// The number without the byte that only says that it is not negative.
fn serial(bytes: &[u8]) -> String {
    let bytes = if bytes.len() > 1 && bytes[0] == 0 { &bytes[1..] } else { bytes };
    let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_aws_writes_them() {
        let rows = [(1_559_046_602, "May 28 12:30:02 2019 GMT"), (1_628_156_164, "Aug  5 09:36:04 2021 GMT")];
        for (second, want) in rows {
            assert_eq!(validity_text(second), want);
        }
    }

    #[test]
    fn numbers() {
        let rows: [(&[u8], &str); 3] = [(&[0, 0xa1, 1], "a1:01"), (&[0], "00"), (&[0x7f], "7f")];
        for (bytes, want) in rows {
            assert_eq!(serial(bytes), want);
        }
    }

    #[test]
    fn names_cover_hosts() {
        let rows = [
            ("a.test", "A.test", true),
            ("*.test", "a.test", true),
            ("*.test", "a.b.test", false),
            ("*.test", "test", false),
            ("*.test", "*.test", true),
            ("a.test", "b.test", false),
        ];
        for (written, host, want) in rows {
            assert_eq!(covers(written, host), want, "{written} {host}");
        }
    }

    #[test]
    fn nonsense_is_no_certificate() {
        for bytes in [&b""[..], b"0", b"\x30\x03\x02\x01\x01"] {
            assert_eq!(Certificate::parse(bytes), Err(NotACertificate));
        }
    }
}

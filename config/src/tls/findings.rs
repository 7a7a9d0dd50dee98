//! What is wrong with a certificate, or soon will be.

use std::time::{SystemTime, UNIX_EPOCH};

use tidegate_core::span::Span;
use tidegate_core::tls::certificate::{Certificate, Key, validity_text};

use crate::report::Report;

/// A certificate that ends sooner is warned of. Authorities that issue by machine renew 30 days before the end.
const NEAR_END_S: i64 = 21 * 86_400;
const DAY_S: i64 = 86_400;
/// What AWS asks of RSA keys ("Configuring mutual TLS": RSA-2048 or more), and what every browser does.
const RSA_BITS_MIN: usize = 2_048;

/// Warns of a certificate that is presented.
pub(super) fn warn_of_leaf(certificate: &Certificate, file: &str, at: Span, report: &mut Report) {
    warn_of_time(certificate, file, at, report);
    warn_of_strength(certificate, file, at, report);
}

/// Warns when it is not for its domain.
pub(super) fn warn_of_name(
    certificate: &Certificate,
    file: &str,
    domain: &str,
    at: Span,
    report: &mut Report,
) {
    if certificate.is_for(domain) {
        return;
    }
    let names = certificate.dns_names.iter().cloned();
    let names: Vec<String> = names.chain(certificate.addresses.iter().map(ToString::to_string)).collect();
    let help = match names.len() {
        0 => "it names no host at all (subjectAltName); its subject does not count".to_owned(),
        _ => format!("it is for {}", names.join(", ")),
    };
    report.warning(at, format!("the certificate in {file} is not for `{domain}`")).help(help);
}

/// Warns where a chain does not lead from one certificate to the next.
pub(super) fn warn_of_chain(chain: &[Certificate], file: &str, at: Span, report: &mut Report) {
    for pair in chain.windows(2) {
        if pair[0].issuer != pair[1].subject {
            report.warning(at, format!("the certificates in {file} are not a chain")).help(format!(
                "behind `{}` must stand that of its issuer, `{}`",
                pair[0].subject, pair[0].issuer
            ));
            return;
        }
    }
    for certificate in chain.iter().skip(1) {
        warn_of_time(certificate, file, at, report);
        warn_of_strength(certificate, file, at, report);
    }
}

/// Warns when its time is over, near its end, or to come.
pub(super) fn warn_of_time(certificate: &Certificate, file: &str, at: Span, report: &mut Report) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64);
    let (from, until) = certificate.validity;
    let subject = &certificate.subject;
    let what = if now > until {
        format!("has ended on {}: peers refuse it", validity_text(until))
    } else if now < from {
        format!("begins only on {}: peers refuse it", validity_text(from))
    } else if until - now < NEAR_END_S {
        format!("ends in {} days, on {}", (until - now) / DAY_S, validity_text(until))
    } else {
        return;
    };
    report
        .warning(at, format!("the certificate of `{subject}` in {file} {what}"))
        .help("renew it, then reload (SIGHUP)");
}

/// Warns of keys and signatures that are too weak.
pub(super) fn warn_of_strength(certificate: &Certificate, file: &str, at: Span, report: &mut Report) {
    let subject = &certificate.subject;
    match certificate.key {
        Key::Rsa(bits) if bits < RSA_BITS_MIN => {
            report
                .warning(
                    at,
                    format!("the certificate of `{subject}` in {file} has an RSA key of {bits} bits only"),
                )
                .help("use ECDSA P-256, or RSA with 2048 bits or more");
        }
        Key::Rsa(_) | Key::Ec(_) | Key::Other => {}
    }
    if certificate.weakly_signed && !certificate.is_self_issued() {
        report
            .warning(
                at,
                format!(
                    "the certificate of `{subject}` in {file} is signed with SHA-1 or MD5: peers refuse it"
                ),
            )
            .help("ask its issuer for one that is signed with SHA-256");
    }
}

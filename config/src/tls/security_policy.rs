//! Security policies by AWS's names ("Supported security policies"). Those are taken that promise what rustls with ring
//! speaks; the others are refused by name.

use tidegate_core::tls::{SecurityPolicy, ServerTls};

use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// A policy, and whether AWS calls it an enhanced one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) policy: SecurityPolicy,
    pub(crate) is_enhanced: bool,
}

const LEGACY_TLS12: Named = Named { policy: SecurityPolicy::Tls12, is_enhanced: false };
const LEGACY_TLS13: Named = Named { policy: SecurityPolicy::Tls13, is_enhanced: false };
const ENHANCED_TLS12: Named = Named { policy: SecurityPolicy::Tls12, is_enhanced: true };
const ENHANCED_TLS13: Named = Named { policy: SecurityPolicy::Tls13, is_enhanced: true };

/// `TLS_1_2` has ciphers without forward secrecy and in CBC mode on AWS, for clients that can do nothing else. `TLS_1_3` is
/// not AWS's.
const TAKEN: [(&str, Named); 5] = [
    ("TLS_1_2", LEGACY_TLS12),
    ("TLS_1_3", LEGACY_TLS13),
    ("SecurityPolicy_TLS12_PFS_2025_EDGE", ENHANCED_TLS12),
    ("SecurityPolicy_TLS13_1_3_2025_09", ENHANCED_TLS13),
    ("SecurityPolicy_TLS13_2025_EDGE", ENHANCED_TLS13),
];

const OLD: &str = "it promises TLS 1.0, which is not spoken";
const FIPS: &str = "it promises a validated FIPS module, and ring is none";
const POST_QUANTUM: &str =
    "it promises a key exchange that withstands quantum computers, which ring does not have";
const CBC: &str = "it promises ciphers in CBC mode, which are not spoken";

const REFUSED: [(&str, &str); 8] = [
    ("TLS_1_0", OLD),
    ("SecurityPolicy_TLS13_1_3_FIPS_2025_09", FIPS),
    ("SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09", FIPS),
    ("SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09", FIPS),
    ("SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09", POST_QUANTUM),
    ("SecurityPolicy_TLS13_1_2_PQ_2025_09", POST_QUANTUM),
    ("SecurityPolicy_TLS13_1_2_2021_06", CBC),
    ("SecurityPolicy_TLS12_2018_EDGE", CBC),
];

/// Reads a policy's name.
pub(crate) fn read(value: &Node, report: &mut Report) -> Option<Named> {
    let word = scalar::text(value, report)?;
    let Some((name, why)) = REFUSED.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) else {
        return scalar::variant(value, &TAKEN, report);
    };
    report
        .error(value.span, format!("the security policy {name} cannot be had: {why}"))
        .help(format!("use \"{}\"", nearest(name)));
    None
}

/// What comes nearest to a policy that is refused.
fn nearest(name: &str) -> &'static str {
    match name.contains("_1_3_") {
        true => "SecurityPolicy_TLS13_1_3_2025_09",
        false => "SecurityPolicy_TLS12_PFS_2025_EDGE",
    }
}

/// Reads that of an API. Sessions begin before anybody knows which API they are for, so all domains must ask for as much.
pub(crate) fn read_of_api(value: &Node, tls: &ServerTls, report: &mut Report) {
    let Some(Named { policy: SecurityPolicy::Tls13, .. }) = read(value, report) else { return };
    let weaker = tls.domains.iter().find(|domain| domain.policy == SecurityPolicy::Tls12);
    if let Some(domain) = weaker {
        report
            .error(
                value.span,
                format!("the API asks for TLS 1.3, and clients of the domain `{}` may speak TLS 1.2", domain.name),
            )
            .help("add security_policy = \"TLS_1_3\" to every [[domain]] with a certificate: each can reach every API");
    }
}

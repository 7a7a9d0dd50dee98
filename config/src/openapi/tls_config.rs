//! `tlsConfig` of an integration: what a backend must prove that is called by https.

use tidegate_core::tls::OriginTls;

use crate::fields::Fields;
use crate::file::domain::is_host_name;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// AWS: "x-amazon-apigateway-integration.tlsConfig object".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsConfig {
    skips_issuer: bool,
    server_name: Option<String>,
}

impl TlsConfig {
    pub(super) fn read(entry: Option<&Entry>, report: &mut Report) -> Self {
        let Some(entry) = entry else { return Self::default() };
        let Some(mut fields) = Fields::read(&entry.value, "`tlsConfig`", report) else {
            return Self::default();
        };
        let skips_issuer = fields.value("insecureSkipVerification");
        let skips_issuer = skips_issuer.and_then(|value| scalar::boolean(value, report)).unwrap_or(false);
        let server_name = fields.value("serverNameToVerify").and_then(|value| read_name(value, report));
        fields.finish(report);
        Self { skips_issuer, server_name }
    }

    /// What this makes of what a backend must prove by itself.
    pub(crate) fn apply(&self, origin: &mut OriginTls) {
        origin.verify_issuer = !self.skips_issuer;
        if let Some(name) = &self.server_name {
            origin.name.clone_from(name);
        }
    }

    /// Whether it says anything.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn read_name(value: &Node, report: &mut Report) -> Option<String> {
    let name = scalar::text(value, report)?.to_ascii_lowercase();
    if !is_host_name(&name) {
        report.error(value.span, "not a host name").help("for example \"backend.example.com\"");
        return None;
    }
    Some(name)
}

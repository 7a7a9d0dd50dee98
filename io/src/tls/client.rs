//! What backends must prove that are called by https.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tidegate_core::plan::Plan;
use tidegate_core::tls::{OriginTls, Roots, Trust};

use super::unknown_issuer::UnknownIssuer;
use super::{Lasting, TlsError};

/// Backends speak HTTP/1.1 (RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// The configurations for backends; nothing if none is called by https. Sessions are resumed: each shard remembers those
/// of its own.
#[derive(Clone)]
pub(crate) struct Backends(Option<Configs>);

#[derive(Clone)]
struct Configs {
    known_issuer: Arc<ClientConfig>,
    any_issuer: Arc<ClientConfig>,
}

impl Backends {
    pub(super) fn compile(plan: &Plan, lasting: &Lasting) -> Result<Self, TlsError> {
        if plan.origins.iter().all(|origin| origin.tls.is_none()) {
            return Ok(Self(None));
        }
        let roots = Arc::new(roots(&plan.trust)?);
        let provider = &lasting.provider;
        let known = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
        let known: Arc<dyn ServerCertVerifier> = match known {
            Ok(known) => known,
            // No roots at all: nobody is believed.
            Err(_) => Arc::new(UnknownIssuer::refusing(provider)),
        };
        let configs = Configs {
            known_issuer: Arc::new(config(known, lasting)?),
            any_issuer: Arc::new(config(Arc::new(UnknownIssuer::accepting(provider)), lasting)?),
        };
        Ok(Self(Some(configs)))
    }

    /// With memories of sessions of its own.
    pub(super) fn for_shard(&self) -> Self {
        let own = |config: &ClientConfig| {
            let mut config = config.clone();
            config.resumption = rustls::client::Resumption::default();
            Arc::new(config)
        };
        Self(self.0.as_ref().map(|configs| Configs {
            known_issuer: own(&configs.known_issuer),
            any_issuer: own(&configs.any_issuer),
        }))
    }

    /// How to begin a session with a backend, and who it must prove to be. Nothing if the plan that this was made for
    /// calls none by https, or the name cannot be in a certificate.
    pub(crate) fn find(&self, origin: &OriginTls) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        let configs = self.0.as_ref()?;
        let config = if origin.verify_issuer { &configs.known_issuer } else { &configs.any_issuer };
        let name = ServerName::try_from(origin.name.clone()).ok()?;
        Some((Arc::clone(config), name))
    }
}

fn config(verifier: Arc<dyn ServerCertVerifier>, lasting: &Lasting) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&lasting.provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    if let Some(key_log) = &lasting.key_log {
        config.key_log = Arc::clone(key_log) as _;
    }
    Ok(config)
}

fn roots(trust: &Trust) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match trust.roots {
        Roots::Mozilla => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            if let (true, Some(why)) = (found.certs.is_empty(), found.errors.first()) {
                return Err(TlsError::SystemRoots(why.to_string()));
            }
            // Machines have some that nobody can read.
            roots.add_parsable_certificates(found.certs);
        }
        Roots::None => {}
    }
    for der in &trust.extra {
        roots.add(CertificateDer::from(der.clone())).map_err(|_| TlsError::Authority)?;
    }
    Ok(roots)
}

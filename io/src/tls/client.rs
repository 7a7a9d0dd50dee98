//! What backends must prove that are called by https, and what they are presented.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use tidegate_core::plan::Plan;
use tidegate_core::tls::{Identity, OriginTls, Roots, Trust};

use super::server::certified;
use super::unknown_issuer::UnknownIssuer;
use super::{Lasting, TlsError};

/// Backends speak HTTP/1.1 (RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// The configurations for backends. Sessions are resumed: each shard remembers those of its own.
#[derive(Clone)]
pub(crate) struct Backends(Vec<Configured>);

/// How sessions begin with all backends that ask for the same.
#[derive(Clone)]
struct Configured {
    verify_issuer: bool,
    client: Option<Arc<Identity>>,
    config: Arc<ClientConfig>,
}

impl Backends {
    pub(super) fn compile(plan: &Plan, lasting: &Lasting) -> Result<Self, TlsError> {
        let mut backends = Self(Vec::new());
        let mut wanted = plan.origins.iter().filter_map(|origin| origin.tls.as_ref()).peekable();
        if wanted.peek().is_none() {
            return Ok(backends);
        }
        let known = known_issuer(&plan.trust, lasting)?;
        for origin in wanted {
            if backends.position(origin).is_some() {
                continue;
            }
            let verifier = match origin.verify_issuer {
                true => Arc::clone(&known),
                false => Arc::new(UnknownIssuer::accepting(&lasting.provider)),
            };
            let client = origin.client.clone();
            let config = Arc::new(config(verifier, client.as_deref(), lasting)?);
            backends.0.push(Configured { verify_issuer: origin.verify_issuer, client, config });
        }
        Ok(backends)
    }

    /// With memories of sessions of its own.
    pub(super) fn for_shard(&self) -> Self {
        let own = |configured: &Configured| {
            let mut config = ClientConfig::clone(&configured.config);
            config.resumption = rustls::client::Resumption::default();
            Configured { config: Arc::new(config), ..configured.clone() }
        };
        Self(self.0.iter().map(own).collect())
    }

    /// How to begin a session with a backend, and who it must prove to be. Nothing if the plan that this was made for
    /// does not call it, or the name cannot be in a certificate.
    pub(crate) fn find(&self, origin: &OriginTls) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        let configured = &self.0[self.position(origin)?];
        let name = ServerName::try_from(origin.name.clone()).ok()?;
        Some((Arc::clone(&configured.config), name))
    }

    fn position(&self, origin: &OriginTls) -> Option<usize> {
        let fits = |it: &Configured| it.verify_issuer == origin.verify_issuer && it.client == origin.client;
        self.0.iter().position(fits)
    }
}

/// Believes whom the configuration believes.
fn known_issuer(trust: &Trust, lasting: &Lasting) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let provider = &lasting.provider;
    let known =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots(trust)?), Arc::clone(provider)).build();
    Ok(match known {
        Ok(known) => known,
        // No roots at all: nobody is believed.
        Err(_) => Arc::new(UnknownIssuer::refusing(provider)),
    })
}

fn config(
    verifier: Arc<dyn ServerCertVerifier>,
    client: Option<&Identity>,
    lasting: &Lasting,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&lasting.provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match client {
        Some(client) => {
            let certified = certified(client, &lasting.provider)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
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

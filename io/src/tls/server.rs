//! What clients are shown and asked, by the name that they ask for.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, CommonState, ServerConfig, SignatureAlgorithm, SupportedProtocolVersion};
use tidegate_core::arrival::PeerTls;
use tidegate_core::tls::{DomainTls, Identity, SecurityPolicy, ServerTls};

use super::facts::facts;
use super::mutual::{AnyCertificate, Truststore};
use super::{Lasting, TlsError};

/// The protocols that are spoken behind TLS, the preferred first (RFC 7301).
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Tickets that a TLS 1.3 client gets. Each costs a record; clients that open many connections at once share one.
const TICKETS: usize = 1;

/// The configuration of each domain that has certificates, found by name.
#[derive(Clone)]
pub(crate) struct Server {
    exact: Arc<HashMap<String, usize>>,
    /// By what stands behind `*.`.
    wildcards: Arc<HashMap<String, usize>>,
    /// The first one is for clients that name no domain, or none of these.
    configs: Vec<Configured>,
}

#[derive(Clone)]
struct Configured {
    config: Arc<ServerConfig>,
    truststore: Option<Arc<Truststore>>,
}

/// What a client is met with.
pub(crate) struct Chosen {
    /// How its session begins.
    pub(crate) config: Arc<ServerConfig>,
    truststore: Option<Arc<Truststore>>,
}

impl Chosen {
    /// What a session has agreed on that has begun so.
    pub(crate) fn facts(&self, session: &CommonState) -> PeerTls {
        let mutual = self.truststore.as_ref().and_then(|truststore| truststore.judge(session));
        PeerTls { mutual, ..facts(session) }
    }
}

impl Server {
    pub(super) fn compile(tls: &ServerTls, lasting: &Lasting) -> Result<Self, TlsError> {
        let (mut exact, mut wildcards) = (HashMap::new(), HashMap::new());
        let mut configs = Vec::with_capacity(tls.domains.len());
        for (position, domain) in tls.domains.iter().enumerate() {
            match domain.name.strip_prefix("*.") {
                Some(parent) => wildcards.insert(parent.to_owned(), position),
                None => exact.insert(domain.name.clone(), position),
            };
            configs.push(Configured::new(domain, lasting)?);
        }
        Ok(Self { exact: Arc::new(exact), wildcards: Arc::new(wildcards), configs })
    }

    pub(super) fn for_shard(&self) -> Self {
        let own = |configured: &Configured| Configured {
            config: Arc::new(ServerConfig::clone(&configured.config)),
            truststore: configured.truststore.clone(),
        };
        let configs = self.configs.iter().map(own).collect();
        Self { exact: Arc::clone(&self.exact), wildcards: Arc::clone(&self.wildcards), configs }
    }

    /// The configuration for a client's first message; nothing if no domain has a certificate.
    pub(crate) fn choose(&self, hello: &ClientHello<'_>) -> Option<Chosen> {
        let named = hello.server_name().and_then(|name| self.find(name));
        let Configured { config, truststore } = self.configs.get(named.unwrap_or(0))?.clone();
        Some(Chosen { config, truststore })
    }

    /// rustls gives names in lower case, without a dot at the end.
    fn find(&self, name: &str) -> Option<usize> {
        let by_parent = || name.split_once('.').and_then(|(_, parent)| self.wildcards.get(parent));
        self.exact.get(name).or_else(by_parent).copied()
    }
}

impl Configured {
    fn new(domain: &DomainTls, lasting: &Lasting) -> Result<Self, TlsError> {
        let truststore = domain.truststore.as_ref();
        let truststore =
            truststore.map(|known| Truststore::new(&domain.name, known, &lasting.provider)).transpose()?;
        let config = Arc::new(config(domain, truststore.as_ref(), lasting)?);
        Ok(Self { config, truststore: truststore.map(Arc::new) })
    }
}

fn config(
    domain: &DomainTls,
    truststore: Option<&Truststore>,
    lasting: &Lasting,
) -> Result<ServerConfig, TlsError> {
    let versions: &[&SupportedProtocolVersion] = match domain.policy {
        SecurityPolicy::Tls12 => &[&TLS13, &TLS12],
        SecurityPolicy::Tls13 => &[&TLS13],
    };
    let identities = domain.identities.iter().map(|identity| certified(identity, &lasting.provider));
    let identities = Identities(identities.collect::<Result<_, _>>()?);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&lasting.provider));
    let builder = builder.with_protocol_versions(versions)?;
    let builder = match truststore {
        Some(truststore) => {
            builder.with_client_cert_verifier(Arc::new(AnyCertificate::new(truststore, &lasting.provider)))
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(identities));
    // All are good, so that it matters little whose order it is; but scanners ask for the server's.
    config.ignore_client_order = true;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // A ticket would let a client in again without a look at its certificate.
    config.send_tls13_tickets = if truststore.is_some() { 0 } else { TICKETS };
    if truststore.is_none() {
        config.ticketer = Arc::clone(&lasting.tickets);
    }
    if let Some(key_log) = &lasting.key_log {
        config.key_log = Arc::clone(key_log) as _;
    }
    Ok(config)
}

pub(super) fn certified(
    identity: &Identity,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = identity.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::try_from(identity.key.clone());
    let key = key.map_err(|why| TlsError::Refused(rustls::Error::General(why.to_owned())))?;
    let mut certified = CertifiedKey::new(chain, provider.key_provider.load_private_key(key)?);
    certified.ocsp.clone_from(&identity.staple);
    Ok(Arc::new(certified))
}

/// The certificates of a domain, the preferred first.
struct Identities(Vec<Arc<CertifiedKey>>);

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.0.len()).finish()
    }
}

impl ResolvesServerCert for Identities {
    /// The first that the client can verify.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |identity: &&Arc<CertifiedKey>| {
            identity.key.choose_scheme(hello.signature_schemes()).is_some()
                && suits(hello.cipher_suites(), identity.key.algorithm())
        };
        self.0.iter().find(fits).cloned()
    }
}

/// Whether a client's cipher suites can go with such a key: those of TLS 1.3 with any, those of TLS 1.2 name one.
fn suits(offered: &[CipherSuite], key: SignatureAlgorithm) -> bool {
    offered.iter().any(|suite| match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256
        | CipherSuite::TLS13_AES_256_GCM_SHA384
        | CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => true,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => key == SignatureAlgorithm::RSA,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => key != SignatureAlgorithm::RSA,
        _ => false,
    })
}

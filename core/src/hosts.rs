//! Which API and stage a request is for: custom domains and base paths, `execute-api` host names, a single API.
//!
//! AWS: "Custom domain names", "API mappings"; the order is the one documented for users of `tidegate.toml`.

use std::collections::HashMap;

use ahash::RandomState;

use crate::plan::Api;
use crate::release::Release;
use crate::route::{BasePathError, BasePaths};

/// A custom domain: a name or `*.name`, and its mappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSpec {
    /// The host name, compared without case.
    pub name: String,
    /// Its base path mappings.
    pub mappings: Vec<MappingSpec>,
    /// Whether clients must have a certificate that its truststore knows.
    pub mutual_tls: bool,
}

/// A base path mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingSpec {
    /// The base path without slashes at its ends; empty for the root.
    pub path: String,
    /// Index of the API.
    pub api: usize,
    /// Index of the stage; `None`: the next path segment names it.
    pub stage: Option<usize>,
}

/// The compiled table.
#[derive(Debug)]
pub struct Hosts {
    domains: HashMap<Box<[u8]>, Domain, RandomState>,
    /// By the name behind `*.`.
    wildcards: HashMap<Box<[u8]>, Domain, RandomState>,
    api_ids: HashMap<Box<[u8]>, usize, RandomState>,
    stages: Vec<HashMap<Box<[u8]>, usize, RandomState>>,
    only: Option<usize>,
    /// The APIs that have no default endpoint.
    closed: Vec<bool>,
    /// Whether any domain asks for certificates.
    any_mutual: bool,
}

#[derive(Debug)]
struct Domain {
    /// Its name, if it asks for certificates.
    mutual: Option<Box<str>>,
    paths: BasePaths,
    mappings: Vec<MappingSpec>,
}

/// Where a request belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the API.
    pub api: usize,
    /// Index of the stage.
    pub stage: usize,
    /// Bytes at the start of the path that named stage or base path.
    pub prefix_bytes: usize,
    /// Whether a custom domain's mapping matched; then the prefix is the base path.
    pub mapped: bool,
}

/// Longest host name that is looked up; DNS allows 253 characters (RFC 1035 section 2.3.4).
const HOST_BYTES_MAX: usize = 256;

impl Hosts {
    /// Compiles the domains of `apis`. An error names the domain by its position. Canaries have no names.
    pub fn compile(domains: Vec<DomainSpec>, apis: &[Api]) -> Result<Self, (usize, BasePathError)> {
        let (mut exact, mut wildcards) = (HashMap::default(), HashMap::default());
        let any_mutual = domains.iter().any(|domain| domain.mutual_tls);
        for (position, spec) in domains.into_iter().enumerate() {
            let name = spec.name.to_ascii_lowercase();
            let domain =
                Domain::compile(&name, spec.mutual_tls, spec.mappings).map_err(|error| (position, error))?;
            match name.strip_prefix("*.") {
                Some(parent) => wildcards.insert(parent.as_bytes().into(), domain),
                None => exact.insert(name.as_bytes().into(), domain),
            };
        }
        let stage_names = |api: &Api| {
            api.stages
                .iter()
                .enumerate()
                .filter(|(_, stage)| stage.release != Release::Canary)
                .map(|(index, stage)| (stage.name.as_bytes().into(), index))
                .collect()
        };
        Ok(Self {
            domains: exact,
            wildcards,
            api_ids: apis.iter().enumerate().map(|(index, api)| (api.id.as_bytes().into(), index)).collect(),
            stages: apis.iter().map(stage_names).collect(),
            only: (apis.len() == 1).then_some(0),
            closed: apis.iter().map(|api| api.default_endpoint_disabled).collect(),
            any_mutual,
        })
    }

    /// The name of the domain that this host is, if it asks clients for a certificate.
    pub fn mutual(&self, host: &[u8]) -> Option<&str> {
        if !self.any_mutual {
            return None;
        }
        let mut buffer = [0; HOST_BYTES_MAX];
        self.domain(lower(host, &mut buffer)?)?.mutual.as_deref()
    }

    /// Finds API and stage. `None` is answered 403 Forbidden.
    pub fn find(&self, host: &[u8], api_id_field: Option<&[u8]>, path: &[u8]) -> Option<Place> {
        let mut buffer = [0; HOST_BYTES_MAX];
        let lower = lower(host, &mut buffer)?;
        match self.domain(lower) {
            Some(domain) => self.mapped(domain, path),
            None => {
                let api = self.api(lower, api_id_field).filter(|&api| !self.closed[api])?;
                self.staged(api, path, 0, false)
            }
        }
    }

    /// What a path at `host` must begin with to reach this API and stage, if it can be reached there at all.
    pub fn prefix_at(&self, host: &str, apis: &[Api], api: usize, stage: usize) -> Option<String> {
        let stage_name = &apis[api].stages[stage].name;
        let Some(domain) = self.domain(host.as_bytes()) else {
            return (self.only == Some(api) && !self.closed[api]).then(|| format!("/{stage_name}"));
        };
        let fits =
            |mapping: &&MappingSpec| mapping.api == api && mapping.stage.is_none_or(|fixed| fixed == stage);
        let mapping = domain.mappings.iter().find(fits)?;
        let base = if mapping.path.is_empty() { String::new() } else { format!("/{}", mapping.path) };
        Some(if mapping.stage.is_none() { format!("{base}/{stage_name}") } else { base })
    }

    fn domain(&self, host: &[u8]) -> Option<&Domain> {
        self.domains.get(host).or_else(|| {
            let dot = memchr::memchr(b'.', host)?;
            self.wildcards.get(&host[dot + 1..])
        })
    }

    fn api(&self, host: &[u8], api_id_field: Option<&[u8]>) -> Option<usize> {
        let label = host.split(|&byte| byte == b'.').next().unwrap_or_default();
        let named = |id: &[u8]| self.api_ids.get(id).copied();
        // A private API is also called `{api}-{vpce}` (AWS: "Invoke a private API").
        let alias = || memchr::memmem::find(label, b"-vpce-").and_then(|end| named(&label[..end]));
        named(label).or_else(alias).or_else(|| api_id_field.and_then(named)).or(self.only)
    }

    fn mapped(&self, domain: &Domain, path: &[u8]) -> Option<Place> {
        let (index, prefix_bytes) = domain.paths.find(path)?;
        let mapping = &domain.mappings[index];
        match mapping.stage {
            Some(stage) => Some(Place { api: mapping.api, stage, prefix_bytes, mapped: true }),
            None => self.staged(mapping.api, path, prefix_bytes, true),
        }
    }

    /// The first segment behind `start` that is not empty names the stage (recorded fact 116).
    fn staged(&self, api: usize, path: &[u8], start: usize, mapped: bool) -> Option<Place> {
        let slashes = path[start..].iter().take_while(|&&byte| byte == b'/').count();
        let name_start = start + slashes;
        let rest = path.get(name_start..).filter(|_| slashes > 0)?;
        let name_bytes = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let stage = *self.stages[api].get(&rest[..name_bytes])?;
        Some(Place { api, stage, prefix_bytes: name_start + name_bytes, mapped })
    }
}

impl Domain {
    fn compile(name: &str, mutual: bool, mappings: Vec<MappingSpec>) -> Result<Self, BasePathError> {
        let paths: Vec<&str> = mappings.iter().map(|mapping| mapping.path.as_str()).collect();
        Ok(Self { mutual: mutual.then(|| name.into()), paths: BasePaths::compile(&paths)?, mappings })
    }
}

/// A `Host` value without its port, in lower case; nothing if it is too long to be one.
fn lower<'b>(host: &[u8], buffer: &'b mut [u8; HOST_BYTES_MAX]) -> Option<&'b [u8]> {
    let name = without_port(host);
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(lower)
}

/// A `Host` value without its port; an IPv6 literal keeps its brackets.
pub fn without_port(host: &[u8]) -> &[u8] {
    let end = match host.first() {
        Some(b'[') => memchr::memchr(b']', host).map(|close| close + 1),
        _ => memchr::memchr(b':', host),
    };
    &host[..end.unwrap_or(host.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_response::GatewayResponses;
    use crate::plan::{EndpointType, Stage};
    use crate::route::Router;

    fn api(id: &str, stages: &[&str]) -> Api {
        let stage = |name: &&str| Stage {
            name: (*name).to_owned(),
            release: Release::Sole,
            variables: vec![],
            integrations: vec![],
            authorizers: vec![],
            throttles: Vec::new(),
            cache: None,
            changed: [None; 2],
            access_log: None,
            execution_log: None,
        };
        Api {
            id: id.to_owned(),
            deployment_id: String::new(),
            endpoint: EndpointType::Regional,
            default_endpoint_disabled: id == "closed",
            resources: vec![],
            routes: vec![],
            api_key_required: vec![],
            api_key_source: crate::plan::ApiKeySource::Header,
            authorizers: vec![],
            user_pools: vec![],
            scopes: vec![],
            authorization: vec![],
            validations: vec![],
            policy: None,
            router: Router::compile(&[]).expect("no routes"),
            binary_media_types: crate::media_types::BinaryMediaTypes::default(),
            compression_bytes_min: None,
            gateway_responses: GatewayResponses::default(),
            stages: stages.iter().map(stage).collect(),
        }
    }

    fn mapping(path: &str, api: usize, stage: Option<usize>) -> MappingSpec {
        MappingSpec { path: path.to_owned(), api, stage }
    }

    /// (host, x-apigw-api-id, path) and (api, stage, prefix bytes, mapped).
    type Row<'a> = ((&'a str, Option<&'a str>, &'a str), Option<(usize, usize, usize, bool)>);

    #[track_caller]
    fn check(hosts: &Hosts, rows: &[Row<'_>]) {
        for ((host, api_id, path), want) in rows {
            let found = hosts.find(host.as_bytes(), api_id.map(str::as_bytes), path.as_bytes());
            let found = found.map(|place| (place.api, place.stage, place.prefix_bytes, place.mapped));
            assert_eq!(found, *want, "{host} {api_id:?} {path}");
        }
    }

    #[test]
    fn two_apis_are_told_apart_by_domain_label_and_field() {
        let apis = [api("pets", &["prod", "test"]), api("shop", &["prod"])];
        let spec = |name: &str, mappings| DomainSpec {
            name: name.to_owned(),
            mappings,
            mutual_tls: name == "*.example.com",
        };
        let domains = vec![
            spec("api.example.com", vec![mapping("v1", 0, Some(1)), mapping("v1/shop", 1, None)]),
            spec("*.example.com", vec![mapping("", 1, Some(0))]),
        ];
        let hosts = Hosts::compile(domains, &apis).expect("domains");
        check(
            &hosts,
            &[
                (("api.example.com", None, "/v1/a"), Some((0, 1, 3, true))),
                (("API.Example.COM:8443", None, "/v1"), Some((0, 1, 3, true))),
                (("api.example.com", None, "/v1/shop/prod/a"), Some((1, 0, 13, true))),
                (("api.example.com", None, "/v1/shop/other"), None),
                (("api.example.com", None, "/v2"), None),
                (("api.example.com", Some("pets"), "/prod/a"), None),
                (("x.example.com", None, "/anything"), Some((1, 0, 0, true))),
                (("pets.execute-api.us-east-1.amazonaws.com", None, "/prod/a"), Some((0, 0, 5, false))),
                (("pets.execute-api.us-east-1.amazonaws.com", None, "/test"), Some((0, 1, 5, false))),
                (("pets.execute-api.us-east-1.amazonaws.com", None, "/other/a"), None),
                (("127.0.0.1", Some("shop"), "/prod/a"), Some((1, 0, 5, false))),
                (("127.0.0.1", Some("none"), "/prod/a"), None),
                (("127.0.0.1", None, "/prod/a"), None),
                (("", None, "*"), None),
            ],
        );
        assert!(hosts.find(&[b'a'; 300], None, b"/").is_none());
        assert_eq!(hosts.prefix_at("api.example.com", &apis, 1, 0).as_deref(), Some("/v1/shop/prod"));
        assert_eq!(hosts.prefix_at("api.example.com", &apis, 0, 0), None);
        assert_eq!(hosts.prefix_at("127.0.0.1", &apis, 0, 0), None);
        assert_eq!(hosts.mutual(b"X.example.com:443"), Some("*.example.com"));
        assert_eq!(hosts.mutual(b"api.example.com"), None);
        assert_eq!(hosts.mutual(b"127.0.0.1"), None);
    }

    #[test]
    fn an_api_may_have_no_default_endpoint() {
        let apis = [api("closed", &["prod"])];
        let spec = DomainSpec {
            name: "a.test".to_owned(),
            mappings: vec![mapping("", 0, Some(0))],
            mutual_tls: false,
        };
        let hosts = Hosts::compile(vec![spec], &apis).expect("domains");
        check(
            &hosts,
            &[
                (("a.test", None, "/x"), Some((0, 0, 0, true))),
                (("closed.execute-api.us-east-1.amazonaws.com", None, "/prod/x"), None),
                (("127.0.0.1", Some("closed"), "/prod/x"), None),
                (("127.0.0.1", None, "/prod/x"), None),
            ],
        );
    }

    #[test]
    fn a_single_api_needs_no_name() {
        let apis = [api("pets", &["prod"])];
        let hosts = Hosts::compile(vec![], &apis).expect("no domains");
        check(
            &hosts,
            &[
                (("anything", None, "/prod/a"), Some((0, 0, 5, false))),
                (("anything", Some("wrong"), "/prod"), Some((0, 0, 5, false))),
                (("[::1]:80", None, "/prod"), Some((0, 0, 5, false))),
                (("anything", None, "/production"), None),
                (("anything", None, "//prod/a"), Some((0, 0, 6, false))),
                (("anything", None, "prod"), None),
                (("anything", None, "/"), None),
            ],
        );
        assert_eq!(hosts.prefix_at("127.0.0.1", &apis, 0, 0).as_deref(), Some("/prod"));
    }

    #[test]
    fn ports() {
        let rows = [
            ("a:80", "a"),
            ("a", "a"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("[::1", "[::1"),
            ("", ""),
        ];
        for (host, want) in rows {
            assert_eq!(without_port(host.as_bytes()), want.as_bytes(), "{host}");
        }
    }
}

//! `[[domain]]`: the host names under which APIs are reached, their base path mappings and certificates.

use std::net::IpAddr;
use std::path::Path;

use tidegate_core::hosts::{DomainSpec, MappingSpec};
use tidegate_core::route::BasePaths;
use tidegate_core::span::Span;
use tidegate_core::tls::DomainTls;

use super::api::{Api, find_api, find_stage};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tls::{IdentityKeys, read_authorities, read_identities, security_policy};
use crate::tree::{Entry, Node};

/// The domains, and what those with certificates present.
#[derive(Default)]
pub(super) struct Domains {
    pub(super) hosts: Vec<DomainSpec>,
    pub(super) tls: Vec<DomainTls>,
}

pub(super) fn read(
    section: Option<&Node>,
    apis: &[Api],
    folder: &Path,
    has_https: bool,
    report: &mut Report,
) -> Domains {
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    let mut domains = Domains::default();
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`domain`", report) else { continue };
        let name = fields.required("name", report).and_then(|value| read_name(value, &domains.hosts, report));
        let mapping = fields.take("mapping");
        let mappings = read_mappings(mapping, section.span, apis, report);
        let name = name.unwrap_or_default();
        let mutual_tls = fields.take("truststore").is_some();
        domains.tls.extend(read_tls(&mut fields, &name, folder, has_https, report));
        fields.finish(report);
        domains.hosts.push(DomainSpec { name, mappings, mutual_tls });
    }
    domains
}

fn read_tls(
    fields: &mut Fields<'_>,
    name: &str,
    folder: &Path,
    has_https: bool,
    report: &mut Report,
) -> Option<DomainTls> {
    let keys = IdentityKeys {
        certificate: fields.take("certificate"),
        key: fields.take("key"),
        staple: fields.take("ocsp_staple"),
    };
    let policy = fields.take("security_policy");
    let truststore = fields.take("truststore");
    let identities = read_identities(keys, Some(name), folder, report);
    if let (Some(entry), false) = (keys.certificate, has_https) {
        report
            .warning(entry.key_span, "`certificate` has no effect: no listener is for https")
            .help("add tls = true to a [[listener]]");
    }
    for entry in [policy, truststore].into_iter().flatten().filter(|_| keys.certificate.is_none()) {
        report.error(entry.key_span, format!("`{}` without `certificate`", entry.key));
    }
    let truststore = truststore.map(|entry| read_authorities(&entry.value, folder, report));
    let named = policy.and_then(|entry| security_policy::read(&entry.value, report));
    if let (Some(entry), Some(_), Some(named)) = (policy, &truststore, named)
        && named.is_enhanced
    {
        // AWS: "You can't enable mutual TLS on a domain name that uses an enhanced security policy."
        report
            .error(entry.value.span, "a domain with an enhanced security policy cannot have a `truststore`")
            .help("use \"TLS_1_2\" or \"TLS_1_3\"");
    }
    let policy = named.map(|named| named.policy).unwrap_or_default();
    (!identities.is_empty()).then(|| DomainTls { name: name.to_owned(), identities, policy, truststore })
}

fn read_name(value: &Node, before: &[DomainSpec], report: &mut Report) -> Option<String> {
    let name = scalar::text(value, report)?.to_ascii_lowercase();
    if !is_host_name(name.strip_prefix("*.").unwrap_or(&name)) {
        report.error(value.span, "not a host name").help(
            "for example \"api.example.com\", \"*.example.com\" or \"127.0.0.1\", without scheme and port",
        );
    }
    if before.iter().any(|domain| domain.name == name) {
        report.error(value.span, format!("the domain `{name}` stands twice"));
    }
    Some(name)
}

pub(crate) fn is_host_name(name: &str) -> bool {
    if let Some(literal) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return literal.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(fits);
    name.len() <= 253 && name.split('.').all(label)
}

fn read_mappings(
    section: Option<&Entry>,
    domain: Span,
    apis: &[Api],
    report: &mut Report,
) -> Vec<MappingSpec> {
    let sections = section.map_or(&[][..], |section| scalar::list(&section.value, report));
    if sections.is_empty() {
        report
            .error(section.map_or(domain, |section| section.key_span), "the domain has no mapping")
            .help("add mapping = [ { path = \"\", api = \"…\", stage = \"…\" } ]");
    }
    let mut mappings: Vec<MappingSpec> = Vec::with_capacity(sections.len());
    for section in sections {
        let Some(mapping) = read_mapping(section, &mappings, apis, report) else { continue };
        mappings.push(mapping);
    }
    mappings
}

fn read_mapping(
    section: &Node,
    before: &[MappingSpec],
    apis: &[Api],
    report: &mut Report,
) -> Option<MappingSpec> {
    let mut fields = Fields::read(section, "`mapping`", report)?;
    let path = fields.value("path").and_then(|value| read_path(value, before, report)).unwrap_or_default();
    let api = fields.required("api", report);
    let stage = fields.value("stage");
    fields.finish(report);
    let api = find_api(api?, apis, report)?;
    let stage = match stage {
        Some(value) => Some(find_stage(value, &apis[api], report)?),
        None => None,
    };
    Some(MappingSpec { path, api, stage })
}

fn read_path(value: &Node, before: &[MappingSpec], report: &mut Report) -> Option<String> {
    let path = scalar::text(value, report)?;
    if before.iter().any(|mapping| mapping.path == path) {
        report.error(value.span, "Base path already exists for this domain name");
        return None;
    }
    match BasePaths::compile(&[path]) {
        Ok(_) => Some(path.to_owned()),
        Err(error) => {
            report.error(value.span, error.to_string());
            None
        }
    }
}

//! `[[domain]]`: the host names under which APIs are reached, and their base path mappings.

use std::net::IpAddr;

use tidegate_core::hosts::{DomainSpec, MappingSpec};
use tidegate_core::route::BasePaths;
use tidegate_core::span::Span;

use super::api::{Api, find_api, find_stage};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

pub(super) fn read(section: Option<&Node>, apis: &[Api], report: &mut Report) -> Vec<DomainSpec> {
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    let mut domains: Vec<DomainSpec> = Vec::with_capacity(sections.len());
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`domain`", report) else { continue };
        let name = fields.required("name", report).and_then(|value| read_name(value, &domains, report));
        let mapping = fields.take("mapping");
        let mappings = read_mappings(mapping, section.span, apis, report);
        for key in ["tls", "certificate", "truststore"] {
            fields.unsupported(key, report);
        }
        fields.finish(report);
        domains.push(DomainSpec { name: name.unwrap_or_default(), mappings });
    }
    domains
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

fn is_host_name(name: &str) -> bool {
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

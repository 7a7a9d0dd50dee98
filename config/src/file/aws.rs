//! `[aws]`: where AWS services are, if not at AWS.

use tidegate_core::integration::Piece;
use tidegate_core::plan::Node as PlanNode;
use tidegate_core::span::Span;

use crate::fields::Fields;
use crate::openapi::uri::{Endpoint, Template};
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// Where AWS services are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aws {
    /// Whether the section is there at all: then functions that are not here are AWS's.
    pub(crate) is_there: bool,
    endpoint_url: Option<String>,
    /// By the service's name, as in the URIs of integrations.
    endpoints: Vec<(String, String, Span)>,
}

impl Aws {
    /// The URL of a service in a region, without path.
    pub(crate) fn url(&self, partition: &str, region: &str, service: &str) -> String {
        let own = self.endpoints.iter().find(|(name, ..)| name == service).map(|(_, url, _)| url);
        let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        own.or(self.endpoint_url.as_ref())
            .cloned()
            .unwrap_or_else(|| format!("https://{service}.{region}.{domain}"))
    }

    /// Whether a service is somewhere else than at AWS.
    pub(crate) fn is_moved(&self, service: &str) -> bool {
        self.endpoint_url.is_some() || self.endpoints.iter().any(|(name, ..)| name == service)
    }

    /// The services with an endpoint of their own, and where they are named.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, Span)> {
        self.endpoints.iter().map(|(name, _, span)| (name.as_str(), *span))
    }
}

pub(super) fn read(section: Option<&Node>, node: &PlanNode, report: &mut Report) -> Aws {
    let mut aws = Aws { is_there: section.is_some(), ..Aws::default() };
    let Some(mut fields) = section.and_then(|section| Fields::read(section, "`aws`", report)) else {
        return aws;
    };
    aws.endpoint_url = fields.value("endpoint_url").and_then(|value| read_url(value, node, report));
    if let Some(endpoints) = fields.value("endpoint")
        && Fields::read(endpoints, "`aws.endpoint`", report).is_some()
    {
        for entry in endpoints.entries() {
            check_name(entry, report);
            if let Some(url) = read_url(&entry.value, node, report) {
                aws.endpoints.push((entry.key.to_string(), url, entry.key_span));
            }
        }
    }
    fields.finish(report);
    aws
}

fn check_name(entry: &Entry, report: &mut Report) {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if entry.key.is_empty() || !entry.key.bytes().all(fits) {
        report
            .error(entry.key_span, format!("`{}` is no name of a service", entry.key))
            .help("as in the URIs of integrations: sqs, states, events, lambda");
    }
}

/// A URL without path; how it ends does not matter.
fn read_url(value: &Node, node: &PlanNode, report: &mut Report) -> Option<String> {
    let text = scalar::text(value, report)?;
    let read = Template::parse(text, node).and_then(|template| template.endpoint(|_| None, &[]));
    match read {
        Ok(endpoint) if is_bare(&endpoint) => Some(text.trim_end_matches('/').to_owned()),
        Ok(_) => {
            report.error(value.span, "an endpoint has neither path nor query");
            None
        }
        Err(error) => {
            let help = error.help();
            let finding = report.error(value.span, error.to_string());
            if let Some(help) = help {
                finding.help(help);
            }
            None
        }
    }
}

fn is_bare(endpoint: &Endpoint) -> bool {
    endpoint.target.query().next().is_none() && endpoint.target.path().eq([Piece::Literal("/")])
}

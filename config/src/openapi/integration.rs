//! `x-amazon-apigateway-integration`: what answers a method.

use tidegate_core::http1::KnownFields;
use tidegate_core::integration::{RequestTemplates, Responses};
use tidegate_core::limits::{INTEGRATION_TIMEOUT_MS, INTEGRATION_TIMEOUT_MS_MAX, INTEGRATION_TIMEOUT_MS_MIN};
use tidegate_core::method::Method as HttpMethod;
use tidegate_core::span::Span;
use tidegate_core::transform::pass;

use super::document::Document;
use super::lambda::{self, Lambda};
use super::parameters::Declared;
use super::path_item::Resource;
use super::request::{self, Parameters};
use super::responses::{self, Rules};
use super::service::{self, Service};
use super::template::Use;
use super::tls_config::TlsConfig;
use super::uri::Template;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// What answers a method, before a stage fills in its variables.
#[derive(Debug)]
pub(crate) enum Definition {
    /// Answers by itself.
    Mock { request: RequestTemplates, rules: Rules },
    /// Calls an HTTP backend.
    Http(Box<Http>),
    /// Calls an AWS service.
    Service(Box<Service>),
    /// Invokes a function.
    Lambda(Box<Lambda>),
    /// Fails every call in every stage, which has been said.
    Misconfigured,
}

/// An `http` or `http_proxy` integration.
#[derive(Debug)]
pub(crate) struct Http {
    /// `None` for `http_proxy`.
    pub(crate) custom: Option<(RequestTemplates, Rules)>,
    /// `None` for the client's.
    pub(crate) method: Option<HttpMethod>,
    pub(crate) uri: Template,
    pub(crate) uri_span: Span,
    pub(crate) parameters: Parameters,
    pub(crate) timeout_ms: u32,
    pub(crate) tls: TlsConfig,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Mock,
    Http,
    HttpProxy,
    Aws,
    AwsProxy,
}

impl Type {
    /// Whether request and response pass without templates.
    fn is_proxy(self) -> bool {
        matches!(self, Self::HttpProxy | Self::AwsProxy)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Http => "http",
            Self::HttpProxy => "http_proxy",
            Self::Aws => "aws",
            Self::AwsProxy => "aws_proxy",
        }
    }

    /// Whether a function or a service of AWS answers.
    fn is_aws(self) -> bool {
        matches!(self, Self::Aws | Self::AwsProxy)
    }

    /// The type that maps what this one passes.
    fn mapping(self) -> &'static str {
        if self == Self::AwsProxy { "aws" } else { "http" }
    }
}

impl Definition {
    /// Whether it looks at whether payloads are binary.
    pub(crate) fn knows_binary(&self) -> bool {
        !matches!(self, Self::Http(http) if http.custom.is_none())
    }

    /// What its templates need a client's body for, if it has some.
    pub(crate) fn request(&self) -> Option<&RequestTemplates> {
        let custom = match self {
            Self::Mock { request, .. } => return Some(request),
            Self::Http(http) => http.custom.as_ref(),
            Self::Lambda(lambda) => lambda.custom.as_ref(),
            Self::Service(service) => service.http.custom.as_ref(),
            Self::Misconfigured => None,
        };
        custom.map(|(request, _)| request)
    }
}

/// `None` for what is not built yet.
const TYPES: [(&str, Option<Type>); 5] = [
    ("mock", Some(Type::Mock)),
    ("http", Some(Type::Http)),
    ("http_proxy", Some(Type::HttpProxy)),
    ("aws", Some(Type::Aws)),
    ("aws_proxy", Some(Type::AwsProxy)),
];

/// Reads an integration, reporting everything that is wrong with it.
pub(super) fn read(
    node: &Node,
    resource: &Resource<'_>,
    declared: &Declared,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Definition> {
    let mut fields = Fields::read(node, "an integration", report)?;
    let kind = read_type(&mut fields, report)?;
    let is_service = kind == Type::Aws && service::is_named(node, document.node);
    let is_function = kind.is_aws() && !is_service;
    // A function gets no mapped header at all.
    let lost = if is_function { KnownFields::default() } else { pass::LOST_WHEN_MAPPED };
    let parameters = Parameters::read(fields.value("requestParameters"), resource, declared, lost, report);
    let runs = if kind.is_proxy() { Use::Never } else { Use::Run };
    let request = request::read_templates(&mut fields, runs, report);
    let responses = fields.take("responses");
    let rules = responses::read(responses.map(|entry| &entry.value), runs, report);
    let timeout_ms = read_timeout(&mut fields, report);
    if kind == Type::HttpProxy {
        responses::read_content_handling(&mut fields, runs, report);
    }
    if !is_function {
        read_transfer_mode(&mut fields, report);
    }
    refuse_unsupported(&mut fields, report);
    read_cache(&mut fields, report);
    let fails = parameters.fails;
    let definition = match kind {
        Type::Mock => {
            fields.ignore(&["httpMethod", "uri", "credentials", "tlsConfig"]);
            request.map(|request| {
                warn_mock(node.span, &request, responses.map(|entry| &entry.value), &rules, report);
                Definition::Mock { request, rules }
            })
        }
        Type::Http | Type::HttpProxy => {
            let custom = (kind == Type::Http).then_some((request.unwrap_or_default(), rules));
            warn_responses(kind, responses, node.span, report);
            warn_templates(kind, fields.take("requestTemplates"), report);
            read_http(&mut fields, custom, parameters, timeout_ms, document, report).map(Definition::Http)
        }
        Type::Aws if is_service => {
            warn_responses(kind, responses, node.span, report);
            fields.take("requestTemplates");
            let mapped = parameters.clone();
            let http = |uri, uri_span, method| {
                let custom = Some((request.unwrap_or_default(), rules));
                let tls = TlsConfig::default();
                Http { custom, method, uri, uri_span, parameters, timeout_ms, tls }
            };
            let service = service::read(&mut fields, http, &mapped, document, report);
            service.map(|service| service.map_or(Definition::Misconfigured, Definition::Service))
        }
        Type::Aws | Type::AwsProxy => {
            let custom = (kind == Type::Aws).then_some((request.unwrap_or_default(), rules));
            warn_responses(kind, responses, node.span, report);
            warn_templates(kind, fields.take("requestTemplates"), report);
            let lambda = lambda::read(&mut fields, custom, &parameters, timeout_ms, document, report);
            lambda.map(|lambda| lambda.map_or(Definition::Misconfigured, Definition::Lambda))
        }
    };
    fields.finish(report);
    definition.map(|definition| if fails { Definition::Misconfigured } else { definition })
}

/// The type. One that is not built is reported alone: what else its integration says would only be noise.
fn read_type(fields: &mut Fields<'_>, report: &mut Report) -> Option<Type> {
    if let Some(entry) = fields.take("$ref") {
        report
            .unsupported(entry.key_span, "a reference to an integration")
            .help("AWS has it for HTTP APIs only");
        return None;
    }
    let value = fields.required("type", report)?;
    let kind = scalar::variant(value, &TYPES, report)?;
    if kind.is_none() {
        let word = value.scalar().unwrap_or_default().to_ascii_uppercase();
        report.unsupported(value.span, &format!("the integration type {word}"));
    }
    kind
}

fn read_timeout(fields: &mut Fields<'_>, report: &mut Report) -> u32 {
    let range = INTEGRATION_TIMEOUT_MS_MIN..=INTEGRATION_TIMEOUT_MS_MAX;
    let value = fields.value("timeoutInMillis").filter(|value| value.value != Value::Null);
    value.and_then(|value| scalar::integer(value, range, report)).unwrap_or(INTEGRATION_TIMEOUT_MS)
}

/// Keys of features that are not built, and of HTTP APIs.
fn refuse_unsupported(fields: &mut Fields<'_>, report: &mut Report) {
    if let Some(value) = fields.value("connectionType")
        && scalar::variant(value, &[("INTERNET", true), ("VPC_LINK", false)], report) == Some(false)
    {
        report.unsupported(value.span, "the connection type VPC_LINK");
    }
    for key in ["connectionId", "integrationTarget"] {
        fields.unsupported(key, report);
    }
    for key in ["integrationSubtype", "responseParameters"] {
        if let Some(entry) = fields.take(key) {
            report
                .unsupported(entry.key_span, &format!("`{key}` of an integration"))
                .help("it belongs to HTTP APIs");
        }
    }
    if let Some(value) = fields.value("payloadFormatVersion")
        && value.scalar() != Some("1.0")
    {
        report.error(value.span, "a REST API has payload format version 1.0 only");
    }
}

/// A proxied body streams anyway, and a mapped one is whole in either mode.
fn read_transfer_mode(fields: &mut Fields<'_>, report: &mut Report) {
    if let Some(value) = fields.value("responseTransferMode") {
        scalar::variant(value, &[("BUFFERED", ()), ("STREAM", ())], report);
    }
}

/// Every AWS export has `cacheNamespace`; it means nothing without a cache.
fn read_cache(fields: &mut Fields<'_>, report: &mut Report) {
    fields.ignore(&["cacheNamespace"]);
    if let Some(entry) = fields.take("cacheKeyParameters")
        && !entry.value.is_empty()
    {
        report.warning(entry.key_span, "`cacheKeyParameters` has no effect: the stage has no cache");
    }
}

fn read_http(
    fields: &mut Fields<'_>,
    custom: Option<(RequestTemplates, Rules)>,
    parameters: Parameters,
    timeout_ms: u32,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Box<Http>> {
    fields.unsupported("credentials", report);
    let tls = TlsConfig::read(fields.take("tlsConfig"), report);
    let method = match fields.value("httpMethod") {
        Some(value) => read_method(value, report),
        None => {
            fields.required("httpMethod", report);
            None
        }
    };
    let uri = fields
        .required("uri", report)
        .and_then(|value| Some((read_uri(value, &parameters, document, report)?, value.span)));
    let (method, (uri, uri_span)) = (method?, uri?);
    Some(Box::new(Http { custom, method, uri, uri_span, parameters, timeout_ms, tls }))
}

/// The method to call with; the inner option is `None` for `ANY`.
pub(super) fn read_method(value: &Node, report: &mut Report) -> Option<Option<HttpMethod>> {
    let word = scalar::text(value, report)?.to_ascii_uppercase();
    let method = HttpMethod::parse(word.as_bytes());
    if method.is_none() && word != "ANY" {
        let known = HttpMethod::ALL.iter().map(|method| method.name()).chain(["ANY"]);
        report.unknown(value.span, "method", &word, known);
        return None;
    }
    Some(method)
}

fn read_uri(
    value: &Node,
    parameters: &Parameters,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Template> {
    let text = scalar::text(value, report)?;
    let template = Template::parse(text, document.node);
    let checked = template.and_then(|template| {
        // With stage variables only a stage can say whether the URI is good.
        if !template.has_variables() {
            template.endpoint(|_| None, &parameters.path)?;
        }
        Ok(template)
    });
    match checked {
        Ok(template) => {
            warn_placeholders(value, &template, parameters, report);
            Some(template)
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

pub(super) fn warn_placeholders(
    value: &Node,
    template: &Template,
    parameters: &Parameters,
    report: &mut Report,
) {
    for name in template.placeholders() {
        if parameters.path.iter().any(|mapped| &*mapped.name == name) {
            continue;
        }
        let bare = name.trim_end_matches('+');
        report.warning(value.span, format!("nothing fills {{{name}}}: it is sent as it is")).help(
            match bare == name {
                true => format!("map it: integration.request.path.{name}: method.request.path.{name}"),
                false => {
                    format!("in a URI it is written {{{bare}}}, filled by integration.request.path.{bare}")
                }
            },
        );
    }
}

/// A MOCK that does not answer what its definition seems to say.
fn warn_mock(
    at: Span,
    request: &RequestTemplates,
    written: Option<&Node>,
    rules: &Rules,
    report: &mut Report,
) {
    if request.templates.is_empty() {
        report
            .warning(at, "this MOCK has no request template: only a client's body can name its status, else it answers 500")
            .help("add requestTemplates: { application/json: '{\"statusCode\": 200}' }");
    }
    if written.is_some_and(|written| written.entries().len() != rules.len()) {
        // Some could not be read, so which one is selected cannot be said.
        return;
    }
    let responses = Responses::new(rules.clone()).unwrap_or_default();
    for (media_type, template) in &request.templates {
        match template.mock_status() {
            // What it gives is known with the request.
            None => {}
            Some(None) => {
                report
                    .warning(at, format!("this MOCK answers 500 Internal server error to {media_type}"))
                    .help("its request template must be a JSON object with an integer statusCode");
            }
            Some(Some(status)) if responses.select(status).is_none() => {
                report
                    .warning(
                        at,
                        format!(
                            "this MOCK answers 500 Internal server error: no response fits status {status}"
                        ),
                    )
                    .help("add a response with the pattern `default`");
            }
            Some(Some(_)) => {}
        }
    }
}

/// Responses that no call can reach, or none where every call needs one.
fn warn_responses(kind: Type, responses: Option<&Entry>, at: Span, report: &mut Report) {
    let rules = responses.map_or(&[][..], |entry| entry.value.entries());
    if matches!(kind, Type::Http | Type::Aws) && rules.is_empty() {
        report
            .warning(at, "this integration answers 500 Internal server error: it has no responses")
            .help("add responses: { default: { statusCode: 200 } }");
    }
    if kind.is_proxy()
        && let Some(entry) = responses
        && rules.iter().any(|rule| maps_anything(&rule.value))
    {
        report.warning(entry.key_span, "the mappings of these responses have no effect").help(format!(
            "{} passes the response as it is; use the type {} to map it",
            kind.name(),
            kind.mapping()
        ));
    }
}

/// Request templates that never run.
fn warn_templates(kind: Type, templates: Option<&Entry>, report: &mut Report) {
    if let Some(entry) = templates
        && kind.is_proxy()
        && !entry.value.is_empty()
    {
        report.warning(entry.key_span, "`requestTemplates` has no effect").help(format!(
            "{} passes the request as it is; use the type {} to map it",
            kind.name(),
            kind.mapping()
        ));
    }
}

fn maps_anything(response: &Node) -> bool {
    ["responseParameters", "responseTemplates"].iter().any(|key| {
        response.get(key).is_some_and(|map| map.entries().iter().any(|entry| !entry.value.is_empty()))
    })
}

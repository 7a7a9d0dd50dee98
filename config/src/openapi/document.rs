//! The root of a document.

use tidegate_core::auth::authorise::Authorization;
use tidegate_core::auth::policy::{OwnArn, Policy};
use tidegate_core::content_handling::ContentHandling;
use tidegate_core::limits::COMPRESSION_BYTES_MIN_MAX;
use tidegate_core::media_types::BinaryMediaTypes;
use tidegate_core::plan::{ApiKeySource, EndpointType, Node as PlanNode};
use tidegate_core::span::Span;
use tidegate_core::tls::ServerTls;

use super::authorizers::{self, Authorizers};
use super::{Definition, Method, gateway_responses, models, path_item, security, validators};
use crate::fields::Fields;
use crate::policy::{self, Kind};
use crate::report::Report;
use crate::scalar;
use crate::tls::security_policy;
use crate::tree::{Entry, Node, Value};

/// What the readers of a document's parts need of the whole.
pub(super) struct Document<'n> {
    /// For `$ref`.
    pub(super) root: &'n Node,
    /// For the security of operations.
    pub(super) authorizers: Authorizers,
    /// For `${AWS::Region}` and its like.
    pub(super) node: &'n PlanNode,
    pub(super) models: models::Compiled,
}

/// What `tidegate.toml` says about the API of a document.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) node: &'a PlanNode,
    pub(crate) api: &'a str,
    pub(crate) endpoint: EndpointType,
    /// What listeners present.
    pub(crate) tls: &'a ServerTls,
}

/// Extensions that AWS knows at the root of a REST API's document.
mod extension {
    pub(super) const API_KEY_SOURCE: &str = "x-amazon-apigateway-api-key-source";
    pub(super) const BINARY_MEDIA_TYPES: &str = "x-amazon-apigateway-binary-media-types";
    pub(super) const ENDPOINT: &str = "x-amazon-apigateway-endpoint-configuration";
    pub(super) const GATEWAY_RESPONSES: &str = "x-amazon-apigateway-gateway-responses";
    pub(super) const POLICY: &str = "x-amazon-apigateway-policy";
    pub(super) const COMPRESSION: &str = "x-amazon-apigateway-minimum-compression-size";
    pub(super) const SECURITY_POLICY: &str = "x-amazon-apigateway-security-policy";
    pub(super) const ACCESS_MODE: &str = "x-amazon-apigateway-endpoint-access-mode";
    pub(super) const UNSUPPORTED: [&str; 1] = ["x-amazon-apigateway-cors"];
    pub(super) const WITHOUT_EFFECT: [&str; 2] =
        ["x-amazon-apigateway-documentation", "x-amazon-apigateway-importexport-version"];
}

/// Standard keys that are documentation, or that AWS ignores (`host`, `schemes`; `basePath` in its default import mode).
const DOCUMENTATION: [&str; 12] = [
    "info",
    "tags",
    "externalDocs",
    "host",
    "basePath",
    "schemes",
    "consumes",
    "produces",
    "definitions",
    "responses",
    "parameters",
    "components",
];

/// True for extensions of other vendors, which mean nothing here.
pub(super) fn is_foreign_extension(key: &str) -> bool {
    key.starts_with("x-") && !key.starts_with("x-amazon-apigateway-")
}

/// Reads a document, reporting everything that is wrong with it.
pub(crate) fn read(root: &Node, around: Around<'_>, report: &mut Report) -> Option<Definition> {
    let mut fields = Fields::read(root, "an OpenAPI document", report)?;
    read_version(&mut fields, root.span, report)?;
    let authorizers = authorizers::read_all(security::schemes(root), around.node, report);
    let document = Document { root, authorizers, node: around.node, models: models::Compiled::default() };
    fields.ignore(&DOCUMENTATION);
    fields.ignore(&extension::WITHOUT_EFFECT);
    let paths = fields.required("paths", report);
    let methods = paths.map_or_else(Vec::new, |paths| path_item::read_all(paths, &document, report));
    let gateway_responses = gateway_responses::read(fields.value(extension::GATEWAY_RESPONSES), report);
    validators::read_root(&mut fields, &document, report);
    let policy = fields.take(extension::POLICY).map(|entry| read_policy(entry, around, report));
    read_servers(fields.value("servers"), around.endpoint, report);
    let api_key_source = read_api_key_source(&mut fields, &methods, report);
    read_root_extensions(&mut fields, around.endpoint, report);
    if let Some(value) = fields.value(extension::SECURITY_POLICY) {
        security_policy::read_of_api(value, around.tls, report);
    }
    if let Some(value) = fields.value(extension::ACCESS_MODE) {
        read_access_mode(value, report);
    }
    let binary_media_types = fields.take(extension::BINARY_MEDIA_TYPES);
    let binary_media_types =
        binary_media_types.map(|entry| read_binary_media_types(entry, &methods, report)).unwrap_or_default();
    let compression_bytes_min = fields.value(extension::COMPRESSION);
    let compression_bytes_min = compression_bytes_min.and_then(|value| read_compression(value, report));
    fields.finish_except(report, is_foreign_extension);
    let policy = policy.map_or(Some(None), |policy| policy.map(Some))?;
    let Authorizers { lambda: authorizers, user_pools } = document.authorizers;
    let default_endpoint_disabled = is_default_endpoint_disabled(root);
    Some(Definition {
        methods,
        gateway_responses,
        binary_media_types,
        compression_bytes_min,
        policy,
        authorizers,
        user_pools,
        api_key_source,
        default_endpoint_disabled,
    })
}

fn read_policy(entry: &Entry, around: Around<'_>, report: &mut Report) -> Option<(Policy, Span)> {
    let own = OwnArn { region: &around.node.region, account: &around.node.account };
    let policy = policy::read(&entry.value, own, Kind::Resource(around.api), report)?;
    Some((policy, entry.key_span))
}

fn read_version(fields: &mut Fields<'_>, at: Span, report: &mut Report) -> Option<()> {
    let (swagger, openapi) = (fields.value("swagger"), fields.value("openapi"));
    let Some(version) = swagger.or(openapi) else {
        report
            .error(at, "neither `openapi` nor `swagger` says which version of OpenAPI this is")
            .help("add `openapi: 3.0.1`");
        return None;
    };
    let text = scalar::scalar(version, report)?;
    let known = match swagger {
        Some(_) => text == "2.0",
        None => text == "3.0" || text.starts_with("3.0."),
    };
    if !known {
        report
            .error(version.span, format!("OpenAPI {text} is not supported"))
            .help("AWS API Gateway reads `swagger: \"2.0\"` and `openapi: 3.0.x`");
        return None;
    }
    Some(())
}

/// Warns where a key would have to come from an authorizer that a method does not have.
fn read_api_key_source(fields: &mut Fields<'_>, methods: &[Method], report: &mut Report) -> ApiKeySource {
    let sources = [("HEADER", ApiKeySource::Header), ("AUTHORIZER", ApiKeySource::Authorizer)];
    let value = fields.value(extension::API_KEY_SOURCE);
    let source = value.and_then(|value| scalar::variant(value, &sources, report)).unwrap_or_default();
    let has_none = |method: &&Method| {
        method.api_key_required && !matches!(method.authorization, Authorization::Lambda(_))
    };
    if source == ApiKeySource::Authorizer
        && let Some(method) = methods.iter().find(has_none)
    {
        report
            .warning(
                method.method_span,
                "no authorizer gives the API key that this method needs: it answers 403",
            )
            .help("add a Lambda authorizer to its `security`");
    }
    source
}

fn read_root_extensions(fields: &mut Fields<'_>, endpoint: EndpointType, report: &mut Report) {
    for key in extension::UNSUPPORTED {
        fields.unsupported(key, report);
    }
    if let Some(value) = fields.value(extension::ENDPOINT) {
        read_endpoint(value, endpoint, report);
    }
    if let Some(entry) = fields.take("security")
        && !entry.value.is_empty()
    {
        report
            .warning(entry.key_span, "`security` of the whole document has no effect")
            .help("AWS ignores it for REST APIs; set it on each operation");
    }
    fields.ignore(&["securityDefinitions"]);
    security::check_extensions(fields, report);
}

/// `BASIC` asks for nothing more than the rest does.
fn read_access_mode(value: &Node, report: &mut Report) {
    if scalar::variant(value, &[("BASIC", false), ("STRICT", true)], report) == Some(true) {
        report.unsupported(value.span, "the endpoint access mode `STRICT`");
    }
}

/// `null`: no compression, as without the key.
fn read_compression(value: &Node, report: &mut Report) -> Option<u64> {
    let range = 0..=COMPRESSION_BYTES_MIN_MAX;
    let bytes = match &value.value {
        Value::Null => return None,
        Value::Number(_, integer) => *integer,
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| range.contains(bytes));
    if bytes.is_none() {
        report.error(
            value.span,
            format!("Invalid minimum compression size, must be between 0 and {COMPRESSION_BYTES_MIN_MAX}"),
        );
    }
    bytes
}

/// They say when a function gets and gives base64, and what a mapped integration converts. Payloads of HTTP_PROXY pass
/// unchanged.
fn read_binary_media_types(entry: &Entry, methods: &[Method], report: &mut Report) -> BinaryMediaTypes {
    let types = scalar::list(&entry.value, report);
    let mut read = Vec::with_capacity(types.len());
    for item in types {
        let Some(text) = scalar::text(item, report) else { continue };
        let parts = text.split_once('/');
        if parts.is_none_or(|(kind, subtype)| kind.is_empty() || subtype.is_empty() || subtype.contains('/'))
        {
            report
                .error(item.span, format!("`{text}` is not a media type"))
                .help("for example image/png or */*");
        }
        read.push(text.into());
    }
    if !types.is_empty() && !methods.iter().any(|method| method.integration.knows_binary()) {
        report
            .warning(entry.key_span, "binary media types have no effect: payloads pass unchanged")
            .help("http_proxy passes them as they are; the type http converts");
    }
    if types.iter().any(|item| item.scalar() == Some("*/*")) {
        warn_binary_templates(entry, methods, report);
    }
    BinaryMediaTypes::new(read)
}

/// With `*/*` every request is binary, and a template needs text.
fn warn_binary_templates(entry: &Entry, methods: &[Method], report: &mut Report) {
    for method in methods {
        let request = method.integration.request();
        if request.is_some_and(|request| {
            !request.templates.is_empty() && request.content_handling != Some(ContentHandling::ToText)
        }) {
            report
                .warning(method.method_span, "its request templates answer 500: every payload is binary")
                .help("set contentHandling: CONVERT_TO_TEXT in its integration")
                .related(entry.key_span, "by this");
        }
    }
}

/// Whether any of the places where it may stand says `disableExecuteApiEndpoint: true`.
fn is_default_endpoint_disabled(root: &Node) -> bool {
    let servers = root.get("servers").map_or(&[][..], |servers| match &servers.value {
        Value::List(servers) => servers,
        _ => &[],
    });
    std::iter::once(root).chain(servers).any(|place| {
        let value =
            place.get(extension::ENDPOINT).and_then(|endpoint| endpoint.get("disableExecuteApiEndpoint"));
        value.is_some_and(|value| value.value == Value::Boolean(true) || value.scalar() == Some("true"))
    })
}

/// In OpenAPI 3.0 the endpoint configuration stands in a `servers` entry.
fn read_servers(servers: Option<&Node>, endpoint: EndpointType, report: &mut Report) {
    let servers = servers.map_or(&[][..], |servers| scalar::list(servers, report));
    for server in servers {
        for entry in server.entries().iter().filter(|entry| entry.key.starts_with("x-amazon-apigateway-")) {
            if &*entry.key == extension::ENDPOINT {
                read_endpoint(&entry.value, endpoint, report);
            } else {
                report.unknown(entry.key_span, "key", &entry.key, [extension::ENDPOINT]);
            }
        }
    }
}

fn read_endpoint(value: &Node, endpoint: EndpointType, report: &mut Report) {
    let Some(mut fields) = Fields::read(value, extension::ENDPOINT, report) else { return };
    if let Some(value) = fields.value("disableExecuteApiEndpoint") {
        scalar::boolean(value, report);
    }
    if let Some(entry) = fields.take("vpcEndpointIds")
        && !entry.value.is_empty()
    {
        report.unsupported(entry.key_span, "`vpcEndpointIds`");
    }
    if let Some(value) = fields.value("types")
        && let Value::List(types) = &value.value
        && let Some(private) = types.iter().find(|kind| kind.scalar() == Some("PRIVATE"))
        && endpoint != EndpointType::Private
    {
        report
            .error(private.span, "the document says PRIVATE, and `tidegate.toml` does not")
            .help("set endpoint = \"PRIVATE\" in [[api]], or leave `types` out");
    }
    fields.ignore(&["ipAddressType"]);
    fields.finish(report);
}

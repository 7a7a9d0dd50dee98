//! `x-amazon-apigateway-authorizer` of security schemes: who says whether a caller may call.
//!
//! AWS: "x-amazon-apigateway-authorizer object".

use tidegate_core::auth::authorizer::{IdentityPattern, Input};
use tidegate_core::context::Variable;
use tidegate_core::limits::{AUTHORIZER_TTL_S, AUTHORIZER_TTL_S_MAX, IDENTITY_SOURCES_MAX};
use tidegate_core::mapping::{Phase, Source, Values};
use tidegate_core::plan::Node as PlanNode;
use tidegate_core::span::Span;

use super::lambda::FunctionArn;
use super::uri::Template;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// The extension.
pub(super) const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";

/// An authorizer, before a stage fills in its variables.
#[derive(Debug)]
pub(crate) struct Authorizer {
    /// The name of its security scheme.
    pub(crate) name: String,
    pub(crate) input: Input,
    pub(crate) ttl_ms: u64,
    pub(crate) uri: Template,
    pub(crate) uri_span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Token,
    Request,
    Cognito,
    Jwt,
}

const KINDS: [(&str, Kind); 4] = [
    ("token", Kind::Token),
    ("request", Kind::Request),
    ("cognito_user_pools", Kind::Cognito),
    ("jwt", Kind::Jwt),
];

/// Reads the authorizers of a document's security schemes. One that is wrong is left out, and reported.
pub(super) fn read_all(schemes: &[Entry], node: &PlanNode, report: &mut Report) -> Vec<Authorizer> {
    schemes.iter().filter_map(|scheme| read(scheme, scheme.value.get(AUTHORIZER)?, node, report)).collect()
}

fn read(scheme: &Entry, extension: &Node, node: &PlanNode, report: &mut Report) -> Option<Authorizer> {
    let mut fields = Fields::read(extension, AUTHORIZER, report)?;
    let kind = fields.required("type", report).and_then(|value| scalar::variant(value, &KINDS, report))?;
    if let Some(what) = unsupported(kind) {
        report.unsupported(scheme.key_span, &format!("{what} (security scheme `{}`)", scheme.key));
        return None;
    }
    for key in ["authorizerPayloadFormatVersion", "enableSimpleResponses", "jwtConfiguration"] {
        if let Some(entry) = fields.take(key) {
            report.error(entry.key_span, format!("`{key}` belongs to HTTP APIs; this is a REST API"));
        }
    }
    let ttl_s = fields
        .value("authorizerResultTtlInSeconds")
        .map_or(Some(AUTHORIZER_TTL_S), |value| scalar::integer(value, 0..=AUTHORIZER_TTL_S_MAX, report));
    if let Some(entry) = fields.take("authorizerCredentials")
        && !entry.value.is_empty()
    {
        report
            .warning(entry.key_span, "`authorizerCredentials` has no effect")
            .help("the function runs here and needs no permission");
    }
    let input = match kind {
        Kind::Token => read_token(&mut fields, scheme, report),
        _ => read_request(&mut fields, scheme, ttl_s, report),
    };
    let uri = fields.required("authorizerUri", report);
    let uri = uri.and_then(|value| Some((read_uri(value, node, report)?, value.span)));
    fields.finish(report);
    let ((uri, uri_span), ttl_s) = (uri?, ttl_s?);
    Some(Authorizer { name: scheme.key.to_string(), input: input?, ttl_ms: ttl_s * 1000, uri, uri_span })
}

fn unsupported(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Token | Kind::Request => None,
        Kind::Cognito => Some("a Cognito authorizer"),
        Kind::Jwt => Some("a JWT authorizer, which is one of HTTP APIs,"),
    }
}

/// AWS: one header field; if none is named, that of the scheme.
fn read_token(fields: &mut Fields<'_>, scheme: &Entry, report: &mut Report) -> Option<Input> {
    let pattern = match fields.value("identityValidationExpression") {
        Some(value) if value.value != Value::Null => Some(read_pattern(value, report)?),
        Some(_) | None => None,
    };
    let source = match fields.value("identitySource") {
        Some(value) => {
            let source = read_source(scalar::text(value, report)?.trim(), value.span, report)?;
            if !matches!(source, Source::Header(..)) {
                report
                    .error(value.span, "the identity source of a token authorizer is one header field")
                    .help("for example method.request.header.Authorization");
                return None;
            }
            source
        }
        None => Source::Header(scheme_header(scheme, report)?.into(), Values::All),
    };
    Some(Input::Token { source, pattern })
}

fn read_pattern(value: &Node, report: &mut Report) -> Option<IdentityPattern> {
    let pattern = IdentityPattern::new(scalar::text(value, report)?);
    pattern
        .map_err(|why| {
            report
                .error(value.span, format!("not a regular expression that can be matched: {why}"))
                .help("backreferences and lookaround do not run in linear time");
        })
        .ok()
}

/// The header field that a scheme is about.
fn scheme_header<'n>(scheme: &'n Entry, report: &mut Report) -> Option<&'n str> {
    let part = |key: &str| scheme.value.get(key).and_then(Node::scalar);
    let is_header = part("in").is_some_and(|place| place.eq_ignore_ascii_case("header"));
    let name = part("name").filter(|_| is_header);
    if name.is_none() {
        report
            .error(scheme.key_span, "it is not said where the identity of a caller stands")
            .help("add identitySource to the authorizer, or in: header and name to the security scheme");
    }
    name
}

/// AWS: any number, with commas between; none only where nothing is remembered.
fn read_request(
    fields: &mut Fields<'_>,
    scheme: &Entry,
    ttl_s: Option<u64>,
    report: &mut Report,
) -> Option<Input> {
    if let Some(entry) = fields.take("identityValidationExpression") {
        report.error(entry.key_span, "`identityValidationExpression` belongs to token authorizers");
    }
    let mut sources = Vec::new();
    if let Some(value) = fields.value("identitySource").filter(|value| value.value != Value::Null) {
        let text = scalar::text(value, report)?;
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            sources.push(read_source(part, value.span, report)?);
        }
        if sources.len() > IDENTITY_SOURCES_MAX {
            report.error(
                value.span,
                format!("an authorizer has at most {IDENTITY_SOURCES_MAX} identity sources"),
            );
        }
    }
    if sources.is_empty() && ttl_s != Some(0) {
        report
            .error(scheme.key_span, "an authorizer without identitySource cannot remember answers")
            .help("add identitySource, or authorizerResultTtlInSeconds: 0");
        return None;
    }
    Some(Input::Request { sources })
}

/// AWS: header fields, query parameters, stage variables and `$context`; all values of a header field, the last of a query
/// parameter.
fn read_source(expression: &str, at: Span, report: &mut Report) -> Option<Source> {
    match Source::parse(expression, Phase::GatewayResponse, &[]) {
        Ok(Source::Header(name, _)) => Some(Source::Header(name, Values::All)),
        Ok(source @ (Source::Query(_, Values::Last) | Source::StageVariable(_))) => Some(source),
        Ok(Source::Context(variable)) if !matches!(variable, Variable::Authorizer(_)) => {
            Some(Source::Context(variable))
        }
        Ok(_) | Err(_) => {
            report.error(at, format!("`{expression}` is not an identity source")).help(
                "known are method.request.header.N, method.request.querystring.N, stageVariables.N and context.N",
            );
            None
        }
    }
}

fn read_uri(value: &Node, node: &PlanNode, report: &mut Report) -> Option<Template> {
    let text = scalar::text(value, report)?;
    let template =
        Template::of(text, node).map_err(|error| report.error(value.span, error.to_string())).ok()?;
    // With stage variables only a stage can say whether the URI is good.
    if !template.has_variables()
        && template.text(|_| None).is_ok_and(|uri| FunctionArn::of_uri(&uri).is_err())
    {
        report_uri(value.span, text, report);
        return None;
    }
    Some(template)
}

/// Reports a URI that invokes no function.
pub(crate) fn report_uri(at: Span, uri: &str, report: &mut Report) {
    report
        .error(
            at,
            format!(
                "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN that represents a \
                 Lambda function invocation."
            ),
        )
        .help(
            "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/arn:aws:lambda:{region}:{account}:\
             function:{name}/invocations",
        );
}

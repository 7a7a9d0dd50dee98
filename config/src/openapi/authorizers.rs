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
    /// The role that signs, if the function is at AWS; and where it stands.
    pub(crate) credentials: Option<(Template, Span)>,
}

/// A Cognito authorizer, before it is known where the keys of its pools are.
#[derive(Debug)]
pub(crate) struct UserPools {
    /// The name of its security scheme.
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) audience: Option<IdentityPattern>,
    pub(crate) pools: Vec<PoolArn>,
}

/// `arn:{partition}:cognito-idp:{region}:{account}:userpool/{id}`
#[derive(Debug)]
pub(crate) struct PoolArn {
    pub(crate) partition: String,
    pub(crate) region: String,
    pub(crate) id: String,
}

/// The authorizers of a document, each kind in its order.
#[derive(Debug, Default)]
pub(super) struct Authorizers {
    pub(super) lambda: Vec<Authorizer>,
    pub(super) user_pools: Vec<UserPools>,
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
pub(super) fn read_all(schemes: &[Entry], node: &PlanNode, report: &mut Report) -> Authorizers {
    let mut all = Authorizers::default();
    for scheme in schemes {
        let Some(extension) = scheme.value.get(AUTHORIZER) else { continue };
        let Some(mut fields) = Fields::read(extension, AUTHORIZER, report) else { continue };
        let kind = fields.required("type", report).and_then(|value| scalar::variant(value, &KINDS, report));
        match kind {
            None => {}
            Some(Kind::Jwt) => {
                let what = format!(
                    "a JWT authorizer, which is one of HTTP APIs, (security scheme `{}`)",
                    scheme.key
                );
                report.unsupported(scheme.key_span, &what);
            }
            Some(Kind::Cognito) => all.user_pools.extend(read_cognito(fields, scheme, report)),
            Some(kind @ (Kind::Token | Kind::Request)) => {
                all.lambda.extend(read_lambda(kind, fields, scheme, node, report));
            }
        }
    }
    all
}

fn read_lambda(
    kind: Kind,
    mut fields: Fields<'_>,
    scheme: &Entry,
    node: &PlanNode,
    report: &mut Report,
) -> Option<Authorizer> {
    for key in ["authorizerPayloadFormatVersion", "enableSimpleResponses", "jwtConfiguration"] {
        if let Some(entry) = fields.take(key) {
            report.error(entry.key_span, format!("`{key}` belongs to HTTP APIs; this is a REST API"));
        }
    }
    let ttl_s = fields
        .value("authorizerResultTtlInSeconds")
        .map_or(Some(AUTHORIZER_TTL_S), |value| scalar::integer(value, 0..=AUTHORIZER_TTL_S_MAX, report));
    let credentials = match fields.value("authorizerCredentials").filter(|value| !value.is_empty()) {
        Some(value) => Some((read_template(value, node, report)?, value.span)),
        None => None,
    };
    let input = match kind {
        Kind::Token => read_token(&mut fields, scheme, report),
        _ => read_request(&mut fields, scheme, ttl_s, report),
    };
    let uri = fields.required("authorizerUri", report);
    let uri = uri.and_then(|value| Some((read_uri(value, node, report)?, value.span)));
    fields.finish(report);
    let ((uri, uri_span), ttl_s) = (uri?, ttl_s?);
    let (name, ttl_ms) = (scheme.key.to_string(), ttl_s * 1000);
    Some(Authorizer { name, input: input?, ttl_ms, uri, uri_span, credentials })
}

fn read_cognito(mut fields: Fields<'_>, scheme: &Entry, report: &mut Report) -> Option<UserPools> {
    // What a token says is remembered until it expires.
    fields.ignore(&["authorizerResultTtlInSeconds"]);
    let pattern = read_validation(&mut fields, report);
    let source = read_header(&mut fields, scheme, report);
    let arns = fields.required("providerARNs", report);
    let nodes = arns.map_or(&[][..], |arns| scalar::list(arns, report));
    let pools: Vec<Option<PoolArn>> = nodes.iter().map(|node| read_pool(node, report)).collect();
    if arns.is_some_and(Node::is_empty) {
        report.error(fields.span(), "`providerARNs` is empty").help("name a user pool by its ARN");
    }
    fields.finish(report);
    let pools: Vec<PoolArn> = pools.into_iter().collect::<Option<_>>()?;
    Some(UserPools { name: scheme.key.to_string(), source: source?, audience: pattern?, pools })
}

fn read_pool(node: &Node, report: &mut Report) -> Option<PoolArn> {
    let text = scalar::text(node, report)?;
    let pool = PoolArn::parse(text);
    if pool.is_none() {
        report
            .error(node.span, format!("`{text}` is not the ARN of a user pool"))
            .help("arn:aws:cognito-idp:{region}:{account}:userpool/{id}");
    }
    pool
}

impl PoolArn {
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "cognito-idp", region, _account, resource] = parts[..] else { return None };
        let id = resource.strip_prefix("userpool/")?;
        let fits = |text: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !text.is_empty() && text.bytes().all(is_plain)
        };
        ([partition, region, id].iter().all(|part| fits(part))).then(|| Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            id: id.to_owned(),
        })
    }

    /// What its tokens have as issuer.
    pub(crate) fn issuer(&self) -> String {
        let domain = if self.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://cognito-idp.{}.{domain}/{}", self.region, self.id)
    }
}

/// AWS: one header field; if none is named, that of the scheme.
fn read_token(fields: &mut Fields<'_>, scheme: &Entry, report: &mut Report) -> Option<Input> {
    let pattern = read_validation(fields, report)?;
    Some(Input::Token { source: read_header(fields, scheme, report)?, pattern })
}

/// `None`: it is wrong.
fn read_validation(fields: &mut Fields<'_>, report: &mut Report) -> Option<Option<IdentityPattern>> {
    match fields.value("identityValidationExpression") {
        Some(value) if value.value != Value::Null => read_pattern(value, report).map(Some),
        Some(_) | None => Some(None),
    }
}

fn read_header(fields: &mut Fields<'_>, scheme: &Entry, report: &mut Report) -> Option<Source> {
    let Some(value) = fields.value("identitySource") else {
        return Some(Source::Header(scheme_header(scheme, report)?.into(), Values::All));
    };
    let source = read_source(scalar::text(value, report)?.trim(), value.span, report)?;
    if !matches!(source, Source::Header(..)) {
        report
            .error(value.span, "the identity source of this authorizer is one header field")
            .help("for example method.request.header.Authorization");
        return None;
    }
    Some(source)
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

fn read_template(value: &Node, node: &PlanNode, report: &mut Report) -> Option<Template> {
    let text = scalar::text(value, report)?;
    Template::of(text, node).map_err(|error| report.error(value.span, error.to_string())).ok()
}

fn read_uri(value: &Node, node: &PlanNode, report: &mut Report) -> Option<Template> {
    let template = read_template(value, node, report)?;
    // With stage variables only a stage can say whether the URI is good.
    if !template.has_variables()
        && template.text(|_| None).is_ok_and(|uri| FunctionArn::of_uri(&uri, false).is_err())
    {
        report_uri(value.span, value.scalar().unwrap_or_default(), report);
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

//! `aws` with a service that is no function: which one, how it is called, and whose credentials sign.

use std::fmt;

use tidegate_core::aws::{CredentialsSource, Signatory};
use tidegate_core::http1::KnownField;
use tidegate_core::method::Method;
use tidegate_core::plan::Node as PlanNode;
use tidegate_core::span::Span;
use tidegate_core::transform::pass;

use super::document::Document;
use super::integration::{self, Http};
use super::request::Parameters;
use super::uri::Template;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Node, Value};

/// An integration with a service, before a stage fills in its variables.
#[derive(Debug)]
pub(crate) struct Service {
    /// How it is called; the URI is the ARN.
    pub(crate) http: Http,
    /// The role that signs, if one is named.
    pub(crate) credentials: Option<(Template, Span)>,
}

/// The URI of an integration with a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceUri<'u> {
    pub(crate) partition: &'u str,
    pub(crate) region: &'u str,
    /// What stands before the service's name in its host: `runtime` of `runtime.sagemaker`.
    pub(crate) subdomain: Option<&'u str>,
    pub(crate) service: &'u str,
    call: Call<'u>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Call<'u> {
    /// A path, perhaps with a query.
    Path(&'u str),
    /// An operation, perhaps with parameters behind `&`.
    Action(&'u str),
}

/// Why a URI calls no service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceError {
    NotAnArn,
    NoPathOrAction,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnArn => "Invalid ARN specified in the request",
            Self::NoPathOrAction => "AWS ARN for integration must contain path or action",
        })
    }
}

impl ServiceError {
    /// What to do about it.
    pub(crate) const HELP: &str = "arn:aws:apigateway:{region}:{service}:path/{path} or …:action/{name}";
}

/// The services whose operation AWS names by itself (recorded facts 172, 173 and 176), with the version of their JSON.
const TARGETS: [(&str, &str, &str); 4] = [
    ("dynamodb", "DynamoDB_20120810", "application/x-amz-json-1.0"),
    ("firehose", "Firehose_20150804", "application/x-amz-json-1.1"),
    ("kinesis", "Kinesis_20131202", "application/x-amz-json-1.1"),
    ("states", "AWSStepFunctions", "application/x-amz-json-1.0"),
];

impl<'u> ServiceUri<'u> {
    /// Reads a URI whose variables are filled in.
    pub(crate) fn parse(uri: &'u str) -> Result<Self, ServiceError> {
        let parts: Vec<&str> = uri.splitn(6, ':').collect();
        let ["arn", partition, "apigateway", region, service, rest] = parts[..] else {
            return Err(ServiceError::NotAnArn);
        };
        let (subdomain, service) = match service.rsplit_once('.') {
            Some((subdomain, service)) => (Some(subdomain), service),
            None => (None, service),
        };
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let mut labels =
            [region, service].into_iter().chain(subdomain.into_iter().flat_map(|it| it.split('.')));
        if labels.any(|label| label.is_empty() || !label.bytes().all(fits)) {
            return Err(ServiceError::NotAnArn);
        }
        let path = rest.strip_prefix("path/").map(|path| Call::Path(path.trim_start_matches('/')));
        let action = rest.strip_prefix("action/").filter(|action| !action.is_empty()).map(Call::Action);
        let call = path.or(action).ok_or(ServiceError::NoPathOrAction)?;
        Ok(Self { partition, region, subdomain, service, call })
    }

    /// Path and query of the call, with their placeholders. An operation whose name goes into a header field is not in
    /// the query too.
    pub(crate) fn target(&self) -> String {
        match &self.call {
            Call::Path(path) => format!("/{path}"),
            Call::Action(action) if self.json().is_some() => match action.split_once('&') {
                Some((_, parameters)) => format!("/?{parameters}"),
                None => "/".to_owned(),
            },
            Call::Action(action) => format!("/?Action={action}"),
        }
    }

    /// `X-Amz-Target` and the content type that goes with it, where AWS sets them by itself.
    pub(crate) fn json(&self) -> Option<(String, &'static str)> {
        let Call::Action(action) = &self.call else { return None };
        let name = action.split('&').next().unwrap_or_default();
        let (_, prefix, content_type) = TARGETS.iter().find(|(service, ..)| *service == self.service)?;
        Some((format!("{prefix}.{name}"), content_type))
    }

    /// What the service is called in signatures; of most it is the name of their host.
    pub(crate) fn signing_name(&self) -> &'u str {
        match self.service {
            "email" => "ses",
            "bedrock-runtime" | "bedrock-agent-runtime" => "bedrock",
            service => service,
        }
    }
}

/// Whether an integration of the type `aws` names a service that is no function, whatever its stage variables are.
pub(super) fn is_named(node: &Node, plan_node: &PlanNode) -> bool {
    let Some(text) = node.get("uri").and_then(Node::scalar) else { return false };
    let filled = Template::of(text, plan_node).and_then(|template| template.text(|_| Some("x")));
    let Ok(uri) = filled else { return false };
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, "apigateway", _, service, _] if service != "lambda")
}

/// Reads what is left of the integration. The inner option is `None` for one that fails every call, which is reported.
pub(super) fn read(
    fields: &mut Fields<'_>,
    http: impl FnOnce(Template, Span, Option<Method>) -> Http,
    parameters: &Parameters,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Option<Box<Service>>> {
    let fails = warn_parameters(parameters, fields.span(), report);
    let credentials = fields.value("credentials").filter(|value| value.value != Value::Null);
    let credentials = credentials.map(|value| read_credentials(value, document, report));
    let method = match fields.required("httpMethod", report) {
        Some(value) => integration::read_method(value, report),
        None => None,
    };
    let value = fields.required("uri", report)?;
    let uri = read_uri(value, parameters, document, report)?;
    let credentials = match credentials {
        None => None,
        Some(read) => Some(read?),
    };
    let http = http(uri, value.span, method?);
    Some((!fails).then(|| Box::new(Service { http, credentials })))
}

/// Some mapped headers make every call fail (recorded fact 98); the signer's own cannot be mapped.
fn warn_parameters(parameters: &Parameters, at: Span, report: &mut Report) -> bool {
    let fatal = parameters
        .headers
        .iter()
        .find(|mapped| pass::NEVER_MAPPED_TO_AWS.contains(KnownField::of(mapped.name.as_bytes())));
    if let Some(mapped) = fatal {
        report
            .warning(at, format!("mapping to the header {} answers 500 Internal server error", mapped.name));
    }
    fatal.is_some()
}

fn read_uri(
    value: &Node,
    parameters: &Parameters,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Template> {
    let template = read_template(value, document, report)?;
    // With stage variables only a stage can say whether the URI is good.
    if !template.has_variables()
        && let Err(error) = template
            .text(|_| None)
            .map_or(Err(ServiceError::NotAnArn), |uri| ServiceUri::parse(&uri).map(|_| ()))
    {
        report_uri(value.span, error, report);
        return None;
    }
    integration::warn_placeholders(value, &template, parameters, report);
    Some(template)
}

pub(super) fn read_template(value: &Node, document: &Document<'_>, report: &mut Report) -> Option<Template> {
    let text = scalar::text(value, report)?;
    match Template::of(text, document.node) {
        Ok(template) => Some(template),
        Err(error) => {
            report.error(value.span, error.to_string());
            None
        }
    }
}

/// Reports why a URI calls no service.
pub(crate) fn report_uri(at: Span, error: ServiceError, report: &mut Report) {
    report.error(at, error.to_string()).help(ServiceError::HELP);
}

pub(super) fn read_credentials(
    value: &Node,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<(Template, Span)> {
    let template = read_template(value, document, report)?;
    if !template.has_variables() {
        let arn = template.text(|_| None).ok()?;
        signatory(&arn, value.span, report)?;
    }
    Some((template, value.span))
}

/// Who signs, as an integration says. AWS: `arn:aws:iam::*:user/*` stands for the caller's own credentials.
pub(crate) fn signatory(arn: &str, at: Span, report: &mut Report) -> Option<Signatory> {
    if let ["arn", _, "iam", "", "*", "user/*"] = arn.split(':').collect::<Vec<_>>()[..] {
        return Some(Signatory::Caller);
    }
    source(arn, at, report).map(Signatory::Gateway)
}

/// The role that an ARN names.
pub(crate) fn source(arn: &str, at: Span, report: &mut Report) -> Option<CredentialsSource> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_role = matches!(parts[..], ["arn", _, "iam", "", account, role]
        if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
            && role.strip_prefix("role/").is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())));
    if !is_role {
        report
            .error(at, format!("`{arn}` is not the ARN of a role"))
            .help("arn:aws:iam::{account}:role/{name}");
        return None;
    }
    Some(CredentialsSource::Role(arn.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The target, and of services that speak JSON the operation and the content's type.
    type Read<'a> = (&'a str, Option<(&'a str, &'a str)>);

    #[track_caller]
    fn check(rest: &str, want: Result<Read<'_>, ServiceError>) {
        let uri = format!("arn:aws:apigateway:us-east-1:{rest}");
        let read = ServiceUri::parse(&uri);
        let read = read.as_ref().map(|uri| (uri.target(), uri.json()));
        let read = read.as_ref().map(|(target, json)| {
            (target.as_str(), json.as_ref().map(|(target, content_type)| (target.as_str(), *content_type)))
        });
        assert_eq!(read.map_err(|error| **error), want, "{uri}");
    }

    #[test]
    fn uris() {
        check("sqs:path/1/q", Ok(("/1/q", None)));
        check("sqs:path//1/q?a={b}", Ok(("/1/q?a={b}", None)));
        check("s3:path/{bucket}/{key}", Ok(("/{bucket}/{key}", None)));
        check("sns:action/Publish", Ok(("/?Action=Publish", None)));
        check("sns:action/Publish&TopicArn={t}", Ok(("/?Action=Publish&TopicArn={t}", None)));
        let json = ("DynamoDB_20120810.PutItem", "application/x-amz-json-1.0");
        check("dynamodb:action/PutItem", Ok(("/", Some(json))));
        check("dynamodb:action/PutItem&a=b", Ok(("/?a=b", Some(json))));
        check("dynamodb:path/", Ok(("/", None)));
        check("events:action/PutEvents", Ok(("/?Action=PutEvents", None)));
        check("sqs:action/", Err(ServiceError::NoPathOrAction));
        check("sqs:x", Err(ServiceError::NoPathOrAction));
        check("sqs", Err(ServiceError::NotAnArn));
        check("S Q S:path/x", Err(ServiceError::NotAnArn));
        check("shelf.s3:path/x", Ok(("/x", None)));
        check("a.b.dynamodb:action/PutItem", Ok(("/", Some(json))));
        for wrong in [".s3:path/x", "shelf.:path/x", "a..s3:path/x", "S.s3:path/x"] {
            check(wrong, Err(ServiceError::NotAnArn));
        }
    }

    #[test]
    fn the_last_label_is_the_service() {
        let read = |uri| ServiceUri::parse(uri).map(|uri| (uri.subdomain, uri.service, uri.signing_name()));
        let uri = "arn:aws:apigateway:us-east-1:runtime.sagemaker:path/endpoints/e/invocations";
        assert_eq!(read(uri), Ok((Some("runtime"), "sagemaker", "sagemaker")));
        assert_eq!(read("arn:aws:apigateway:us-east-1:sqs:path/1/q"), Ok((None, "sqs", "sqs")));
    }
}

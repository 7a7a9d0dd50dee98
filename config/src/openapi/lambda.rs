//! `aws_proxy` and `aws`: which function an integration invokes, and how.

use std::fmt;

use tidegate_core::http1::KnownField;
use tidegate_core::integration::RequestTemplates;
use tidegate_core::mapping::{Mapped, Source};
use tidegate_core::span::Span;
use tidegate_core::transform::pass;

use super::document::Document;
use super::request::Parameters;
use super::responses::Rules;
use super::service;
use super::uri::Template;
use crate::fields::Fields;
use crate::file::function::{is_name, is_qualifier};
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// An integration with a function, before a stage fills in its variables.
#[derive(Debug)]
pub(crate) struct Lambda {
    /// `None` for `aws_proxy`.
    pub(crate) custom: Option<(RequestTemplates, Rules)>,
    /// `X-Amz-Invocation-Type`, if it is mapped.
    pub(crate) invocation_type: Option<Source>,
    pub(crate) uri: Template,
    pub(crate) uri_span: Span,
    /// The role that signs, if the function is at AWS; and where it stands.
    pub(crate) credentials: Option<(Template, Span)>,
    pub(crate) timeout_ms: u32,
    /// Whether the answer is passed on as it comes.
    pub(crate) streams: bool,
}

/// A function as an integration URI names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionArn {
    /// The whole ARN, with its qualifier.
    pub(crate) text: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) name: String,
    /// A version or an alias.
    pub(crate) qualifier: Option<String>,
}

/// Why a URI invokes no function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ArnError {
    NotAnArn,
    NoPathOrAction,
    Service(String),
    Firehose,
    /// The path streams the answer, and the integration does not.
    Streaming,
    /// The other way round.
    Buffered,
    NotAnInvocation,
    Function(String),
}

impl fmt::Display for ArnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnArn => "Invalid ARN specified in the request",
            Self::NoPathOrAction => "AWS ARN for integration must contain path or action",
            Self::Service(_) => {
                "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream \
                 invocations."
            }
            Self::Firehose => "a Firehose stream by AWS_PROXY is not supported yet",
            Self::Streaming => "this URI streams the response, and the integration does not",
            Self::Buffered => "response streaming has a URI of its own",
            Self::NotAnInvocation => "the URI invokes no function",
            Self::Function(text) => return write!(f, "`{text}` is not the ARN of a function"),
        })
    }
}

impl ArnError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self {
            Self::Streaming => Some(
                "set responseTransferMode: STREAM, or use the path 2015-03-31/functions/{arn}/invocations",
            ),
            Self::Buffered => Some("use the path 2021-11-15/functions/{arn}/response-streaming-invocations"),
            Self::Firehose => Some(
                "AWS does not say what the stream gets of a request; use the type aws with firehose:action/PutRecord",
            ),
            Self::Service(_) => None,
            Self::NotAnArn | Self::NoPathOrAction | Self::NotAnInvocation | Self::Function(_) => Some(
                "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/arn:aws:lambda:{region}:{account}:\
                 function:{name}/invocations",
            ),
        }
    }
}

impl FunctionArn {
    /// Reads the URI of an integration, which `streams` or not. A doubled slash behind `path` is taken (recorded fact 143).
    pub(crate) fn of_uri(uri: &str, streams: bool) -> Result<Self, ArnError> {
        let mut parts = uri.splitn(6, ':');
        let mut part = || parts.next().ok_or(ArnError::NotAnArn);
        let (arn, _partition, apigateway, _region, service, rest) =
            (part()?, part()?, part()?, part()?, part()?, part()?);
        if arn != "arn" || apigateway != "apigateway" {
            return Err(ArnError::NotAnArn);
        }
        let path = rest.strip_prefix("path/");
        if path.is_none() && !rest.starts_with("action/") {
            return Err(ArnError::NoPathOrAction);
        }
        match service {
            "lambda" => {
                Self::of_path(path.ok_or(ArnError::NotAnInvocation)?.trim_start_matches('/'), streams)
            }
            "firehose" => Err(ArnError::Firehose),
            service => Err(ArnError::Service(service.to_owned())),
        }
    }

    fn of_path(path: &str, streams: bool) -> Result<Self, ArnError> {
        let between = |start, end| path.strip_prefix(start).and_then(|rest: &str| rest.strip_suffix(end));
        let buffered = between("2015-03-31/functions/", "/invocations");
        let streamed = between("2021-11-15/functions/", "/response-streaming-invocations");
        let function = match (buffered, streamed, streams) {
            (Some(function), None, false) | (None, Some(function), true) => function,
            (Some(_), _, true) => return Err(ArnError::Buffered),
            (_, Some(_), false) => return Err(ArnError::Streaming),
            (None, None, _) => return Err(ArnError::NotAnInvocation),
        };
        Self::parse(function).ok_or_else(|| ArnError::Function(function.to_owned()))
    }

    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (["arn", _partition, "lambda", region, account, "function", name], rest) =
            parts.split_first_chunk::<7>()?
        else {
            return None;
        };
        let qualifier = match rest {
            [] => None,
            [qualifier] => Some((*qualifier).to_owned()),
            _ => return None,
        };
        (is_name(name) && qualifier.as_deref().is_none_or(is_qualifier)).then(|| Self {
            text: text.to_owned(),
            region: (*region).to_owned(),
            account: (*account).to_owned(),
            name: (*name).to_owned(),
            qualifier,
        })
    }
}

/// Reads what is left of the integration. The inner option is `None` for one that fails every call, which is reported.
/// `custom` are its templates and responses, if it is of the type `aws`.
pub(super) fn read(
    fields: &mut Fields<'_>,
    custom: Option<(RequestTemplates, Rules)>,
    parameters: &Parameters,
    timeout_ms: u32,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Option<Box<Lambda>>> {
    let invocation_type = custom.is_some().then(|| invocation_type(parameters)).flatten();
    let fails = warn_parameters(fields.take("requestParameters"), custom.is_some(), parameters, report);
    if custom.is_none() {
        read_content_handling(fields, report);
    }
    let streams = read_transfer_mode(fields, custom.is_some(), report);
    let credentials = fields.value("credentials").filter(|value| !value.is_empty());
    let credentials = match credentials {
        Some(value) => Some((service::read_template(value, document, report)?, value.span)),
        None => None,
    };
    let method = fields.required("httpMethod", report);
    let posts = method.is_some_and(|value| is_post(value, report));
    let value = fields.required("uri", report)?;
    let uri = read_uri(value, custom.is_some(), streams?, document, report)?;
    method?;
    let (uri_span, streams) = (value.span, streams?);
    let lambda = Lambda { custom, invocation_type, uri, uri_span, credentials, timeout_ms, streams };
    Some((posts && !fails).then(|| Box::new(lambda)))
}

/// AWS takes any method at import and fails each call with another one (recorded fact 122).
fn is_post(value: &Node, report: &mut Report) -> bool {
    let posts = value.scalar().is_some_and(|word| word.eq_ignore_ascii_case("POST"));
    if !posts {
        report
            .warning(value.span, "a function is invoked with POST: this answers 500 Internal server error")
            .help("set httpMethod: POST");
    }
    posts
}

/// Mapped parameters never reach a function (recorded fact 99), but some make every call fail (facts 97 and 98).
fn warn_parameters(
    entry: Option<&Entry>,
    is_custom: bool,
    parameters: &Parameters,
    report: &mut Report,
) -> bool {
    let Some(entry) = entry.filter(|entry| !entry.value.is_empty()) else { return false };
    let fatal = parameters
        .headers
        .iter()
        .find(|mapped| pass::NEVER_MAPPED_TO_AWS.contains(KnownField::of(mapped.name.as_bytes())));
    if let Some(mapped) = fatal {
        report.warning(
            entry.key_span,
            format!("mapping to the header {} answers 500 Internal server error", mapped.name),
        );
    } else if !parameters.fails && !is_custom {
        report
            .warning(entry.key_span, "`requestParameters` has no effect")
            .help("aws_proxy passes the request as it is");
    } else if !parameters.fails && parameters.all().any(|mapped| !is_invocation_type(mapped)) {
        report
            .warning(entry.key_span, "these `requestParameters` have no effect")
            .help("of a function they can set X-Amz-Invocation-Type alone");
    }
    fatal.is_some()
}

fn invocation_type(parameters: &Parameters) -> Option<Source> {
    let mapped = parameters.headers.iter().find(|mapped| is_invocation_type(mapped));
    mapped.map(|mapped| mapped.source.clone())
}

fn is_invocation_type(mapped: &Mapped) -> bool {
    mapped.name.eq_ignore_ascii_case("x-amz-invocation-type")
}

/// By `aws_proxy` a function gets text, so that one conversion is what happens anyway.
fn read_content_handling(fields: &mut Fields<'_>, report: &mut Report) {
    if let Some(entry) = fields.take("contentHandling")
        && entry.value.value != Value::Null
        && !entry.value.scalar().is_some_and(|word| word.eq_ignore_ascii_case("CONVERT_TO_TEXT"))
    {
        report.unsupported(entry.key_span, "`contentHandling` of a proxy integration");
    }
}

/// Whether the answer is streamed. AWS: "You can only use response payload streaming for HTTP_PROXY or AWS_PROXY".
fn read_transfer_mode(fields: &mut Fields<'_>, is_custom: bool, report: &mut Report) -> Option<bool> {
    let Some(value) = fields.value("responseTransferMode") else { return Some(false) };
    let streams = scalar::variant(value, &[("BUFFERED", false), ("STREAM", true)], report)?;
    if streams && is_custom {
        report
            .error(value.span, "a response that is mapped cannot be streamed")
            .help("use the type aws_proxy, or leave it BUFFERED");
        return None;
    }
    Some(streams)
}

fn read_uri(
    value: &Node,
    is_custom: bool,
    streams: bool,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Template> {
    let text = scalar::text(value, report)?;
    let template = match Template::of(text, document.node) {
        Ok(template) => template,
        Err(error) => {
            report.error(value.span, error.to_string());
            return None;
        }
    };
    // With stage variables only a stage can say whether the URI is good.
    if !template.has_variables()
        && let Err(error) =
            template.text(|_| None).map_or(Err(ArnError::NotAnArn), |uri| FunctionArn::of_uri(&uri, streams))
    {
        report_arn(value.span, is_custom, &error, report);
        return None;
    }
    Some(template)
}

/// Reports why a URI invokes nothing.
pub(crate) fn report_arn(at: Span, is_custom: bool, error: &ArnError, report: &mut Report) {
    if let ArnError::Service(service) = error
        && is_custom
    {
        report.unsupported(at, &format!("the integration type AWS with the service {service}"));
        return;
    }
    let finding = report.error(at, error.to_string());
    if let Some(help) = error.help() {
        finding.help(help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(function: &str) -> String {
        format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations")
    }

    #[track_caller]
    fn check(uri: &str, want: Result<(&str, Option<&str>), ArnError>) {
        check_as(uri, false, want);
    }

    #[track_caller]
    fn check_as(uri: &str, streams: bool, want: Result<(&str, Option<&str>), ArnError>) {
        let read = FunctionArn::of_uri(uri, streams);
        let read = read.as_ref().map(|arn| (&*arn.name, arn.qualifier.as_deref()));
        assert_eq!(read.map_err(Clone::clone), want, "{uri}");
    }

    #[test]
    fn uris() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:hello";
        check(&uri(arn), Ok(("hello", None)));
        check(&uri(&format!("{arn}:prod")), Ok(("hello", Some("prod"))));
        check(&uri(&format!("{arn}:$LATEST")), Ok(("hello", Some("$LATEST"))));
        check(&uri(arn).replace("path/", "path//"), Ok(("hello", None)));
        check(&uri(arn).replace("arn:aws:", "arn:aws-cn:"), Ok(("hello", None)));
        check("https://a.test/", Err(ArnError::NotAnArn));
        check("arn:aws:lambda:us-east-1:123456789012:function:hello", Err(ArnError::NotAnArn));
        check("arn:aws:apigateway:us-east-1:lambda", Err(ArnError::NotAnArn));
        check("arn:aws:apigateway:us-east-1:lambda:x", Err(ArnError::NoPathOrAction));
        check("arn:aws:apigateway:us-east-1:lambda:action/Invoke", Err(ArnError::NotAnInvocation));
        check("arn:aws:apigateway:us-east-1:sqs:path/1/q", Err(ArnError::Service("sqs".to_owned())));
        check("arn:aws:apigateway:us-east-1:firehose:action/PutRecord", Err(ArnError::Firehose));
        let streamed =
            uri(arn).replace("2015-03-31", "2021-11-15").replace("/invoc", "/response-streaming-invoc");
        check_as(&streamed, true, Ok(("hello", None)));
        check_as(&streamed.replace("hello", "hello:prod"), true, Ok(("hello", Some("prod"))));
        check(&streamed, Err(ArnError::Streaming));
        check_as(&uri(arn), true, Err(ArnError::Buffered));
        check_as(&uri(arn).replace("2015-03-31", "2021-11-15"), true, Err(ArnError::NotAnInvocation));
        check(&uri(arn).replace("2015-03-31", "2015-03-30"), Err(ArnError::NotAnInvocation));
        check(&uri(arn).replace("/invocations", ""), Err(ArnError::NotAnInvocation));
        for wrong in
            ["hello", "", "arn:aws:lambda:r:1:function:a b", &format!("{arn}:a:b"), &format!("{arn}:")]
        {
            check(&uri(wrong), Err(ArnError::Function(wrong.to_owned())));
        }
    }
}

//! What answers a method: the compiled integration of one method in one stage.

mod target;

use std::hint::black_box;
use std::sync::Arc;

pub use self::target::{Pattern, Piece, Pieces, Placeholder, Target};

use regex::Regex;

use crate::aws::{Service, Signing};
use crate::content_handling::ContentHandling;
use crate::mapping::{Mapped, Source};
use crate::media_types::media_type;
use crate::method::Method;
use crate::mock;
use crate::plan::{FunctionId, OriginId};
use crate::velocity::{Program, SyntaxError};

/// What answers a method in one stage.
#[derive(Debug)]
pub enum Integration {
    /// Answers by itself.
    Mock(Mock),
    /// Calls an HTTP backend.
    Http(Http),
    /// Invokes a function (`aws_proxy`, or `aws` with a function).
    Lambda(Box<Lambda>),
    /// Cannot be called in this stage, because its URI needs a stage variable that the stage lacks, or does not make
    /// a valid address with it. Answers 500 (AWS logs "Invalid endpoint address").
    Misconfigured,
}

/// An `http` or `http_proxy` integration, or an `aws` one with a service that is no function. Two cache lines.
#[derive(Debug)]
#[repr(align(64))]
pub struct Http {
    /// Whether the exchange is passed through or mapped.
    pub kind: HttpKind,
    /// The backend.
    pub origin: OriginId,
    /// The backend's `Host` field value: host, and port unless it is the scheme's default.
    /// One text for all integrations with the same backend.
    pub host: Arc<str>,
    /// The method to call with; `None`: the client's (`ANY`).
    pub method: Option<Method>,
    /// Path and query of the URI.
    pub target: Target,
    /// Which AWS service it is (`aws`), if it is one; then calls are signed.
    pub service: Option<Box<Service>>,
    /// Mapped query parameters.
    pub query: Box<[Mapped]>,
    /// Mapped header fields.
    pub headers: Box<[Mapped]>,
    /// Time from the end of the request to the response head, and between pieces of the response, in milliseconds.
    pub timeout_ms: u32,
}

impl Integration {
    /// Reads from each of its cache lines. Among thousands of routes they are seldom in a cache; so they come while callers
    /// and limits are looked at, which waits for none of them.
    pub fn fetch(&self) {
        if let Self::Http(http) = self {
            black_box(http.timeout_ms);
            black_box(http.target.first_byte());
        }
    }
}

impl Http {
    /// Whether a mapping reads the client's body.
    pub fn maps_body(&self) -> bool {
        let mut mapped = self.query.iter().chain(&self.headers);
        self.target.reads_body() || mapped.any(|mapped| mapped.source.reads_body())
    }
}

/// An integration with a function.
#[derive(Debug)]
pub struct Lambda {
    /// Whether the exchange is passed through or mapped.
    pub kind: LambdaKind,
    /// Where the function is.
    pub place: FunctionPlace,
    /// Its ARN as the integration names it, with the qualifier.
    pub invoked_arn: Box<str>,
    /// `X-Amz-Invocation-Type`, if it is mapped.
    pub invocation_type: Option<Source>,
    /// Time for the function's answer, in milliseconds.
    pub timeout_ms: u32,
}

/// Where a function is.
#[derive(Debug)]
pub enum FunctionPlace {
    /// Beside the gateway.
    Here(FunctionId),
    /// At AWS.
    Remote(Box<Remote>),
}

/// A function at AWS.
#[derive(Debug)]
pub struct Remote {
    /// The Lambda API.
    pub origin: OriginId,
    /// Its `Host`.
    pub host: Arc<str>,
    /// The path that invokes the function.
    pub path: Box<str>,
    /// Who signs.
    pub signing: Signing,
}

impl Lambda {
    /// The function, if it is at AWS.
    pub fn remote(&self) -> Option<&Remote> {
        match &self.place {
            FunctionPlace::Here(_) => None,
            FunctionPlace::Remote(remote) => Some(remote),
        }
    }
}

/// The two integration types of functions.
#[derive(Debug)]
pub enum LambdaKind {
    /// `aws_proxy`.
    Proxy,
    /// `aws_proxy` with `responseTransferMode: STREAM`.
    StreamedProxy,
    /// `aws`.
    Custom(Box<Custom>),
}

/// The two HTTP integration types.
#[derive(Debug)]
pub enum HttpKind {
    /// `http_proxy`.
    Proxy,
    /// `http`.
    Custom(Box<Custom>),
}

/// What an `http` or `aws` integration maps beside parameters.
#[derive(Debug)]
pub struct Custom {
    /// The request body.
    pub request: RequestTemplates,
    /// The response, by the backend's status or the function's error message.
    pub responses: Responses,
}

/// A `mock` integration.
#[derive(Debug)]
pub struct Mock {
    /// The request templates, whose output names the status.
    pub request: RequestTemplates,
    /// The response, by that status.
    pub responses: Responses,
}

/// Request templates by content type, and what to do when none fits.
#[derive(Clone, Debug, Default)]
pub struct RequestTemplates {
    /// `passthroughBehavior`.
    pub passthrough: Passthrough,
    /// `contentHandling` of the integration.
    pub content_handling: Option<ContentHandling>,
    /// (MIME type or `$default`, template).
    pub templates: Vec<(Box<str>, Template)>,
}

/// A compiled mapping template; copies share it.
#[derive(Clone, Debug)]
pub struct Template {
    program: Arc<Program>,
    mock_status: Option<Option<i64>>,
}

impl Template {
    /// Compiles it.
    pub fn new(text: &str) -> Result<Self, SyntaxError> {
        let program = Arc::new(Program::compile(text)?);
        let mock_status = program.constant().map(|text| mock::status_code(text.as_bytes()));
        Ok(Self { program, mock_status })
    }

    /// What is run.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// For a MOCK, when the output is always the same: the `statusCode` that it names, if it is an integer of a JSON-like
    /// object.
    pub fn mock_status(&self) -> Option<Option<i64>> {
        self.mock_status
    }

    /// Whether it is the empty text.
    pub fn is_empty(&self) -> bool {
        self.program.constant() == Some("")
    }
}

/// `passthroughBehavior`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passthrough {
    /// The body passes when no template fits its content type.
    #[default]
    WhenNoMatch,
    /// The body passes only when there are no templates at all.
    WhenNoTemplates,
    /// A body without template is refused with 415.
    Never,
}

/// What becomes of a request body.
#[derive(Clone, Copy, Debug)]
pub enum RequestBody<'a> {
    /// The client's body as it is.
    Passthrough,
    /// The template's output.
    Template(&'a Template),
}

/// The content type is refused: 415.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedMediaType;

impl RequestTemplates {
    /// What becomes of a body of this content type. AWS: "Integration passthrough behaviors"; a request without content
    /// type counts as `application/json`, parameters such as charset do not count.
    pub fn select(&self, content_type: Option<&[u8]>) -> Result<RequestBody<'_>, UnsupportedMediaType> {
        let media_type = content_type.map_or(JSON, media_type);
        if let Some(template) = self.template(media_type) {
            return Ok(RequestBody::Template(template));
        }
        match self.passthrough {
            Passthrough::WhenNoMatch => Ok(RequestBody::Passthrough),
            Passthrough::WhenNoTemplates if self.templates.is_empty() => Ok(RequestBody::Passthrough),
            Passthrough::WhenNoTemplates | Passthrough::Never => Err(UnsupportedMediaType),
        }
    }

    fn template(&self, media_type: &[u8]) -> Option<&Template> {
        let named = |wanted: &[u8]| {
            self.templates
                .iter()
                .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(wanted))
                .map(|(_, text)| text)
        };
        named(media_type).or_else(|| named(b"$default"))
    }
}

/// Integration responses, selected by status.
#[derive(Debug, Default)]
pub struct Responses {
    rules: Vec<(Option<Regex>, IntegrationResponse)>,
    /// Position + 1 of the rule for each status 100 to 599, 0 for none.
    by_status: Vec<u16>,
}

/// One integration response.
#[derive(Clone, Debug)]
pub struct IntegrationResponse {
    /// The status that the client gets.
    pub status: u16,
    /// `method.response.header.N`.
    pub headers: Vec<Mapped>,
    /// (MIME type, template). None: the backend's body passes. An empty template also passes it.
    pub templates: Vec<(Box<str>, Template)>,
    /// `contentHandling`
    pub content_handling: Option<ContentHandling>,
}

/// The first status that has an entry in the table of [`Responses`].
const STATUS_FIRST: i64 = 100;
/// Number of statuses in that table.
const STATUS_COUNT: usize = 500;

impl Responses {
    /// Compiles the rules; `None` is the pattern of the default response. An error names the position of the rule
    /// whose pattern is not a regular expression that runs in linear time.
    ///
    /// AWS leaves open whether a pattern must match the whole text; its advice to wrap patterns in `.*` or `(.|\n)*`
    /// says so, and we take it that way.
    pub fn new(rules: Vec<(Option<String>, IntegrationResponse)>) -> Result<Self, (usize, regex::Error)> {
        let compile = |(position, (pattern, response)): (usize, (Option<String>, IntegrationResponse))| {
            let regex =
                pattern.filter(|text| !text.is_empty()).map(|text| Regex::new(&format!("^(?:{text})$")));
            Ok((regex.transpose().map_err(|error| (position, error))?, response))
        };
        let rules = rules.into_iter().enumerate().map(compile).collect::<Result<Vec<_>, _>>()?;
        let mut responses = Self { rules, by_status: Vec::new() };
        let position = |status| responses.position(status).map_or(0, |found| found as u16 + 1);
        responses.by_status = (STATUS_FIRST..STATUS_FIRST + STATUS_COUNT as i64).map(position).collect();
        Ok(responses)
    }

    /// The response for an integration status, or none when there is no default either (500).
    pub fn select(&self, status: i64) -> Option<&IntegrationResponse> {
        let position = match self.by_status.get(usize::try_from(status - STATUS_FIRST).unwrap_or(usize::MAX))
        {
            Some(0) => None,
            Some(&entry) => Some(usize::from(entry) - 1),
            None => self.position(status),
        };
        position.map(|found| &self.rules[found].1)
    }

    /// The response for the error message of a function; empty for one that has not failed, which some patterns match,
    /// too (AWS: a pattern `.*` becomes the default).
    pub fn select_message(&self, message: &str) -> Option<&IntegrationResponse> {
        self.position_of(message).map(|found| &self.rules[found].1)
    }

    fn position(&self, status: i64) -> Option<usize> {
        self.position_of(&status.to_string())
    }

    fn position_of(&self, text: &str) -> Option<usize> {
        let fits =
            |(pattern, _): &(Option<Regex>, _)| pattern.as_ref().is_some_and(|regex| regex.is_match(text));
        self.rules
            .iter()
            .position(fits)
            .or_else(|| self.rules.iter().position(|(pattern, _)| pattern.is_none()))
    }
}

/// What a client gets as body.
#[derive(Clone, Copy, Debug)]
pub enum ResponseBody<'a> {
    /// The backend's body as it is (of a MOCK: nothing).
    Passthrough,
    /// The template's output and its MIME type.
    Template(&'a Template, &'a str),
}

impl IntegrationResponse {
    /// The body, by the request's `Accept`: its template, else that for `application/json`, else the first.
    pub fn body(&self, accept: Option<&[u8]>) -> ResponseBody<'_> {
        let media_type = accept.map_or(JSON, media_type);
        let named = |wanted: &[u8]| {
            self.templates.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(wanted))
        };
        match named(media_type).or_else(|| named(JSON)).or_else(|| self.templates.first()) {
            None => ResponseBody::Passthrough,
            Some((_, template)) if template.is_empty() => ResponseBody::Passthrough,
            Some((name, template)) => ResponseBody::Template(template, name),
        }
    }

    /// Whether a mapping reads the backend's body.
    pub fn maps_body(&self) -> bool {
        self.headers.iter().any(|mapped| mapped.source.reads_body())
    }
}

const JSON: &[u8] = b"application/json";

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16) -> IntegrationResponse {
        IntegrationResponse { status, headers: vec![], templates: vec![], content_handling: None }
    }

    #[test]
    fn an_integration_is_two_cache_lines() {
        assert_eq!((size_of::<Integration>(), align_of::<Integration>()), (128, 64));
    }

    #[track_caller]
    fn check_select(rules: &[(Option<&str>, u16)], rows: &[(i64, Option<u16>)]) {
        let rules = rules.iter().map(|(pattern, status)| (pattern.map(str::to_owned), response(*status)));
        let responses = Responses::new(rules.collect()).expect("patterns");
        for (status, want) in rows {
            assert_eq!(responses.select(*status).map(|found| found.status), *want, "{status}");
        }
    }

    #[test]
    fn responses_are_selected_by_whole_status() {
        let rules = [(Some("4\\d{2}"), 400), (None, 200), (Some("5.*"), 502), (Some("40"), 499)];
        check_select(
            &rules,
            &[(404, Some(400)), (201, Some(200)), (503, Some(502)), (40, Some(499)), (5, Some(502))],
        );
    }

    #[test]
    fn an_empty_pattern_is_the_default_and_none_is_none() {
        check_select(&[(Some(""), 201)], &[(200, Some(201)), (-1000, Some(201)), (999, Some(201))]);
        check_select(&[(Some("200"), 200)], &[(200, Some(200)), (201, None), (-1, None)]);
        check_select(&[(Some(".*"), 400), (None, 200)], &[(200, Some(400))]);
    }

    fn template(text: &str) -> Template {
        Template::new(text).expect("a template")
    }

    #[track_caller]
    fn check_passthrough(templates: &[&str], content_type: Option<&str>, want: [&str; 3]) {
        let behaviours = [Passthrough::WhenNoMatch, Passthrough::WhenNoTemplates, Passthrough::Never];
        for (passthrough, want) in behaviours.into_iter().zip(want) {
            let templates = templates.iter().map(|name| ((*name).into(), template("x"))).collect();
            let got = match (RequestTemplates { passthrough, templates, content_handling: None })
                .select(content_type.map(str::as_bytes))
            {
                Ok(RequestBody::Passthrough) => "passthrough",
                Ok(RequestBody::Template(_)) => "template",
                Err(UnsupportedMediaType) => "415",
            };
            assert_eq!(got, want, "{content_type:?} {passthrough:?}");
        }
    }

    #[test]
    fn the_passthrough_table() {
        check_passthrough(&["application/json"], None, ["template"; 3]);
        check_passthrough(&["application/json"], Some("application/json; charset=utf-8"), ["template"; 3]);
        check_passthrough(&["application/json"], Some("text/xml"), ["passthrough", "415", "415"]);
        check_passthrough(&["$default"], Some("text/xml"), ["template"; 3]);
        check_passthrough(&[], Some("text/xml"), ["passthrough", "passthrough", "415"]);
        check_passthrough(&[], None, ["passthrough", "passthrough", "415"]);
    }

    #[test]
    fn response_templates_by_accept() {
        let mut answer = response(200);
        assert!(matches!(answer.body(None), ResponseBody::Passthrough));
        answer.templates =
            vec![("text/xml".into(), template("<a/>")), ("application/json".into(), template("{}"))];
        let check = |accept: Option<&str>, want: (&str, &str)| match answer.body(accept.map(str::as_bytes)) {
            ResponseBody::Template(found, name) => {
                assert_eq!((found.program().constant(), name), (Some(want.0), want.1));
            }
            ResponseBody::Passthrough => panic!("{accept:?} passes"),
        };
        check(None, ("{}", "application/json"));
        check(Some("text/xml, */*"), ("<a/>", "text/xml"));
        check(Some("image/png"), ("{}", "application/json"));
        answer.templates = vec![("application/json".into(), template(""))];
        assert!(matches!(answer.body(None), ResponseBody::Passthrough));
    }
}

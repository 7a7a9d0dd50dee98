//! Gateway responses: what clients get when the gateway answers by itself, and how an API changes that.
//!
//! AWS: "Gateway responses in API Gateway". Templates here are plain substitution, not Velocity.

use std::fmt;

use crate::mapping::{Mapped, MappingError, Phase, Source};

/// A gateway response type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the variants are the names of AWS's table, see NAMES")]
pub enum ResponseType {
    AccessDenied,
    ApiConfigurationError,
    AuthorizerConfigurationError,
    AuthorizerFailure,
    BadRequestBody,
    BadRequestParameters,
    Default4xx,
    Default5xx,
    ExpiredToken,
    IntegrationFailure,
    IntegrationTimeout,
    InvalidApiKey,
    InvalidSignature,
    MissingAuthenticationToken,
    QuotaExceeded,
    RequestTooLarge,
    ResourceNotFound,
    Throttled,
    Unauthorized,
    UnsupportedMediaType,
    WafFiltered,
}

/// AWS's names, in the order of the enum.
const NAMES: [(&str, ResponseType); 21] = [
    ("ACCESS_DENIED", ResponseType::AccessDenied),
    ("API_CONFIGURATION_ERROR", ResponseType::ApiConfigurationError),
    ("AUTHORIZER_CONFIGURATION_ERROR", ResponseType::AuthorizerConfigurationError),
    ("AUTHORIZER_FAILURE", ResponseType::AuthorizerFailure),
    ("BAD_REQUEST_BODY", ResponseType::BadRequestBody),
    ("BAD_REQUEST_PARAMETERS", ResponseType::BadRequestParameters),
    ("DEFAULT_4XX", ResponseType::Default4xx),
    ("DEFAULT_5XX", ResponseType::Default5xx),
    ("EXPIRED_TOKEN", ResponseType::ExpiredToken),
    ("INTEGRATION_FAILURE", ResponseType::IntegrationFailure),
    ("INTEGRATION_TIMEOUT", ResponseType::IntegrationTimeout),
    ("INVALID_API_KEY", ResponseType::InvalidApiKey),
    ("INVALID_SIGNATURE", ResponseType::InvalidSignature),
    ("MISSING_AUTHENTICATION_TOKEN", ResponseType::MissingAuthenticationToken),
    ("QUOTA_EXCEEDED", ResponseType::QuotaExceeded),
    ("REQUEST_TOO_LARGE", ResponseType::RequestTooLarge),
    ("RESOURCE_NOT_FOUND", ResponseType::ResourceNotFound),
    ("THROTTLED", ResponseType::Throttled),
    ("UNAUTHORIZED", ResponseType::Unauthorized),
    ("UNSUPPORTED_MEDIA_TYPE", ResponseType::UnsupportedMediaType),
    ("WAF_FILTERED", ResponseType::WafFiltered),
];

impl ResponseType {
    /// Reads AWS's name.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|&(_, kind)| kind)
    }

    /// AWS's name (`$context.error.responseType`).
    pub fn name(self) -> &'static str {
        NAMES[self as usize].0
    }

    /// All names, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

/// A gateway response as an API customises it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Custom {
    /// Status; `None` keeps the refusal's own.
    pub status: Option<u16>,
    /// `gatewayresponse.header.N`.
    pub headers: Vec<Mapped>,
    /// (MIME type, template). Empty: the default body.
    pub templates: Vec<(Box<str>, Template)>,
}

impl Custom {
    /// The template that is used: that for `application/json`, else the first.
    ///
    /// AWS does not say how it chooses among several; emulators do it this way.
    pub fn template(&self) -> Option<(&str, &Template)> {
        let json = self.templates.iter().find(|(name, _)| &**name == "application/json");
        json.or_else(|| self.templates.first()).map(|(name, template)| (&**name, template))
    }
}

/// The customised gateway responses of one API.
#[derive(Debug, Default)]
pub struct GatewayResponses {
    slots: [Option<Box<Custom>>; NAMES.len()],
}

impl GatewayResponses {
    /// Compiles what the API sets; of a type set twice the last counts.
    pub fn compile(customs: Vec<(ResponseType, Custom)>) -> Self {
        let mut responses = Self::default();
        for (kind, custom) in customs {
            responses.slots[kind as usize] = Some(Box::new(custom));
        }
        responses
    }

    /// What applies to a refusal of `kind` whose own status is `status`: the type's own customisation, else that of
    /// its class. A type that is set does not inherit from its class (recorded fact 13).
    pub fn custom(&self, kind: ResponseType, status: u16) -> Option<&Custom> {
        let class = if status < 500 { ResponseType::Default4xx } else { ResponseType::Default5xx };
        let slot = |kind: ResponseType| self.slots[kind as usize].as_deref();
        slot(kind).or_else(|| slot(class))
    }
}

/// A text with substitutions: a gateway response template or an access log format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The parts in order.
    pub pieces: Vec<TemplatePiece>,
}

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePiece {
    /// Stands as it is.
    Literal(Box<str>),
    /// Is replaced by its value.
    Source(Source),
}

/// A substitution that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// The name that was used.
    pub name: String,
    /// What is wrong with it.
    pub reason: MappingError,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`${}`: {}", self.name, self.reason)
    }
}

impl Template {
    /// Reads a gateway response template: `$context.N`, `$stageVariables.N`, `$method.request.{path,querystring,header}.N`,
    /// each also in braces. Any other `$` stands for itself.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, |name, offset| {
            let error = |reason| TemplateError { offset, name: name.to_owned(), reason };
            Source::parse(name, Phase::GatewayResponse, &[]).map_err(error)
        })
    }

    /// Splits a text at its references; `source` resolves the name of each, given with its offset.
    pub fn parse_with<E>(text: &str, source: impl Fn(&str, usize) -> Result<Source, E>) -> Result<Self, E> {
        let mut pieces = Vec::new();
        let (mut at, mut literal) = (0, 0);
        while let Some(found) = text[at..].find('$') {
            let start = at + found;
            at = start + 1;
            if let Some((name, end)) = reference(text, start) {
                push_literal(&mut pieces, &text[literal..start]);
                pieces.push(TemplatePiece::Source(source(name, start)?));
                (at, literal) = (end, end);
            }
        }
        push_literal(&mut pieces, &text[literal..]);
        Ok(Self { pieces })
    }
}

fn push_literal(pieces: &mut Vec<TemplatePiece>, text: &str) {
    if !text.is_empty() {
        pieces.push(TemplatePiece::Literal(text.into()));
    }
}

/// The name of the reference that starts with the `$` at `start`, and where the reference ends.
fn reference(text: &str, start: usize) -> Option<(&str, usize)> {
    let rest = &text[start + 1..];
    let braced = rest.starts_with('{');
    let body = &rest[usize::from(braced)..];
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let mut name = &body[..body.bytes().position(|byte| !fits(byte)).unwrap_or(body.len())];
    if braced && !body[name.len()..].starts_with('}') {
        return None;
    }
    if !braced {
        name = name.trim_end_matches(['.', '-']);
    }
    let known =
        ["context.", "stageVariables.", "method.request."].iter().any(|prefix| name.starts_with(prefix));
    known.then_some((name, start + 1 + name.len() + 2 * usize::from(braced)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Variable;

    #[test]
    fn names_are_in_the_order_of_the_enum() {
        for (position, (name, kind)) in NAMES.iter().enumerate() {
            assert_eq!((*kind as usize, kind.name()), (position, *name));
            assert_eq!(ResponseType::parse(name), Some(*kind));
        }
    }

    #[test]
    fn a_set_type_does_not_inherit_from_its_class() {
        let custom = |status| Custom { status: Some(status), ..Custom::default() };
        let responses = GatewayResponses::compile(vec![
            (ResponseType::Default5xx, custom(599)),
            (ResponseType::AuthorizerFailure, Custom::default()),
        ]);
        let status = |kind, own| responses.custom(kind, own).and_then(|custom| custom.status);
        assert_eq!(status(ResponseType::IntegrationFailure, 504), Some(599));
        assert_eq!(status(ResponseType::AuthorizerFailure, 500), None);
        assert_eq!(status(ResponseType::Throttled, 429), None);
    }

    #[track_caller]
    fn check(text: &str, want: &[TemplatePiece]) {
        assert_eq!(Template::parse(text).map(|template| template.pieces).as_deref(), Ok(want), "{text}");
    }

    #[test]
    fn templates() {
        let literal = |text: &str| TemplatePiece::Literal(text.into());
        let context = |variable| TemplatePiece::Source(Source::Context(variable));
        check(
            r#"{"message":$context.error.messageString}"#,
            &[literal(r#"{"message":"#), context(Variable::ErrorMessageString), literal("}")],
        );
        check("${context.requestId}x", &[context(Variable::RequestId), literal("x")]);
        check("$context.stage.", &[context(Variable::Stage), literal(".")]);
        check("costs $5 and $contextual", &[literal("costs $5 and $contextual")]);
        check("${context.stage", &[literal("${context.stage")]);
        check("", &[]);
        check(
            "$stageVariables.a-",
            &[TemplatePiece::Source(Source::StageVariable("a".into())), literal("-")],
        );
        check("$method.request.path.petId", &[TemplatePiece::Source(Source::NamedPath("petId".into()))]);
        let error = Template::parse("a $context.nonsense").expect_err("unknown");
        assert_eq!((error.offset, error.reason), (2, MappingError::UnknownContextVariable));
    }
}

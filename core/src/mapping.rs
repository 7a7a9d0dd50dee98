//! Parameter mapping expressions: where the value of a mapped parameter comes from.
//!
//! AWS: "Amazon API Gateway API request and response data mapping reference".

use std::fmt;
use std::sync::Arc;

use crate::context::Variable;
use crate::velocity::Path;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `'text'`.
    Static(Box<str>),
    /// `method.request.path.N`: the parameter's position in the resource path.
    Path(usize),
    /// `method.request.path.N` where the resource is known only with the request (gateway responses).
    NamedPath(Box<str>),
    /// `method.request.querystring.N`, or `multivaluequerystring` for all values.
    Query(Box<str>, Values),
    /// `method.request.header.N`, or `multivalueheader`. AWS compares names with case; we do not, since clients may not.
    Header(Box<str>, Values),
    /// `stageVariables.N`.
    StageVariable(Box<str>),
    /// `context.N`.
    Context(Variable),
    /// `integration.response.header.N`, or `multivalueheader`.
    IntegrationHeader(Box<str>, Values),
    /// `method.request.body` or `integration.response.body`, and the same with a path.
    Body(Option<BodyPath>),
}

/// A path into a body, as mappings have it.
#[derive(Clone, Debug)]
pub struct BodyPath {
    text: Box<str>,
    path: Arc<Path>,
}

impl BodyPath {
    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is written, without `$.`.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl PartialEq for BodyPath {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for BodyPath {}

/// Which values of a repeated parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// The last one.
    Last,
    /// All, joined with commas in a header, repeated in a query string.
    All,
}

/// A target parameter and where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The target's name: a header, or a query parameter.
    pub name: Box<str>,
    /// The value; a source without value adds nothing.
    pub source: Source,
}

/// Where an expression stands, which decides what it may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `requestParameters` of an integration.
    IntegrationRequest,
    /// `responseParameters` of an integration response.
    IntegrationResponse,
    /// `responseParameters` or a template of a gateway response.
    GatewayResponse,
}

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingError {
    /// Not an expression that may stand here.
    Invalid,
    /// Reads a path parameter that the resource path does not have.
    UnknownPathParameter,
    /// Reads `$context` by a name that API Gateway does not know.
    UnknownContextVariable,
    /// Reads the body by something that is no JSONPath expression.
    BodyPath,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "Invalid mapping expression specified",
            Self::UnknownPathParameter => "the resource path has no such parameter",
            Self::UnknownContextVariable => "no such $context variable",
            Self::BodyPath => "what follows `body.` is not a JSONPath expression",
        })
    }
}

impl Source {
    /// Whether its value is in a body.
    pub fn reads_body(&self) -> bool {
        matches!(self, Self::Body(_))
    }

    /// Reads an expression (without `$`). `path_parameters` are the names of the resource's path parameters.
    pub fn parse(expression: &str, phase: Phase, path_parameters: &[String]) -> Result<Self, MappingError> {
        if let Some(text) = static_text(expression) {
            return Ok(Self::Static(text.into()));
        }
        if let Some(name) = expression.strip_prefix("context.") {
            return Variable::parse(name).map(Self::Context).ok_or(MappingError::UnknownContextVariable);
        }
        if let Some(name) = expression.strip_prefix("stageVariables.") {
            return Ok(Self::StageVariable(parameter_name(name)?));
        }
        match phase {
            Phase::IntegrationResponse => integration_response(expression),
            Phase::IntegrationRequest => method_request(expression, |name| {
                path_parameters.iter().position(|known| known == name).map(Source::Path)
            }),
            Phase::GatewayResponse if expression.starts_with("method.request.body") => {
                Err(MappingError::Invalid)
            }
            Phase::GatewayResponse => {
                method_request(expression, |name| parameter_name(name).ok().map(Source::NamedPath))
            }
        }
    }
}

fn static_text(expression: &str) -> Option<&str> {
    expression.strip_prefix('\'')?.strip_suffix('\'')
}

fn method_request(
    expression: &str,
    path_parameter: impl Fn(&str) -> Option<Source>,
) -> Result<Source, MappingError> {
    let rest = expression.strip_prefix("method.request.").ok_or(MappingError::Invalid)?;
    let (place, name) = rest.split_once('.').unwrap_or((rest, ""));
    match place {
        "path" => path_parameter(name).ok_or(MappingError::UnknownPathParameter),
        "querystring" => Ok(Source::Query(parameter_name(name)?, Values::Last)),
        "multivaluequerystring" => Ok(Source::Query(parameter_name(name)?, Values::All)),
        "header" => Ok(Source::Header(parameter_name(name)?, Values::Last)),
        "multivalueheader" => Ok(Source::Header(parameter_name(name)?, Values::All)),
        "body" => body(rest),
        _ => Err(MappingError::Invalid),
    }
}

fn integration_response(expression: &str) -> Result<Source, MappingError> {
    let rest = expression.strip_prefix("integration.response.").ok_or(MappingError::Invalid)?;
    let (place, name) = rest.split_once('.').unwrap_or((rest, ""));
    match place {
        "header" => Ok(Source::IntegrationHeader(parameter_name(name)?, Values::Last)),
        "multivalueheader" => Ok(Source::IntegrationHeader(parameter_name(name)?, Values::All)),
        "body" => body(rest),
        _ => Err(MappingError::Invalid),
    }
}

/// `body`, or `body.` and a path without `$.`.
fn body(rest: &str) -> Result<Source, MappingError> {
    let Some(text) = rest.strip_prefix("body.") else {
        return if rest == "body" { Ok(Source::Body(None)) } else { Err(MappingError::Invalid) };
    };
    let path = Path::parse(&format!("$.{text}")).map_err(|_| MappingError::BodyPath)?;
    Ok(Source::Body(Some(BodyPath { text: text.into(), path: Arc::new(path) })))
}

/// AWS: names match `^[a-zA-Z0-9._$-]+$`.
fn parameter_name(name: &str) -> Result<Box<str>, MappingError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._$-".contains(&byte);
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(MappingError::Invalid);
    }
    Ok(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phase: Phase, rows: &[(&str, Result<Source, MappingError>)]) {
        let path_parameters = ["petId".to_owned(), "proxy".to_owned()];
        for (expression, want) in rows {
            assert_eq!(&Source::parse(expression, phase, &path_parameters), want, "{expression}");
        }
    }

    #[test]
    fn request_expressions() {
        check(
            Phase::IntegrationRequest,
            &[
                ("'text'", Ok(Source::Static("text".into()))),
                ("''", Ok(Source::Static("".into()))),
                ("'", Err(MappingError::Invalid)),
                ("text", Err(MappingError::Invalid)),
                ("method.request.path.proxy", Ok(Source::Path(1))),
                ("method.request.path.other", Err(MappingError::UnknownPathParameter)),
                ("method.request.querystring.q", Ok(Source::Query("q".into(), Values::Last))),
                ("method.request.multivaluequerystring.q", Ok(Source::Query("q".into(), Values::All))),
                ("method.request.header.X-Id", Ok(Source::Header("X-Id".into(), Values::Last))),
                ("method.request.multivalueheader.a", Ok(Source::Header("a".into(), Values::All))),
                ("method.request.header.", Err(MappingError::Invalid)),
                ("method.request.header.a b", Err(MappingError::Invalid)),
                ("method.request.body", Ok(Source::Body(None))),
                ("method.request.body.a.b", body("body.a.b")),
                ("method.request.body.", Err(MappingError::BodyPath)),
                ("method.request.bodyguard", Err(MappingError::Invalid)),
                ("method.request.cookie.a", Err(MappingError::Invalid)),
                ("stageVariables.a", Ok(Source::StageVariable("a".into()))),
                ("context.requestId", Ok(Source::Context(Variable::RequestId))),
                ("context.nonsense", Err(MappingError::UnknownContextVariable)),
                ("integration.response.header.a", Err(MappingError::Invalid)),
            ],
        );
    }

    #[test]
    fn response_expressions() {
        check(
            Phase::IntegrationResponse,
            &[
                (
                    "integration.response.header.ETag",
                    Ok(Source::IntegrationHeader("ETag".into(), Values::Last)),
                ),
                (
                    "integration.response.multivalueheader.a",
                    Ok(Source::IntegrationHeader("a".into(), Values::All)),
                ),
                ("integration.response.body.id", body("body.id")),
                ("method.request.header.a", Err(MappingError::Invalid)),
                ("'*'", Ok(Source::Static("*".into()))),
            ],
        );
    }
}

//! Runs mapping templates: what they see of an exchange, and whether what they set can be sent.

use std::borrow::Cow;
use std::fmt;

use crate::context::{Attested, Variable};
use crate::http1::KnownField;
use crate::integration::Template;
use crate::transform::pass;
use crate::values::{Values, decoded};
use crate::velocity::{Arena, Fault, Overrides, Place, Surroundings};

/// An exchange as a template sees it.
pub struct Around<'a> {
    /// Request, ids, API, stage.
    pub values: Values<'a>,
    /// The client's body, or the integration's.
    pub body: &'a str,
}

/// Renders a template into `out`, which is cleared first.
pub fn render(
    template: &Template,
    around: &Around<'_>,
    overrides: &mut Overrides,
    arena: &mut Arena,
    out: &mut Vec<u8>,
) -> Result<(), Unsendable> {
    out.clear();
    template.program().render(around, overrides, arena, out).map_err(Unsendable::Fault)?;
    let never = |name: &str| pass::NEVER_MAPPED.contains(KnownField::of(name.as_bytes()));
    let fits = overrides.request("header").all(|(name, _)| is_name(name) && !never(name))
        && overrides.response_headers().all(|(name, _)| is_name(name));
    if fits { Ok(()) } else { Err(Unsendable::Header) }
}

/// Why what a template gives cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsendable {
    /// There is nothing.
    Fault(Fault),
    /// It sets a header field whose name is none, or that no mapping may set (recorded fact 97).
    Header,
}

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(Fault { at, why }) => write!(f, "{why} (at byte {at} of the template)"),
            Self::Header => f.write_str("it sets a header field that may not be set"),
        }
    }
}

/// RFC 9110 section 5.6.2.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A body as text: AWS replaces what is not UTF-8 (recorded fact 157).
pub fn text(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

impl Surroundings for Around<'_> {
    fn body(&self) -> &str {
        self.body
    }

    /// Path parameters as sent, query parameters decoded, header fields but those that AWS takes away.
    fn parameters(&self, place: Place, each: &mut dyn FnMut(&str, &str)) {
        let (view, path) = (&self.values.view, &self.values.path);
        match place {
            Place::Path => {
                let names = view.resource().map_or([].as_slice(), |resource| &resource.parameters);
                for (name, span) in names.iter().zip(path.spans) {
                    each(name, &text(span.of(path.path)));
                }
            }
            Place::Query => {
                let query = view.request.query().unwrap_or_default();
                let pairs = query.split(|byte| matches!(byte, b'&' | b';')).filter(|pair| !pair.is_empty());
                for pair in pairs {
                    let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
                    let name: Vec<u8> = decoded(&pair[..at]).collect();
                    let value: Vec<u8> = decoded(pair.get(at + 1..).unwrap_or_default()).collect();
                    each(&text(&name), &text(&value));
                }
            }
            Place::Header => {
                let request = view.request;
                for field in request.fields() {
                    if !pass::STRIPPED.contains(field.known) {
                        each(&text(request.name(field)), &text(request.value(field)));
                    }
                }
            }
        }
    }

    fn parameter(&self, place: Place, name: &str, found: &mut dyn FnMut(&str)) {
        let values = &self.values;
        match place {
            Place::Path => {
                let resource = values.view.resource();
                let position = resource.and_then(|it| it.parameters.iter().position(|known| known == name));
                if let Some(span) = position.and_then(|position| values.path.spans.get(position)) {
                    found(&text(span.of(values.path.path)));
                }
            }
            Place::Query => {
                if let Some(value) = values.query_values(name).last() {
                    found(&text(&decoded(value).collect::<Vec<u8>>()));
                }
            }
            Place::Header => {
                let is_stripped = pass::STRIPPED.contains(KnownField::of(name.as_bytes()));
                let value = values.view.request.find(name.as_bytes()).last();
                if let Some(value) = value.filter(|_| !is_stripped) {
                    found(&text(value));
                }
            }
        }
    }

    fn stage_variables(&self, each: &mut dyn FnMut(&str, &str)) {
        let variables = self.values.view.stage.map_or([].as_slice(), |(_, stage)| &stage.variables);
        for (name, value) in variables {
            each(name, value);
        }
    }

    fn stage_variable(&self, name: &str, found: &mut dyn FnMut(&str)) {
        if let Some(value) = self.values.view.stage.and_then(|(_, stage)| stage.variable(name)) {
            found(value);
        }
    }

    fn authorizer(&self, claims: bool, each: &mut dyn FnMut(&str, &str)) {
        match self.values.view.attested {
            Some(Attested::Granted { grant, .. }) if !claims => {
                each("principalId", &grant.principal_id);
                grant.values().for_each(|(name, value)| each(name, value));
            }
            Some(Attested::Claimed(told)) if claims => {
                told.values().for_each(|(name, value)| each(name, value));
            }
            Some(_) | None => {}
        }
    }

    fn context(&self, name: &str, found: &mut dyn FnMut(&str)) {
        let Some(variable) = Variable::parse(name) else { return };
        let mut value = Vec::new();
        if self.values.view.write(&variable, &mut value) {
            found(&text(&value));
        }
    }
}

//! A template rendered without a gateway: what `tidegate render` does.
//!
//! The event is what AWS shows of a request, as a Lambda function or a test event of the console has it.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_core::velocity::{Arena, Kept, Overrides, Place, Program, Surroundings};

use crate::diagnostics::{Diagnostic, Diagnostics, Place as Where, Severity};
use crate::source::Source;
use crate::suggest::suggest;

/// What a template came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The output.
    pub text: String,
    /// What it has overridden: `responseOverride.status` and the like, each with its value.
    pub overrides: Vec<(String, String)>,
}

/// Renders the template in a file for the event in another; `context` has what `$context` is, else the event's
/// `requestContext` is.
pub fn render_template(
    template: &Path,
    event: &Path,
    context: Option<&Path>,
) -> Result<Rendered, Diagnostics> {
    let source = read(template)?;
    let program = Program::compile(&source.text)
        .map_err(|error| finding(&source, error.at, format!("not a mapping template: {error}")))?;
    let mut event = Event::read(&read(event)?)?;
    if let Some(context) = context {
        event.context = object(&read(context)?)?;
    }
    let (mut out, mut overrides) = (Vec::new(), Overrides::default());
    program.render(&event, &mut overrides, &mut Arena::default(), &mut out).map_err(|fault| {
        let mut finding = finding(&source, fault.at, format!("the template fails here: {}", fault.why));
        finding.help("a request that gets here is answered 500 Internal server error");
        finding
    })?;
    let mut listed = Vec::new();
    for (name, kept) in overrides.kept() {
        list(&name, kept, &mut listed);
    }
    Ok(Rendered { text: String::from_utf8_lossy(&out).into_owned(), overrides: listed })
}

fn list(name: &str, kept: &Kept, listed: &mut Vec<(String, String)>) {
    match kept {
        Kept::Text(text) | Kept::Number(text) => listed.push((name.to_owned(), text.clone())),
        Kept::Map(map) => map.iter().for_each(|(inner, kept)| list(&format!("{name}.{inner}"), kept, listed)),
    }
}

fn read(path: &Path) -> Result<Arc<Source>, Diagnostics> {
    Source::read(path)
        .map_err(|error| Diagnostics::of_error(format!("cannot read {}: {error}", path.display())))
}

fn finding(source: &Arc<Source>, at: usize, message: String) -> Diagnostic {
    let end =
        source.text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |next| at + next.len_utf8());
    let place = Where { source: Arc::clone(source), span: source.span(at, end) };
    Diagnostic::new(Severity::Error, message, Some(place))
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut list = Self::default();
        list.push(diagnostic);
        list
    }
}

fn object(source: &Arc<Source>) -> Result<Map<String, Value>, Diagnostics> {
    match serde_json::from_str(&source.text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(finding(source, 0, "this is not a JSON object".to_owned()).into()),
        Err(error) => {
            let at = source.offset(error.line(), error.column());
            Err(finding(source, at, format!("not JSON: {error}")).into())
        }
    }
}

/// A request as AWS shows it.
#[derive(Debug, Default)]
struct Event {
    body: String,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    header: Vec<(String, String)>,
    stage_variables: Vec<(String, String)>,
    context: Map<String, Value>,
}

/// What events have besides, and templates do not see.
const UNSEEN: [&str; 7] = [
    "httpMethod",
    "isBase64Encoded",
    "multiValueHeaders",
    "multiValueQueryStringParameters",
    "path",
    "resource",
    "version",
];

const SEEN: [&str; 6] =
    ["body", "headers", "pathParameters", "queryStringParameters", "requestContext", "stageVariables"];

impl Event {
    fn read(source: &Arc<Source>) -> Result<Self, Diagnostics> {
        let object = object(source)?;
        if let Some(unknown) =
            object.keys().find(|key| !SEEN.contains(&key.as_str()) && !UNSEEN.contains(&key.as_str()))
        {
            let at = source.text.find(&format!("\"{unknown}\"")).unwrap_or(0);
            let mut finding = finding(source, at, format!("unknown key `{unknown}` of an event"));
            if let Some(help) = suggest(unknown, SEEN) {
                finding.help(help);
            }
            return Err(finding.into());
        }
        let context = object.get("requestContext").and_then(Value::as_object);
        Ok(Self {
            body: object.get("body").map(body).unwrap_or_default(),
            path: texts(object.get("pathParameters")),
            query: texts(object.get("queryStringParameters")),
            header: texts(object.get("headers")),
            stage_variables: texts(object.get("stageVariables")),
            context: context.cloned().unwrap_or_default(),
        })
    }

    fn of(&self, place: Place) -> &[(String, String)] {
        match place {
            Place::Path => &self.path,
            Place::Query => &self.query,
            Place::Header => &self.header,
        }
    }
}

/// A body that is no text is taken for what the text would say.
fn body(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => text(other),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn texts(value: Option<&Value>) -> Vec<(String, String)> {
    let object = value.and_then(Value::as_object);
    object.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn find<'t>(texts: &'t [(String, String)], name: &str, same: impl Fn(&str, &str) -> bool) -> Option<&'t str> {
    texts.iter().find(|(known, _)| same(known, name)).map(|(_, value)| value.as_str())
}

impl Surroundings for Event {
    fn body(&self) -> &str {
        &self.body
    }

    fn parameters(&self, place: Place, each: &mut dyn FnMut(&str, &str)) {
        self.of(place).iter().for_each(|(name, value)| each(name, value));
    }

    fn parameter(&self, place: Place, name: &str, found: &mut dyn FnMut(&str)) {
        let same = |known: &str, name: &str| match place {
            Place::Header => known.eq_ignore_ascii_case(name),
            Place::Path | Place::Query => known == name,
        };
        find(self.of(place), name, same).into_iter().for_each(found);
    }

    fn stage_variables(&self, each: &mut dyn FnMut(&str, &str)) {
        self.stage_variables.iter().for_each(|(name, value)| each(name, value));
    }

    fn stage_variable(&self, name: &str, found: &mut dyn FnMut(&str)) {
        find(&self.stage_variables, name, |known, name| known == name).into_iter().for_each(found);
    }

    fn authorizer(&self, claims: bool, each: &mut dyn FnMut(&str, &str)) {
        let authorizer = self.context.get("authorizer");
        let values = if claims { authorizer.and_then(|it| it.get("claims")) } else { authorizer };
        let members = values.and_then(Value::as_object).into_iter().flatten();
        members.filter(|(_, value)| !value.is_object()).for_each(|(name, value)| each(name, &text(value)));
    }

    fn context(&self, name: &str, found: &mut dyn FnMut(&str)) {
        let mut parts = name.split('.');
        let first = parts.next().and_then(|part| self.context.get(part));
        let value = parts.fold(first, |value, part| value.and_then(|value| value.get(part)));
        // The claims are a map of their own.
        let is_map = |value: &Value| name == "authorizer.claims" && value.is_object();
        if let Some(value) = value.filter(|value| !value.is_null() && !is_map(value)) {
            found(&text(value));
        }
    }
}

//! From what the command line asks for to targets with their requests.

use std::sync::Arc;

use super::plan::{TARGETS_MAX, Target};
use super::security::{Security, Wish};
use super::template::{Mix, Part, Template, Values};
use super::url::Url;

/// One kind of request, still apart from the others that go to the same target.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it goes.
    pub url: Url,
    /// Method.
    pub method: String,
    /// For people, if not the URL's path.
    pub label: Option<String>,
    /// Path and query; the URL's own if empty.
    pub path: Vec<Part>,
    /// Fields.
    pub fields: Vec<Field>,
    /// Bodies to choose from.
    pub bodies: Option<Arc<Values>>,
    /// How often, in proportion to the others.
    pub weight: f64,
}

/// A field of a request.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Vec<Part>,
}

impl Field {
    /// `name: value`, as curl's `-H`.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a field; write it as \"name: value\"");
        let (name, value) = text.split_once(':').ok_or_else(wrong)?;
        let (name, value) = (name.trim_end(), value.trim());
        if !is_token(name) || value.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
            return Err(wrong());
        }
        if ["content-length", "transfer-encoding", "connection"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
        {
            return Err(format!(
                "`{name}` frames the message, which is tidegate-load's business (see --requests-per-connection, --body)"
            ));
        }
        Ok(Self::fixed(name, value))
    }

    /// A field with one value.
    pub fn fixed(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: vec![Part::Bytes(value.as_bytes().into())] }
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Whether this may be a method or a field name (RFC 9110, 5.6.2).
pub fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

impl Wanted {
    /// A plain request.
    pub fn plain(url: Url, method: &str, fields: Vec<Field>, body: Option<Vec<u8>>) -> Self {
        let bodies = body.map(|body| Arc::new(Values::one(body.into_boxed_slice())));
        Self { url, method: method.to_owned(), label: None, path: Vec::new(), fields, bodies, weight: 1.0 }
    }

    fn template(&self) -> Template {
        let label = self.label.clone().unwrap_or_else(|| format!("{} {}", self.method, self.url.path));
        let mut parts = vec![bytes(format!("{} ", self.method))];
        if self.path.is_empty() {
            parts.push(bytes(self.url.path.clone()));
        } else {
            parts.extend(self.path.iter().cloned());
        }
        parts.push(bytes(" HTTP/1.1\r\n".to_owned()));
        if !self.fields.iter().any(|field| field.is("host")) {
            parts.push(bytes(format!("host: {}\r\n", self.url.authority)));
        }
        for field in &self.fields {
            parts.push(bytes(format!("{}: ", field.name)));
            parts.extend(field.value.iter().cloned());
            parts.push(bytes("\r\n".to_owned()));
        }
        parts.push(Part::EndOfHead(self.bodies.clone()));
        Template::new(label, self.method == "HEAD", parts)
    }
}

fn bytes(text: String) -> Part {
    Part::Bytes(text.into_bytes().into_boxed_slice())
}

/// Groups requests by where they go, and finds the addresses.
///
/// # Errors
/// In words: an unknown host, or too many targets.
pub fn targets(wanted: &[Wanted], security: &Wish) -> Result<Vec<Target>, String> {
    let mut groups: Vec<(&Url, Vec<&Wanted>)> = Vec::new();
    for wanted in wanted {
        let same = |(url, _): &&mut (&Url, Vec<&Wanted>)| {
            (url.secure, &url.host, url.port) == (wanted.url.secure, &wanted.url.host, wanted.url.port)
        };
        match groups.iter_mut().find(same) {
            Some((_, group)) => group.push(wanted),
            None => groups.push((&wanted.url, vec![wanted])),
        }
    }
    if groups.len() > TARGETS_MAX {
        return Err(format!("{} targets are more than {TARGETS_MAX}", groups.len()));
    }
    let weight: f64 = wanted.iter().map(|wanted| wanted.weight).sum();
    groups.into_iter().map(|(url, group)| target(url, &group, weight, security)).collect()
}

fn target(url: &Url, group: &[&Wanted], weight_of_all: f64, security: &Wish) -> Result<Target, String> {
    let weight: f64 = group.iter().map(|wanted| wanted.weight).sum();
    Ok(Target {
        name: format!("{}://{}", url.scheme(), url.authority),
        address: url.resolve()?,
        security: url.secure.then(|| Security::new(&url.host, security)).transpose()?,
        mix: Mix::new(group.iter().map(|wanted| (wanted.weight, wanted.template())).collect()),
        share: weight / weight_of_all,
    })
}

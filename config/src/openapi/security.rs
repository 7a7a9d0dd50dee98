//! Who may call: API keys, security schemes and IAM. Of these only API keys are built yet; what else an operation uses is
//! refused.

use super::document::Document;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

const AUTH: &str = "x-amazon-apigateway-auth";

/// Whether callers of an operation need an API key. Refuses what else protects it.
pub(super) fn read_operation(fields: &mut Fields<'_>, document: &Document<'_>, report: &mut Report) -> bool {
    let requirements = fields.value("security").map_or(&[][..], |security| scalar::list(security, report));
    let mut api_key_required = false;
    for entry in requirements.iter().flat_map(Node::entries) {
        api_key_required |= read_scheme(entry, document, report);
    }
    if let Some(auth) = fields.value(AUTH) {
        read_auth(auth, report);
    }
    api_key_required
}

/// The same at the root, where AWS reads `x-amazon-apigateway-auth` as nothing.
pub(super) fn check_extensions(fields: &mut Fields<'_>, report: &mut Report) {
    fields.unsupported(AUTH, report);
}

/// Whether the scheme is that of API keys.
fn read_scheme(used: &Entry, document: &Document<'_>, report: &mut Report) -> bool {
    let schemes = schemes(document.root);
    let Some(scheme) = schemes.iter().find(|scheme| scheme.key == used.key) else {
        let names = schemes.iter().map(|scheme| &*scheme.key);
        report.unknown(used.key_span, "security scheme", &used.key, names);
        return false;
    };
    let kind = kind(&scheme.value);
    if kind == Kind::ApiKey {
        return true;
    }
    report.unsupported(used.key_span, &format!("{} (security scheme `{}`)", kind.words(), used.key));
    false
}

fn schemes(root: &Node) -> &[Entry] {
    let schemes = match root.get("components") {
        Some(components) => components.get("securitySchemes"),
        None => root.get("securityDefinitions"),
    };
    schemes.map_or(&[], Node::entries)
}

/// What a scheme does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ApiKey,
    /// An API key in another place than AWS reads.
    OtherKey,
    Authorizer,
    Iam,
    Other,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::ApiKey => "an API key",
            Self::OtherKey => "an API key elsewhere than in the header `x-api-key`",
            Self::Authorizer => "an authorizer",
            Self::Iam => "IAM authorization",
            Self::Other => "authorization",
        }
    }
}

fn kind(scheme: &Node) -> Kind {
    let is = |key: &str, word: &str| {
        scheme.get(key).and_then(Node::scalar).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    if scheme.get("x-amazon-apigateway-authorizer").is_some() {
        Kind::Authorizer
    } else if is("x-amazon-apigateway-authtype", "awsSigv4") {
        Kind::Iam
    } else if !is("type", "apiKey") {
        Kind::Other
    } else if is("name", "x-api-key") && is("in", "header") {
        Kind::ApiKey
    } else {
        Kind::OtherKey
    }
}

fn read_auth(auth: &Node, report: &mut Report) {
    let Some(mut fields) = Fields::read(auth, AUTH, report) else { return };
    if let Some(kind) = fields.value("type")
        && scalar::text(kind, report).is_some_and(|word| !word.eq_ignore_ascii_case("NONE"))
    {
        report.unsupported(kind.span, "IAM authorization");
    }
    fields.finish(report);
}

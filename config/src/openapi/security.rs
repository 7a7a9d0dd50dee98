//! Who may call: security schemes and IAM. None is built yet, so whatever an operation uses is refused.

use super::document::Document;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

const AUTH: &str = "x-amazon-apigateway-auth";

/// Refuses what protects an operation.
pub(super) fn read_operation(fields: &mut Fields<'_>, document: &Document<'_>, report: &mut Report) {
    let requirements = fields.value("security").map_or(&[][..], |security| scalar::list(security, report));
    for entry in requirements.iter().flat_map(Node::entries) {
        refuse_scheme(entry, document, report);
    }
    if let Some(auth) = fields.value(AUTH) {
        read_auth(auth, report);
    }
}

/// The same at the root, where AWS reads `x-amazon-apigateway-auth` as nothing.
pub(super) fn check_extensions(fields: &mut Fields<'_>, report: &mut Report) {
    fields.unsupported(AUTH, report);
}

fn refuse_scheme(used: &Entry, document: &Document<'_>, report: &mut Report) {
    let schemes = schemes(document.root);
    match schemes.iter().find(|scheme| scheme.key == used.key) {
        Some(scheme) => {
            let what = format!("{} (security scheme `{}`)", kind(&scheme.value), used.key);
            report.unsupported(used.key_span, &what);
        }
        None => {
            report.unknown(
                used.key_span,
                "security scheme",
                &used.key,
                schemes.iter().map(|scheme| &*scheme.key),
            );
        }
    }
}

fn schemes(root: &Node) -> &[Entry] {
    let schemes = match root.get("components") {
        Some(components) => components.get("securitySchemes"),
        None => root.get("securityDefinitions"),
    };
    schemes.map_or(&[], Node::entries)
}

/// What a scheme would do, for the message.
fn kind(scheme: &Node) -> &'static str {
    let is = |key: &str, word: &str| {
        scheme.get(key).and_then(Node::scalar).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    if scheme.get("x-amazon-apigateway-authorizer").is_some() {
        "an authorizer"
    } else if is("x-amazon-apigateway-authtype", "awsSigv4") {
        "IAM authorization"
    } else if is("type", "apiKey") {
        "an API key"
    } else {
        "authorization"
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

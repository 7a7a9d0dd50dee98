//! Who may call: API keys, security schemes with or without authorizers, and IAM.

use tidegate_core::auth::authorise::Authorization;
use tidegate_core::auth::authorizer::AuthorizerId;
use tidegate_core::auth::cognito::CognitoId;

use super::authorizers::{AUTHORIZER, Authorizers};
use super::document::Document;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

const AUTH: &str = "x-amazon-apigateway-auth";

/// What callers of an operation must have.
#[derive(Clone, Debug, Default)]
pub(super) struct Security {
    pub(super) api_key_required: bool,
    pub(super) authorization: Authorization,
    /// Those of a Cognito authorizer.
    pub(super) scopes: Box<[Box<str>]>,
}

/// Reads who may call an operation.
pub(super) fn read_operation(
    fields: &mut Fields<'_>,
    document: &Document<'_>,
    report: &mut Report,
) -> Security {
    let requirements = fields.value("security").map_or(&[][..], |security| scalar::list(security, report));
    let mut security = Security::default();
    for entry in requirements.iter().flat_map(Node::entries) {
        match read_scheme(entry, document, report) {
            Some(Kind::ApiKey) => security.api_key_required = true,
            Some(Kind::Iam) => security.set(Authorization::Iam, entry, report),
            Some(Kind::Authorizer) => {
                if let Some((authorizer, scopes)) = read_authorizer(entry, document, report) {
                    security.set(authorizer, entry, report);
                    security.scopes = scopes;
                }
            }
            Some(Kind::OtherKey | Kind::Other) | None => {}
        }
    }
    if let Some(auth) = fields.value(AUTH)
        && read_auth(auth, report) == Some(Authorization::Iam)
    {
        security.authorization = Authorization::Iam;
    }
    security
}

impl Security {
    /// AWS: a method has one authorization type.
    fn set(&mut self, authorization: Authorization, entry: &Entry, report: &mut Report) {
        if self.authorization != Authorization::None && self.authorization != authorization {
            report
                .error(entry.key_span, "a method has one authorizer")
                .help("API keys may stand beside it, as a security scheme of their own");
        }
        self.authorization = authorization;
    }
}

/// The authorizer of a scheme, and the scopes that it asks for. `None`: it is wrong, which is reported where it stands.
fn read_authorizer(
    used: &Entry,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<(Authorization, Box<[Box<str>]>)> {
    let Authorizers { lambda, user_pools } = &document.authorizers;
    if let Some(id) = user_pools.iter().position(|pools| *pools.name == *used.key) {
        let scopes = scalar::list(&used.value, report);
        let scopes = scopes.iter().filter_map(|scope| Some(scalar::text(scope, report)?.into())).collect();
        // Which scopes they are is told when all methods are read.
        return Some((Authorization::Cognito(CognitoId(id as u32), None), scopes));
    }
    let id = lambda.iter().position(|authorizer| *authorizer.name == *used.key)?;
    if !used.value.is_empty() {
        report
            .warning(used.value.span, "scopes have no effect with a Lambda authorizer")
            .help("its function decides");
    }
    Some((Authorization::Lambda(AuthorizerId(id as u32)), Box::default()))
}

/// The same at the root, where AWS reads `x-amazon-apigateway-auth` as nothing.
pub(super) fn check_extensions(fields: &mut Fields<'_>, report: &mut Report) {
    fields.unsupported(AUTH, report);
}

/// What the scheme asks for; reports what is not built.
fn read_scheme(used: &Entry, document: &Document<'_>, report: &mut Report) -> Option<Kind> {
    let schemes = schemes(document.root);
    let Some(scheme) = schemes.iter().find(|scheme| scheme.key == used.key) else {
        let names = schemes.iter().map(|scheme| &*scheme.key);
        report.unknown(used.key_span, "security scheme", &used.key, names);
        return None;
    };
    let kind = kind(&scheme.value);
    if let Some(words) = kind.unsupported() {
        report.unsupported(used.key_span, &format!("{words} (security scheme `{}`)", used.key));
    }
    Some(kind)
}

pub(super) fn schemes(root: &Node) -> &[Entry] {
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
    /// What it is called where it is refused.
    fn unsupported(self) -> Option<&'static str> {
        match self {
            Self::ApiKey | Self::Iam | Self::Authorizer => None,
            Self::OtherKey => Some("an API key elsewhere than in the header `x-api-key`"),
            Self::Other => Some("authorization"),
        }
    }
}

fn kind(scheme: &Node) -> Kind {
    let is = |key: &str, word: &str| {
        scheme.get(key).and_then(Node::scalar).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    if scheme.get(AUTHORIZER).is_some() {
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

fn read_auth(auth: &Node, report: &mut Report) -> Option<Authorization> {
    let mut fields = Fields::read(auth, AUTH, report)?;
    let kinds = [("NONE", Authorization::None), ("AWS_IAM", Authorization::Iam)];
    let kind = fields.value("type").and_then(|kind| scalar::variant(kind, &kinds, report));
    fields.finish(report);
    kind
}

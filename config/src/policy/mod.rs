//! IAM policy documents: `x-amazon-apigateway-policy` of an API, and the policies of principals.
//!
//! AWS: "Grammar of the IAM JSON policy language". Everything is compiled here; what cannot be is reported at its place.

mod condition;

use tidegate_core::auth::policy::{
    ActionSet, Effect, OwnArn, Policy, PrincipalPattern, PrincipalSet, ResourcePattern, ResourceSet,
    Statement, Variables,
};

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// Whose policy it is.
#[derive(Clone, Copy)]
pub(crate) enum Kind<'a> {
    /// A principal's own.
    Identity,
    /// That of the API with this id.
    Resource(&'a str),
}

/// What the readers of statements need of the whole.
#[derive(Clone, Copy)]
struct Document<'a> {
    variables: Variables,
    own: OwnArn<'a>,
    kind: Kind<'a>,
}

const STATEMENTS_MAX: usize = 1000;

/// Reads a policy. `None`: there are errors.
pub(crate) fn read(node: &Node, own: OwnArn<'_>, kind: Kind<'_>, report: &mut Report) -> Option<Policy> {
    let mut fields = Fields::read(node, "a policy", report)?;
    fields.ignore(&["Id"]);
    let variables = match fields.value("Version") {
        Some(version) => {
            let versions = [("2012-10-17", Variables::Replaced), ("2008-10-17", Variables::None)];
            scalar::variant(version, &versions, report)?
        }
        None => Variables::None,
    };
    let statements = fields.required("Statement", report);
    fields.finish(report);
    let statements = one_or_many(statements?);
    if statements.len() > STATEMENTS_MAX {
        report.error(node.span, format!("a policy has at most {STATEMENTS_MAX} statements"));
        return None;
    }
    let document = Document { variables, own, kind };
    let read: Vec<Option<Statement>> =
        statements.iter().map(|statement| read_statement(statement, document, report)).collect();
    Some(Policy { statements: read.into_iter().collect::<Option<_>>()? })
}

fn read_statement(node: &Node, document: Document<'_>, report: &mut Report) -> Option<Statement> {
    let mut fields = Fields::read(node, "a statement", report)?;
    let sid = fields.value("Sid").and_then(|value| scalar::text(value, report));
    let effects = [("Allow", Effect::Allow), ("Deny", Effect::Deny)];
    let effect = fields.required("Effect", report).and_then(|value| exact(value, &effects, report));
    let principals = read_principals(&mut fields, document.kind, report);
    let actions = read_actions(&mut fields, report);
    let resources = read_resources(&mut fields, document, report);
    let conditions = match fields.value("Condition") {
        Some(value) => condition::read(value, document.variables, report),
        None => Some(Vec::new()),
    };
    fields.finish(report);
    Some(Statement {
        sid: sid.map(Into::into),
        effect: effect?,
        principals: principals?,
        actions: actions?,
        resources: resources?,
        conditions: conditions?,
    })
}

/// The one of two keys that stands; they exclude one another.
fn either<'n>(
    fields: &mut Fields<'n>,
    key: &'static str,
    not_key: &'static str,
    report: &mut Report,
) -> Option<(&'n Entry, bool)> {
    match (fields.take(key), fields.take(not_key)) {
        (Some(entry), None) => Some((entry, false)),
        (None, Some(entry)) => Some((entry, true)),
        (None, None) => {
            report.error(fields.span(), format!("`{key}` is missing")).help(format!("or `{not_key}`"));
            None
        }
        (Some(_), Some(second)) => {
            report.error(second.key_span, format!("only one of `{key}` and `{not_key}` may stand"));
            None
        }
    }
}

fn read_actions(fields: &mut Fields<'_>, report: &mut Report) -> Option<ActionSet> {
    let (entry, negated) = either(fields, "Action", "NotAction", report)?;
    let texts = texts(&entry.value, report)?;
    for (text, node) in &texts {
        check_action(text, node, report)?;
    }
    let patterns = texts.iter().map(|(text, _)| *text);
    Some(if negated { ActionSet::all_but(patterns) } else { ActionSet::of(patterns) })
}

/// `*` or `service:pattern`. An action that a method here does not have is legal, and no statement about it applies.
fn check_action(text: &str, node: &Node, report: &mut Report) -> Option<()> {
    let whole =
        text.split_once(':').is_some_and(|(service, action)| !service.is_empty() && !action.is_empty());
    if text == "*" || whole {
        return Some(());
    }
    report.error(node.span, format!("`{text}` is not an action")).help("for example execute-api:Invoke");
    None
}

fn read_resources(
    fields: &mut Fields<'_>,
    document: Document<'_>,
    report: &mut Report,
) -> Option<ResourceSet> {
    let (entry, negated) = either(fields, "Resource", "NotResource", report)?;
    let api = match document.kind {
        Kind::Identity => None,
        Kind::Resource(api) => Some(api),
    };
    let mut patterns = Vec::new();
    for (text, node) in texts(&entry.value, report)? {
        match ResourcePattern::parse(text, document.variables, document.own, api) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                let finding = report.error(node.span, format!("`{text}` is no resource: {error}"));
                finding
                    .help("arn:aws:execute-api:{region}:{account}:{api}/{stage}/{VERB}/{path}, with * and ?");
                return None;
            }
        }
    }
    if !negated {
        return Some(ResourceSet::of(patterns));
    }
    let set = ResourceSet::all_but(patterns);
    set.map_err(|error| report.error(entry.key_span, error.to_string())).ok()
}

/// `Some(None)`: the policy of a principal names nobody.
fn read_principals(
    fields: &mut Fields<'_>,
    kind: Kind<'_>,
    report: &mut Report,
) -> Option<Option<PrincipalSet>> {
    if let Kind::Identity = kind {
        for key in ["Principal", "NotPrincipal"] {
            if let Some(entry) = fields.take(key) {
                report.error(entry.key_span, format!("a principal's own policy has no `{key}`"));
                return None;
            }
        }
        return Some(None);
    }
    let (entry, negated) = either(fields, "Principal", "NotPrincipal", report)?;
    let patterns = read_principal(&entry.value, report)?;
    Some(Some(if negated { PrincipalSet::all_but(patterns) } else { PrincipalSet::of(patterns) }))
}

/// `"*"`, or `{"AWS": …, "Service": …}`.
fn read_principal(node: &Node, report: &mut Report) -> Option<Vec<PrincipalPattern>> {
    if matches!(&node.value, Value::Text(text) if &**text == "*") {
        return Some(vec![PrincipalPattern::Anyone]);
    }
    let Value::Map(entries) = &node.value else {
        report
            .error(node.span, "expected \"*\" or a map of principals")
            .help("for example {\"AWS\": \"arn:aws:iam::…\"}");
        return None;
    };
    let mut patterns = Vec::new();
    for entry in entries {
        let is_aws = match &*entry.key {
            "AWS" => true,
            "Service" | "Federated" | "CanonicalUser" => false,
            other => {
                report.unknown(
                    entry.key_span,
                    "kind of principal",
                    other,
                    ["AWS", "Service", "Federated", "CanonicalUser"],
                );
                return None;
            }
        };
        for (text, node) in texts(&entry.value, report)? {
            patterns.push(read_one_principal(text, node, is_aws, report)?);
        }
    }
    Some(patterns)
}

fn read_one_principal(
    text: &str,
    node: &Node,
    is_aws: bool,
    report: &mut Report,
) -> Option<PrincipalPattern> {
    if !is_aws {
        return Some(PrincipalPattern::Nobody);
    }
    let pattern = PrincipalPattern::parse_aws(text).ok();
    if pattern.is_none() {
        let message = format!("`{text}` is no principal");
        report
            .error(node.span, message)
            .help("an account, or the whole ARN of a user, role or session, without wildcards");
    }
    pattern
}

fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// A text, or a list of at least one.
fn texts<'n>(node: &'n Node, report: &mut Report) -> Option<Vec<(&'n str, &'n Node)>> {
    let items = one_or_many(node);
    if items.is_empty() {
        report.error(node.span, "the list is empty");
        return None;
    }
    items.iter().map(|item| Some((scalar::text(item, report)?, item))).collect()
}

/// AWS compares these words with case.
fn exact<T: Copy>(node: &Node, variants: &[(&'static str, T)], report: &mut Report) -> Option<T> {
    let word = scalar::text(node, report)?;
    let found = variants.iter().find(|(name, _)| *name == word);
    if found.is_none() {
        report.unknown(node.span, "value", word, variants.iter().map(|(name, _)| *name));
    }
    found.map(|(_, variant)| *variant)
}

//! A policy document by itself, for tests and fuzzing: everything else reads policies where they stand.

use tidegate_core::auth::policy::{OwnArn, Policy};

use crate::diagnostics::Diagnostics;
use crate::policy::{self, Kind};
use crate::report::Report;
use crate::source::Source;
use crate::tree;

/// Compiles a policy: the resource policy of `api`, or without it that of a principal.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn policy_document(text: &str, own: OwnArn<'_>, api: Option<&str>) -> Result<Policy, Diagnostics> {
    let mut report = Report::new(Source::new("policy.json", text));
    let kind = api.map_or(Kind::Identity, Kind::Resource);
    let policy = tree::yaml::read_as("policy", &mut report)
        .and_then(|node| policy::read(&node, own, kind, &mut report));
    let findings = report.into_findings();
    policy.filter(|_| !findings.has_errors()).ok_or(findings)
}

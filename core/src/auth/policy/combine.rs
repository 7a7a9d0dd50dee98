//! What several policies say together.
//!
//! AWS: "API Gateway authorization flow", with its tables for callers of the API's own account and of others.

use super::statement::Decision;

/// Which policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The caller's own.
    Identity,
    /// The one that an authorizer gave.
    Authorizer,
    /// The API's resource policy.
    Resource,
}

/// What they say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request goes on.
    Allow,
    /// A statement of this policy denies it.
    ExplicitDeny(By),
    /// This policy would have had to allow it.
    ImplicitDeny(By),
}

/// A method without authorizer, or with one that has no policy of its own (Cognito): the resource policy has to allow.
pub fn resource_alone(resource: Decision) -> Verdict {
    match resource {
        Decision::Allow { .. } => Verdict::Allow,
        Decision::Deny { .. } => Verdict::ExplicitDeny(By::Resource),
        Decision::Silent => Verdict::ImplicitDeny(By::Resource),
    }
}

/// Table A: a caller of the API's account. Either may allow, but a resource policy that means the whole account leaves it
/// to the caller's own policy.
pub fn same_account(identity: Decision, resource: Decision) -> Verdict {
    match (identity, resource) {
        (Decision::Deny { .. }, _) => Verdict::ExplicitDeny(By::Identity),
        (_, Decision::Deny { .. }) => Verdict::ExplicitDeny(By::Resource),
        (Decision::Allow { .. }, _) | (_, Decision::Allow { itself: true, .. }) => Verdict::Allow,
        (Decision::Silent, Decision::Allow { itself: false, .. } | Decision::Silent) => {
            Verdict::ImplicitDeny(By::Identity)
        }
    }
}

/// Table B: a caller of another account. Both have to allow.
pub fn other_account(identity: Decision, resource: Decision) -> Verdict {
    match (identity, resource) {
        (Decision::Deny { .. }, _) => Verdict::ExplicitDeny(By::Identity),
        (_, Decision::Deny { .. }) => Verdict::ExplicitDeny(By::Resource),
        (_, Decision::Silent) => Verdict::ImplicitDeny(By::Resource),
        (Decision::Silent, Decision::Allow { .. }) => Verdict::ImplicitDeny(By::Identity),
        (Decision::Allow { .. }, Decision::Allow { .. }) => Verdict::Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: Decision = Decision::Allow { statement: 0, itself: true };
    const ACCOUNT: Decision = Decision::Allow { statement: 0, itself: false };
    const DENY: Decision = Decision::Deny { statement: 0 };
    const SILENT: Decision = Decision::Silent;

    /// AWS's tables, row by row: (caller's policy, resource policy, table A, table B).
    #[test]
    fn the_two_tables() {
        use By::{Identity, Resource};
        use Verdict::{Allow, ExplicitDeny, ImplicitDeny};
        for (identity, resource, own, other) in [
            (ALLOW, ALLOW, Allow, Allow),
            (ALLOW, SILENT, Allow, ImplicitDeny(Resource)),
            (ALLOW, DENY, ExplicitDeny(Resource), ExplicitDeny(Resource)),
            (SILENT, ALLOW, Allow, ImplicitDeny(Identity)),
            (SILENT, SILENT, ImplicitDeny(Identity), ImplicitDeny(Resource)),
            (SILENT, DENY, ExplicitDeny(Resource), ExplicitDeny(Resource)),
            (DENY, ALLOW, ExplicitDeny(Identity), ExplicitDeny(Identity)),
            (DENY, SILENT, ExplicitDeny(Identity), ExplicitDeny(Identity)),
            (DENY, DENY, ExplicitDeny(Identity), ExplicitDeny(Identity)),
            (ALLOW, ACCOUNT, Allow, Allow),
            (SILENT, ACCOUNT, ImplicitDeny(Identity), ImplicitDeny(Identity)),
            (DENY, ACCOUNT, ExplicitDeny(Identity), ExplicitDeny(Identity)),
        ] {
            assert_eq!(same_account(identity, resource), own, "A: {identity:?}, {resource:?}");
            assert_eq!(other_account(identity, resource), other, "B: {identity:?}, {resource:?}");
        }
    }

    #[test]
    fn a_resource_policy_alone() {
        assert_eq!(resource_alone(ALLOW), Verdict::Allow);
        assert_eq!(resource_alone(ACCOUNT), Verdict::Allow);
        assert_eq!(resource_alone(SILENT), Verdict::ImplicitDeny(By::Resource));
        assert_eq!(resource_alone(DENY), Verdict::ExplicitDeny(By::Resource));
    }
}

//! Whether a method may be called: asks the policies that say so.
//!
//! AWS: "API Gateway authorization flow".

use percent_encoding::percent_decode;

use super::authorizer::AuthorizerId;
use super::cognito::{CognitoId, ScopesId};
use super::policy::combine::{self, By, Verdict};
use super::policy::{Action, Decision, Facts, Policy};
use super::sigv4::canonical;
use crate::method::Method;
use crate::plan::{Api, Node};

/// How callers of a method are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Anybody may call, if no resource policy says otherwise.
    #[default]
    None,
    /// Callers sign with keys of a principal.
    Iam,
    /// A function says who calls and what they may do.
    Lambda(AuthorizerId),
    /// A token of a Cognito user pool says who calls: an access token with one of these scopes, or an ID token.
    Cognito(CognitoId, Option<ScopesId>),
}

/// What is known of who calls, once a method's [`Authorization`] has been looked after.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// Nothing, and nothing is asked for.
    Anyone,
    /// The principal that is among the facts has signed.
    Signer,
    /// An authorizer has given this policy.
    Granted(&'a Policy),
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Which policy decided.
    pub by: By,
    /// The statement that denies, by its position; `None`: none allows.
    pub statement: Option<u32>,
    /// Whether the decision is about another spelling of the path than that sent.
    pub respelt: bool,
}

/// Longest method ARN that is judged; a longer one is 414. AWS: 1,600 bytes.
pub const METHOD_ARN_BYTES_MAX: usize = 1_600;

/// The methods that a request may mean, as `{api}/{stage}/{VERB}/{path}`, without what stands before in an ARN.
#[derive(Debug, Default)]
pub struct MethodNames {
    /// As it was routed.
    sent: Vec<u8>,
    /// As a backend may read it: decoded, with dots and double slashes resolved. Empty when that is the same.
    respelt: Vec<u8>,
}

impl MethodNames {
    /// Names the method of a request. `path` is behind the stage, as sent.
    pub fn name(&mut self, api: &str, stage: &str, method: Method, path: &[u8]) {
        self.sent.clear();
        self.respelt.clear();
        for part in [api, stage, method.name()] {
            self.sent.extend_from_slice(part.as_bytes());
            self.sent.push(b'/');
        }
        let start = self.sent.len();
        let path = without_outer_slashes(path);
        if has_other_spelling(path) {
            self.respelt.extend_from_slice(&self.sent);
            respell(path, &mut self.respelt);
        }
        self.sent.extend_from_slice(path);
        if self.respelt.get(start..) == Some(path) {
            self.respelt.clear();
        }
    }

    /// Length of the ARN of the method.
    pub fn arn_bytes(&self, node: &Node) -> usize {
        "arn:aws:execute-api:::".len() + node.region.len() + node.account.len() + self.sent.len()
    }

    /// `{api}/{stage}/{VERB}/{path}`
    pub fn sent(&self) -> &[u8] {
        &self.sent
    }
}

/// Routing does not look at them, so neither may policies: `//admin/` is `/admin`.
fn without_outer_slashes(mut path: &[u8]) -> &[u8] {
    while let [b'/', rest @ ..] | [rest @ .., b'/'] = path {
        path = rest;
    }
    path
}

fn has_other_spelling(path: &[u8]) -> bool {
    path.contains(&b'%') || path.starts_with(b".") || !canonical::is_normal(path)
}

/// Appends the path decoded and resolved.
fn respell(path: &[u8], out: &mut Vec<u8>) {
    let decoded: Vec<u8> = std::iter::once(b'/').chain(percent_decode(path)).collect();
    let start = out.len();
    canonical::normalize(&decoded, out);
    out.remove(start);
    let end = out.len() - out[start..].iter().rev().take_while(|&&byte| byte == b'/').count();
    out.truncate(end);
}

/// Whether the resource policy denies a request whoever it is of: then no authorizer is asked (AWS: "phase 1").
pub fn deny_early(api: &Api, method: &MethodNames, facts: &Facts<'_>) -> Result<(), Denial> {
    let Some(policy) = &api.policy else { return Ok(()) };
    for (name, respelt) in [(&method.sent, false), (&method.respelt, true)] {
        if !name.is_empty()
            && let Decision::Deny { statement } = policy.decide(Action::Invoke, name, facts)
        {
            return Err(Denial { by: By::Resource, statement: Some(statement), respelt });
        }
    }
    Ok(())
}

/// Whether a request may call its method. The caller, if it has signed, is among the facts.
///
/// A path with another spelling has to be allowed in both: what reaches a backend under one name must not be forbidden
/// under the name that the backend may read.
pub fn authorise(
    api: &Api,
    who: Who<'_>,
    account: &str,
    method: &MethodNames,
    facts: &Facts<'_>,
) -> Result<(), Denial> {
    judge(api, who, account, &method.sent, facts)?;
    if method.respelt.is_empty() {
        return Ok(());
    }
    let denial = judge(api, who, account, &method.respelt, facts);
    denial.map_err(|denial| Denial { respelt: true, ..denial })
}

fn judge(api: &Api, who: Who<'_>, account: &str, method: &[u8], facts: &Facts<'_>) -> Result<(), Denial> {
    let decide = |policy: &Policy| policy.decide(Action::Invoke, method, facts);
    let resource = api.policy.as_ref().map(decide);
    let identity = match who {
        Who::Anyone => None,
        Who::Signer => facts.principal.map(|principal| decide(&principal.policy)),
        Who::Granted(policy) => Some(decide(policy)),
    };
    let verdict = match (who, resource) {
        (Who::Anyone, None) => Verdict::Allow,
        (Who::Anyone, Some(resource)) => combine::resource_alone(resource),
        (Who::Granted(_), resource) => {
            let own = identity.unwrap_or(Decision::Silent);
            combine::same_account(own, resource.unwrap_or(Decision::Silent))
        }
        (Who::Signer, resource) => {
            let is_own = facts.principal.is_some_and(|principal| principal.arn.account() == account);
            let tables = if is_own { combine::same_account } else { combine::other_account };
            tables(identity.unwrap_or(Decision::Silent), resource.unwrap_or(Decision::Silent))
        }
    };
    let deciding = |by| match by {
        By::Identity | By::Authorizer => identity,
        By::Resource => resource,
    };
    let by = |by| match (by, who) {
        (By::Identity, Who::Granted(_)) => By::Authorizer,
        (by, _) => by,
    };
    match verdict {
        Verdict::Allow => Ok(()),
        Verdict::ImplicitDeny(whose) => Err(Denial { by: by(whose), statement: None, respelt: false }),
        Verdict::ExplicitDeny(whose) => {
            let statement = match deciding(whose) {
                Some(Decision::Deny { statement }) => Some(statement),
                Some(Decision::Allow { .. } | Decision::Silent) | None => None,
            };
            Err(Denial { by: by(whose), statement, respelt: false })
        }
    }
}

impl Denial {
    /// Appends AWS's message. `caller` is an ARN; `method` is the end of the resource's.
    pub fn write_message(
        self,
        caller: Option<&str>,
        region: &str,
        account: &str,
        method: &[u8],
        out: &mut String,
    ) {
        if self.by == By::Authorizer {
            out.push_str("User is not authorized to access this resource");
            if self.statement.is_some() {
                out.push_str(" with an explicit deny");
            }
            return;
        }
        out.push_str("User: ");
        out.push_str(caller.unwrap_or("anonymous"));
        out.push_str(" is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:");
        out.push_str(region);
        // AWS hides all but the end of the account.
        out.push_str(":********");
        out.push_str(account.get(account.len().saturating_sub(4)..).unwrap_or_default());
        out.push(':');
        out.push_str(&String::from_utf8_lossy(method));
        out.push_str(match (self.statement, self.by) {
            (Some(_), By::Resource) => " with an explicit deny in a resource-based policy",
            (Some(_), By::Identity | By::Authorizer) => " with an explicit deny in an identity-based policy",
            (None, By::Resource) => " because no resource-based policy allows the execute-api:Invoke action",
            (None, By::Identity | By::Authorizer) => {
                " because no identity-based policy allows the execute-api:Invoke action"
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, sent: &str, respelt: &str) {
        let mut names = MethodNames::default();
        names.name("api1", "prod", Method::Get, path.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&names.sent), format!("api1/prod/GET/{sent}"), "{path}");
        let want = match respelt {
            "" => String::new(),
            "/" => "api1/prod/GET/".to_owned(),
            respelt => format!("api1/prod/GET/{respelt}"),
        };
        assert_eq!(text(&names.respelt), want, "{path}");
    }

    #[test]
    fn names_of_methods() {
        check("", "", "");
        check("/", "", "");
        check("/pets/7", "pets/7", "");
        check("//pets/7//", "pets/7", "");
        check("/pets//7", "pets//7", "pets/7");
        check("/a/../admin", "a/../admin", "admin");
        check("/./admin", "./admin", "admin");
        check("/a/.", "a/.", "a");
        check("/.well-known/x", ".well-known/x", "");
        check("/%61dmin", "%61dmin", "admin");
        check("/a%2Fb", "a%2Fb", "a/b");
        check("/a/%2e%2e/admin", "a/%2e%2e/admin", "admin");
        check("/%2e%2e%2fadmin", "%2e%2e%2fadmin", "admin");
        check("/a%20b", "a%20b", "a b");
        check("/a%zz", "a%zz", "");
        check("/%2f%2f", "%2f%2f", "/");
    }
}

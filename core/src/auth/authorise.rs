//! Whether a method may be called: asks the policies that say so.
//!
//! AWS: "API Gateway authorization flow".

use std::fmt::Write as _;

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
    /// What is denied.
    pub action: Action,
    /// Which policy decided.
    pub by: By,
    /// The statement that denies, by its position; `None`: none allows.
    pub statement: Option<u32>,
    /// Of which spelling of the path.
    pub spelling: Spelling,
}

/// How a path may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As it was sent.
    Sent,
    /// Decoded, as routing compares it with the names of resources.
    Decoded,
    /// Decoded, with dots and double slashes resolved, as a backend may.
    Resolved,
}

/// Longest method ARN that is judged; a longer one is 414. AWS: 1,600 bytes.
pub const METHOD_ARN_BYTES_MAX: usize = 1_600;

/// The methods that a request may mean, as `{api}/{stage}/{VERB}/{path}`, without what stands before in an ARN.
#[derive(Debug, Default)]
pub struct MethodNames {
    /// See [`Spelling`]. All but the first are empty when they are the same as one before.
    sent: Vec<u8>,
    decoded: Vec<u8>,
    resolved: Vec<u8>,
}

impl MethodNames {
    /// Names the method of a request. `path` is behind the stage, as sent.
    pub fn name(&mut self, api: &str, stage: &str, method: Method, path: &[u8]) {
        for name in [&mut self.sent, &mut self.decoded, &mut self.resolved] {
            name.clear();
        }
        for part in [api, stage, method.name()] {
            self.sent.extend_from_slice(part.as_bytes());
            self.sent.push(b'/');
        }
        let start = self.sent.len();
        let path = without_outer_slashes(path);
        if has_other_spelling(path) {
            self.spell_otherwise(path, start);
        }
        self.sent.extend_from_slice(path);
    }

    /// `sent` is what stands before the path, of so many bytes.
    fn spell_otherwise(&mut self, path: &[u8], start: usize) {
        let decoded: Vec<u8> = percent_decode(path).collect();
        let trimmed = without_outer_slashes(&decoded);
        if trimmed != path {
            self.decoded.extend_from_slice(&self.sent);
            self.decoded.extend_from_slice(trimmed);
        }
        self.resolved.extend_from_slice(&self.sent);
        resolve(&decoded, &mut self.resolved);
        if self.resolved[start..] == *path || self.resolved == self.decoded {
            self.resolved.clear();
        }
    }

    /// All that differ.
    fn spellings(&self) -> impl Iterator<Item = (&[u8], Spelling)> {
        let all = [
            (&*self.sent, Spelling::Sent),
            (&*self.decoded, Spelling::Decoded),
            (&*self.resolved, Spelling::Resolved),
        ];
        all.into_iter().filter(|(name, _)| !name.is_empty())
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

/// Appends a path resolved.
fn resolve(decoded: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    canonical::normalize(&[b"/", decoded].concat(), out);
    out.remove(start);
    let end = out.len() - out[start..].iter().rev().take_while(|&&byte| byte == b'/').count();
    out.truncate(end);
}

/// Whether the resource policy denies a request whoever it is of: then no authorizer is asked (AWS: "phase 1").
pub fn deny_early(api: &Api, method: &MethodNames, facts: &Facts<'_>) -> Result<(), Denial> {
    let Some(policy) = &api.policy else { return Ok(()) };
    for (name, spelling) in method.spellings() {
        if let Decision::Deny { statement } = policy.decide(Action::Invoke, name, facts) {
            let (action, statement) = (Action::Invoke, Some(statement));
            return Err(Denial { action, by: By::Resource, statement, spelling });
        }
    }
    Ok(())
}

/// Whether a request may call its method. The caller, if it has signed, is among the facts.
///
/// A path that can be read in several ways has to be allowed in each: what reaches an integration under one name must not be
/// forbidden under the name that routing has found it by, nor under that which its backend may read.
pub fn authorise(
    action: Action,
    api: &Api,
    who: Who<'_>,
    account: &str,
    method: &MethodNames,
    facts: &Facts<'_>,
) -> Result<(), Denial> {
    for (name, spelling) in method.spellings() {
        judge(action, api, who, account, name, facts).map_err(|denial| Denial { spelling, ..denial })?;
    }
    Ok(())
}

fn judge(
    action: Action,
    api: &Api,
    who: Who<'_>,
    account: &str,
    method: &[u8],
    facts: &Facts<'_>,
) -> Result<(), Denial> {
    let decide = |policy: &Policy| policy.decide(action, method, facts);
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
        Verdict::ImplicitDeny(whose) => {
            Err(Denial { action, by: by(whose), statement: None, spelling: Spelling::Sent })
        }
        Verdict::ExplicitDeny(whose) => {
            let statement = match deciding(whose) {
                Some(Decision::Deny { statement }) => Some(statement),
                Some(Decision::Allow { .. } | Decision::Silent) | None => None,
            };
            Err(Denial { action, by: by(whose), statement, spelling: Spelling::Sent })
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
        out.push_str(" is not authorized to perform: ");
        out.push_str(self.action.name());
        out.push_str(" on resource: arn:aws:execute-api:");
        out.push_str(region);
        // AWS hides all but the end of the account.
        out.push_str(":********");
        out.push_str(account.get(account.len().saturating_sub(4)..).unwrap_or_default());
        out.push(':');
        out.push_str(&String::from_utf8_lossy(method));
        let kind = match self.by {
            By::Resource => "resource-based policy",
            By::Identity | By::Authorizer => "identity-based policy",
        };
        let _ = match self.statement {
            // A text takes whatever is written.
            Some(_) if self.by == By::Resource => write!(out, " with an explicit deny in a {kind}"),
            Some(_) => write!(out, " with an explicit deny in an {kind}"),
            None => write!(out, " because no {kind} allows the {} action", self.action.name()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other spellings of a path that there are, without what stands before it.
    #[track_caller]
    fn check(path: &str, want: &[(Spelling, &str)]) {
        let mut names = MethodNames::default();
        names.name("api1", "prod", Method::Get, path.as_bytes());
        let spellings = names.spellings().map(|(name, spelling)| {
            let name = String::from_utf8_lossy(name).into_owned();
            (spelling, name.strip_prefix("api1/prod/GET/").expect("a method").to_owned())
        });
        let spellings: Vec<(Spelling, String)> = spellings.collect();
        let want: Vec<(Spelling, String)> =
            want.iter().map(|(spelling, name)| (*spelling, (*name).to_owned())).collect();
        assert_eq!(spellings, want, "{path}");
    }

    #[test]
    fn names_of_methods() {
        use Spelling::{Decoded, Resolved, Sent};
        check("", &[(Sent, "")]);
        check("/", &[(Sent, "")]);
        check("/pets/7", &[(Sent, "pets/7")]);
        check("//pets/7//", &[(Sent, "pets/7")]);
        check("/pets//7", &[(Sent, "pets//7"), (Resolved, "pets/7")]);
        check("/a/../admin", &[(Sent, "a/../admin"), (Resolved, "admin")]);
        check("/./admin", &[(Sent, "./admin"), (Resolved, "admin")]);
        check("/a/.", &[(Sent, "a/."), (Resolved, "a")]);
        check("/.well-known/x", &[(Sent, ".well-known/x")]);
        check("/%61dmin", &[(Sent, "%61dmin"), (Decoded, "admin")]);
        check("/a%2Fb", &[(Sent, "a%2Fb"), (Decoded, "a/b")]);
        check("/%61dmin/..", &[(Sent, "%61dmin/.."), (Decoded, "admin/.."), (Resolved, "")]);
        check("/a/%2e%2e/admin", &[(Sent, "a/%2e%2e/admin"), (Decoded, "a/../admin"), (Resolved, "admin")]);
        check("/%2e%2e%2fadmin", &[(Sent, "%2e%2e%2fadmin"), (Decoded, "../admin"), (Resolved, "admin")]);
        check("/a%20b", &[(Sent, "a%20b"), (Decoded, "a b")]);
        check("/a%zz", &[(Sent, "a%zz")]);
        check("/%2f%2f", &[(Sent, "%2f%2f"), (Decoded, "")]);
        check("/%252e%252e", &[(Sent, "%252e%252e"), (Decoded, "%2e%2e")]);
    }
}

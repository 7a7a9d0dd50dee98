//! The callers that the configuration knows: their keys, who they are in AWS's terms, and what they may do.

use std::collections::HashMap;

use ahash::RandomState;

use super::policy::Policy;
use super::sigv4::{Credentials, Secret};

/// One caller.
#[derive(Debug)]
pub struct Principal {
    /// What it signs with.
    pub credentials: Credentials,
    /// Who it is.
    pub arn: CallerArn,
    /// `aws:userid`, `$context.identity.user`: `AIDA…`, or `AROA…:session`.
    pub user_id: Box<str>,
    /// What it may do; without statements, what resource policies alone allow.
    pub policy: Policy,
    /// Of temporary credentials.
    pub session: Option<Session>,
    /// `aws:PrincipalOrgID`
    pub organization_id: Option<Box<str>>,
    /// `aws:PrincipalOrgPaths`
    pub organization_paths: Vec<Box<str>>,
    /// `aws:PrincipalTag`: names and values.
    pub tags: Vec<(Box<str>, Box<str>)>,
}

/// Temporary credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// When they were issued, in seconds since 1970.
    pub issued_s: Option<u64>,
    /// When they end.
    pub expires_s: Option<u64>,
    /// When the caller showed a second factor, if it did.
    pub mfa_s: Option<u64>,
}

/// `aws:PrincipalType`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// The account's root.
    Account,
    /// A user.
    User,
    /// A session of a role.
    AssumedRole,
    /// A federated user.
    FederatedUser,
}

impl PrincipalKind {
    /// As AWS writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::User => "User",
            Self::AssumedRole => "AssumedRole",
            Self::FederatedUser => "FederatedUser",
        }
    }
}

/// The ARN of a caller, taken apart once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerArn {
    text: Box<str>,
    kind: PrincipalKind,
    account: Box<str>,
    /// For a session the ARN of its role.
    principal: Box<str>,
}

impl CallerArn {
    /// Reads `arn:aws:iam::123456789012:user/alice`, `…:root`, `arn:aws:sts::123456789012:assumed-role/role/session` or
    /// `…:federated-user/name`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next();
        let (arn, partition, service, region, account, resource) =
            (part()?, part()?, part()?, part()?, part()?, part()?);
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if arn != "arn"
            || partition.is_empty()
            || !region.is_empty()
            || !is_account
            || resource.contains(['*', '?'])
        {
            return None;
        }
        let (kind_name, name) = resource.split_once('/').unwrap_or((resource, ""));
        let kind = match (service, kind_name) {
            ("iam", "root") if name.is_empty() && !resource.contains('/') => PrincipalKind::Account,
            ("iam", "user") => PrincipalKind::User,
            ("sts", "assumed-role") => PrincipalKind::AssumedRole,
            ("sts", "federated-user") => PrincipalKind::FederatedUser,
            _ => return None,
        };
        let names = name.split('/').collect::<Vec<_>>();
        let whole = names.iter().all(|name| !name.is_empty());
        let principal = match kind {
            PrincipalKind::Account => text.to_owned(),
            PrincipalKind::User | PrincipalKind::FederatedUser if whole => text.to_owned(),
            PrincipalKind::AssumedRole if whole && names.len() == 2 => {
                format!("arn:{partition}:iam::{account}:role/{}", names[0])
            }
            _ => return None,
        };
        Some(Self { text: text.into(), kind, account: account.into(), principal: principal.into() })
    }

    /// As configured: `$context.identity.userArn`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Twelve digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What `aws:PrincipalArn` is: of a session, its role.
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// Whose it is.
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// `aws:username`: of users alone.
    pub fn user_name(&self) -> Option<&str> {
        if self.kind == PrincipalKind::User { self.text.rsplit('/').next() } else { None }
    }
}

impl Principal {
    /// The value of a tag; names are compared without case.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Whether this is the session token that goes with the key. Compared in constant time.
    pub fn has_token(&self, token: Option<&[u8]>) -> bool {
        match (&self.credentials.session_token, token) {
            (Some(own), Some(token)) => same_secret(own, token),
            (own, token) => own.is_none() && token.is_none(),
        }
    }
}

/// Digests are compared, so that time tells nothing of the secret.
fn same_secret(own: &Secret, other: &[u8]) -> bool {
    use ring::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compare");
    hmac::verify(&key, other, hmac::sign(&key, own.reveal()).as_ref()).is_ok()
}

/// All callers, by access key.
#[derive(Debug, Default)]
pub struct Principals {
    list: Vec<Principal>,
    by_key: HashMap<Box<[u8]>, PrincipalId, RandomState>,
}

/// Index of a principal of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrincipalId(pub u32);

impl Principals {
    /// Access keys are unique; of two that are the same the last counts.
    pub fn new(list: Vec<Principal>) -> Self {
        let key = |principal: &Principal| principal.credentials.access_key_id.as_bytes().into();
        let ids = list.iter().enumerate().map(|(id, principal)| (key(principal), PrincipalId(id as u32)));
        Self { by_key: ids.collect(), list }
    }

    /// Whose access key it is.
    pub fn find(&self, access_key_id: &[u8]) -> Option<PrincipalId> {
        self.by_key.get(access_key_id).copied()
    }

    /// The principal with this number.
    pub fn principal(&self, id: PrincipalId) -> &Principal {
        &self.list[id.0 as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns() {
        let read = |text: &str| {
            CallerArn::parse(text).map(|arn| {
                (
                    arn.kind(),
                    arn.account().to_owned(),
                    arn.principal().to_owned(),
                    arn.user_name().map(str::to_owned),
                )
            })
        };
        let user = "arn:aws:iam::123456789012:user/team/alice";
        let want =
            (PrincipalKind::User, "123456789012".to_owned(), user.to_owned(), Some("alice".to_owned()));
        assert_eq!(read(user), Some(want));
        let want = (
            PrincipalKind::AssumedRole,
            "123456789012".to_owned(),
            "arn:aws:iam::123456789012:role/ci".to_owned(),
            None,
        );
        assert_eq!(read("arn:aws:sts::123456789012:assumed-role/ci/job-7"), Some(want));
        let root = "arn:aws:iam::123456789012:root";
        assert_eq!(
            read(root),
            Some((PrincipalKind::Account, "123456789012".to_owned(), root.to_owned(), None))
        );
        for text in [
            "",
            "alice",
            "arn:aws:iam::123456789012:user/",
            "arn:aws:iam::12345:user/a",
            "arn:aws:iam:us-east-1:123456789012:user/a",
            "arn:aws:iam::123456789012:role/a",
            "arn:aws:sts::123456789012:assumed-role/ci",
            "arn:aws:iam::123456789012:user/*",
            "arn:aws:s3::123456789012:user/a",
            "arn:aws:iam::123456789012:root/a",
            "arn:aws:iam::123456789012:user//a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

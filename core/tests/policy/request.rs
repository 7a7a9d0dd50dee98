//! One request and its caller, to ask policies about.

use tidegate_config::policy_document;
use tidegate_core::auth::policy::{Action, Decision, Facts, OwnArn, Policy};
use tidegate_core::auth::principal::{CallerArn, Principal, Session};
use tidegate_core::auth::sigv4::{Credentials, Secret};
use tidegate_core::http1::{HeadLimits, RequestHead};
use tidegate_core::plan::Network;

pub(crate) const OWN: OwnArn<'_> = OwnArn { region: "us-east-1", account: "123456789012" };
/// `GET /pets/7` of the API `api1` in the stage `prod`.
pub(crate) const METHOD: &str = "api1/prod/GET/pets/7";

pub(crate) struct Request {
    pub(crate) head: RequestHead,
    pub(crate) source_ip: &'static str,
    pub(crate) network: Option<Network>,
    pub(crate) principal: Option<Principal>,
}

impl Request {
    pub(crate) fn anonymous() -> Self {
        let mut head = RequestHead::new();
        let text = "GET /prod/pets/7 HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8\r\nReferer: https://example.com/a?b\r\n\r\n";
        head.buffer_mut().extend_from_slice(text.as_bytes());
        assert!(matches!(head.parse(&HeadLimits::default()), Ok(Some(_))));
        Self { head, source_ip: "203.0.113.7", network: None, principal: None }
    }

    /// Signed by the user `alice`.
    pub(crate) fn signed() -> Self {
        Self {
            principal: Some(principal("arn:aws:iam::123456789012:user/team/alice", None)),
            ..Self::anonymous()
        }
    }

    /// Signed with temporary credentials of the role `ci`, with a second factor a minute old.
    pub(crate) fn in_session() -> Self {
        let session =
            Session { issued_s: Some(NOW_S - 600), expires_s: Some(NOW_S + 600), mfa_s: Some(NOW_S - 60) };
        let arn = "arn:aws:sts::123456789012:assumed-role/ci/job-7";
        Self { principal: Some(principal(arn, Some(session))), ..Self::anonymous() }
    }

    pub(crate) fn private() -> Self {
        let network = Network { vpc: Some("vpc-1".into()), vpce: Some("vpce-1".into()) };
        Self { network: Some(network), ..Self::anonymous() }
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            request: &self.head,
            source_ip: self.source_ip.parse().expect("an address"),
            network: self.network.as_ref(),
            is_secure: false,
            now_s: NOW_S,
            region: OWN.region,
            principal: self.principal.as_ref(),
        }
    }

    pub(crate) fn decide(&self, policy: &Policy) -> Decision {
        policy.decide(Action::Invoke, METHOD.as_bytes(), &self.facts())
    }
}

/// 2015-08-30T12:36:00Z
pub(crate) const NOW_S: u64 = 1_440_938_160;

pub(crate) fn principal(arn: &str, session: Option<Session>) -> Principal {
    let is_session = session.is_some();
    Principal {
        credentials: Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new("secret"),
            session_token: is_session.then(|| Secret::new("token")),
        },
        arn: CallerArn::parse(arn).expect("an ARN"),
        user_id: if is_session { "AROAEXAMPLE:job-7" } else { "AIDAEXAMPLE" }.into(),
        policy: Policy::default(),
        session,
        organization_id: Some("o-1".into()),
        organization_paths: vec!["o-1/r-1/ou-a/".into(), "o-1/r-1/ou-b/".into()],
        tags: vec![("Team".into(), "pets".into())],
    }
}

#[track_caller]
pub(crate) fn policy(json: &str, api: Option<&str>) -> Policy {
    policy_document(json, OWN, api).unwrap_or_else(|findings| panic!("{findings}{json}"))
}

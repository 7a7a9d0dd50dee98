//! The stage between routing and metering: who calls, and whether policies let them.

use super::authorizer::Authorizing;
use super::{Authorised, Exchange, Reading, Routed, Step, stage_of};
use crate::auth::authenticate::{Signed, SignedBody, scope};
use crate::auth::authorise::{
    Authorization, Denial, METHOD_ARN_BYTES_MAX, MethodNames, Spelling, Who, authorise,
};
use crate::auth::authorizer::NoIdentity;
use crate::auth::policy::combine::By;
use crate::auth::policy::{Action, Facts, Policy};
use crate::auth::sigv4::{Claim, SignatureError, canonical};
use crate::clock::Now;
use crate::hosts::Place;
use crate::http1::{BodyFraming, KnownField};
use crate::plan::{Api, EndpointType, Node, Plan};
use crate::record;
use crate::reject::{AuthorizerFault, Refusal, Reject, Unauthorized};
use crate::route::PathParameters;
use crate::shard::{Shard, SharedPlan};

/// How much of a path a line about a denial shows, in bytes.
const SHOWN_PATH_BYTES_MAX: usize = 256;

/// What a message about a request seldom exceeds, in bytes.
const WORDS_BYTES: usize = 512;

/// How far a request has come.
enum Checked {
    Passed(Authorised),
    /// The body has to be read first.
    AboutBody,
    /// The authorizer has to be asked first.
    Outside(Step),
}

impl Exchange {
    /// Whether the request may call its method; goes on if so.
    pub(super) fn authorise(&mut self, shard: &mut Shard, now: Now, routed: Routed) -> Step {
        match self.check(shard, now, routed) {
            Ok(Checked::Passed(authorised)) => match self.identify(authorised) {
                Ok(identified) => self.meter(shard, now, identified),
                Err(reject) => self.refuse(shard, now, reject),
            },
            Ok(Checked::Outside(step)) => step,
            Ok(Checked::AboutBody) => {
                (self.reading, self.body_wanted) = (Some(Reading::Signature(routed)), true);
                Step::ReadBody { bytes_max: self.payload_bytes_max() }
            }
            Err(reject) => self.refuse(shard, now, reject),
        }
    }

    fn check(&mut self, shard: &mut Shard, now: Now, routed: Routed) -> Result<Checked, Reject> {
        let plan = self.plan();
        let (api, _) = stage_of(&plan, routed.place);
        match api.authorization[routed.route.0 as usize] {
            Authorization::None if api.policy.is_none() => return Ok(Checked::Passed(Authorised { routed })),
            Authorization::None => {}
            Authorization::Iam => match self.authenticate(shard, &plan, routed)? {
                Signed::By(principal) => self.principal = Some(principal),
                Signed::AboutBody => return Ok(Checked::AboutBody),
            },
            Authorization::Lambda(authorizer) => {
                if let Some(step) = self.ask(shard, now, routed, authorizer)? {
                    return Ok(Checked::Outside(step));
                }
            }
            Authorization::Cognito(pools, scopes) => {
                if !matches!(self.authorizing, Authorizing::Claimed(_))
                    && let Some(step) = self.read_token(shard, now, routed, pools, scopes)?
                {
                    return Ok(Checked::Outside(step));
                }
                if api.policy.is_none() {
                    return Ok(Checked::Passed(Authorised { routed }));
                }
            }
        }
        self.name_method(shard, &plan, routed)?;
        let who = match (&self.authorizing, self.principal) {
            (Authorizing::Granted { grant, .. }, _) => Who::Granted(&grant.policy),
            (_, Some(_)) => Who::Signer,
            (_, None) => Who::Anyone,
        };
        let decided =
            authorise(Action::Invoke, api, who, &plan.node.account, &shard.method_names, &self.facts(&plan));
        self.note_policies(decided).map_err(Reject::Denied)?;
        Ok(Checked::Passed(Authorised { routed }))
    }

    /// Names the method as policies know it, unless its ARN is too long to be judged.
    pub(super) fn name_method(
        &mut self,
        shard: &mut Shard,
        plan: &Plan,
        routed: Routed,
    ) -> Result<(), Reject> {
        let (api, stage) = stage_of(plan, routed.place);
        let path = &self.request.path()[routed.place.prefix_bytes..];
        shard.method_names.name(&api.id, &stage.name, routed.method, path);
        if shard.method_names.arn_bytes(&plan.node) > METHOD_ARN_BYTES_MAX {
            self.outcome.authorized = Some(false);
            return Err(Reject::MethodArnTooLong);
        }
        Ok(())
    }

    pub(super) fn note_policies(&mut self, decided: Result<(), Denial>) -> Result<(), Denial> {
        self.outcome.authorized = Some(decided.is_ok());
        decided
    }

    /// What policies may ask of this request.
    pub(super) fn facts<'a>(&'a self, plan: &'a Plan) -> Facts<'a> {
        let view = self.view(plan);
        Facts {
            request: &self.request,
            source_ip: self.arrival.source_ip.address(),
            network: view.network,
            is_secure: self.arrival.is_secure,
            now_s: self.arrival.now.unix_ms / 1000,
            region: &plan.node.region,
            principal: view.principal,
        }
    }

    fn authenticate(
        &mut self,
        shard: &mut Shard,
        plan: &SharedPlan,
        routed: Routed,
    ) -> Result<Signed, Reject> {
        let body = match &self.body {
            Some(body) => SignedBody::Whole(body),
            None if self.request.framing() == BodyFraming::None => SignedBody::Whole(b""),
            None => SignedBody::Unread,
        };
        let now_s = self.arrival.now.unix_ms / 1000;
        let signed = if self.is_signed_path(plan, routed) {
            shard.signatures.check(plan, &self.request, now_s, body)
        } else {
            Err(SignatureError::Mismatch)
        };
        if signed != Ok(Signed::AboutBody) {
            self.outcome.authenticated = Some(signed.is_ok());
        }
        signed.map_err(Reject::Signature)
    }

    /// Signing libraries resolve dots and double slashes in a path. A signature of the path so resolved is only good for
    /// the path as sent if both lead to the same method; else it could be moved from one method to another.
    fn is_signed_path(&self, plan: &Plan, routed: Routed) -> bool {
        let path = self.request.path();
        if canonical::is_normal(path) {
            return true;
        }
        let mut resolved = Vec::with_capacity(path.len());
        canonical::normalize(path, &mut resolved);
        let api_id = self.request.first(KnownField::XApigwApiId);
        let Some(place) = plan.hosts.find(self.request.host(), api_id, &resolved) else { return false };
        let router = &plan.apis[routed.place.api].router;
        let route = router.find(routed.method, &resolved[place.prefix_bytes..], &mut PathParameters::new());
        stage_of(plan, place).1.release.leads_to(place, routed.place) && route == Some(routed.route)
    }

    /// A private API is there for clients of the private networks alone.
    pub(super) fn is_out_of_reach(&self, plan: &Plan, place: Place) -> bool {
        plan.apis[place.api].endpoint == EndpointType::Private && self.view(plan).network.is_none()
    }

    /// AWS reads what is not a signature as one that is broken, even where there is no method.
    pub(super) fn no_route(&self) -> Reject {
        match Claim::read(&self.request) {
            Err(error @ (SignatureError::InvalidPair | SignatureError::Incomplete(_))) => {
                Reject::Signature(error)
            }
            Err(_) | Ok(_) => Reject::NoRoute,
        }
    }

    /// What a refusal says of this request.
    pub(super) fn own_words(&self, plan: &Plan, method: &MethodNames, reject: Reject) -> Option<String> {
        if !matches!(reject, Reject::Signature(_) | Reject::Denied(_)) {
            return None;
        }
        let Node { region, account, .. } = &plan.node;
        let mut words = String::with_capacity(WORDS_BYTES);
        match reject {
            Reject::Signature(error) => error.write_message(&self.request, scope(&plan.node), &mut words),
            Reject::Denied(denial) => {
                let caller = self.principal.map(|id| plan.principals.principal(id).arn.text());
                denial.write_message(caller, region, account, method.sent(), &mut words);
            }
            _ => return None,
        }
        Some(words)
    }

    fn policy_of_caller<'a>(&'a self, plan: &'a Plan) -> Option<&'a Policy> {
        match &self.authorizing {
            Authorizing::Granted { grant, .. } => Some(&grant.policy),
            _ => self.principal.map(|id| &plan.principals.principal(id).policy),
        }
    }

    /// One line about who was denied what by which rule, and nothing that is secret. Empty: nobody was.
    pub fn denial(&self) -> &[u8] {
        &self.denial
    }

    pub(super) fn note_denial(&mut self, plan: &Plan, reject: Reject, refusal: &Refusal) {
        self.denial.clear();
        match reject {
            Reject::ClientCertificate => return self.note_certificate(plan),
            Reject::OutOfReach => return self.note_place(plan),
            _ => {}
        }
        let is_denial = matches!(
            reject,
            Reject::Signature(_)
                | Reject::Unauthorized(_)
                | Reject::Authorizer(_)
                | Reject::Denied(_)
                | Reject::MethodArnTooLong
        );
        let Some(routed) = self.routed.filter(|_| is_denial) else { return };
        let (api, stage) = stage_of(plan, routed.place);
        let line = std::mem::take(&mut self.denial);
        let caller = self.principal.map(|id| plan.principals.principal(id));
        let claim = Claim::read(&self.request).ok();
        let caller = match (caller, &claim) {
            _ if let Authorizing::Granted { grant, .. } = &self.authorizing => grant.principal_id.as_bytes(),
            _ if let Authorizing::Claimed(claims) = &self.authorizing => {
                claims.value("sub").unwrap_or_default().as_bytes()
            }
            (Some(principal), _) => principal.arn.text().as_bytes(),
            (None, Some(claim)) => claim.access_key_id(),
            (None, None) => b"anonymous",
        };
        let path = self.request.path();
        let rule = match reject {
            Reject::Denied(denial) => rule(denial, api.policy.as_ref(), self.policy_of_caller(plan)),
            Reject::Unauthorized(why) => unauthorized_rule(why, api, routed),
            Reject::Authorizer(fault) => fault_rule(fault, api, routed),
            _ => format!("{}: {}", refusal.error_type, refusal.message.as_deref().unwrap_or_default()),
        };
        let parts = [
            (" api=", api.id.as_bytes()),
            (" stage=", stage.name.as_bytes()),
            (" method=", routed.method.name().as_bytes()),
            (" path=\"", &path[..path.len().min(SHOWN_PATH_BYTES_MAX)]),
            ("\" caller=\"", caller),
            ("\" rule=\"", rule.as_bytes()),
        ];
        self.denial = self.denial_line(line, &parts);
    }

    /// Says in the log which API it is that is not there for the client.
    fn note_place(&mut self, plan: &Plan) {
        let Some(place) = self.place else { return };
        let (api, stage) = stage_of(plan, place);
        let line = std::mem::take(&mut self.denial);
        let rule = b"the API is private, and the client comes from no [[network]]";
        let parts =
            [(" api=", api.id.as_bytes()), (" stage=", stage.name.as_bytes()), (" rule=\"", &rule[..])];
        self.denial = self.denial_line(line, &parts);
    }

    /// One line about a request. The last part ends with a quotation mark.
    pub(super) fn denial_line(&self, mut line: Vec<u8>, parts: &[(&str, &[u8])]) -> Vec<u8> {
        let request_id = self.arrival.request_id();
        let whose = [("request_id=", &request_id[..]), (" source_ip=", self.arrival.source_ip.as_bytes())];
        for (name, value) in whose.iter().chain(parts) {
            line.extend_from_slice(name.as_bytes());
            let start = line.len();
            line.extend_from_slice(value);
            record::escape(&mut line, start);
        }
        line.extend_from_slice(b"\"\n");
        line
    }
}

impl Exchange {
    /// The name of a method's authorizer.
    pub(super) fn authorizer_name<'p>(&self, plan: &'p Plan, routed: Routed) -> &'p str {
        authorizer_of(stage_of(plan, routed.place).0, routed)
    }
}

/// The name of a method's authorizer.
fn authorizer_of(api: &Api, routed: Routed) -> &str {
    match api.authorization[routed.route.0 as usize] {
        Authorization::Lambda(id) => &api.authorizers[id.0 as usize].name,
        Authorization::Cognito(id, _) => &api.user_pools[id.0 as usize].name,
        Authorization::None | Authorization::Iam => "",
    }
}

fn unauthorized_rule(why: Unauthorized, api: &Api, routed: Routed) -> String {
    let name = authorizer_of(api, routed);
    match why {
        Unauthorized::NoIdentity(NoIdentity::Missing(position)) => {
            format!("identity source {} of the authorizer {name} is missing", position + 1)
        }
        Unauthorized::NoIdentity(NoIdentity::Pattern) => {
            format!("the token does not match the validation expression of the authorizer {name}")
        }
        Unauthorized::ByFunction => format!("the function of the authorizer {name} says Unauthorized"),
        Unauthorized::Token(why) => format!("{} (authorizer {name})", why.text()),
    }
}

fn fault_rule(fault: AuthorizerFault, api: &Api, routed: Routed) -> String {
    let name = authorizer_of(api, routed);
    let what = match fault {
        AuthorizerFault::Misconfigured => "it cannot be called in this stage",
        AuthorizerFault::Failed => "its function has failed",
        AuthorizerFault::Timeout => "its function has not answered in time",
        AuthorizerFault::Throttled => "too many invocations of its function wait",
        AuthorizerFault::Malformed(why) => why.text(),
        AuthorizerFault::Refused(status) => &format!("the Lambda API has answered {status}"),
        AuthorizerFault::Unreachable => "the Lambda API cannot be reached",
        AuthorizerFault::NoCredentials => "there are no credentials to call the Lambda API with",
        AuthorizerFault::NoKeys => "its issuer's keys are not known",
    };
    format!("the authorizer {name} says nothing that could be used: {what}")
}

/// Which rule denies, by its number from 1 and its name.
fn rule(denial: Denial, resource: Option<&Policy>, identity: Option<&Policy>) -> String {
    let (policy, whose) = match denial.by {
        By::Resource => (resource, "the resource policy"),
        By::Identity => (identity, "the caller's policy"),
        By::Authorizer => (identity, "the policy that the authorizer gave"),
    };
    let statement =
        denial.statement.zip(policy).and_then(|(number, policy)| policy.statements.get(number as usize));
    let spelling = match denial.spelling {
        Spelling::Sent => "",
        Spelling::Decoded => " for the path decoded",
        Spelling::Resolved => " for the path decoded and resolved",
    };
    match (denial.statement, statement.and_then(|statement| statement.sid.as_deref())) {
        (Some(number), Some(sid)) => format!("statement {} ({sid}) of {whose} denies{spelling}", number + 1),
        (Some(number), None) => format!("statement {} of {whose} denies{spelling}", number + 1),
        (None, _) => format!("no statement of {whose} allows{spelling}"),
    }
}

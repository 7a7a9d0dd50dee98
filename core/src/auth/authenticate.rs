//! Who calls: checks the signature of a request and finds the principal that it is of.

use std::sync::{Arc, Weak};

use super::principal::{Principal, PrincipalId};
use super::sigv4::{
    Claim, PathStyle, PayloadHash, Scope, Signable, SignatureError, SigningKey, Verifier, check_scope,
    check_time,
};
use crate::http1::RequestHead;
use crate::plan::{Node, Plan};

/// The service of signatures for API methods.
pub const SERVICE: &str = "execute-api";

/// The body of a request that is being authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBody<'a> {
    /// It has none, or all of it is here.
    Whole(&'a [u8]),
    /// It has not been read.
    Unread,
}

/// How far the signature is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// Whole: it is that of this principal.
    By(PrincipalId),
    /// It says something about the body, which has to be read.
    AboutBody,
}

/// What a shard keeps to check signatures: buffers, and the day's key of each principal that has called.
#[derive(Debug, Default)]
pub struct Signatures {
    verifier: Verifier,
    /// Whose principals the keys are of. It keeps the place of the plan from being used again, but not the plan.
    plan: Weak<Plan>,
    keys: Vec<Option<SigningKey>>,
}

/// The scope that signatures must have here.
pub fn scope(node: &Node) -> Scope<'_> {
    Scope { region: &node.region, service: SERVICE }
}

impl Signatures {
    /// Checks the signature of a request. What costs little comes first, and the body is only asked for by who has the
    /// secret, if the request says what it hashes to.
    pub fn check(
        &mut self,
        plan: &Arc<Plan>,
        request: &RequestHead,
        now_s: u64,
        body: SignedBody<'_>,
    ) -> Result<Signed, SignatureError> {
        let claim = Claim::read(request)?;
        let scope = scope(&plan.node);
        check_scope(&claim, scope)?;
        check_time(&claim, now_s)?;
        let id = plan.principals.find(claim.access_key_id()).ok_or(SignatureError::UnknownKey)?;
        let principal = plan.principals.principal(id);
        check_session(principal, &claim, now_s)?;
        let declared = declared_hash(request)?;
        let hash = match body {
            SignedBody::Whole(body) => Some(PayloadHash::of(body)),
            SignedBody::Unread => None,
        };
        let Some(signed) = declared.or(hash) else { return Ok(Signed::AboutBody) };
        let key = self.key(plan, id, &claim, scope);
        self.verifier.verify(
            &Signable::of(request),
            PathStyle::Normalized,
            &claim,
            (&key, scope),
            &signed,
        )?;
        // Kept only now: who has no secret cannot make us forget the day's key.
        self.keys[id.0 as usize] = Some(key);
        match (signed, hash) {
            (PayloadHash::Sha256(_), None) => Ok(Signed::AboutBody),
            (PayloadHash::Sha256(_), Some(hash)) if hash != signed => Err(SignatureError::Mismatch),
            (PayloadHash::Sha256(_) | PayloadHash::Unsigned, _) => Ok(Signed::By(id)),
        }
    }

    /// The key of a principal for the day of the claim.
    fn key(&mut self, plan: &Arc<Plan>, id: PrincipalId, claim: &Claim<'_>, scope: Scope<'_>) -> SigningKey {
        if self.plan.as_ptr() != Arc::as_ptr(plan) {
            self.plan = Arc::downgrade(plan);
            self.keys.clear();
            self.keys.resize_with(plan.principals.len(), || None);
        }
        match self.keys[id.0 as usize].as_ref().filter(|key| key.day() == claim.time.day()) {
            Some(key) => key.clone(),
            None => {
                let secret = &plan.principals.principal(id).credentials.secret_access_key;
                SigningKey::derive(secret, claim.time.day(), scope)
            }
        }
    }
}

fn check_session(principal: &Principal, claim: &Claim<'_>, now_s: u64) -> Result<(), SignatureError> {
    if !principal.has_token(claim.session_token.as_deref()) {
        return Err(SignatureError::Token);
    }
    let expires_s = principal.session.and_then(|session| session.expires_s);
    if expires_s.is_some_and(|expires_s| expires_s <= now_s) {
        Err(SignatureError::TokenExpired)
    } else {
        Ok(())
    }
}

/// What the request itself says that its body hashes to.
fn declared_hash(request: &RequestHead) -> Result<Option<PayloadHash>, SignatureError> {
    let mut values = request.find(b"x-amz-content-sha256");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => PayloadHash::parse(value).map(Some).ok_or(SignatureError::ContentHash),
        (Some(_), Some(_)) => Err(SignatureError::Repeated),
    }
}

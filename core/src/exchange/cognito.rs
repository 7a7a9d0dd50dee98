//! The stage that looks at the token of a Cognito user pool.

use std::rc::Rc;
use std::sync::Arc;

use super::authorizer::Authorizing;
use super::{Exchange, Routed, Step, stage_of};
use crate::auth::authorizer::NoIdentity;
use crate::auth::authorizer::identity::Asked;
use crate::auth::cognito::{Cognito, CognitoId, ScopesId, bare_token};
use crate::auth::jwt::{Claims, Token, TokenError};
use crate::clock::Now;
use crate::reject::{AuthorizerFault, Reject, Unauthorized};
use crate::shard::Shard;

/// What becomes of a token.
enum Read {
    Claims(Rc<Claims>),
    /// Its keys have to come first.
    Wait(Step),
}

impl Exchange {
    /// Finds out what the token of a request says. `None`: it is known now; else after this step.
    pub(super) fn read_token(
        &mut self,
        shard: &mut Shard,
        now: Now,
        routed: Routed,
        id: CognitoId,
        scopes: Option<ScopesId>,
    ) -> Result<Option<Step>, Reject> {
        let plan = self.plan();
        let (api, _) = stage_of(&plan, routed.place);
        let cognito = &api.user_pools[id.0 as usize];
        let asked = Asked {
            generation: plan.generation,
            api: routed.place.api as u32,
            stage: COGNITO,
            authorizer: id.0,
        };
        let mut key = std::mem::take(&mut self.identity);
        asked.write(&mut key);
        let start = key.len();
        self.values(&plan, "").write(&cognito.source, &mut key);
        let read = self.know_token(shard, now, cognito, &key, start);
        self.identity = key;
        let claims = match read? {
            Read::Claims(claims) => claims,
            Read::Wait(step) => {
                self.authorizing = Authorizing::AwaitsKeys(routed);
                return Ok(Some(step));
            }
        };
        let scopes = scopes.map(|scopes| &*api.scopes[scopes.0 as usize]);
        cognito.admits(&claims, scopes).map_err(refused)?;
        self.outcome.note_authorizer(200, None, 0);
        self.authorizing = Authorizing::Claimed(claims);
        Ok(None)
    }

    /// What the token behind `start` of the key says, from memory or from itself.
    fn know_token(
        &self,
        shard: &mut Shard,
        now: Now,
        cognito: &Cognito,
        key: &[u8],
        start: usize,
    ) -> Result<Read, Reject> {
        let now_s = self.arrival.now.unix_ms / 1000;
        if let Some(claims) = shard.tokens.get(key, now_s) {
            return Ok(Read::Claims(claims));
        }
        let text = bare_token(&key[start..]);
        if text.is_empty() {
            return Err(Reject::Unauthorized(Unauthorized::NoIdentity(NoIdentity::Missing(0))));
        }
        let token = Token::read(text).map_err(refused)?;
        let pool = cognito.pool(token.issuer()).ok_or(refused(TokenError::Issuer))?;
        let may_wait = !matches!(self.authorizing, Authorizing::Alone);
        let keys = shard.key_sets.get(&pool.keys_url);
        let Some(key_of_pool) = keys.and_then(|keys| keys.find(&token.key_id)) else {
            let has_keys = keys.is_some();
            return if may_wait && shard.key_sets.ask(&pool.keys_url, now) {
                Ok(Read::Wait(Step::AwaitKeys(Arc::clone(&pool.keys_url))))
            } else if has_keys {
                Err(refused(TokenError::UnknownKey))
            } else {
                Err(Reject::Authorizer(AuthorizerFault::NoKeys))
            };
        };
        let claims = Rc::new(token.prove(key_of_pool).map_err(refused)?);
        claims.check_time(now_s).map_err(refused)?;
        shard.tokens.keep(key, &claims);
        Ok(Read::Claims(claims))
    }

    /// Keys have come, or will not.
    pub(super) fn keys_ended(&mut self, shard: &mut Shard, now: Now) -> Step {
        match std::mem::replace(&mut self.authorizing, Authorizing::Alone) {
            Authorizing::AwaitsKeys(routed) => self.authorise(shard, now, routed),
            _ => self.refuse(shard, now, Reject::Misconfigured),
        }
    }
}

/// What a token says is the same in every stage; no stage has this number.
const COGNITO: u32 = u32::MAX;

fn refused(error: TokenError) -> Reject {
    Reject::Unauthorized(Unauthorized::Token(error))
}

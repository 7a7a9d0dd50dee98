//! Which trailers an exchange passes on: those of HTTP_PROXY integrations, whose messages pass as they are.

use super::{Exchange, Routed, integration_of, stage_of};
use crate::http1::{KnownField, Trailers, Version};
use crate::integration::{Http, HttpKind, Integration};
use crate::mapping::Source;
use crate::plan::Plan;
use crate::shard::SharedPlan;
use crate::transform::trailers::{is_alike, may_pass};

/// What becomes of the trailers of a request whose body goes on beside the exchange.
#[derive(Debug)]
pub struct RequestTrailers {
    plan: SharedPlan,
    routed: Routed,
}

impl RequestTrailers {
    /// Those that the backend gets. None has a name that a mapping sets or an authorizer judges: it would be taken for the
    /// gateway's word, or for what the gateway has believed.
    pub fn passing(&self, received: &Trailers) -> Trailers {
        received.only(|name| may_pass(name) && !self.is_mapped(name) && !self.is_judged(name))
    }

    fn is_mapped(&self, name: &[u8]) -> bool {
        let mapped = proxied(&self.plan, self.routed).map_or([].as_slice(), |http| &http.headers);
        mapped.iter().any(|mapped| is_alike(mapped.name.as_bytes(), name))
    }

    /// By any authorizer of the API: methods may differ, their backends need not.
    fn is_judged(&self, name: &[u8]) -> bool {
        let (api, _) = stage_of(&self.plan, self.routed.place);
        let by_functions = api.authorizers.iter().flat_map(|authorizer| authorizer.input.sources());
        let by_pools = api.user_pools.iter().map(|pool| &pool.source);
        by_functions.chain(by_pools).any(|source| match source {
            Source::Header(judged, _) => is_alike(judged.as_bytes(), name),
            _ => false,
        })
    }
}

impl Exchange {
    /// How the trailers of the client pass; none do to integrations that are not told everything else.
    pub fn request_trailers(&self) -> Option<RequestTrailers> {
        let (plan, routed) = (self.plan(), self.routed?);
        proxied(&plan, routed)?;
        Some(RequestTrailers { plan, routed })
    }

    /// The trailers of the backend that the client gets. A client of HTTP/2 need not ask (RFC 9113 section 8.1), one of HTTP/1.1
    /// must (RFC 9110 section 6.5.1). That the backend is not asked, and the client not told before, is as on AWS, which drops
    /// `TE` and `Trailer`.
    pub fn answer_trailers(&self, received: &Trailers) -> Trailers {
        let is_asked = match self.request.version() {
            Version::Http2 => true,
            Version::Http11 => self.request.lists(KnownField::Te, b"trailers"),
            Version::Http10 => false,
        };
        let plan = self.plan();
        match self.routed.filter(|_| is_asked).and_then(|routed| proxied(&plan, routed)) {
            Some(_) => received.only(may_pass),
            None => Trailers::default(),
        }
    }
}

fn proxied(plan: &Plan, routed: Routed) -> Option<&Http> {
    match integration_of(plan, routed) {
        Integration::Http(http) if matches!(http.kind, HttpKind::Proxy) => Some(http),
        Integration::Http(_) | Integration::Mock(_) | Integration::Lambda(_) | Integration::Misconfigured => {
            None
        }
    }
}

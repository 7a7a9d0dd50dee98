//! Requests that a backend may read otherwise than the gateway has. Whoever sends one could have an answer kept for others
//! that they did not ask for; so it goes by the cache: nothing is given to it from there, and nothing of it is kept.

use super::super::{Exchange, Routed};
use crate::http1::{BodyFraming, KnownField, KnownFields};
use crate::method::Method;
use crate::transform::pass;

/// Fields that are a hop's own, whatever `Connection` says: no backend gets them.
const OWN: KnownFields = KnownFields::of(&[
    KnownField::Connection,
    KnownField::KeepAlive,
    KnownField::ProxyConnection,
    KnownField::Te,
    KnownField::Trailer,
    KnownField::TransferEncoding,
    KnownField::Upgrade,
]);

impl Exchange {
    pub(super) fn is_ambiguous(&self, routed: Routed) -> bool {
        self.has_content_without_meaning(routed)
            || self.is_head_by_half(routed)
            || self.has_doubtful_query()
            || self.withholds_fields()
    }

    /// Content of a GET is no part of a key, and some backends read parameters from it (RFC 9110 section 9.3.1).
    fn has_content_without_meaning(&self, routed: Routed) -> bool {
        let has_content = !matches!(self.request.framing(), BodyFraming::None | BodyFraming::Length(0));
        has_content && matches!(routed.method, Method::Get | Method::Head | Method::Options)
    }

    /// HEAD that `X-HTTP-Method-Override` makes a GET, or the other way: no content follows, or does, against the method.
    fn is_head_by_half(&self, routed: Routed) -> bool {
        (self.request.method() == b"HEAD") != (routed.method == Method::Head)
    }

    /// `;` separates parameters as with AWS; to most backends it is a part of a value.
    fn has_doubtful_query(&self) -> bool {
        self.request.query().is_some_and(|query| memchr::memchr(b';', query).is_some())
    }

    /// `Connection` names a field that the gateway reads and a backend does not get.
    fn withholds_fields(&self) -> bool {
        let request = &self.request;
        if !request.field_set().present().contains(KnownField::Connection)
            || !pass::has_connection_options(request.find(b"connection"))
        {
            return false;
        }
        request.fields().iter().any(|field| {
            let name = request.name(field);
            !OWN.contains(field.known)
                && !name.eq_ignore_ascii_case(b"http2-settings")
                && pass::is_connection_option(request.find(b"connection"), name)
        })
    }
}

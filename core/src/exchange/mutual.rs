//! Domains that ask for a client's certificate (AWS: "Configuring mutual TLS authentication for a REST API").

use super::Exchange;
use crate::plan::Plan;
use crate::reject::Reject;

impl Exchange {
    /// Whether the client may ask this host, as far as its certificate goes.
    pub(super) fn check_certificate(&self, plan: &Plan) -> Result<(), Reject> {
        if self.certificate_refusal(plan).is_none() { Ok(()) } else { Err(Reject::ClientCertificate) }
    }

    /// The domain that does not let the client in, and why. The name in the handshake counts for nothing: who has shown a
    /// certificate to one domain has not shown it to another.
    fn certificate_refusal<'a>(&'a self, plan: &'a Plan) -> Option<(&'a str, &'static str)> {
        let mutual = self.arrival.tls.as_ref().and_then(|tls| tls.mutual.as_ref());
        if let Some((domain, why)) = mutual.and_then(|mutual| Some((&*mutual.domain, mutual.refused?))) {
            // Whose certificate was refused gets nothing by this connection, whatever host it names then.
            return Some((domain, why));
        }
        let domain = plan.hosts.mutual(self.request.host())?;
        if mutual.is_some_and(|mutual| &*mutual.domain == domain) {
            return None;
        }
        Some((domain, "no client certificate was presented to this domain"))
    }

    /// Says in the log why.
    pub(super) fn note_certificate(&mut self, plan: &Plan) {
        let line = std::mem::take(&mut self.denial);
        if let Some((domain, why)) = self.certificate_refusal(plan) {
            let parts =
                [(" domain=", domain.as_bytes()), (" rule=\"Access denied. Reason: ", why.as_bytes())];
            self.denial = self.denial_line(line, &parts);
        }
    }
}

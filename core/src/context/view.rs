//! What variables are for one request.

use super::{Attested, ErrorFacts, Outcome, Variable};
use crate::arrival::Arrival;
use crate::auth::principal::Principal;
use crate::clock;
use crate::http1::{KnownField, RequestHead, Version};
use crate::limit::KeyName;
use crate::plan::{Api, ApiKeySource, EndpointType, Network, Node, Resource, Stage};
use crate::route::RouteId;
use crate::tls::client::ClientCertificate;

/// Everything that a variable may read, borrowed from where it lives.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Who this gateway is.
    pub node: &'a Node,
    /// The request.
    pub request: &'a RequestHead,
    /// Its ids and time.
    pub arrival: &'a Arrival,
    /// The API and stage, once known.
    pub stage: Option<(&'a Api, &'a Stage)>,
    /// The method, once routed.
    pub route: Option<RouteId>,
    /// The base path mapping that matched, on a custom domain.
    pub base_path: Option<&'a [u8]>,
    /// The name of the API key that it came with, if its method needs one and it is good.
    pub api_key: Option<KeyName<'a>>,
    /// Whether the value of that key came from the authorizer, not from a header field.
    pub api_key_source: ApiKeySource,
    /// What the authorizer says.
    pub attested: Option<Attested<'a>>,
    /// Who has signed it, once that is proved.
    pub principal: Option<&'a Principal>,
    /// The private network that it comes from.
    pub network: Option<&'a Network>,
    /// How it ended; all zero before that.
    pub outcome: &'a Outcome,
}

impl<'a> View<'a> {
    /// The resource, once routed. Looked up when asked for: it is rarely in the cache and rarely needed.
    pub fn resource(&self) -> Option<&'a Resource> {
        let ((api, _), route) = self.stage.zip(self.route)?;
        Some(api.route(route).1)
    }

    /// Appends the variable's value. False, and nothing appended, when it has none.
    pub fn write(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::AccountId => put(out, Some(self.node.account.as_bytes())),
            Variable::ApiId => put(out, self.stage.map(|(api, _)| api.id.as_bytes())),
            Variable::DeploymentId => put(out, self.stage.map(|(api, _)| api.deployment_id.as_bytes())),
            Variable::Absent => false,
            Variable::DomainName => put(out, nonempty(self.host_name())),
            Variable::DomainPrefix => {
                put(out, nonempty(self.host_name()).and_then(|host| host.split(|&b| b == b'.').next()))
            }
            Variable::EndpointType => put(out, self.stage.map(|(api, _)| endpoint_type(api.endpoint))),
            Variable::ErrorMessage => put(out, self.error_message().map(str::as_bytes)),
            Variable::ErrorMessageString => match &self.outcome.error {
                Some(ErrorFacts { message: None, .. }) => put(out, Some(b"null")),
                Some(_) | None => put_quoted(out, self.error_message()),
            },
            Variable::ErrorResponseType => {
                put(out, self.outcome.error.as_ref().map(|error| error.response_type.as_bytes()))
            }
            Variable::ValidationErrorString => {
                let error = self.outcome.error.as_ref();
                put(out, error.and_then(|error| error.validation.as_deref()).map(str::as_bytes))
            }
            Variable::ExtendedRequestId => put(out, Some(&self.arrival.extended_request_id)),
            Variable::HttpMethod => put(out, Some(self.request.method())),
            Variable::IsCanaryRequest => {
                let is_canary = self.stage.and_then(|(_, stage)| stage.release.is_canary_request());
                put(out, is_canary.map(|is_canary| if is_canary { &b"true"[..] } else { b"false" }))
            }
            Variable::ApiKey => put(out, self.api_key.and_then(|_| self.api_key_value())),
            Variable::Authorizer(name) => self.write_authorizer(name, out),
            Variable::ApiKeyId => put(out, self.api_key.map(KeyName::read)),
            Variable::AccessKey => {
                put(out, self.principal.map(|principal| principal.credentials.access_key_id.as_bytes()))
            }
            Variable::CallerAccountId => {
                put(out, self.principal.map(|principal| principal.arn.account().as_bytes()))
            }
            Variable::Caller => put(out, self.principal.map(|principal| principal.user_id.as_bytes())),
            Variable::PrincipalOrgId => put(
                out,
                self.principal.and_then(|principal| principal.organization_id.as_deref()).map(str::as_bytes),
            ),
            Variable::UserArn => put(out, self.principal.map(|principal| principal.arn.text().as_bytes())),
            Variable::VpcId => {
                put(out, self.network.and_then(|network| network.vpc.as_deref()).map(str::as_bytes))
            }
            Variable::VpceId => {
                put(out, self.network.and_then(|network| network.vpce.as_deref()).map(str::as_bytes))
            }
            Variable::AuthenticateError => put(out, self.error_of(self.outcome.authenticated)),
            Variable::AuthenticateStatus => put_number(out, self.outcome.authenticated.map(status_of)),
            Variable::AuthorizeError => put(out, self.error_of(self.outcome.authorized)),
            Variable::AuthorizeStatus => put_number(out, self.outcome.authorized.map(status_of)),
            Variable::SourceIp => put(out, Some(self.arrival.source_ip.as_bytes())),
            Variable::UserAgent => put(out, self.request.first(KnownField::UserAgent)),
            Variable::Path => put(out, Some(self.request.path())),
            Variable::Protocol => put(out, Some(protocol(self.request.version()))),
            Variable::LoggedProtocol => put(out, Some(logged_protocol(self.request.version()))),
            Variable::RequestId => put(out, Some(self.arrival.request_id())),
            Variable::RequestTime => put(out, Some(&clock::common_log_time(self.arrival.now.unix_ms))),
            Variable::RequestTimeEpoch => put_number(out, Some(self.arrival.now.unix_ms)),
            Variable::ResourceId => put(out, self.resource().map(|resource| resource.id.as_bytes())),
            Variable::ResourcePath => put(out, self.resource().map(|resource| resource.path.as_bytes())),
            Variable::Stage => put(out, self.stage.map(|(_, stage)| stage.name.as_bytes())),
            Variable::TlsVersion => put(out, self.arrival.tls.as_ref().map(|tls| tls.version.as_bytes())),
            Variable::CipherSuite => put(out, self.arrival.tls.as_ref().map(|tls| tls.cipher.as_bytes())),
            Variable::ClientCertPem => self.put_certificate(out, |certificate| &certificate.pem),
            Variable::ClientCertSubject => self.put_certificate(out, |certificate| &certificate.subject),
            Variable::ClientCertIssuer => self.put_certificate(out, |certificate| &certificate.issuer),
            Variable::ClientCertSerial => self.put_certificate(out, |certificate| &certificate.serial),
            Variable::ClientCertNotBefore => self.put_certificate(out, |certificate| &certificate.not_before),
            Variable::ClientCertNotAfter => self.put_certificate(out, |certificate| &certificate.not_after),
            Variable::XrayTraceId => put(out, Some(self.arrival.trace_root(self.request))),
            Variable::BasePathMatched => put(out, self.base_path.map(base_path_text)),
            Variable::IntegrationLatency => put_number(out, self.outcome.integration_latency_ms),
            Variable::IntegrationStatus => put_signed(out, self.outcome.integration_status),
            Variable::IntegrationError => put(out, self.integration_error()),
            Variable::ResponseLatency => put_number(out, Some(self.outcome.latency_ms)),
            Variable::ResponseLength => put_number(out, Some(self.outcome.response_bytes)),
            Variable::Status => {
                put_number(out, Some(u64::from(self.outcome.status)).filter(|status| *status > 0))
            }
        }
    }

    /// The value that an API key is looked up by.
    pub fn api_key_value(&self) -> Option<&'a [u8]> {
        match (self.api_key_source, self.attested) {
            (ApiKeySource::Header, _) => self.request.first(KnownField::XApiKey),
            (ApiKeySource::Authorizer, Some(Attested::Granted { grant, .. })) => {
                grant.usage_key.as_deref().map(str::as_bytes)
            }
            (ApiKeySource::Authorizer, Some(Attested::Claimed(_)) | None) => None,
        }
    }

    /// What the authorizer says under this name, or else how it did.
    fn write_authorizer(&self, name: &str, out: &mut Vec<u8>) -> bool {
        let said = match self.attested {
            Some(Attested::Granted { grant, .. }) => grant.value(name),
            Some(Attested::Claimed(claims)) => {
                name.strip_prefix("claims.").and_then(|name| claims.value(name))
            }
            None => None,
        };
        if said.is_some() {
            return put(out, said.map(str::as_bytes));
        }
        let Some(outcome) = self.outcome.authorizer else { return false };
        match name {
            "error" => put(out, self.error_message().filter(|_| outcome.status != 200).map(str::as_bytes)),
            "status" => put_number(out, Some(u64::from(outcome.status))),
            "integrationStatus" => put_signed(out, outcome.integration_status),
            "latency" | "integrationLatency" => put_number(out, Some(outcome.latency_ms)),
            _ => false,
        }
    }

    fn put_certificate(&self, out: &mut Vec<u8>, member: impl Fn(&ClientCertificate) -> &String) -> bool {
        let certificate = self.arrival.tls.as_ref().and_then(|tls| tls.certificate());
        put(out, certificate.map(|certificate| member(certificate).as_bytes()))
    }

    /// The `Host` without its port.
    fn host_name(&self) -> &[u8] {
        crate::hosts::without_port(self.request.host())
    }

    fn integration_error(&self) -> Option<&'a [u8]> {
        let error = self.outcome.error.as_ref().filter(|error| error.of_integration);
        error.and_then(|error| error.message.as_deref()).map(str::as_bytes)
    }

    fn error_message(&self) -> Option<&'a str> {
        self.outcome.error.as_ref().and_then(|error| error.message.as_deref())
    }

    /// The message, if it was this that went wrong.
    fn error_of(&self, went_well: Option<bool>) -> Option<&'a [u8]> {
        self.error_message().filter(|_| went_well == Some(false)).map(str::as_bytes)
    }
}

/// `authenticate.status`, `authorize.status`
fn status_of(went_well: bool) -> u64 {
    if went_well { 200 } else { 403 }
}

fn endpoint_type(endpoint: EndpointType) -> &'static [u8] {
    match endpoint {
        EndpointType::Edge => b"EDGE",
        EndpointType::Regional => b"REGIONAL",
        EndpointType::Private => b"PRIVATE",
    }
}

fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::Http10 => b"HTTP/1.0",
        Version::Http11 | Version::Http2 => b"HTTP/1.1",
    }
}

fn logged_protocol(version: Version) -> &'static [u8] {
    match version {
        Version::Http10 | Version::Http11 => protocol(version),
        Version::Http2 => b"HTTP/2.0",
    }
}

/// AWS writes `(none)` for the mapping at the root.
fn base_path_text(path: &[u8]) -> &[u8] {
    if path.is_empty() { b"(none)" } else { path }
}

fn nonempty(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty()).then_some(text)
}

fn put(out: &mut Vec<u8>, value: Option<&[u8]>) -> bool {
    out.extend_from_slice(value.unwrap_or_default());
    value.is_some()
}

fn put_number(out: &mut Vec<u8>, value: Option<u64>) -> bool {
    value.is_some_and(|number| put(out, Some(itoa::Buffer::new().format(number).as_bytes())))
}

fn put_signed(out: &mut Vec<u8>, value: Option<i64>) -> bool {
    value.is_some_and(|number| put(out, Some(itoa::Buffer::new().format(number).as_bytes())))
}

/// A JSON string. Messages are ours and hold no control characters: nor does a path, of which some of them tell.
pub(crate) fn put_quoted(out: &mut Vec<u8>, value: Option<&str>) -> bool {
    let Some(text) = value else { return false };
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_message_is_a_json_string() {
        let mut out = Vec::new();
        assert!(put_quoted(&mut out, Some("say \"a\\b\"")));
        assert_eq!(out, br#""say \"a\\b\"""#);
    }
}

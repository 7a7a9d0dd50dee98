//! `requestContext` of an event.

use super::event::single_slash;
use super::json::{escape_behind, write_string};
use crate::auth::jwt::Claims;
use crate::context::{Attested, Variable};
use crate::method::Method;
use crate::release::Release;
use crate::values::Values;

/// Members that are texts, with the variable that each is.
const TEXTS: [(&str, Variable); 11] = [
    ("resourceId", Variable::ResourceId),
    ("resourcePath", Variable::ResourcePath),
    ("extendedRequestId", Variable::ExtendedRequestId),
    ("requestTime", Variable::RequestTime),
    ("accountId", Variable::AccountId),
    ("protocol", Variable::Protocol),
    ("stage", Variable::Stage),
    ("domainPrefix", Variable::DomainPrefix),
    ("requestId", Variable::RequestId),
    ("domainName", Variable::DomainName),
    ("apiId", Variable::ApiId),
];

/// Members of `identity` that have no value unless a feature gives it: those of who has signed the request.
const SIGNER: [(&str, Variable); 10] = [
    ("cognitoIdentityPoolId", Variable::Absent),
    ("accountId", Variable::CallerAccountId),
    ("cognitoIdentityId", Variable::Absent),
    ("caller", Variable::Caller),
    ("principalOrgId", Variable::PrincipalOrgId),
    ("accessKey", Variable::AccessKey),
    ("cognitoAuthenticationType", Variable::Absent),
    ("cognitoAuthenticationProvider", Variable::Absent),
    ("userArn", Variable::UserArn),
    ("user", Variable::Caller),
];

/// Members of `identity` that have a value; the last two only with a key.
const IDENTITY: [(&str, Variable); 4] = [
    ("sourceIp", Variable::SourceIp),
    ("userAgent", Variable::UserAgent),
    ("apiKey", Variable::ApiKey),
    ("apiKeyId", Variable::ApiKeyId),
];

/// Members of `identity.clientCert`, and of its `validity`.
const CLIENT_CERT: [(&str, Variable); 4] = [
    ("clientCertPem", Variable::ClientCertPem),
    ("subjectDN", Variable::ClientCertSubject),
    ("issuerDN", Variable::ClientCertIssuer),
    ("serialNumber", Variable::ClientCertSerial),
];

/// See [`CLIENT_CERT`].
const VALIDITY: [(&str, Variable); 2] =
    [("notBefore", Variable::ClientCertNotBefore), ("notAfter", Variable::ClientCertNotAfter)];

/// Appends the member.
pub(super) fn write(values: &Values<'_>, method: Method, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","requestContext":{"#);
    for (name, variable) in &TEXTS {
        write_text(values, name, variable, out);
        out.push(b',');
    }
    out.extend_from_slice(br#""path":"#);
    write_string(single_slash(values.view.request.path()), out);
    out.extend_from_slice(br#","httpMethod":"#);
    write_string(method.name().as_bytes(), out);
    out.extend_from_slice(br#","requestTimeEpoch":"#);
    values.view.write(&Variable::RequestTimeEpoch, out);
    out.push(b',');
    write_text(values, "deploymentId", &Variable::DeploymentId, out);
    if values.view.stage.is_some_and(|(_, stage)| stage.release != Release::Sole) {
        out.extend_from_slice(br#","isCanaryRequest":"#);
        values.view.write(&Variable::IsCanaryRequest, out);
    }
    if let Some(name) = operation_name(values) {
        out.extend_from_slice(br#","operationName":"#);
        write_string(name.as_bytes(), out);
    }
    write_identity(values, out);
    write_authorizer(values, out);
    out.push(b'}');
}

fn operation_name<'a>(values: &Values<'a>) -> Option<&'a str> {
    let ((api, _), route) = values.view.stage.zip(values.view.route)?;
    api.route(route).0.operation_name.as_deref()
}

/// The key and its name only where the method asks for one: elsewhere it is not known whether it is good.
fn write_identity(values: &Values<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","identity":{"#);
    let known = if values.view.api_key.is_some() { &IDENTITY[..] } else { &IDENTITY[..2] };
    for (position, (name, variable)) in SIGNER.iter().chain(known).enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_text(values, name, variable, out);
    }
    if values.view.arrival.tls.as_ref().is_some_and(|tls| tls.mutual.is_some()) {
        write_client_cert(values, out);
    }
    out.push(b'}');
}

/// What an authorizer has said: who calls, its context as texts, and how long that took.
fn write_authorizer(values: &Values<'_>, out: &mut Vec<u8>) {
    let (grant, latency_ms) = match values.view.attested {
        Some(Attested::Granted { grant, latency_ms }) => (grant, latency_ms),
        Some(Attested::Claimed(claims)) => return write_claims(claims, out),
        None => return,
    };
    out.extend_from_slice(br#","authorizer":{"principalId":"#);
    write_string(grant.principal_id.as_bytes(), out);
    for (name, value) in grant.values().filter(|(name, _)| *name != "integrationLatency") {
        out.push(b',');
        write_string(name.as_bytes(), out);
        out.push(b':');
        write_string(value.as_bytes(), out);
    }
    out.extend_from_slice(br#","integrationLatency":"#);
    out.extend_from_slice(itoa::Buffer::new().format(latency_ms).as_bytes());
    out.push(b'}');
}

/// What a token says.
fn write_claims(claims: &Claims, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","authorizer":{"claims":{"#);
    for (position, (name, value)) in claims.values().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_string(name.as_bytes(), out);
        out.push(b':');
        write_string(value.as_bytes(), out);
    }
    out.extend_from_slice(b"}}");
}

/// Only where a domain asks for it.
fn write_client_cert(values: &Values<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","clientCert":{"#);
    for (name, variable) in &CLIENT_CERT {
        write_text(values, name, variable, out);
        out.push(b',');
    }
    out.extend_from_slice(br#""validity":{"#);
    for (position, (name, variable)) in VALIDITY.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_text(values, name, variable, out);
    }
    out.extend_from_slice(b"}}");
}

/// `"name":"value"`, or `"name":null`.
fn write_text(values: &Values<'_>, name: &str, variable: &Variable, out: &mut Vec<u8>) {
    write_string(name.as_bytes(), out);
    out.extend_from_slice(b":\"");
    let start = out.len();
    if values.view.write(variable, out) {
        escape_behind(start, out);
        out.push(b'"');
    } else {
        out.truncate(start - 1);
        out.extend_from_slice(b"null");
    }
}

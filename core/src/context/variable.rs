//! The variables by their names.

/// A `$context` variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// `accountId`
    AccountId,
    /// `apiId`
    ApiId,
    /// `deploymentId`
    DeploymentId,
    /// `domainName`
    DomainName,
    /// `domainPrefix`
    DomainPrefix,
    /// `endpointType`
    EndpointType,
    /// `error.message`
    ErrorMessage,
    /// `error.messageString`
    ErrorMessageString,
    /// `error.responseType`
    ErrorResponseType,
    /// `error.validationErrorString`
    ValidationErrorString,
    /// `extendedRequestId`
    ExtendedRequestId,
    /// `httpMethod`
    HttpMethod,
    /// `isCanaryRequest`
    IsCanaryRequest,
    /// `identity.apiKey`: a secret; log lines have its last characters only.
    ApiKey,
    /// `identity.apiKeyId`: the key's name.
    ApiKeyId,
    /// `identity.accessKey`: of who signed the request.
    AccessKey,
    /// `identity.accountId`
    CallerAccountId,
    /// `identity.caller`, `identity.user`: what the principal is called for ever.
    Caller,
    /// `identity.principalOrgId`
    PrincipalOrgId,
    /// `identity.userArn`
    UserArn,
    /// `identity.vpcId`
    VpcId,
    /// `identity.vpceId`
    VpceId,
    /// `authenticate.error`, `authenticate.status`: of the signature.
    AuthenticateError,
    /// See [`Self::AuthenticateError`].
    AuthenticateStatus,
    /// `authorize.error`, `authorize.status`: of policies.
    AuthorizeError,
    /// See [`Self::AuthorizeError`].
    AuthorizeStatus,
    /// `authorizer.N`: what the authorizer says of the caller, or how it did.
    Authorizer(Box<str>),
    /// `identity.sourceIp`
    SourceIp,
    /// `identity.userAgent`
    UserAgent,
    /// `path`
    Path,
    /// `protocol`. AWS calls HTTP/2 HTTP/1.1 here.
    Protocol,
    /// `protocol` in an access log, which tells HTTP/2.
    LoggedProtocol,
    /// `requestId`
    RequestId,
    /// `requestTime`, in the Common Log Format.
    RequestTime,
    /// `requestTimeEpoch`, in milliseconds.
    RequestTimeEpoch,
    /// `resourceId`
    ResourceId,
    /// `resourcePath`
    ResourcePath,
    /// `stage`
    Stage,
    /// `xrayTraceId`: the trace root.
    XrayTraceId,
    /// `customDomain.basePathMatched`
    BasePathMatched,
    /// `integration.latency`, `integrationLatency`, in milliseconds.
    IntegrationLatency,
    /// `integration.status`, `integration.integrationStatus`, `integrationStatus`.
    IntegrationStatus,
    /// `integration.error`, `integrationErrorMessage`
    IntegrationError,
    /// `responseLatency`, in milliseconds.
    ResponseLatency,
    /// `responseLength`, in bytes of payload.
    ResponseLength,
    /// `status`
    Status,
    /// `tlsVersion`
    TlsVersion,
    /// `cipherSuite`
    CipherSuite,
    /// `identity.clientCert.clientCertPem`
    ClientCertPem,
    /// `identity.clientCert.subjectDN`
    ClientCertSubject,
    /// `identity.clientCert.issuerDN`
    ClientCertIssuer,
    /// `identity.clientCert.serialNumber`
    ClientCertSerial,
    /// `identity.clientCert.validity.notBefore`
    ClientCertNotBefore,
    /// `identity.clientCert.validity.notAfter`
    ClientCertNotAfter,
    /// A variable that API Gateway knows and that has no value here: its feature is not configured for the request
    /// (authorizers, WAF, client certificates).
    Absent,
}

impl Variable {
    /// Reads a name without `$context.`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "accountId" => Self::AccountId,
            "apiId" => Self::ApiId,
            "deploymentId" => Self::DeploymentId,
            "domainName" => Self::DomainName,
            "domainPrefix" => Self::DomainPrefix,
            "endpointType" => Self::EndpointType,
            "error.message" => Self::ErrorMessage,
            "error.messageString" => Self::ErrorMessageString,
            "error.responseType" => Self::ErrorResponseType,
            "error.validationErrorString" => Self::ValidationErrorString,
            "extendedRequestId" => Self::ExtendedRequestId,
            "httpMethod" => Self::HttpMethod,
            "isCanaryRequest" => Self::IsCanaryRequest,
            "identity.apiKey" => Self::ApiKey,
            "identity.apiKeyId" => Self::ApiKeyId,
            "identity.accessKey" => Self::AccessKey,
            "identity.accountId" => Self::CallerAccountId,
            "identity.caller" | "identity.user" => Self::Caller,
            "identity.principalOrgId" => Self::PrincipalOrgId,
            "identity.userArn" => Self::UserArn,
            "identity.vpcId" => Self::VpcId,
            "identity.vpceId" => Self::VpceId,
            "authenticate.error" => Self::AuthenticateError,
            "authenticate.status" => Self::AuthenticateStatus,
            "authorize.error" => Self::AuthorizeError,
            "authorize.status" => Self::AuthorizeStatus,
            "identity.sourceIp" => Self::SourceIp,
            "identity.userAgent" => Self::UserAgent,
            "path" => Self::Path,
            "protocol" => Self::Protocol,
            "requestId" => Self::RequestId,
            "requestTime" => Self::RequestTime,
            "requestTimeEpoch" => Self::RequestTimeEpoch,
            "resourceId" => Self::ResourceId,
            "resourcePath" => Self::ResourcePath,
            "stage" => Self::Stage,
            "tlsVersion" => Self::TlsVersion,
            "cipherSuite" => Self::CipherSuite,
            "identity.clientCert.clientCertPem" => Self::ClientCertPem,
            "identity.clientCert.subjectDN" => Self::ClientCertSubject,
            "identity.clientCert.issuerDN" => Self::ClientCertIssuer,
            "identity.clientCert.serialNumber" => Self::ClientCertSerial,
            "identity.clientCert.validity.notBefore" => Self::ClientCertNotBefore,
            "identity.clientCert.validity.notAfter" => Self::ClientCertNotAfter,
            "xrayTraceId" => Self::XrayTraceId,
            "customDomain.basePathMatched" => Self::BasePathMatched,
            "integration.latency" | "integrationLatency" => Self::IntegrationLatency,
            "integration.status" | "integration.integrationStatus" | "integrationStatus" => {
                Self::IntegrationStatus
            }
            "integration.error" | "integrationErrorMessage" => Self::IntegrationError,
            "responseLatency" => Self::ResponseLatency,
            "responseLength" => Self::ResponseLength,
            "status" => Self::Status,
            _ if let Some(name) = name.strip_prefix("authorizer.") => Self::Authorizer(name.into()),
            _ if ABSENT.contains(&name) || ABSENT_GROUPS.iter().any(|group| name.starts_with(group)) => {
                Self::Absent
            }
            _ => return None,
        })
    }
}

const ABSENT: [&str; 5] = [
    "awsEndpointRequestId",
    "customDomain.routingRuleIdMatched",
    "integration.requestId",
    "wafResponseCode",
    "webaclArn",
];

const ABSENT_GROUPS: [&str; 5] = ["authorize.", "authenticate.", "identity.", "waf.", "requestOverride."];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Variable::parse("requestId"), Some(Variable::RequestId));
        assert_eq!(Variable::parse("integrationLatency"), Variable::parse("integration.latency"));
        assert_eq!(Variable::parse("authorizer.claims.sub"), Some(Variable::Authorizer("claims.sub".into())));
        assert_eq!(Variable::parse("identity.cognitoIdentityId"), Some(Variable::Absent));
        assert_eq!(Variable::parse("requestid"), None);
        assert_eq!(Variable::parse(""), None);
    }
}

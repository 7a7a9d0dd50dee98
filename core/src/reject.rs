//! Why a request is refused, and what each refusal is on the wire. The one place where errors become answers.
//!
//! AWS: "Gateway response types"; the bytes are those of the recordings.

use std::borrow::Cow;

use crate::auth::authorise::Denial;
use crate::auth::authorizer::{Malformed, NoIdentity};
use crate::auth::jwt::TokenError;
use crate::auth::sigv4::SignatureError;
use crate::gateway_response::ResponseType;
use crate::http1::{BodyError, HeadError};

/// Why the gateway answers a request by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// The head breaks RFC 9112, or a limit.
    Head(HeadError),
    /// The head did not arrive in time.
    HeadTimeout,
    /// The body's framing breaks RFC 9112.
    Body(BodyError),
    /// The body did not arrive in time.
    BodyTimeout,
    /// The payload is larger than the limit.
    PayloadTooLarge,
    /// No API or stage is meant by host and path.
    UnknownApi,
    /// The API is private, and the client comes from none of its networks.
    OutOfReach,
    /// The domain asks for a certificate, and the client's is not one that it knows.
    ClientCertificate,
    /// No resource with this method.
    NoRoute,
    /// The method asks for a signature, and the request's is not good.
    Signature(SignatureError),
    /// The method's authorizer does not know the caller.
    Unauthorized(Unauthorized),
    /// The method's authorizer could not be asked, or its answer cannot be used.
    Authorizer(AuthorizerFault),
    /// Policies do not let the caller call the method.
    Denied(Denial),
    /// The ARN of the method is too long to be judged.
    MethodArnTooLong,
    /// The method needs an API key, and the request has none that is good at this stage.
    InvalidApiKey,
    /// A throttle has no token.
    Throttled,
    /// The quota of the API key is used up.
    QuotaExceeded,
    /// The ledger does not answer, so it is not known whether the request is within its limits.
    LedgerSilent,
    /// Parameters that the method requires are missing or blank.
    MissingParameters,
    /// The body does not fit its model.
    InvalidBody,
    /// The integration cannot be called as configured.
    Misconfigured,
    /// There are no credentials to sign the call to an AWS service with, or they have ended.
    NoCredentials,
    /// A MOCK's template names no integer status.
    NoMockStatus,
    /// A mapping template cannot be run to its end, or sets what no message can hold.
    TemplateFailed,
    /// A mapping reads from a request body that begins like JSON and is none.
    InvalidJson,
    /// No integration response fits the integration's status.
    NoIntegrationResponse,
    /// `passthroughBehavior` refuses the content type.
    UnsupportedMediaType,
    /// The backend's host name does not resolve.
    UnresolvableHost,
    /// The backend refused or broke the connection, or does not speak HTTP.
    NetworkError,
    /// The backend did not answer in time.
    IntegrationTimeout,
    /// The client wants an answer from the cache alone, and there is none.
    NotCached,
    /// The backend's payload is larger than the limit.
    IntegrationPayloadTooLarge,
    /// What is to be a function's event is not JSON.
    EventNotJson,
    /// The event is larger than a function takes.
    EventTooLarge,
    /// The function failed: it said so, died, or took longer than it may.
    FunctionError,
    /// The function answers what AWS_PROXY does not take.
    MalformedResult,
    /// The function's answer is said to be base64 and is not.
    NotBase64,
    /// The Lambda API does not invoke the function: there is none, or it may not be invoked.
    InvocationRefused,
    /// All processes of the function are busy, and as many invocations wait as may.
    FunctionThrottled,
}

/// Why an authorizer does not know a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthorized {
    /// The request does not name one.
    NoIdentity(NoIdentity),
    /// The function says so.
    ByFunction,
    /// Its token is not good.
    Token(TokenError),
}

/// Why an authorizer could not say who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizerFault {
    /// Its function cannot be called in this stage.
    Misconfigured,
    /// Its function has failed.
    Failed,
    /// Its function has not answered in time.
    Timeout,
    /// Too many invocations of its function wait already.
    Throttled,
    /// Its function's answer cannot be used.
    Malformed(Malformed),
    /// The Lambda API has answered with this status.
    Refused(u16),
    /// The Lambda API cannot be reached.
    Unreachable,
    /// There are no credentials to call the Lambda API with.
    NoCredentials,
    /// The keys of the token's issuer are not known.
    NoKeys,
}

/// What the connection does after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// As the request asked.
    KeepAlive,
    /// It is closed: where the next request starts is not known, or the client must not go on.
    Close,
}

/// Who speaks, which decides the spacing of a default body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Before any gateway response exists: plain text, no ids.
    PlainText,
    /// Routing, signatures, keys and throttles: `{"message":"…"}`.
    FrontDoor,
    /// Policies: `{"Message":"…"}`.
    Policy,
    /// Validation and integration: `{"message": "…"}`.
    Execution,
}

/// A refusal on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which gateway response it is.
    pub response_type: ResponseType,
    /// Status when no gateway response changes it.
    pub status: u16,
    /// `x-amzn-ErrorType`.
    pub error_type: &'static str,
    /// The message; `None` is null. Those of signatures, denials and missing parameters tell of the request, and are
    /// written by who knows it.
    pub message: Option<Cow<'static, str>>,
    /// Who speaks.
    pub voice: Voice,
    /// What becomes of the connection.
    pub reuse: Reuse,
}

impl Reject {
    /// What the client gets.
    #[expect(clippy::too_many_lines, reason = "a table with a row for each reason")]
    pub fn refusal(self) -> Refusal {
        use Reuse::{Close, KeepAlive};
        use Voice::{Execution, FrontDoor, PlainText, Policy};
        type T = ResponseType;
        const BAD: &str = "BadRequestException";
        const INTERNAL: &str = "InternalServerErrorException";
        let (response_type, status, error_type, message, voice, reuse) = match self {
            Self::Head(HeadError::FieldsTooLarge) => {
                (T::Default4xx, 431, BAD, "HTTP header is larger than", PlainText, Close)
            }
            Self::Head(error) => (T::Default4xx, error.status(), BAD, error.text(), FrontDoor, Close),
            Self::HeadTimeout | Self::BodyTimeout => {
                (T::Default4xx, 408, BAD, "Request Timeout", FrontDoor, Close)
            }
            Self::Body(error) => (T::Default4xx, error.status(), BAD, error.text(), FrontDoor, Close),
            Self::PayloadTooLarge => {
                (T::RequestTooLarge, 413, BAD, "HTTP content length exceeded", PlainText, Close)
            }
            Self::UnknownApi | Self::OutOfReach | Self::ClientCertificate => {
                (T::Default4xx, 403, "ForbiddenException", "Forbidden", FrontDoor, KeepAlive)
            }
            Self::Signature(error) => {
                let (response_type, error_type) = signature_types(error);
                (response_type, 403, error_type, error.text(), FrontDoor, KeepAlive)
            }
            Self::Unauthorized(why) => unauthorized(why),
            Self::Authorizer(_) => AUTHORIZER_FAULT,
            Self::Denied(_) => {
                (T::AccessDenied, 403, "AccessDeniedException", "Forbidden", Policy, KeepAlive)
            }
            Self::MethodArnTooLong => (T::Default4xx, 414, BAD, "Request URI too long", FrontDoor, KeepAlive),
            Self::InvalidApiKey => {
                (T::InvalidApiKey, 403, "ForbiddenException", "Forbidden", FrontDoor, KeepAlive)
            }
            Self::Throttled => {
                (T::Throttled, 429, "TooManyRequestsException", "Too Many Requests", FrontDoor, KeepAlive)
            }
            Self::QuotaExceeded => {
                (T::QuotaExceeded, 429, "LimitExceededException", "Limit Exceeded", FrontDoor, KeepAlive)
            }
            Self::LedgerSilent => {
                (T::Default5xx, 500, INTERNAL, "Internal server error", FrontDoor, KeepAlive)
            }
            Self::NoRoute => (
                T::MissingAuthenticationToken,
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
                FrontDoor,
                KeepAlive,
            ),
            Self::Misconfigured
            | Self::NoCredentials
            | Self::InvocationRefused
            | Self::NoMockStatus
            | Self::TemplateFailed
            | Self::NoIntegrationResponse
            | Self::UnresolvableHost
            | Self::NotBase64 => {
                (T::ApiConfigurationError, 500, INTERNAL, "Internal server error", Execution, KeepAlive)
            }
            Self::UnsupportedMediaType => {
                (T::UnsupportedMediaType, 415, BAD, "Unsupported Media Type", Execution, KeepAlive)
            }
            Self::MissingParameters => (
                T::BadRequestParameters,
                400,
                BAD,
                "Missing required request parameters",
                Execution,
                KeepAlive,
            ),
            Self::InvalidBody => (T::BadRequestBody, 400, BAD, "Invalid request body", Execution, KeepAlive),
            Self::InvalidJson => {
                (T::Default4xx, 400, BAD, "Invalid JSON in request body", Execution, KeepAlive)
            }
            Self::NetworkError => (
                T::IntegrationFailure,
                504,
                INTERNAL,
                "Network error communicating with endpoint",
                Execution,
                KeepAlive,
            ),
            Self::IntegrationTimeout => {
                (T::IntegrationTimeout, 504, INTERNAL, "Endpoint request timed out", Execution, KeepAlive)
            }
            // RFC 9111 section 5.2.1.7; AWS has no such answer.
            Self::NotCached => {
                (T::Default5xx, 504, INTERNAL, "There is no cached answer", Execution, KeepAlive)
            }
            Self::IntegrationPayloadTooLarge => {
                (T::IntegrationFailure, 500, INTERNAL, "Internal server error", Execution, KeepAlive)
            }
            Self::EventNotJson => (
                T::Default4xx,
                400,
                "InvalidRequestContentException",
                "Could not parse request body into json",
                Execution,
                KeepAlive,
            ),
            Self::EventTooLarge => (T::RequestTooLarge, 413, BAD, "Request Too Long", Execution, KeepAlive),
            // AWS: "API Gateway treats all invocation and function errors as internal errors. If the Lambda API
            // rejects the invocation request, API Gateway returns a 500 error code. If the function runs but returns
            // an error, or returns a response in the wrong format, API Gateway returns a 502."
            Self::FunctionThrottled => {
                (T::IntegrationFailure, 500, INTERNAL, "Internal server error", Execution, KeepAlive)
            }
            Self::FunctionError | Self::MalformedResult => {
                (T::IntegrationFailure, 502, INTERNAL, "Internal server error", Execution, KeepAlive)
            }
        };
        let message = (message != NULL).then_some(Cow::Borrowed(message));
        Refusal { response_type, status, error_type, message, voice, reuse }
    }

    /// Whether `$context.integration.error` reports it.
    pub fn of_integration(self) -> bool {
        match self {
            Self::Misconfigured
            | Self::NoCredentials
            | Self::InvocationRefused
            | Self::NoMockStatus
            | Self::TemplateFailed
            | Self::NoIntegrationResponse
            | Self::UnresolvableHost
            | Self::NetworkError
            | Self::IntegrationTimeout
            | Self::IntegrationPayloadTooLarge
            | Self::FunctionError
            | Self::MalformedResult
            | Self::NotBase64
            | Self::FunctionThrottled => true,
            Self::Head(_)
            | Self::HeadTimeout
            | Self::Body(_)
            | Self::BodyTimeout
            | Self::PayloadTooLarge
            | Self::UnknownApi
            | Self::OutOfReach
            | Self::ClientCertificate
            | Self::NoRoute
            | Self::Signature(_)
            | Self::Unauthorized(_)
            | Self::Authorizer(_)
            | Self::Denied(_)
            | Self::MethodArnTooLong
            | Self::InvalidApiKey
            | Self::MissingParameters
            | Self::InvalidBody
            | Self::InvalidJson
            | Self::Throttled
            | Self::QuotaExceeded
            | Self::LedgerSilent
            | Self::UnsupportedMediaType
            | Self::NotCached
            | Self::EventNotJson
            | Self::EventTooLarge => false,
        }
    }
}

/// Type, status, error type, message, voice and reuse.
type Words = (ResponseType, u16, &'static str, &'static str, Voice, Reuse);

/// No message: `{"message":null}`.
const NULL: &str = "";

const AUTHORIZER_FAULT: Words = (
    ResponseType::AuthorizerConfigurationError,
    500,
    "AuthorizerConfigurationException",
    NULL,
    Voice::FrontDoor,
    Reuse::KeepAlive,
);

fn unauthorized(why: Unauthorized) -> Words {
    let message = match why {
        Unauthorized::Token(TokenError::Expired) => "The incoming token has expired",
        Unauthorized::NoIdentity(_) | Unauthorized::ByFunction | Unauthorized::Token(_) => "Unauthorized",
    };
    let error_type = "UnauthorizedException";
    (ResponseType::Unauthorized, 401, error_type, message, Voice::FrontDoor, Reuse::KeepAlive)
}

/// The gateway response and the error type of a signature that is not good. What has no type of its own is one of
/// DEFAULT_4XX.
fn signature_types(error: SignatureError) -> (ResponseType, &'static str) {
    match error {
        SignatureError::MissingToken => {
            (ResponseType::MissingAuthenticationToken, "MissingAuthenticationTokenException")
        }
        SignatureError::InvalidPair
        | SignatureError::Incomplete(_)
        | SignatureError::QueryIncomplete(_)
        | SignatureError::Repeated
        | SignatureError::Algorithm
        | SignatureError::Credential
        | SignatureError::Date
        | SignatureError::Expires => (ResponseType::Default4xx, "IncompleteSignatureException"),
        SignatureError::UnknownKey | SignatureError::Token => {
            (ResponseType::Default4xx, "UnrecognizedClientException")
        }
        SignatureError::TokenExpired => (ResponseType::ExpiredToken, "ExpiredTokenException"),
        SignatureError::SignedHeaders
        | SignatureError::HostUnsigned
        | SignatureError::DecidingUnsigned
        | SignatureError::Region
        | SignatureError::Service
        | SignatureError::Terminator
        | SignatureError::Day
        | SignatureError::Expired { .. }
        | SignatureError::NotYet { .. }
        | SignatureError::ContentHash
        | SignatureError::Mismatch => (ResponseType::InvalidSignature, "InvalidSignatureException"),
    }
}

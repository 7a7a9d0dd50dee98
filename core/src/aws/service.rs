//! What makes an HTTP call one of an AWS service.

use std::fmt;

use crate::auth::sigv4::PathStyle;

/// An AWS service, as an integration calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What the call is signed for.
    pub signing: Signing,
    /// `X-Amz-Target`, unless a mapping or a template sets it.
    pub target: Option<Box<str>>,
    /// The content type that goes with that target, unless a mapping or a template sets it.
    pub content_type: Option<&'static str>,
}

/// For what, and by whom, a call is signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signing {
    /// `us-east-1`
    pub region: Box<str>,
    /// The service's name in signatures, for example `sqs`.
    pub service: Box<str>,
    /// Who signs.
    pub by: Signatory,
}

/// Who signs a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Signatory {
    /// The gateway, or a role that it takes on.
    Gateway(CredentialsSource),
    /// Whoever calls the method, which it has signed itself: with its own keys, which the gateway knows
    /// (AWS: `arn:aws:iam::*:user/*`).
    Caller,
}

impl From<CredentialsSource> for Signatory {
    fn from(source: CredentialsSource) -> Self {
        Self::Gateway(source)
    }
}

impl Signing {
    /// How the service writes paths in what is signed.
    pub fn path_style(&self) -> PathStyle {
        if self.signs_content() { PathStyle::EncodedOnce } else { PathStyle::Normalized }
    }

    /// Whether the service wants the content's digest in a header field of its own: S3 alone.
    pub fn signs_content(&self) -> bool {
        &*self.service == "s3"
    }
}

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialsSource {
    /// What an AWS SDK finds around this process: environment, shared files, container, instance.
    Default,
    /// A role that those credentials assume, by its ARN.
    Role(Box<str>),
}

impl fmt::Display for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("this process"),
            Self::Role(arn) => f.write_str(arn),
        }
    }
}

//! What a request has for each condition key.

use std::net::IpAddr;

use super::key::Key;
use crate::arrival::AddressText;
use crate::auth::cidr::Bits;
use crate::auth::principal::Principal;
use crate::clock;
use crate::http1::{KnownField, RequestHead};
use crate::plan::Network;

/// What conditions may ask about one request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The request.
    pub request: &'a RequestHead,
    /// The client's address.
    pub source_ip: IpAddr,
    /// The private network that it comes from, if it is one that the configuration names.
    pub network: Option<&'a Network>,
    /// Whether it came by TLS.
    pub is_secure: bool,
    /// Seconds since 1970.
    pub now_s: u64,
    /// The gateway's region.
    pub region: &'a str,
    /// Who signed it; `None` for an anonymous one.
    pub principal: Option<&'a Principal>,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text.
    Text(&'a [u8]),
    /// An address.
    Address(IpAddr),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A moment, in seconds since 1970.
    Time(u64),
}

/// What there is for a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found<'a> {
    Absent,
    One(Value<'a>),
    Many(&'a [Box<str>]),
}

impl<'a> Facts<'a> {
    /// The values of a key.
    pub(super) fn find(&self, key: &Key) -> Found<'a> {
        if *key == Key::PrincipalOrgPaths {
            let paths = self.principal.map_or(&[][..], |principal| &principal.organization_paths);
            return if paths.is_empty() { Found::Absent } else { Found::Many(paths) };
        }
        self.value(key).map_or(Found::Absent, Found::One)
    }

    /// `aws:SourceIp` as ranges compare it.
    pub(super) fn source_bits(&self) -> Option<Bits> {
        self.network.is_none().then(|| Bits::of(self.source_ip))
    }

    fn value(&self, key: &Key) -> Option<Value<'a>> {
        let text = |text: &'a str| Value::Text(text.as_bytes());
        match key {
            Key::CurrentTime => Some(Value::Time(self.now_s)),
            Key::EpochTime => Some(Value::Number(self.now_s)),
            Key::Referer => self.request.first(KnownField::Referer).map(Value::Text),
            Key::RequestedRegion => Some(text(self.region)),
            Key::SecureTransport => Some(Value::Bool(self.is_secure)),
            Key::SourceArn | Key::PrincipalOrgPaths => None,
            Key::SourceIp => self.network.is_none().then_some(Value::Address(self.source_ip)),
            Key::UserAgent => self.request.first(KnownField::UserAgent).map(Value::Text),
            Key::SourceVpc => self.network.and_then(|network| network.vpc.as_deref()).map(text),
            Key::SourceVpce => self.network.and_then(|network| network.vpce.as_deref()).map(text),
            Key::VpcSourceIp => self.network.is_some().then_some(Value::Address(self.source_ip)),
            Key::TokenIssueTime
            | Key::MultiFactorAuthPresent
            | Key::MultiFactorAuthAge
            | Key::PrincipalAccount
            | Key::PrincipalArn
            | Key::PrincipalIsAwsService
            | Key::PrincipalOrgId
            | Key::PrincipalTag(_)
            | Key::PrincipalType
            | Key::UserId
            | Key::Username
            | Key::ViaAwsService => self.principal_value(key, self.principal?),
        }
    }

    fn principal_value(&self, key: &Key, principal: &'a Principal) -> Option<Value<'a>> {
        let text = |text: &'a str| Value::Text(text.as_bytes());
        let session = principal.session.as_ref();
        match key {
            Key::TokenIssueTime => session.and_then(|session| session.issued_s).map(Value::Time),
            Key::MultiFactorAuthPresent => session.map(|session| Value::Bool(session.mfa_s.is_some())),
            Key::MultiFactorAuthAge => session
                .and_then(|session| session.mfa_s)
                .map(|mfa_s| Value::Number(self.now_s.saturating_sub(mfa_s))),
            Key::PrincipalAccount => Some(text(principal.arn.account())),
            Key::PrincipalArn => Some(text(principal.arn.principal())),
            Key::PrincipalIsAwsService | Key::ViaAwsService => Some(Value::Bool(false)),
            Key::PrincipalOrgId => principal.organization_id.as_deref().map(text),
            Key::PrincipalTag(name) => principal.tag(name).map(text),
            Key::PrincipalType => Some(text(principal.arn.kind().name())),
            Key::UserId => Some(text(&principal.user_id)),
            Key::Username => principal.arn.user_name().map(text),
            Key::CurrentTime
            | Key::EpochTime
            | Key::Referer
            | Key::RequestedRegion
            | Key::SecureTransport => None,
            Key::SourceArn | Key::SourceIp | Key::UserAgent | Key::SourceVpc | Key::SourceVpce => None,
            Key::VpcSourceIp | Key::PrincipalOrgPaths => None,
        }
    }
}

impl Found<'_> {
    /// Calls `read` with the text of the one value, or with `default`. `None` when there is neither.
    pub(super) fn with_text<T>(self, default: Option<&[u8]>, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self {
            Found::One(value) => Some(value.with_text(read)),
            Found::Absent | Found::Many(_) => default.map(read),
        }
    }
}

impl Value<'_> {
    /// Calls `read` with the value as a text.
    pub(super) fn with_text<T>(self, read: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Text(text) => read(text),
            Self::Address(address) => read(AddressText::new(address).as_bytes()),
            Self::Bool(yes) => read(if yes { b"true" } else { b"false" }),
            Self::Number(number) => read(itoa::Buffer::new().format(number).as_bytes()),
            Self::Time(unix_s) => read(&clock::iso_8601(unix_s)),
        }
    }

    pub(super) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address.to_canonical()),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            Self::Bool(_) | Self::Number(_) | Self::Time(_) => None,
        }
    }

    pub(super) fn bool(self) -> Option<bool> {
        match self {
            Self::Bool(yes) => Some(yes),
            Self::Text(text) if text.eq_ignore_ascii_case(b"true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case(b"false") => Some(false),
            Self::Text(_) | Self::Address(_) | Self::Number(_) | Self::Time(_) => None,
        }
    }

    /// Numbers and times are compared as numbers of seconds.
    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) | Self::Time(number) => Some(number as f64),
            Self::Text(text) => {
                std::str::from_utf8(text).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
            }
            Self::Bool(_) | Self::Address(_) => None,
        }
    }

    pub(super) fn time(self) -> Option<f64> {
        match self {
            Self::Text(text) => super::date::parse(std::str::from_utf8(text).ok()?),
            other => other.number(),
        }
    }
}

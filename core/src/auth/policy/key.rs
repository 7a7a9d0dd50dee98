//! The condition keys that API Gateway has.
//!
//! AWS: "AWS condition keys that can be used in API Gateway resource policies".

/// A condition key. Names are compared without case; a tag's name is, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `aws:CurrentTime`
    CurrentTime,
    /// `aws:EpochTime`
    EpochTime,
    /// `aws:Referer`
    Referer,
    /// `aws:RequestedRegion`
    RequestedRegion,
    /// `aws:SecureTransport`
    SecureTransport,
    /// `aws:SourceArn`: of calls by AWS services on behalf of a resource; there are none here.
    SourceArn,
    /// `aws:SourceIp`
    SourceIp,
    /// `aws:UserAgent`
    UserAgent,
    /// `aws:SourceVpc`
    SourceVpc,
    /// `aws:SourceVpce`
    SourceVpce,
    /// `aws:VpcSourceIp`
    VpcSourceIp,
    /// `aws:TokenIssueTime`
    TokenIssueTime,
    /// `aws:MultiFactorAuthPresent`
    MultiFactorAuthPresent,
    /// `aws:MultiFactorAuthAge`
    MultiFactorAuthAge,
    /// `aws:PrincipalAccount`
    PrincipalAccount,
    /// `aws:PrincipalArn`
    PrincipalArn,
    /// `aws:PrincipalIsAWSService`
    PrincipalIsAwsService,
    /// `aws:PrincipalOrgID`
    PrincipalOrgId,
    /// `aws:PrincipalOrgPaths`; the one key with many values.
    PrincipalOrgPaths,
    /// `aws:PrincipalTag/<name>`
    PrincipalTag(Box<str>),
    /// `aws:PrincipalType`
    PrincipalType,
    /// `aws:userid`
    UserId,
    /// `aws:username`
    Username,
    /// `aws:ViaAWSService`
    ViaAwsService,
}

const NAMES: [(&str, Key); 23] = [
    ("aws:CurrentTime", Key::CurrentTime),
    ("aws:EpochTime", Key::EpochTime),
    ("aws:Referer", Key::Referer),
    ("aws:RequestedRegion", Key::RequestedRegion),
    ("aws:SecureTransport", Key::SecureTransport),
    ("aws:SourceArn", Key::SourceArn),
    ("aws:SourceIp", Key::SourceIp),
    ("aws:UserAgent", Key::UserAgent),
    ("aws:SourceVpc", Key::SourceVpc),
    ("aws:SourceVpce", Key::SourceVpce),
    ("aws:VpcSourceIp", Key::VpcSourceIp),
    ("aws:TokenIssueTime", Key::TokenIssueTime),
    ("aws:MultiFactorAuthPresent", Key::MultiFactorAuthPresent),
    ("aws:MultiFactorAuthAge", Key::MultiFactorAuthAge),
    ("aws:PrincipalAccount", Key::PrincipalAccount),
    ("aws:PrincipalArn", Key::PrincipalArn),
    ("aws:PrincipalIsAWSService", Key::PrincipalIsAwsService),
    ("aws:PrincipalOrgID", Key::PrincipalOrgId),
    ("aws:PrincipalOrgPaths", Key::PrincipalOrgPaths),
    ("aws:PrincipalType", Key::PrincipalType),
    ("aws:userid", Key::UserId),
    ("aws:username", Key::Username),
    ("aws:ViaAWSService", Key::ViaAwsService),
];

const TAG: &str = "aws:PrincipalTag/";

impl Key {
    /// Reads `aws:SourceIp`, and so on.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((prefix, tag)) = name.split_at_checked(TAG.len())
            && prefix.eq_ignore_ascii_case(TAG)
        {
            return (!tag.is_empty()).then(|| Self::PrincipalTag(tag.into()));
        }
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, key)| key.clone())
    }

    /// All names but those of tags.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_case() {
        for (name, key) in NAMES {
            assert_eq!(Key::parse(name), Some(key.clone()));
            assert_eq!(Key::parse(&name.to_uppercase()), Some(key));
        }
        assert_eq!(Key::parse("aws:principaltag/Team"), Some(Key::PrincipalTag("Team".into())));
        assert_eq!(Key::parse("aws:PrincipalTag/"), None);
        assert_eq!(Key::parse("aws:SourceIpp"), None);
        assert_eq!(Key::parse(""), None);
    }
}

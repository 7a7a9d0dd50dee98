//! ARNs in policies: six parts between colons, each a pattern of its own.

use std::fmt;

use super::facts::Facts;
use super::glob::{Glob, GlobError, Variables};

/// A pattern of `ArnLike`. AWS: the parts are compared one by one, so that no `*` reaches over a colon, but for the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArnPattern([Glob; 6]);

impl ArnPattern {
    /// Compiles a pattern; `None` unless it has six parts.
    pub fn parse(text: &str, variables: Variables) -> Option<Result<Self, GlobError>> {
        let parts: [&str; 6] = parts(text).try_into().ok()?;
        let globs: Result<Vec<Glob>, GlobError> =
            parts.iter().map(|part| Glob::parse(part, variables)).collect();
        Some(globs.map(|globs| Self(globs.try_into().expect("six parts"))))
    }

    pub(super) fn fits(&self, text: &[u8], facts: &Facts<'_>) -> bool {
        let mut parts = text.splitn(6, |&byte| byte == b':');
        self.0.iter().all(|glob| parts.next().is_some_and(|part| glob.fits(part, facts)))
    }
}

/// The first parts of the ARNs of this gateway's methods.
#[derive(Clone, Copy, Debug)]
pub struct OwnArn<'a> {
    /// AWS region.
    pub region: &'a str,
    /// AWS account.
    pub account: &'a str,
}

impl OwnArn<'_> {
    fn parts(&self) -> [&str; 5] {
        ["arn", "aws", "execute-api", self.region, self.account]
    }
}

/// The resources that a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSet {
    patterns: Vec<ResourcePattern>,
    /// `NotResource`
    negated: bool,
}

/// A pattern for methods of this gateway. All but the last part of an ARN is compared when it is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourcePattern {
    /// No method here: of another service, region or account.
    Nothing,
    /// `*`, or an ARN that ends with `*` before its last part.
    Anything,
    /// `{api}/{stage}/{VERB}/{path}`
    Method(Glob),
}

/// Why a resource cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceError {
    /// Neither `*`, nor an ARN, nor, in a resource policy, `execute-api:/…`.
    NoArn,
    /// A variable before the last part.
    EarlyVariable,
    /// A variable in `NotResource`: what it means without value is not clear.
    VariableInNot,
    /// Its wildcards or variables.
    Pattern(GlobError),
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoArn => f.write_str("not an ARN"),
            Self::EarlyVariable => f.write_str("a policy variable stands before the last part of the ARN"),
            Self::VariableInNot => f.write_str("a policy variable in `NotResource` is not supported"),
            Self::Pattern(error) => error.fmt(f),
        }
    }
}

impl ResourcePattern {
    /// Compiles a resource. In the resource policy of an API, `execute-api:/stage/VERB/path` is one of its methods.
    pub fn parse(
        text: &str,
        variables: Variables,
        own: OwnArn<'_>,
        api: Option<&str>,
    ) -> Result<Self, ResourceError> {
        if text == "*" {
            return Ok(Self::Anything);
        }
        if let (Some(method), Some(api)) = (text.strip_prefix("execute-api:/"), api) {
            return method_pattern(&format!("{api}/{method}"), variables);
        }
        let parts = parts(text);
        let (fixed, method) = if let [fixed @ .., method] = &parts[..]
            && parts.len() == 6
        {
            (fixed, Some(*method))
        } else if text.starts_with("arn:") && text.ends_with('*') {
            (&parts[..], None)
        } else {
            return Err(ResourceError::NoArn);
        };
        if fixed.first() != Some(&"arn") {
            return Err(ResourceError::NoArn);
        }
        let mut is_own = true;
        for (pattern, own) in fixed.iter().zip(own.parts()) {
            let glob = Glob::parse(pattern, variables).map_err(ResourceError::Pattern)?;
            if glob.has_variables() {
                return Err(ResourceError::EarlyVariable);
            }
            is_own &= glob.fits_text(own.as_bytes());
        }
        let pattern = method.map_or(Ok(Self::Anything), |method| method_pattern(method, variables))?;
        Ok(if is_own { pattern } else { Self::Nothing })
    }

    fn fits(&self, method: &[u8], facts: &Facts<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Anything => true,
            Self::Method(glob) => glob.fits(method, facts),
        }
    }
}

impl ResourceSet {
    /// `Resource`
    pub fn of(patterns: Vec<ResourcePattern>) -> Self {
        Self { patterns, negated: false }
    }

    /// `NotResource`
    pub fn all_but(patterns: Vec<ResourcePattern>) -> Result<Self, ResourceError> {
        let has_variables = |pattern: &ResourcePattern| matches!(pattern, ResourcePattern::Method(glob) if glob.has_variables());
        if patterns.iter().any(has_variables) {
            Err(ResourceError::VariableInNot)
        } else {
            Ok(Self { patterns, negated: true })
        }
    }

    /// Whether `{api}/{stage}/{VERB}/{path}` is in it.
    pub(super) fn contains(&self, method: &[u8], facts: &Facts<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.fits(method, facts)) != self.negated
    }
}

fn method_pattern(text: &str, variables: Variables) -> Result<ResourcePattern, ResourceError> {
    let glob = Glob::parse(text, variables).map_err(ResourceError::Pattern)?;
    Ok(if glob.is_anything() { ResourcePattern::Anything } else { ResourcePattern::Method(glob) })
}

/// The parts between the first five colons that are not in `${…}`.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut in_variable) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text[..at].ends_with('$') => in_variable = true,
            b'}' => in_variable = false,
            b':' if !in_variable && parts.len() < 5 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: OwnArn<'_> = OwnArn { region: "eu-west-1", account: "123456789012" };

    fn parse(text: &str, api: Option<&str>) -> Result<ResourcePattern, ResourceError> {
        ResourcePattern::parse(text, Variables::Replaced, OWN, api)
    }

    #[track_caller]
    fn check(text: &str, fitting: &[&str], others: &[&str]) {
        let fits = |method: &str| match parse(text, Some("api1")).expect("a resource") {
            ResourcePattern::Nothing => false,
            ResourcePattern::Anything => true,
            ResourcePattern::Method(glob) => glob.fits_text(method.as_bytes()),
        };
        for method in fitting {
            assert!(fits(method), "{text} fits {method}");
        }
        for method in others {
            assert!(!fits(method), "{text} does not fit {method}");
        }
    }

    #[test]
    fn resources() {
        check("*", &["api1/prod/GET/"], &[]);
        check(
            "arn:aws:execute-api:eu-west-1:123456789012:api1/*",
            &["api1/prod/GET/pets"],
            &["api2/prod/GET/pets", "api1"],
        );
        check(
            "arn:aws:execute-api:*:*:*/prod/GET/*",
            &["api1/prod/GET/", "a/b/prod/GET/x"],
            &["api1/test/GET/"],
        );
        check(
            "arn:aws:execute-api:eu-*-1:*:api1/prod/*/pets/?",
            &["api1/prod/PUT/pets/1"],
            &["api1/prod/PUT/pets/12"],
        );
        check("arn:aws:execute-api:us-east-1:123456789012:*", &[], &["api1/prod/GET/"]);
        check("arn:aws:execute-api:eu-west-1:210987654321:*", &[], &["api1/prod/GET/"]);
        check("arn:aws:s3:::bucket/*", &[], &["bucket/x"]);
        check("arn:aws:execute-api:*", &["api1/prod/GET/"], &[]);
        check("arn:aws:execute-api:us-*", &[], &["api1/prod/GET/"]);
        check("execute-api:/prod/GET/*", &["api1/prod/GET/a"], &["api2/prod/GET/a", "api1/test/GET/a"]);
        check("execute-api:/*", &["api1/prod/GET/a"], &["api2/prod/GET/a"]);
        check(
            "arn:aws:execute-api:eu-west-1:123456789012:api1/prod/GET/a:b:c",
            &["api1/prod/GET/a:b:c"],
            &["api1/prod/GET/a:b"],
        );
    }

    /// A client chooses the path. It must not reach the part before it, whatever the wildcards there.
    #[test]
    fn a_path_is_never_another_part() {
        let path = "api1/prod/GET/x-1:123456789012:other/prod/GET/secret";
        check("arn:aws:execute-api:us-*-1:123456789012:other/prod/GET/secret", &[], &[path]);
        check("arn:aws:execute-api:eu-west-*:123456789012:other/prod/GET/secret", &[], &[path]);
    }

    #[test]
    fn what_is_no_resource() {
        assert_eq!(parse("api1/prod/GET/", None), Err(ResourceError::NoArn));
        assert_eq!(parse("execute-api:/*", None), Err(ResourceError::NoArn));
        assert_eq!(parse("arn:aws:execute-api:eu-west-1", None), Err(ResourceError::NoArn));
        assert_eq!(parse("urn:aws:execute-api:eu-west-1:1:*", None), Err(ResourceError::NoArn));
        assert_eq!(parse("arn:aws:execute-api:${aws:username}:1:*", None), Err(ResourceError::EarlyVariable));
        let variable =
            parse("arn:aws:execute-api:*:*:api1/prod/GET/${aws:username}/*", None).expect("a resource");
        assert_eq!(ResourceSet::all_but(vec![variable]), Err(ResourceError::VariableInNot));
    }
}

//! `Principal` and `NotPrincipal` of resource policies.
//!
//! AWS: "AWS JSON policy elements: Principal".

use crate::auth::principal::Principal;

/// Whom a statement of a resource policy is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalSet {
    patterns: Vec<PrincipalPattern>,
    /// `NotPrincipal`
    negated: bool,
}

/// One principal of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `*`: everybody, signed or not.
    Anyone,
    /// An account, by its number or as `arn:aws:iam::123456789012:root`.
    Account(Box<str>),
    /// A user, role or session.
    Arn(Box<str>),
    /// `AIDA…` or `AROA…`
    Id(Box<str>),
    /// A service, identity provider or canonical user: none of them calls here.
    Nobody,
}

/// Not a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrincipalPatternError;

/// How a caller is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meant {
    /// It is not.
    No,
    /// By its account alone: that is for the account to hand on, so its own policy has to allow, too.
    ByAccount,
    /// By itself.
    Itself,
}

impl PrincipalPattern {
    /// Reads a value of `"AWS"`.
    pub fn parse_aws(text: &str) -> Result<Self, PrincipalPatternError> {
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if text == "*" {
            return Ok(Self::Anyone);
        }
        if is_account(text) {
            return Ok(Self::Account(text.into()));
        }
        if text.starts_with("AIDA") || text.starts_with("AROA") {
            return Ok(Self::Id(text.into()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", _, service, "", account, resource] = parts[..] else { return Err(PrincipalPatternError) };
        // AWS knows no wildcard within a principal.
        if !is_account(account) || text.contains(['*', '?']) {
            return Err(PrincipalPatternError);
        }
        match (service, resource.split('/').next()) {
            ("iam", Some("root")) => Ok(Self::Account(account.into())),
            ("iam", Some("user" | "role")) | ("sts", Some("assumed-role" | "federated-user")) => {
                Ok(Self::Arn(text.into()))
            }
            _ => Err(PrincipalPatternError),
        }
    }

    fn means(&self, caller: Option<&Principal>) -> Meant {
        let itself = |yes: bool| if yes { Meant::Itself } else { Meant::No };
        match (self, caller) {
            (Self::Anyone, _) => Meant::Itself,
            (Self::Account(account), Some(caller)) if **account == *caller.arn.account() => Meant::ByAccount,
            (Self::Arn(arn), Some(caller)) => {
                itself(**arn == *caller.arn.text() || **arn == *caller.arn.principal())
            }
            (Self::Id(id), Some(caller)) => itself(caller.user_id.split(':').next() == Some(id)),
            (Self::Account(_) | Self::Nobody, _) | (_, None) => Meant::No,
        }
    }
}

impl PrincipalSet {
    /// `Principal`
    pub fn of(patterns: Vec<PrincipalPattern>) -> Self {
        Self { patterns, negated: false }
    }

    /// `NotPrincipal`
    pub fn all_but(patterns: Vec<PrincipalPattern>) -> Self {
        Self { patterns, negated: true }
    }

    pub(super) fn means(&self, caller: Option<&Principal>) -> Meant {
        let meant = self.patterns.iter().map(|pattern| pattern.means(caller)).max().unwrap_or(Meant::No);
        match (self.negated, meant) {
            (false, meant) => meant,
            (true, Meant::No) => Meant::Itself,
            (true, Meant::ByAccount | Meant::Itself) => Meant::No,
        }
    }
}

//! What a caller wants to do. There are three actions, so that a statement's patterns become three bits.

use super::glob::{Glob, Variables};

/// An action of the service `execute-api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// Call a method.
    Invoke,
    /// Have the cached answer of a method dropped.
    InvalidateCache,
    /// Send to a WebSocket client, or close its connection.
    ManageConnections,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Invoke, Self::InvalidateCache, Self::ManageConnections];

    /// `execute-api:Invoke`
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoke => "execute-api:Invoke",
            Self::InvalidateCache => "execute-api:InvalidateCache",
            Self::ManageConnections => "execute-api:ManageConnections",
        }
    }
}

/// The actions that a statement is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionSet(u8);

impl ActionSet {
    /// `Action`: those that a pattern fits. `s3:*` is a pattern, and fits none.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        patterns.into_iter().fold(Self::default(), |set, pattern| Self(set.0 | Self::fitting(pattern).0))
    }

    /// `NotAction`: those that no pattern fits.
    pub fn all_but<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self(!Self::of(patterns).0)
    }

    /// Whether the action is in it.
    pub fn contains(self, action: Action) -> bool {
        self.0 & Self::bit(action) != 0
    }

    fn bit(action: Action) -> u8 {
        1 << action as u8
    }

    /// AWS: actions are compared without case.
    fn fitting(pattern: &str) -> Self {
        let Ok(glob) = Glob::parse(&pattern.to_ascii_lowercase(), Variables::None) else {
            return Self::default();
        };
        let fits = |action: &&Action| glob.fits_text(action.name().to_ascii_lowercase().as_bytes());
        Self(Action::ALL.iter().filter(fits).fold(0, |set, action| set | Self::bit(*action)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], want: &[Action]) {
        let set = ActionSet::of(patterns.iter().copied());
        let not = ActionSet::all_but(patterns.iter().copied());
        for action in Action::ALL {
            assert_eq!(set.contains(action), want.contains(&action), "{patterns:?} {action:?}");
            assert_eq!(not.contains(action), !want.contains(&action), "not {patterns:?} {action:?}");
        }
    }

    #[test]
    fn patterns() {
        use Action::{InvalidateCache, Invoke, ManageConnections};
        check(&[], &[]);
        check(&["*"], &Action::ALL);
        check(&["execute-api:*"], &Action::ALL);
        check(&["execute-api:Invoke"], &[Invoke]);
        check(&["EXECUTE-API:invoke"], &[Invoke]);
        check(&["execute-api:Inv*"], &[Invoke, InvalidateCache]);
        check(&["execute-api:?nvoke", "execute-api:Manage*"], &[Invoke, ManageConnections]);
        check(&["s3:*", "execute-api:", "Invoke"], &[]);
    }
}

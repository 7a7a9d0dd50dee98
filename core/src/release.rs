//! Canary releases: a second deployment of a stage, which gets a part of the stage's requests at random.
//!
//! AWS: "Set up an API Gateway canary release deployment". Nothing makes a client stay with one of the two. In a plan the
//! canary is a stage of its own that no host or path names, so that whatever comes behind routing need not know of it.

use crate::arrival::Entropy;
use crate::hosts::Place;

/// Which of its stage's deployments this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// The only one.
    #[default]
    Sole,
    /// The production release: there is a canary beside it.
    Production(Canary),
    /// The canary.
    Canary,
}

impl Release {
    /// Which deployment a request with these random bits is for, of the stage at `place`, whose release this is.
    pub(crate) fn choose(self, place: Place, entropy: &Entropy) -> Place {
        match self {
            Self::Production(Canary { api, stage, share }) if share.takes(entropy) => {
                Place { api, stage, ..place }
            }
            Self::Sole | Self::Production(_) | Self::Canary => place,
        }
    }

    /// The canary beside a production release.
    pub fn canary(self) -> Option<Canary> {
        if let Self::Production(canary) = self { Some(canary) } else { None }
    }

    /// `$context.isCanaryRequest`, which is there only where there is a canary.
    pub fn is_canary_request(self) -> Option<bool> {
        match self {
            Self::Sole => None,
            Self::Production(_) => Some(false),
            Self::Canary => Some(true),
        }
    }

    /// Whether requests to a place with this release get a deployment, all or some of them.
    pub(crate) fn leads_to(self, place: Place, deployment: Place) -> bool {
        let is = |api, stage| (api, stage) == (deployment.api, deployment.stage);
        is(place.api, place.stage) || self.canary().is_some_and(|canary| is(canary.api, canary.stage))
    }
}

/// Where a stage's canary is, and what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Index of the API that is its deployment: the stage's own, or one that is nothing else.
    pub api: usize,
    /// Index of the stage there.
    pub stage: usize,
    /// Its part of the requests.
    pub share: Share,
}

/// A part of all requests, in 2^32ths: `0..=WHOLE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u64);

const WHOLE: u64 = 1 << 32;

impl Share {
    /// So many of a hundred.
    pub fn of_percent(percent: f64) -> Self {
        Self((percent.clamp(0.0, 100.0) / 100.0 * WHOLE as f64) as u64)
    }

    /// The same in a hundred.
    pub fn percent(self) -> f64 {
        let percent = self.0 as f64 / WHOLE as f64 * 100.0;
        (percent * 1e6).round() / 1e6
    }

    /// This part of so many bytes.
    pub fn of(self, bytes: u64) -> u64 {
        (u128::from(bytes) * u128::from(self.0) / u128::from(WHOLE)) as u64
    }

    /// Whether a request with these random bits belongs to it. They are mixed, so that requests picked by digits of an id or
    /// trace are of both deployments as all are.
    pub(crate) fn takes(self, entropy: &Entropy) -> bool {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let drawn = (entropy[0] ^ entropy[2].rotate_left(32)).wrapping_mul(ODD) >> 32;
        drawn < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part of so many percent takes about so many of ten thousand, and the same ones each time.
    #[track_caller]
    fn check(percent: f64, least: usize, most: usize) {
        let share = Share::of_percent(percent);
        let mut random = 0x1234_5678_9abc_def1_u64;
        let mut draw = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let taken = (0..10_000).filter(|_| share.takes(&[draw(), draw(), draw(), draw()])).count();
        assert!((least..=most).contains(&taken), "{percent} %: {taken}");
        assert_eq!(share.percent(), percent);
    }

    #[test]
    fn a_share_takes_its_part() {
        check(0.0, 0, 0);
        check(0.1, 1, 30);
        check(10.0, 880, 1_120);
        check(33.3, 3_150, 3_510);
        check(100.0, 10_000, 10_000);
        assert!(!Share::of_percent(0.0).takes(&[0; 4]));
        assert!(Share::of_percent(100.0).takes(&[u64::MAX, 0, 0, 0]));
        assert_eq!(Share::of_percent(12.5).of(800), 100);
        assert_eq!(Share::of_percent(100.0).of(u64::MAX), u64::MAX);
    }
}

//! The cases of AWS's own classifier of request smuggling: whatever it calls severe, we refuse, and whatever it calls compliant,
//! we accept.

#[path = "support/desync.rs"]
mod desync;

use std::collections::BTreeMap;

use self::desync::{Case, Tier, cases};
use tidegate_core::http1::{HeadError, HeadLimits, RequestHead};

const HOST: &str = "example.com";

fn parse(case: &Case) -> Result<Option<usize>, HeadError> {
    let mut head = RequestHead::new();
    head.buffer_mut().extend_from_slice(case.head(HOST).as_bytes());
    head.parse(&HeadLimits::default())
}

#[test]
fn severe_cases_are_refused_with_400() {
    let mut count = 0;
    for case in cases().iter().filter(|case| case.tier() == Tier::Severe) {
        match parse(case) {
            Err(error) => assert_eq!(error.status(), 400, "{}: {error}", case.name),
            Ok(head) => panic!("{}: accepted as {head:?}", case.name),
        }
        count += 1;
    }
    assert_eq!(count, 58);
}

#[test]
fn compliant_cases_are_accepted() {
    let mut count = 0;
    for case in cases().iter().filter(|case| case.tier() == Tier::Compliant) {
        let head = parse(case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(head, Some(case.head(HOST).len()), "{}", case.name);
        count += 1;
    }
    assert_eq!(count, 28);
}

#[test]
fn verdicts_by_tier() {
    let mut verdicts: BTreeMap<Tier, (usize, usize)> = BTreeMap::new();
    let cases = cases();
    for case in &cases {
        let (accepted, refused) = verdicts.entry(case.tier()).or_default();
        *(if parse(case).is_ok() { accepted } else { refused }) += 1;
    }
    let want = [
        (Tier::Compliant, (28, 0)),
        (Tier::Acceptable, (2, 13)),
        (Tier::Ambiguous, (6, 51)),
        (Tier::Severe, (0, 58)),
    ];
    assert_eq!(verdicts, BTreeMap::from(want), "(accepted, refused)");
}

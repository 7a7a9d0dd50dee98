//! What a caller has used and has left, day by day: what `tidegate usage` shows.

use std::collections::BTreeMap;

use super::{Day, Quota, Record, Usage};

/// What an account has used of its plan on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The day.
    pub day: Day,
    /// What was used on it.
    pub usage: Usage,
    /// Requests that were left of the quota at its end, or are left now. `None` without quota.
    pub remaining: Option<u64>,
}

/// The statements of an account for each day on which it has used something, and for those of `more`. Records tell what
/// was used in each period, also by requests that a crash has lost from the days' counts; their last day says so.
pub fn statements(
    usage: &BTreeMap<Day, Usage>,
    records: &BTreeMap<Day, Record>,
    quota: Option<Quota>,
    more: Option<Day>,
) -> Vec<Statement> {
    let mut days: Vec<Day> = usage.keys().copied().chain(more).collect();
    days.sort_unstable();
    days.dedup();
    let used_on = |day: Day| usage.get(&day).copied().unwrap_or_default();
    let statement = |&day: &Day| {
        let remaining = quota.map(|quota| {
            let start = quota.period.start(day);
            let record = records.get(&start).copied().unwrap_or_default();
            let is_last = usage.range(Day(day.0 + 1)..quota.period.next(start)).next().is_none();
            let calls: u64 = usage.range(start..=day).map(|(_, usage)| usage.calls).sum();
            record.limit(quota).saturating_sub(if is_last { calls.max(record.used) } else { calls })
        });
        Statement { day, usage: used_on(day), remaining }
    };
    days.iter().map(statement).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Period;
    use super::*;

    fn usage(days: &[(u32, u64)]) -> BTreeMap<Day, Usage> {
        days.iter().map(|&(day, calls)| (Day(day), Usage { calls, bytes_out: calls * 10 })).collect()
    }

    #[track_caller]
    fn check(period: Period, days: &[(u32, u64)], records: &[(u32, u64)], want: &[(u32, u64, u64)]) {
        let quota = Quota { limit: 100, offset: 0, period };
        let record = |&(day, used): &(u32, u64)| (Day(day), Record { used, ..Record::default() });
        let records = records.iter().map(record).collect();
        let rows = statements(&usage(days), &records, Some(quota), Some(Day(20_010)));
        let rows: Vec<_> =
            rows.iter().map(|row| (row.day.0, row.usage.calls, row.remaining.expect("a quota"))).collect();
        assert_eq!(rows, want);
    }

    #[test]
    fn days_stand_for_themselves() {
        check(
            Period::Day,
            &[(20_000, 30), (20_001, 100)],
            &[(20_000, 30), (20_001, 100)],
            &[(20_000, 30, 70), (20_001, 100, 0), (20_010, 0, 100)],
        );
    }

    #[test]
    fn a_period_is_used_up_day_by_day() {
        let start = Period::Week.start(Day(20_000)).0;
        check(
            Period::Week,
            &[(start, 10), (start + 1, 20), (start + 2, 30)],
            // Five were lost in a crash.
            &[(start, 65)],
            &[(start, 10, 90), (start + 1, 20, 70), (start + 2, 30, 35), (20_010, 0, 100)],
        );
    }

    #[test]
    fn without_quota_nothing_is_left_to_say() {
        let rows = statements(&usage(&[(5, 1)]), &BTreeMap::new(), None, None);
        let want = Statement { day: Day(5), usage: Usage { calls: 1, bytes_out: 10 }, remaining: None };
        assert_eq!(rows, [want]);
    }
}

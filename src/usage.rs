//! `tidegate usage`: what each API key has used and has left, as a table, JSON lines or CSV.
#![expect(clippy::print_stderr, reason = "printing is what a command is for")]

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use tidegate_core::limit::{Account, Day, Quota, Statement, UsagePlans, statements};
use tidegate_io::{Answer, Extension, Query};

use crate::command;

/// Days that are shown when no first one is given.
const DAYS: u32 = 30;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The configuration
    #[arg(default_value = "tidegate.toml")]
    file: PathBuf,
    /// Only the API key of this name
    #[arg(long)]
    key: Option<String>,
    /// Only the usage plan of this name
    #[arg(long)]
    plan: Option<String>,
    /// The first day, in UTC (2026-11-01); 30 days ago if not given
    #[arg(long, value_parser = day)]
    from: Option<Day>,
    /// The last day, in UTC; today if not given
    #[arg(long, value_parser = day)]
    to: Option<Day>,
    /// One JSON object for each key and day
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Comma-separated values
    #[arg(long)]
    csv: bool,
    /// Let the key make so many more requests in the present period of its quota, or fewer if negative
    #[arg(long, value_name = "REQUESTS", requires = "key", allow_negative_numbers = true)]
    extend: Option<i64>,
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "expected a date such as 2026-11-25".to_owned())
}

/// A key under a plan.
struct Row<'a> {
    account: &'a Account,
    statement: Statement,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Some(loaded) = command::load(&arguments.file) else { return ExitCode::FAILURE };
    match ask(arguments, &loaded.plan.usage_plans, &loaded.settings.state) {
        Ok(printed) => printed,
        Err(error) => {
            eprintln!("tidegate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn ask(arguments: &Arguments, plans: &UsagePlans, state: &std::path::Path) -> Result<ExitCode, String> {
    let today = today();
    let to = arguments.to.unwrap_or(today);
    let from = arguments.from.unwrap_or(Day(to.0.saturating_sub(DAYS - 1)));
    if from > to {
        return Err(format!("{from} is later than {to}"));
    }
    let accounts = accounts(plans, arguments)?;
    let extend = match arguments.extend {
        Some(requests) => Some(extension(&accounts, requests, today)?),
        None => None,
    };
    // Whole periods, so that it can be said what is left of them.
    let earliest = Day(from.0.saturating_sub(31));
    let query = Query {
        plan: arguments.plan.clone(),
        key: arguments.key.clone(),
        from: earliest.0,
        to: to.0,
        extend,
    };
    let answer = tidegate_io::ask(state, &query)?;
    let is_asked_for = arguments.key.is_some() && to >= today;
    let rows = rows(&accounts, &answer, (from, to), is_asked_for.then_some(today));
    let mut out = io::BufWriter::new(io::stdout().lock());
    let printed = if arguments.json {
        print_json(&rows, &mut out)
    } else if arguments.csv {
        print_csv(&rows, &mut out)
    } else {
        print_table(&rows, &mut out)
    };
    // Nobody may be reading to the end.
    let _ = printed.and_then(|()| out.flush());
    Ok(ExitCode::SUCCESS)
}

/// The keys and plans that are asked for, with their quotas.
fn accounts(plans: &UsagePlans, arguments: &Arguments) -> Result<Vec<(Account, Option<Quota>)>, String> {
    let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    let mut accounts = Vec::new();
    for (key, plan) in plans.accounts() {
        let account = Account {
            plan: plans.plan_name(plan).to_owned(),
            key: String::from_utf8_lossy(plans.key_name(key)).into_owned(),
        };
        if is(&arguments.plan, &account.plan) && is(&arguments.key, &account.key) {
            accounts.push((account, plans.quota(plan)));
        }
    }
    accounts.sort_by(|one, other| one.0.cmp(&other.0));
    match (&arguments.key, &arguments.plan) {
        (Some(key), Some(plan)) if accounts.is_empty() => {
            Err(format!("there is no API key `{key}` in a usage plan `{plan}`"))
        }
        (Some(key), None) if accounts.is_empty() => {
            Err(format!("there is no API key `{key}` in a usage plan"))
        }
        (None, Some(plan)) if accounts.is_empty() => {
            Err(format!("there is no usage plan `{plan}` with keys"))
        }
        _ => Ok(accounts),
    }
}

fn extension(accounts: &[(Account, Option<Quota>)], requests: i64, today: Day) -> Result<Extension, String> {
    let mut with_quota = accounts.iter().filter_map(|(account, quota)| Some((account, (*quota)?)));
    let (account, quota) = with_quota.next().ok_or("the key has no quota that could be extended")?;
    if with_quota.next().is_some() {
        return Err("the key is in several usage plans with a quota; name one with --plan".to_owned());
    }
    let period = quota.period.start(today).0;
    Ok(Extension { plan: account.plan.clone(), key: account.key.clone(), period, requests })
}

fn rows<'a>(
    accounts: &'a [(Account, Option<Quota>)],
    answer: &Answer,
    (from, to): (Day, Day),
    more: Option<Day>,
) -> Vec<Row<'a>> {
    let nothing = tidegate_io::Stored::default();
    let rows = accounts.iter().flat_map(|(account, quota)| {
        let stored = answer.get(account).unwrap_or(&nothing);
        let statements = statements(&stored.usage, &stored.records, *quota, more);
        statements.into_iter().map(move |statement| Row { account, statement })
    });
    rows.filter(|row| (from..=to).contains(&row.statement.day)).collect()
}

fn print_table(rows: &[Row<'_>], out: &mut impl Write) -> io::Result<()> {
    let width = |cell: fn(&Account) -> &str, heading: &str| {
        rows.iter().map(|row| cell(row.account).chars().count()).max().unwrap_or(0).max(heading.len())
    };
    let (plan, key) = (width(|account| &account.plan, "PLAN"), width(|account| &account.key, "KEY"));
    writeln!(out, "{:plan$}  {:key$}  DAY              CALLS       BYTES OUT   REMAINING", "PLAN", "KEY")?;
    for Row { account, statement } in rows {
        let Statement { day, usage, remaining } = statement;
        let remaining = remaining.map_or("no quota".to_owned(), |remaining| remaining.to_string());
        let (calls, bytes) = (usage.calls, usage.bytes_out);
        let Account { plan: plan_name, key: key_name } = account;
        writeln!(
            out,
            "{plan_name:plan$}  {key_name:key$}  {day}  {calls:>10}  {bytes:>14}  {remaining:>10}"
        )?;
    }
    Ok(())
}

fn print_json(rows: &[Row<'_>], out: &mut impl Write) -> io::Result<()> {
    for Row { account, statement } in rows {
        let row = serde_json::json!({
            "plan": account.plan,
            "key": account.key,
            "day": statement.day.to_string(),
            "calls": statement.usage.calls,
            "bytesOut": statement.usage.bytes_out,
            "remaining": statement.remaining,
        });
        writeln!(out, "{row}")?;
    }
    Ok(())
}

fn print_csv(rows: &[Row<'_>], out: &mut impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["plan", "key", "day", "calls", "bytes_out", "remaining"])?;
    for Row { account, statement } in rows {
        let Statement { day, usage, remaining } = statement;
        csv.write_record([
            &account.plan,
            &account.key,
            &day.to_string(),
            &usage.calls.to_string(),
            &usage.bytes_out.to_string(),
            &remaining.map(|remaining| remaining.to_string()).unwrap_or_default(),
        ])?;
    }
    csv.flush()
}

fn today() -> Day {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Day::of(since.as_millis() as u64)
}

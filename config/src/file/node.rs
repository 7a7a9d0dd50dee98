//! `[node]`: who this gateway is.

use std::path::{Path, PathBuf};

use tidegate_core::auth::cidr::Cidr;
use tidegate_core::limit::Rate;
use tidegate_core::plan::Node as PlanNode;

use super::network;
use super::settings::Shards;
use super::throttle;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Node, Value};

/// AWS's own example account; it only shows in ARNs and `$context.accountId`.
const ACCOUNT_DEFAULT: &str = "123456789012";
const REGION_DEFAULT: &str = "us-east-1";
/// Most shards, and one more than the highest CPU number.
const SHARDS_MAX: usize = 1024;

/// Folder of durable state, beside the file.
const STATE_DEFAULT: &str = "state";

/// `[node]` as it is read.
pub(super) struct NodeSection {
    pub(super) plan: PlanNode,
    pub(super) shards: Shards,
    /// The throttle of all APIs together. AWS: of an account in a region, 10,000 a second unless raised; here none.
    pub(super) throttle: Option<Rate>,
    /// Where durable state lies.
    pub(super) state: PathBuf,
    /// The proxies that it trusts.
    pub(super) trusted_proxies: Vec<Cidr>,
}

pub(super) fn read(
    section: Option<&Node>,
    folder: &Path,
    name_default: &str,
    report: &mut Report,
) -> NodeSection {
    let mut node = PlanNode {
        name: name_default.to_owned(),
        region: REGION_DEFAULT.to_owned(),
        account: ACCOUNT_DEFAULT.to_owned(),
    };
    let (mut shards, mut throttle, mut state) = (Shards::Auto, None, STATE_DEFAULT);
    let mut trusted_proxies = Vec::new();
    if let Some(mut fields) = section.and_then(|section| Fields::read(section, "`node`", report)) {
        replace(
            &mut node.name,
            fields.value("name"),
            is_name,
            "1 to 255 printable characters without blanks",
            report,
        );
        replace(&mut node.region, fields.value("region"), is_region, "a region such as us-east-1", report);
        replace(
            &mut node.account,
            fields.value("account"),
            is_account,
            "an account number of 12 digits",
            report,
        );
        if let Some(value) = fields.value("shards") {
            shards = read_shards(value, report).unwrap_or(Shards::Auto);
        }
        throttle = throttle::read(fields.value("throttle"), report);
        if let Some(value) = fields.value("trusted_proxies") {
            trusted_proxies = network::ranges(value, report);
        }
        if let Some(value) = fields.value("state") {
            state = scalar::text(value, report).unwrap_or(STATE_DEFAULT);
            if state.is_empty() {
                report.error(value.span, "expected the name of a folder");
            }
        }
        fields.finish(report);
    }
    let state = folder.join(state);
    let state = std::path::absolute(&state).unwrap_or(state);
    NodeSection { plan: node, shards, throttle, state, trusted_proxies }
}

fn replace(
    target: &mut String,
    value: Option<&Node>,
    fits: fn(&str) -> bool,
    wanted: &str,
    report: &mut Report,
) {
    let Some(value) = value else { return };
    let Some(text) = scalar::text(value, report) else { return };
    if fits(text) {
        text.clone_into(target);
    } else {
        report.error(value.span, format!("expected {wanted}"));
    }
}

fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_region(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(fits)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_shards(value: &Node, report: &mut Report) -> Option<Shards> {
    match &value.value {
        Value::Text(word) if &**word == "auto" => Some(Shards::Auto),
        Value::Number(..) => scalar::integer(value, 1..=SHARDS_MAX, report).map(Shards::Count),
        Value::List(cpus) if !cpus.is_empty() => read_cpus(cpus, report),
        _ => {
            report
                .error(value.span, "expected \"auto\", a number of shards, or a list of CPUs")
                .help("for example shards = 2, or shards = [0, 1]");
            None
        }
    }
}

fn read_cpus(cpus: &[Node], report: &mut Report) -> Option<Shards> {
    let mut read: Vec<usize> = Vec::with_capacity(cpus.len());
    for cpu in cpus {
        let number = scalar::integer(cpu, 0..=SHARDS_MAX - 1, report)?;
        if read.contains(&number) {
            report.error(cpu.span, format!("CPU {number} stands twice")).help("a CPU has one shard");
        }
        read.push(number);
    }
    Some(Shards::Cpus(read))
}

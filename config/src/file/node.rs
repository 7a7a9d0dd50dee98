//! `[node]`: who this gateway is.

use tidegate_core::auth::cidr::Cidr;
use tidegate_core::plan::Node as PlanNode;

use super::network;
use super::settings::Shards;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Node, Value};

/// AWS's own example account; it only shows in ARNs and `$context.accountId`.
const ACCOUNT_DEFAULT: &str = "123456789012";
const REGION_DEFAULT: &str = "us-east-1";
/// Most shards, and one more than the highest CPU number.
const SHARDS_MAX: usize = 1024;

/// Who it is, its shards, and the proxies that it trusts.
pub(super) fn read(
    section: Option<&Node>,
    name_default: &str,
    report: &mut Report,
) -> (PlanNode, Shards, Vec<Cidr>) {
    let mut node = PlanNode {
        name: name_default.to_owned(),
        region: REGION_DEFAULT.to_owned(),
        account: ACCOUNT_DEFAULT.to_owned(),
    };
    let mut shards = Shards::Auto;
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
        if let Some(value) = fields.value("trusted_proxies") {
            trusted_proxies = network::ranges(value, report);
        }
        fields.unsupported("state", report);
        fields.finish(report);
    }
    (node, shards, trusted_proxies)
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

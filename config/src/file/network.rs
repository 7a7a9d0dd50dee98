//! `[[network]]`, the private networks that clients call from, and the proxies that are trusted to say who calls.

use tidegate_core::auth::cidr::Cidr;
use tidegate_core::plan::Network;

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// Most characters of `vpc` and `vpce`.
const NAME_BYTES_MAX: usize = 64;

/// Networks by the addresses in them, in the order of the file.
pub(super) fn read(section: Option<&Node>, report: &mut Report) -> Vec<(Cidr, Network)> {
    let mut networks = Vec::new();
    for section in section.map_or(&[][..], |section| scalar::list(section, report)) {
        let Some(mut fields) = Fields::read(section, "`network`", report) else { continue };
        let ranges =
            fields.required("addresses", report).map_or_else(Vec::new, |value| ranges(value, report));
        let network = read_names(&mut fields, report);
        if network.is_none() {
            report.error(section.span, "a network has a `vpc`, a `vpce` or both");
        }
        fields.finish(report);
        networks.extend(ranges.into_iter().zip(std::iter::repeat(network.unwrap_or_default())));
    }
    networks
}

/// The network that `vpc` and `vpce` name, if either stands.
pub(super) fn read_names(fields: &mut Fields<'_>, report: &mut Report) -> Option<Network> {
    let vpc = fields.value("vpc").and_then(|value| read_name(value, "vpc-", report));
    let vpce = fields.value("vpce").and_then(|value| read_name(value, "vpce-", report));
    (vpc.is_some() || vpce.is_some()).then_some(Network { vpc, vpce })
}

fn read_name(value: &Node, prefix: &str, report: &mut Report) -> Option<Box<str>> {
    let name = scalar::text(value, report)?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.starts_with(prefix) || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
        report.error(value.span, format!("`{name}` does not look like {prefix}0a1b2c3d"));
    }
    Some(name.into())
}

/// A list of addresses and ranges.
pub(super) fn ranges(value: &Node, report: &mut Report) -> Vec<Cidr> {
    let mut ranges = Vec::new();
    for item in scalar::list(value, report) {
        let Some(text) = scalar::text(item, report) else { continue };
        match Cidr::parse(text) {
            Some(range) => ranges.push(range),
            None => {
                report
                    .error(item.span, format!("`{text}` is no address or range of addresses"))
                    .help("for example \"10.0.0.0/8\" or \"2001:db8::/32\"");
            }
        }
    }
    ranges
}

//! What the process needs beside the plan: shards, `[[listener]]`, `[admin]` and `[tuning]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use tidegate_core::plan::Network;
use tidegate_core::span::Span;

use super::network;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// What the process needs beside the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many shards there are.
    pub shards: Shards,
    /// Where clients connect; at least one.
    pub listeners: Vec<SocketAddr>,
    /// Where `/health` is.
    pub admin: Option<SocketAddr>,
    /// The folder of durable state, as an absolute path.
    pub state: PathBuf,
    /// How long a shard polls before it parks, in microseconds.
    pub spin_us: u64,
    /// How often the names of origins are resolved again, in milliseconds.
    pub dns_ttl_ms: u64,
    /// Receive buffers per shard; a power of two, because the kernel's buffer ring is one.
    pub receive_buffers: u16,
    /// Size of each, in bytes.
    pub receive_buffer_bytes: u32,
}

/// How many shards there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shards {
    /// One for each CPU that the process may use.
    Auto,
    /// This many.
    Count(usize),
    /// One on each of these CPUs.
    Cpus(Vec<usize>),
}

/// How long a shard polls before it parks. A short spin pays at low load (measured, design.md: "The ring").
const SPIN_US: u64 = 50;
const DNS_TTL_S: u64 = 30;
/// Large enough for what a burst of TCP brings at once, with a head: against 16 KiB, answers of 1 MiB cost 0.6 of the CPU
/// time, and against 64 KiB, answers of that size 0.8 (docs/decisions/0007-receive-buffers.md). Small messages touch the first page of a
/// buffer only.
const RECEIVE_BUFFERS: u16 = 64;
const RECEIVE_BUFFER_BYTES: u32 = 131_072;

/// The settings, and of each listener its private network and whether it speaks HTTP/2 without TLS.
pub(super) fn read(
    shards: Shards,
    state: PathBuf,
    fields: &mut Fields<'_>,
    report: &mut Report,
) -> (Settings, Vec<Option<Network>>, Vec<bool>) {
    let (listeners, networks, h2c) = listeners(fields.value("listener"), report);
    let admin = fields.value("admin").and_then(|section| {
        let mut fields = Fields::read(section, "`admin`", report)?;
        let address = address_of(&mut fields, report);
        fields.finish(report);
        address
    });
    if let Some((admin, span)) = admin
        && listeners.contains(&admin)
        && admin.port() != 0
    {
        report.error(span, format!("{admin} is a listener already"));
    }
    let mut settings = Settings {
        shards,
        listeners,
        admin: admin.map(|(address, _)| address),
        state,
        spin_us: SPIN_US,
        dns_ttl_ms: DNS_TTL_S * 1000,
        receive_buffers: RECEIVE_BUFFERS,
        receive_buffer_bytes: RECEIVE_BUFFER_BYTES,
    };
    if let Some(section) = fields.value("tuning") {
        tuning(section, &mut settings, report);
    }
    (settings, networks, h2c)
}

/// The addresses, and by their positions the private networks, and whether HTTP/2 is spoken without TLS.
fn listeners(
    section: Option<&Node>,
    report: &mut Report,
) -> (Vec<SocketAddr>, Vec<Option<Network>>, Vec<bool>) {
    let (mut read, mut networks, mut h2c) = (Vec::new(), Vec::new(), Vec::new());
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    if sections.is_empty() {
        let at = section.map_or(Span::new(0, 0), |section| section.span);
        report
            .error(at, "there is no listener: clients could not connect")
            .help("add [[listener]] with address = \"127.0.0.1:8080\"");
    }
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`listener`", report) else { continue };
        let address = address_of(&mut fields, report);
        let network = network::read_names(&mut fields, report);
        let speaks_h2c = fields.value("h2c").and_then(|value| scalar::boolean(value, report));
        fields.finish(report);
        let Some((address, span)) = address else { continue };
        if address.port() != 0 && read.contains(&address) {
            report.error(span, format!("{address} is a listener already"));
        }
        read.push(address);
        networks.push(network);
        h2c.push(speaks_h2c.unwrap_or(false));
    }
    (read, networks, h2c)
}

fn address_of(fields: &mut Fields<'_>, report: &mut Report) -> Option<(SocketAddr, Span)> {
    let value = fields.required("address", report);
    fields.unsupported("tls", report);
    let value = value?;
    let address = scalar::text(value, report)?.parse();
    if address.is_err() {
        report
            .error(value.span, "expected an IP address and a port")
            .help("for example \"127.0.0.1:8080\", \"0.0.0.0:80\" or \"[::1]:8080\"");
    }
    Some((address.ok()?, value.span))
}

fn tuning(section: &Node, settings: &mut Settings, report: &mut Report) {
    let Some(mut fields) = Fields::read(section, "`tuning`", report) else { return };
    if let Some(value) = fields.value("spin_us") {
        settings.spin_us = scalar::integer(value, 0..=1_000_000, report).unwrap_or(SPIN_US);
    }
    if let Some(value) = fields.value("dns_ttl") {
        settings.dns_ttl_ms = scalar::integer(value, 1..=86_400, report).unwrap_or(DNS_TTL_S) * 1000;
    }
    if let Some(value) = fields.value("receive_buffers") {
        let count = scalar::integer(value, 16..=32_768, report).unwrap_or(RECEIVE_BUFFERS);
        if !count.is_power_of_two() {
            report
                .error(value.span, "the number of receive buffers must be a power of two")
                .help(format!("the next one is {}", count.next_power_of_two()));
        }
        settings.receive_buffers = count;
    }
    if let Some(value) = fields.value("receive_buffer_bytes") {
        settings.receive_buffer_bytes =
            scalar::bytes(value, 512..=1_048_576, report).unwrap_or(RECEIVE_BUFFER_BYTES);
    }
    fields.finish(report);
}

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
    pub listeners: Vec<Listener>,
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

/// Where clients connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// Whether it is for https.
    pub tls: bool,
}

/// What else is said of listeners, by position.
#[derive(Default)]
pub(super) struct Beside {
    /// The private network that clients come from.
    pub(super) networks: Vec<Option<Network>>,
    /// The port of https that clients are sent to.
    pub(super) https_redirects: Vec<Option<u16>>,
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

/// The settings, and what else is said of each listener.
pub(super) fn read(
    shards: Shards,
    state: PathBuf,
    fields: &mut Fields<'_>,
    report: &mut Report,
) -> (Settings, Beside) {
    let (listeners, beside) = listeners(fields.value("listener"), report);
    let admin = fields.value("admin").and_then(|section| {
        let mut fields = Fields::read(section, "`admin`", report)?;
        let address = address_of(&mut fields, report);
        fields.unsupported("tls", report);
        fields.finish(report);
        address
    });
    if let Some((admin, span)) = admin
        && listeners.iter().any(|listener| listener.address == admin)
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
    (settings, beside)
}

fn listeners(section: Option<&Node>, report: &mut Report) -> (Vec<Listener>, Beside) {
    let (mut read, mut beside) = (Vec::<Listener>::new(), Beside::default());
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
        let tls = fields.value("tls").and_then(|value| scalar::boolean(value, report)).unwrap_or(false);
        let redirect = fields.take("https_redirect");
        if let (Some(entry), true) = (redirect, tls) {
            report.error(entry.key_span, "a listener for https cannot send clients to https");
        }
        let redirect = redirect.and_then(|entry| scalar::integer(&entry.value, 1..=u16::MAX, report));
        fields.finish(report);
        let Some((address, span)) = address else { continue };
        if address.port() != 0 && read.iter().any(|listener| listener.address == address) {
            report.error(span, format!("{address} is a listener already"));
        }
        read.push(Listener { address, tls });
        beside.networks.push(network);
        beside.https_redirects.push(redirect);
    }
    (read, beside)
}

fn address_of(fields: &mut Fields<'_>, report: &mut Report) -> Option<(SocketAddr, Span)> {
    let value = fields.required("address", report)?;
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

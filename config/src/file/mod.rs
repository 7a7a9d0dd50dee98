//! `tidegate.toml`: what AWS keeps outside of the OpenAPI document.
//!
//! In reading order: `node` and `settings` say who and where this gateway is, `limits` what it lets in, `api` and
//! `stage` what it serves, `canary` beside what, `domain` under which names, `api_key`, `api_key_file`, `usage_plan` and `throttle` to whom and
//! how much, `cache` what is answered again, `execution_log` what is logged of steps, `function` what runs beside it, `aws` where AWS is, `principal` and `network`
//! who signs and from where. Nothing here opens another file, but those of secrets, keys and the policies of principals.

pub(crate) mod api;
pub(crate) mod api_key;
mod api_key_file;
pub(crate) mod aws;
pub(crate) mod cache;
pub(crate) mod canary;
mod credentials_file;
pub(crate) mod domain;
pub(crate) mod execution_log;
pub(crate) mod function;
mod limits;
mod network;
mod node;
pub(crate) mod principal;
mod settings;
pub(crate) mod stage;
pub(crate) mod throttle;
mod upstream;
pub(crate) mod usage_plan;

use std::path::Path;

use tidegate_core::auth::principal::Principals;
use tidegate_core::hosts::DomainSpec;
use tidegate_core::limit::Rate;
use tidegate_core::limits::Limits;
use tidegate_core::plan::{Networks, Node as PlanNode};
use tidegate_core::tls::{ServerTls, Trust};

pub use settings::{Listener, Settings, Shards};

use crate::diagnostics::Diagnostics;
use crate::fields::Fields;
use crate::report::Report;
use crate::tree::Node;

/// What `tidegate.toml` says. Where it was wrong a default stands, and the report has an error.
pub(crate) struct File {
    pub(crate) node: PlanNode,
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) apis: Vec<api::Api>,
    pub(crate) domains: Vec<DomainSpec>,
    /// What listeners for https present.
    pub(crate) tls: ServerTls,
    /// Whose certificates are believed of backends.
    pub(crate) trust: Trust,
    /// The port of https that clients of each listener are sent to.
    pub(crate) https_redirects: Vec<Option<u16>>,
    pub(crate) keys: api_key::ApiKeys,
    pub(crate) usage_plans: Vec<usage_plan::UsagePlan>,
    /// The throttle of all APIs together.
    pub(crate) throttle: Option<Rate>,
    pub(crate) functions: Vec<function::Declared>,
    pub(crate) principals: Principals,
    pub(crate) networks: Networks,
    pub(crate) h2c_listeners: Vec<bool>,
    pub(crate) aws: aws::Aws,
    /// What is wrong in files that are named here.
    pub(crate) policies: Diagnostics,
}

/// Reads the tree of a `tidegate.toml` that lies in `folder`.
pub(crate) fn read(root: &Node, folder: &Path, node_default: &str, report: &mut Report) -> Option<File> {
    let mut fields = Fields::read(root, "the file", report)?;
    let node = node::read(fields.value("node"), folder, node_default, report);
    let (settings, beside) = settings::read(node.shards, node.state, &mut fields, report);
    let limits = limits::read(fields.value("limits"), report);
    let apis = api::read(fields.take("api"), folder, report);
    let has_https = settings.listeners.iter().any(|listener| listener.tls);
    let domains = fields.value("domain");
    let errors_before = report.has_errors();
    let domains = domain::read(domains, &apis, folder, has_https, report);
    if has_https && domains.tls.is_empty() && report.has_errors() == errors_before {
        let at = fields.value("listener").map_or(fields.span(), |section| section.span);
        report
            .error(at, "a listener is for https, and no domain has a certificate")
            .help("add `certificate` and `key` to a [[domain]]");
    }
    let trust = upstream::read(fields.value("upstream"), folder, report);
    let mut keys = api_key::read(fields.value("api_key"), folder, report);
    api_key_file::read(fields.value("api_key_file"), folder, &mut keys, report);
    let usage_plans = usage_plan::read(fields.value("usage_plan"), &keys, &apis, report);
    let by_address = network::read(fields.value("network"), report);
    let networks =
        Networks { trusted_proxies: node.trusted_proxies, by_address, by_listener: beside.networks };
    let mut policies = Diagnostics::default();
    let around = principal::Around { folder, node: &node.plan };
    let principals = principal::read(fields.value("principal"), &around, &mut policies, report);
    let principals = Principals::new(principals);
    let functions = function::read(fields.value("function"), folder, report);
    let aws = aws::read(fields.value("aws"), &node.plan, report);
    fields.finish(report);
    Some(File {
        node: node.plan,
        settings,
        limits,
        apis,
        domains: domains.hosts,
        tls: ServerTls { domains: domains.tls },
        trust,
        https_redirects: beside.https_redirects,
        h2c_listeners: beside.h2c,
        keys,
        usage_plans,
        throttle: node.throttle,
        principals,
        networks,
        policies,
        functions,
        aws,
    })
}

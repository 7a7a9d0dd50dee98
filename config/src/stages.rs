//! From a definition and a stage's settings to the integrations and throttles of that stage.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidegate_core::integration::{Custom, Http, HttpKind, Integration, Mock, RequestTemplates, Responses};
use tidegate_core::limit::{MeterId, Rate};
use tidegate_core::plan::{Api, Origin, OriginId, Stage};
use tidegate_core::route::RouteId;

use crate::file;
use crate::file::throttle::MethodSettings;
use crate::file::usage_plan::meter_of;
use crate::openapi::integration::{self, Definition};
use crate::openapi::{Method, responses::Rules};
use crate::report::Report;

/// Every distinct backend address, numbered.
#[derive(Default)]
pub(crate) struct Origins {
    pub(crate) list: Vec<Origin>,
    ids: HashMap<Origin, OriginId>,
    hosts: HashSet<Arc<str>>,
}

impl Origins {
    fn id(&mut self, origin: Origin) -> OriginId {
        *self.ids.entry(origin).or_insert_with_key(|origin| {
            self.list.push(origin.clone());
            OriginId(self.list.len() as u32 - 1)
        })
    }

    /// The same text for the same host.
    fn host(&mut self, host: &str) -> Arc<str> {
        if let Some(known) = self.hosts.get(host) {
            return Arc::clone(known);
        }
        let host: Arc<str> = host.into();
        self.hosts.insert(Arc::clone(&host));
        host
    }
}

/// Compiles a stage. What its variables do not make a valid address is reported and answers 500.
pub(crate) fn compile(
    stage: file::stage::Stage,
    methods: &[Method],
    origins: &mut Origins,
    report: &mut Report,
) -> Stage {
    let integrations =
        methods.iter().map(|method| compile_one(&method.integration, &stage, origins, report)).collect();
    Stage {
        name: stage.name,
        variables: stage.variables,
        integrations,
        throttles: Vec::new(),
        access_log: stage.access_log,
    }
}

/// The throttle of each method of a stage: its own, or the stage's.
pub(crate) fn throttles(
    api: &Api,
    stage: usize,
    default: Option<Rate>,
    methods: &[MethodSettings],
    report: &mut Report,
) -> Vec<Option<(MeterId, Rate)>> {
    if default.is_none() && methods.is_empty() {
        return Vec::new();
    }
    let mut rates = vec![default; api.routes.len()];
    for method in methods {
        if let Some(route) = method.find(api, report) {
            rates[route.0 as usize] = Some(method.rate);
        }
    }
    let name = &api.stages[stage].name;
    let meter = |route: usize| meter_of(api, name, RouteId(route as u32));
    rates.iter().enumerate().map(|(route, rate)| rate.map(|rate| (meter(route), rate))).collect()
}

fn compile_one(
    definition: &Definition,
    stage: &file::stage::Stage,
    origins: &mut Origins,
    report: &mut Report,
) -> Integration {
    match definition {
        Definition::Misconfigured => Integration::Misconfigured,
        Definition::Mock { request, rules } => {
            Integration::Mock(Mock { request: request.clone(), responses: responses(rules) })
        }
        Definition::Http(http) => match compile_http(http, stage, origins, report) {
            Some(http) => Integration::Http(Box::new(http)),
            None => Integration::Misconfigured,
        },
    }
}

fn compile_http(
    http: &integration::Http,
    stage: &file::stage::Stage,
    origins: &mut Origins,
    report: &mut Report,
) -> Option<Http> {
    match http.uri.endpoint(|name| stage.variable(name), &http.parameters.path) {
        Ok(endpoint) => Some(Http {
            kind: kind(http.custom.as_ref()),
            origin: origins.id(endpoint.origin),
            host: origins.host(&endpoint.host),
            method: http.method,
            target: endpoint.target,
            query: http.parameters.query.clone(),
            headers: http.parameters.headers.clone(),
            timeout_ms: http.timeout_ms,
        }),
        Err(error) => {
            let message =
                format!("in stage `{}` this answers 500 Internal server error: {error}", stage.name);
            let finding = report.warning(http.uri_span, message);
            if let Some(help) = error.help() {
                finding.help(help);
            }
            None
        }
    }
}

fn kind(custom: Option<&(RequestTemplates, Rules)>) -> HttpKind {
    match custom {
        None => HttpKind::Proxy,
        Some((request, rules)) => {
            HttpKind::Custom(Box::new(Custom { request: request.clone(), responses: responses(rules) }))
        }
    }
}

/// The patterns were tried one by one when they were read; if one was bad, no plan is made.
fn responses(rules: &Rules) -> Responses {
    Responses::new(rules.clone()).unwrap_or_default()
}

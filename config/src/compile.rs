//! From files to a plan: reads what `tidegate.toml` names, and puts the parts together.

use std::path::Path;

use tidegate_core::auth::authorise::Authorization;
use tidegate_core::auth::authorizer::Authorizer;
use tidegate_core::auth::cognito::{Cognito, ScopesId, UserPool};
use tidegate_core::auth::policy::Policy;
use tidegate_core::hosts::{DomainSpec, Hosts};
use tidegate_core::limit::{StageId, UsagePlans, account_meter};
use tidegate_core::plan::{Api, EndpointType, Node, Plan};
use tidegate_core::span::Span;
use tidegate_core::tls::ServerTls;

use crate::canaries::{self, Apart, Places};
use crate::diagnostics::Diagnostics;
use crate::file::{self, Settings};
use crate::functions::Functions;
use crate::report::Report;
use crate::services::Services;
use crate::source::Source;
use crate::stages::{self, Backends};
use crate::{caches, execution_logs, openapi, routing, tree};

/// A configuration that compiled.
#[derive(Debug)]
pub struct Loaded {
    /// What requests are answered by.
    pub plan: Plan,
    /// What the process needs beside it.
    pub settings: Settings,
    /// What compiles and does not do what it seems to say; no errors.
    pub warnings: Diagnostics,
}

/// Reads a `tidegate.toml` and every file that it names. Paths in it are relative to its folder; `node_default` is the
/// node's name if it gives none (the host name).
///
/// # Errors
///
/// Everything that is wrong in any of the files, and the warnings.
pub fn load(path: &Path, node_default: &str) -> Result<Loaded, Diagnostics> {
    let unreadable = |why| Diagnostics::of_error(format!("cannot read {}: {why}", path.display()));
    let mut report = Report::new(Source::read(path).map_err(unreadable)?);
    let root = tree::toml::read(&mut report);
    let secrets =
        [file::api_key::secrets(&root), file::function::secrets(&root), file::principal::secrets(&root)];
    report.mask(&secrets.concat());
    let folder = path.parent().unwrap_or(Path::new(""));
    let Some(file) = file::read(&root, folder, node_default, &mut report) else {
        return Err(report.into_findings());
    };
    let mut stages: Vec<Vec<Span>> =
        file.apis.iter().map(|api| api.stages.iter().map(|stage| stage.span).collect()).collect();
    let keys = file.keys.list;
    let functions = Functions::new(file.functions, &file.node);
    let mut backends = Backends::new(functions, Services::new(file.aws, &file.node));
    let mut definitions = file.policies;
    let configured = file.apis.len();
    let (mut apis, mut canaries) = (Vec::with_capacity(configured), Vec::new());
    let around = Around { node: &file.node, tls: &file.tls };
    for (number, api) in file.apis.into_iter().enumerate() {
        let places = Places { own: number, apart: configured + canaries.len() };
        let compiled = compile_api(api, places, around, &mut backends, &mut report, &mut definitions);
        let Some((api, apart)) = compiled else { continue };
        apis.push(api);
        canaries.extend(apart);
    }
    // An API that is left out has an error, and then there is no plan.
    let mut usage_plans = UsagePlans::default();
    if apis.len() == configured {
        for (canary, span) in canaries {
            apis.push(canary);
            stages.push(vec![span]);
        }
        let plans: Vec<_> =
            file.usage_plans.into_iter().map(|plan| plan.compile(&apis, &mut report)).collect();
        usage_plans = UsagePlans::compile(&keys, &plans);
        check_keys(&apis, &stages, &usage_plans, &mut report);
        check_certificates(&file.domains, &apis, &stages, &mut report);
        check_access(&apis, &stages, root.get("principal").is_some(), &mut report);
        if !report.has_errors() && !definitions.has_errors() {
            backends.functions.warn_unused(&mut report);
            backends.services.warn_unused(&mut report);
        }
    }
    let mut findings = Diagnostics::default();
    findings.append(report.into_findings());
    findings.append(definitions);
    if findings.has_errors() {
        return Err(findings);
    }
    match compile_hosts(file.domains, &apis[..configured]) {
        Ok(hosts) => {
            let plan = Plan {
                node: file.node,
                limits: file.limits,
                apis,
                hosts,
                origins: backends.origins,
                functions: backends.functions.into_list(),
                aws: backends.services.into_plan(),
                usage_plans,
                principals: file.principals,
                networks: file.networks,
                h2c_listeners: file.h2c_listeners,
                tls: file.tls,
                trust: file.trust,
                https_redirects: file.https_redirects,
                throttle: file.throttle.map(|rate| (account_meter(), rate)),
                generation: 0,
            };
            Ok(Loaded { plan, settings: file.settings, warnings: findings })
        }
        Err(message) => Err(Diagnostics::of_error(message)),
    }
}

/// What all definitions are compiled with.
#[derive(Clone, Copy)]
struct Around<'a> {
    node: &'a Node,
    tls: &'a ServerTls,
}

/// Warns where methods need a key and no usage plan lets any key in.
fn check_keys(apis: &[Api], stages: &[Vec<Span>], plans: &UsagePlans, report: &mut Report) {
    for (position, (api, spans)) in apis.iter().zip(stages).enumerate() {
        if !api.api_key_required.contains(&true) {
            continue;
        }
        for (stage, at) in spans.iter().enumerate() {
            if plans.has_stage(StageId { api: position as u32, stage: stage as u32 }) {
                continue;
            }
            let name = &api.stages[stage].name;
            report
                .warning(
                    *at,
                    format!("no usage plan has the stage `{name}`: methods that need an API key answer 403"),
                )
                .help("add [[usage_plan]] with keys = [\"…\"] and [[usage_plan.stage]]");
        }
    }
}

/// Warns where a domain asks for certificates and the same API can be called without.
fn check_certificates(domains: &[DomainSpec], apis: &[Api], stages: &[Vec<Span>], report: &mut Report) {
    for domain in domains.iter().filter(|domain| domain.mutual_tls) {
        for mapping in &domain.mappings {
            let others = domains.iter().filter(|other| !other.mutual_tls);
            let by_name =
                others.into_iter().find(|other| other.mappings.iter().any(|other| other.api == mapping.api));
            let Some(&at) = stages[mapping.api].first() else { continue };
            let (id, name) = (&apis[mapping.api].id, &domain.name);
            if let Some(other) = by_name {
                report.warning(
                    at,
                    format!(
                        "`{id}` can be called without the certificate that `{name}` asks for, by `{}`",
                        other.name
                    ),
                );
            } else if !apis[mapping.api].default_endpoint_disabled {
                report
                    .warning(at, format!("`{id}` can be called without the certificate that `{name}` asks for, by its default endpoint"))
                    .help("add x-amazon-apigateway-endpoint-configuration: { disableExecuteApiEndpoint: true } to its definition");
            }
        }
    }
}

/// Warns where nobody can call.
fn check_access(apis: &[Api], stages: &[Vec<Span>], principals: bool, report: &mut Report) {
    for (api, spans) in apis.iter().zip(stages) {
        let Some(at) = spans.first() else { continue };
        if api.authorization.contains(&Authorization::Iam) && !principals {
            report
                .warning(*at, "there is no principal: methods with AWS_IAM answer 403")
                .help("add [[principal]] with access_key_id, secret_access_key_file and arn");
        }
        if api.endpoint == EndpointType::Private
            && api.policy.as_ref().is_some_and(|policy| policy.statements.is_empty())
        {
            report
                .warning(*at, "the API is PRIVATE and has no resource policy: every request is denied")
                .help("add x-amazon-apigateway-policy to its definition");
        }
    }
}

/// Each base path was compiled and compared when it was read, so this fails for none that got here.
fn compile_hosts(domains: Vec<DomainSpec>, apis: &[Api]) -> Result<Hosts, String> {
    Hosts::compile(domains, apis).map_err(|(_, error)| error.to_string())
}

/// Reads an API's definition and compiles its stages, and the canaries that have definitions of their own. `None`: there
/// are errors.
fn compile_api(
    mut api: file::api::Api,
    places: Places,
    around: Around<'_>,
    backends: &mut Backends,
    report: &mut Report,
    findings: &mut Diagnostics,
) -> Option<(Api, Vec<(Api, Span)>)> {
    let (path, at) = api.definition.as_ref()?;
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(why) => {
            report.error(*at, format!("cannot read {}: {why}", path.display()));
            return None;
        }
    };
    let mut canaries = canaries::deploy(&mut api, &source, report);
    let mut compile = |api, source| {
        let mut definition = Report::new(source);
        let compiled = compile_definition(api, around, backends, &mut definition, report);
        findings.append(definition.into_findings());
        compiled
    };
    let api = compile(api, source);
    // All of them, also behind one that is wrong.
    let apart: Vec<_> = std::mem::take(&mut canaries.apart)
        .into_iter()
        .map(|Apart { api, source, span }| Some((compile(api, source)?, span)))
        .collect();
    let (mut api, mut apart) = (api?, apart.into_iter().collect::<Option<Vec<_>>>()?);
    canaries.link(&mut api, places, &mut apart, report);
    Some((api, apart))
}

fn compile_definition(
    mut api: file::api::Api,
    Around { node, tls }: Around<'_>,
    backends: &mut Backends,
    report: &mut Report,
    file_report: &mut Report,
) -> Option<Api> {
    let root = tree::yaml::read(report)?;
    let around = openapi::Around { node, api: &api.id, endpoint: api.endpoint, tls };
    let mut definition = openapi::read(&root, around, report)?;
    let routing = routing::compile(&definition.methods, report)?;
    let settings =
        |stage: &mut file::stage::Stage| (stage.throttle, stage.cache, std::mem::take(&mut stage.methods));
    let logs: Vec<_> = api.stages.iter_mut().map(|stage| stage.execution_log.take()).collect();
    let settings: Vec<_> = api.stages.iter_mut().map(settings).collect();
    let compile_stage =
        |stage| stages::compile(stage, &definition.methods, &definition.authorizers, backends, report);
    let stages = api.stages.into_iter().map(compile_stage).collect();
    let mut validations: Vec<_> =
        definition.methods.iter_mut().map(|method| method.validation.take()).collect();
    if validations.iter().all(Option::is_none) {
        validations.clear();
    }
    let (authorization, scopes) = authorization(&mut definition.methods);
    let user_pools = definition.user_pools.into_iter();
    let user_pools = user_pools.map(|pools| user_pool(pools, &mut backends.services)).collect();
    let mut api = Api {
        deployment_id: routing::deployment_id(&api.id, &report.source.text),
        id: api.id,
        endpoint: api.endpoint,
        default_endpoint_disabled: definition.default_endpoint_disabled,
        resources: routing.resources,
        routes: routing.routes,
        api_key_required: definition.methods.iter().map(|method| method.api_key_required).collect(),
        authorization,
        user_pools,
        scopes,
        api_key_source: definition.api_key_source,
        authorizers: definition.authorizers.into_iter().map(authorizer).collect(),
        validations,
        policy: policy(definition.policy, api.endpoint, report),
        router: routing.router,
        binary_media_types: definition.binary_media_types,
        compression_bytes_min: definition.compression_bytes_min,
        gateway_responses: definition.gateway_responses,
        stages,
    };
    let deployment = std::sync::Arc::clone(&report.source);
    for (position, ((throttle, cache, methods), log)) in settings.into_iter().zip(logs).enumerate() {
        api.stages[position].execution_log = execution_logs::compile(&api, log, &methods, file_report);
        api.stages[position].throttles = stages::throttles(&api, position, throttle, &methods);
        let all = &definition.methods;
        let compiled = caches::compile(&api, position, cache, &methods, all, &deployment.text, file_report);
        api.stages[position].changed = [caches::changed(compiled.as_deref()), None];
        api.stages[position].cache = compiled;
    }
    caches::check(&api, &definition.methods, report);
    Some(api)
}

/// What a token must be good for.
type Scopes = Box<[Box<str>]>;

/// How callers of each method are known, and the scopes that methods ask for, each list once.
fn authorization(methods: &mut [openapi::Method]) -> (Vec<Authorization>, Vec<Scopes>) {
    let mut lists: Vec<Scopes> = Vec::new();
    let mut number = |list: Scopes| {
        let known = lists.iter().position(|known| *known == list);
        let position = known.unwrap_or_else(|| {
            lists.push(list);
            lists.len() - 1
        });
        ScopesId(position as u32)
    };
    let of = |method: &mut openapi::Method| match (method.authorization, std::mem::take(&mut method.scopes)) {
        (Authorization::Cognito(id, _), scopes) if !scopes.is_empty() => {
            Authorization::Cognito(id, Some(number(scopes)))
        }
        (authorization, _) => authorization,
    };
    let authorization = methods.iter_mut().map(of).collect();
    (authorization, lists)
}

fn user_pool(pools: openapi::UserPools, services: &mut Services) -> Cognito {
    let openapi::UserPools { name, source, audience, pools } = pools;
    let pool = |arn: openapi::PoolArn| UserPool {
        issuer: arn.issuer().into(),
        keys_url: services.keys_url(&arn.partition, &arn.region, &arn.id).into(),
    };
    Cognito { name: name.into(), source, audience, pools: pools.into_iter().map(pool).collect() }
}

fn authorizer(authorizer: openapi::Authorizer) -> Authorizer {
    let openapi::Authorizer { name, input, ttl_ms, .. } = authorizer;
    Authorizer { name: name.into(), input, ttl_ms }
}

/// A private API without policy denies all (AWS: "Private REST APIs").
fn policy(policy: Option<(Policy, Span)>, endpoint: EndpointType, report: &mut Report) -> Option<Policy> {
    match policy {
        Some((policy, at)) => {
            if policy.statements.is_empty() {
                report.warning(at, "the policy has no statement: every request is denied");
            }
            Some(policy)
        }
        None => (endpoint == EndpointType::Private).then(Policy::default),
    }
}

//! From a definition and a stage's settings to the integrations and throttles of that stage.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidegate_core::auth::authorise::Authorization;
use tidegate_core::auth::authorizer::{AuthorizerFunction, AuthorizerId};
use tidegate_core::aws::{CredentialsSource, Signatory};
use tidegate_core::integration::{
    Custom, FunctionPlace, Http, HttpKind, Integration, Lambda, LambdaKind, Mock, Remote, RequestTemplates,
    Responses,
};
use tidegate_core::limit::{MeterId, Rate};
use tidegate_core::plan::{Api, Origin, OriginId, Stage};
use tidegate_core::release::Release;
use tidegate_core::route::RouteId;
use tidegate_core::span::Span;

use crate::file;
use crate::file::throttle::MethodSettings;
use crate::file::usage_plan::meter_of;
use crate::functions::Functions;
use crate::openapi::integration::{self, Definition};
use crate::openapi::lambda::{self as openapi, FunctionArn, report_arn};
use crate::openapi::service::{self, Service, ServiceUri};
use crate::openapi::uri::{Template, UriError};
use crate::openapi::{Authorizer, Method, report_authorizer_uri, responses::Rules};
use crate::report::Report;
use crate::services::Services;

/// Every distinct backend address, numbered, the functions and the AWS services.
pub(crate) struct Backends {
    pub(crate) origins: Vec<Origin>,
    pub(crate) functions: Functions,
    pub(crate) services: Services,
    ids: HashMap<Origin, OriginId>,
    hosts: HashSet<Arc<str>>,
}

impl Backends {
    pub(crate) fn new(functions: Functions, services: Services) -> Self {
        Self { origins: Vec::new(), functions, services, ids: HashMap::new(), hosts: HashSet::new() }
    }

    fn id(&mut self, origin: Origin) -> OriginId {
        *self.ids.entry(origin).or_insert_with_key(|origin| {
            self.origins.push(origin.clone());
            OriginId(self.origins.len() as u32 - 1)
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
    authorizers: &[Authorizer],
    backends: &mut Backends,
    report: &mut Report,
) -> Stage {
    let integrations = methods.iter().map(|method| compile_one(method, &stage, backends, report)).collect();
    let is_used = |id: usize| {
        methods.iter().any(|method| method.authorization == Authorization::Lambda(AuthorizerId(id as u32)))
    };
    let authorizers = authorizers.iter().enumerate().map(|(id, authorizer)| {
        is_used(id).then(|| compile_authorizer(authorizer, &stage, backends, report)).flatten()
    });
    let authorizers = authorizers.collect();
    Stage {
        name: stage.name,
        release: if stage.is_canary { Release::Canary } else { Release::Sole },
        variables: stage.variables,
        integrations,
        authorizers,
        throttles: Vec::new(),
        cache: None,
        changed: [None; 2],
        access_log: stage.access_log,
        execution_log: None,
    }
}

/// The throttle of each method of a stage: its own, or the stage's.
pub(crate) fn throttles(
    api: &Api,
    stage: usize,
    default: Option<Rate>,
    methods: &[MethodSettings],
) -> Vec<Option<(MeterId, Rate)>> {
    let mut rates = vec![default; api.routes.len()];
    for method in methods {
        if let Some(route) = method.find(api) {
            rates[route.0 as usize] = method.rate.or(default);
        }
    }
    if rates.iter().all(Option::is_none) {
        return Vec::new();
    }
    let name = &api.stages[stage].name;
    let meter = |route: usize| meter_of(api, name, RouteId(route as u32));
    rates.iter().enumerate().map(|(route, rate)| rate.map(|rate| (meter(route), rate))).collect()
}

fn compile_one(
    method: &Method,
    stage: &file::stage::Stage,
    backends: &mut Backends,
    report: &mut Report,
) -> Integration {
    let authorization = method.authorization;
    match &method.integration {
        Definition::Misconfigured => Integration::Misconfigured,
        Definition::Mock { request, rules } => {
            Integration::Mock(Mock { request: request.clone(), responses: responses(rules) })
        }
        Definition::Http(http) => match compile_http(http, stage, backends, report) {
            Some(http) => Integration::Http(http),
            None => Integration::Misconfigured,
        },
        Definition::Service(service) => {
            match compile_service(service, authorization, stage, backends, report) {
                Some(http) => Integration::Http(http),
                None => Integration::Misconfigured,
            }
        }
        Definition::Lambda(lambda) => match compile_lambda(lambda, authorization, stage, backends, report) {
            Some(lambda) => Integration::Lambda(Box::new(lambda)),
            None => Integration::Misconfigured,
        },
    }
}

/// A missing stage variable is a warning, as for a URI; a function that is not here is an error.
fn compile_lambda(
    lambda: &openapi::Lambda,
    authorization: Authorization,
    stage: &file::stage::Stage,
    backends: &mut Backends,
    report: &mut Report,
) -> Option<Lambda> {
    let uri = match lambda.uri.text(|name| stage.variable(name)) {
        Ok(uri) => uri,
        Err(error) => {
            warn_uri(lambda.uri_span, stage, &error, report);
            return None;
        }
    };
    let is_custom = lambda.custom.is_some();
    let arn = FunctionArn::of_uri(&uri, lambda.streams)
        .inspect_err(|error| report_arn(lambda.uri_span, is_custom, error, report))
        .ok()?;
    let (uri_span, credentials) = (lambda.uri_span, lambda.credentials.as_ref());
    let named = Named {
        uri: &uri,
        arn: &arn,
        uri_span,
        credentials,
        key: "credentials",
        authorization: Some(authorization),
    };
    let place = place(named, stage, backends, report)?;
    let kind = match lambda.custom.as_ref() {
        None if lambda.streams => LambdaKind::StreamedProxy,
        None => LambdaKind::Proxy,
        Some(mapped) => LambdaKind::Custom(Box::new(compile_custom(mapped))),
    };
    Some(Lambda {
        kind,
        place,
        invoked_arn: arn.text.into(),
        invocation_type: lambda.invocation_type.clone(),
        timeout_ms: lambda.timeout_ms,
    })
}

/// The function of an authorizer in a stage, as [`compile_lambda`].
fn compile_authorizer(
    authorizer: &Authorizer,
    stage: &file::stage::Stage,
    backends: &mut Backends,
    report: &mut Report,
) -> Option<AuthorizerFunction> {
    let uri = authorizer.uri.text(|name| stage.variable(name));
    let uri = uri.map_err(|error| warn_uri(authorizer.uri_span, stage, &error, report)).ok()?;
    let arn = FunctionArn::of_uri(&uri, false);
    let arn = arn.map_err(|_| report_authorizer_uri(authorizer.uri_span, &uri, report)).ok()?;
    let (uri_span, credentials) = (authorizer.uri_span, authorizer.credentials.as_ref());
    let authorization = None;
    let key = "authorizerCredentials";
    let named = Named { uri: &uri, arn: &arn, uri_span, credentials, key, authorization };
    let place = place(named, stage, backends, report)?;
    Some(AuthorizerFunction { place, invoked_arn: arn.text.into() })
}

fn compile_http(
    http: &integration::Http,
    stage: &file::stage::Stage,
    backends: &mut Backends,
    report: &mut Report,
) -> Option<Http> {
    match http.uri.endpoint(|name| stage.variable(name), &http.parameters.path) {
        Ok(mut endpoint) => {
            match &mut endpoint.origin.tls {
                Some(tls) => {
                    http.tls.apply(tls);
                    tls.client.clone_from(&stage.client_certificate);
                }
                None if http.tls.is_default() => {}
                None => {
                    report.warning(http.uri_span, "`tlsConfig` has no effect: the backend is called by http");
                }
            }
            Some(Http {
                kind: kind(http.custom.as_ref()),
                origin: backends.id(endpoint.origin),
                host: backends.host(&endpoint.host),
                service: None,
                method: http.method,
                target: endpoint.target,
                query: http.parameters.query.as_slice().into(),
                headers: http.parameters.headers.as_slice().into(),
                timeout_ms: http.timeout_ms,
            })
        }
        Err(error) => {
            warn_uri(http.uri_span, stage, &error, report);
            None
        }
    }
}

/// Why AWS is not called for a function that is not here.
const NOT_WITHOUT_AWS: &str = ", and without [aws] no function of AWS is called";

/// A function as a definition names it.
struct Named<'a> {
    uri: &'a str,
    arn: &'a FunctionArn,
    uri_span: Span,
    /// The role that signs, if it is at AWS; and where it stands.
    credentials: Option<&'a (Template, Span)>,
    /// Under which key.
    key: &'static str,
    /// How callers of the method are known; an authorizer has none that could sign, for it is what they are known by.
    authorization: Option<Authorization>,
}

/// Where a function is: here, or at AWS if that is configured.
fn place(
    Named { uri, arn, uri_span, credentials, key, authorization }: Named<'_>,
    stage: &file::stage::Stage,
    backends: &mut Backends,
    report: &mut Report,
) -> Option<FunctionPlace> {
    if let Some(function) = backends.functions.find_here(arn) {
        if let Some((_, at)) = credentials {
            report
                .warning(*at, format!("`{key}` has no effect in {}", stage.title()))
                .help("the function runs here and needs no permission");
        }
        return Some(FunctionPlace::Here(function));
    }
    if !backends.services.has_functions() {
        let found = backends.functions.find(arn, NOT_WITHOUT_AWS, uri_span, report);
        return found.map(FunctionPlace::Here);
    }
    let by = match credentials {
        Some((template, at)) => {
            let arn = template.text(|name| stage.variable(name));
            let arn = arn.inspect_err(|error| warn_uri(*at, stage, error, report)).ok()?;
            match authorization {
                Some(authorization) => signatory(&arn, *at, authorization, report)?,
                None => service::source(&arn, *at, report)?.into(),
            }
        }
        None => CredentialsSource::Default.into(),
    };
    let uri =
        ServiceUri::parse(uri).inspect_err(|error| service::report_uri(uri_span, *error, report)).ok()?;
    let (url, endpoint) = backends.services.endpoint(&uri, &[]);
    let endpoint =
        endpoint.inspect_err(|error| report_endpoint(uri_span, uri.service, &url, error, report)).ok()?;
    let remote = Remote {
        origin: backends.id(endpoint.origin),
        host: backends.host(&endpoint.host),
        path: uri.target().into(),
        signing: backends.services.service(&uri, by).signing,
    };
    Some(FunctionPlace::Remote(Box::new(remote)))
}

/// A service that cannot be called at its endpoint is an error: it would be in every stage.
fn compile_service(
    Service { http, credentials }: &Service,
    authorization: Authorization,
    stage: &file::stage::Stage,
    backends: &mut Backends,
    report: &mut Report,
) -> Option<Http> {
    let mut fill = |template: &Template, at| {
        let filled = template.text(|name| stage.variable(name));
        filled.inspect_err(|error| warn_uri(at, stage, error, report)).ok()
    };
    let uri = fill(&http.uri, http.uri_span)?;
    let role = match credentials {
        Some((template, at)) => Some((fill(template, *at)?, *at)),
        None => None,
    };
    let by = match role {
        Some((arn, at)) => signatory(&arn, at, authorization, report)?,
        None => CredentialsSource::Default.into(),
    };
    let uri = ServiceUri::parse(&uri)
        .inspect_err(|error| service::report_uri(http.uri_span, *error, report))
        .ok()?;
    let (url, endpoint) = backends.services.endpoint(&uri, &http.parameters.path);
    let endpoint = endpoint
        .inspect_err(|error| report_endpoint(http.uri_span, uri.service, &url, error, report))
        .ok()?;
    Some(Http {
        kind: kind(http.custom.as_ref()),
        origin: backends.id(endpoint.origin),
        host: backends.host(&endpoint.host),
        service: Some(Box::new(backends.services.service(&uri, by))),
        method: http.method,
        target: endpoint.target,
        query: http.parameters.query.as_slice().into(),
        headers: http.parameters.headers.as_slice().into(),
        timeout_ms: http.timeout_ms,
    })
}

/// Who signs. A method that does not ask its callers to sign has none that could.
fn signatory(arn: &str, at: Span, authorization: Authorization, report: &mut Report) -> Option<Signatory> {
    let by = service::signatory(arn, at, report)?;
    if by == Signatory::Caller && authorization != Authorization::Iam {
        report
            .warning(at, "this answers 500 Internal server error: a caller who does not sign has no credentials")
            .help("let the method ask for signatures: x-amazon-apigateway-auth: { type: AWS_IAM }, or name a role");
    }
    Some(by)
}

fn report_endpoint(at: Span, service: &str, url: &str, error: &UriError, report: &mut Report) {
    let finding = report.error(at, format!("{service} cannot be called at {url}: {error}"));
    if let Some(help) = error.help() {
        finding.help(help);
    }
}

fn warn_uri(at: Span, stage: &file::stage::Stage, error: &UriError, report: &mut Report) {
    let message = format!("in {} this answers 500 Internal server error: {error}", stage.title());
    let finding = report.warning(at, message);
    if let Some(help) = error.help() {
        finding.help(help);
    }
}

fn kind(custom: Option<&(RequestTemplates, Rules)>) -> HttpKind {
    match custom {
        None => HttpKind::Proxy,
        Some(mapped) => HttpKind::Custom(Box::new(compile_custom(mapped))),
    }
}

fn compile_custom((request, rules): &(RequestTemplates, Rules)) -> Custom {
    Custom { request: request.clone(), responses: responses(rules) }
}

/// The patterns were tried one by one when they were read; if one was bad, no plan is made.
fn responses(rules: &Rules) -> Responses {
    Responses::new(rules.clone()).unwrap_or_default()
}

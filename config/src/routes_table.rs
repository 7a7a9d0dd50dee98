//! A plan in words, for `tidegate routes`.

use std::fmt::Write;

use tidegate_core::auth::authorise::Authorization;
use tidegate_core::cache::Callers;
use tidegate_core::integration::{
    Http, HttpKind, Integration, Lambda, LambdaKind, Mock, Piece, Pieces, Placeholder,
};
use tidegate_core::mapping::{Source, Values};
use tidegate_core::plan::{Api, EndpointType, Stage};
use tidegate_core::release::{Canary, Release};
use tidegate_core::route::RouteId;

use crate::compile::Loaded;

const HEADINGS: [&str; 6] = ["METHOD", "PATH", "AUTH", "LIMITS", "CACHE", "INTEGRATION"];

/// The routes of every API and stage, in aligned columns.
pub fn routes_table(loaded: &Loaded) -> String {
    let apis = &loaded.plan.apis;
    let stages = apis.iter().flat_map(|api| api.stages.iter().map(move |stage| (api, stage)));
    let tables = stages.flat_map(|(api, stage)| match stage.release {
        Release::Sole => vec![stage_table(api, stage, "")],
        Release::Production(Canary { api: of_canary, stage: number, share }) => {
            let canary = &apis[of_canary];
            let title = format!(" canary with {} % of the requests", share.percent());
            vec![stage_table(api, stage, ""), stage_table(canary, &canary.stages[number], &title)]
        }
        Release::Canary => vec![],
    });
    tables.collect::<Vec<String>>().join("\n")
}

fn stage_table(api: &Api, stage: &Stage, release: &str) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for (number, (route, integration)) in api.routes.iter().zip(&stage.integrations).enumerate() {
        let resource = &api.resources[route.resource];
        rows.push([
            route.method.name().to_owned(),
            resource.path.clone(),
            who_may_call(api, number),
            limits(stage, number),
            cached(stage, number),
            describe(&resource.parameters, integration),
        ]);
    }
    let policy = if api.policy.is_some() { ", resource policy" } else { "" };
    format!(
        "API {} stage {}{release} ({}{policy})\n{}",
        api.id,
        stage.name,
        endpoint(api.endpoint),
        align(&rows)
    )
}

fn who_may_call(api: &Api, route: usize) -> String {
    let authorization = match api.authorization[route] {
        Authorization::None => None,
        Authorization::Iam => Some("AWS_IAM".to_owned()),
        Authorization::Cognito(id, _) => {
            Some(format!("COGNITO_USER_POOLS {}", api.user_pools[id.0 as usize].name))
        }
        Authorization::Lambda(id) => Some(format!("CUSTOM {}", api.authorizers[id.0 as usize].name)),
    };
    match (authorization, api.api_key_required[route]) {
        (None, false) => "NONE".to_owned(),
        (None, true) => "API_KEY".to_owned(),
        (Some(authorization), false) => authorization,
        (Some(authorization), true) => format!("{authorization} API_KEY"),
    }
}

/// The method's own throttle; those of callers are in their plans.
fn limits(stage: &Stage, route: usize) -> String {
    let throttle = stage.throttles.get(route).copied().flatten();
    throttle.map_or("none".to_owned(), |(_, rate)| rate.to_string())
}

/// How long answers are kept, and whether callers share them.
fn cached(stage: &Stage, route: usize) -> String {
    let method = stage.cache.as_ref().and_then(|cache| cache.method(RouteId(route as u32)));
    method.map_or("none".to_owned(), |method| {
        let callers = if method.callers == Callers::Together { " for all callers" } else { "" };
        format!("{} s{callers}", method.ttl_ms / 1_000)
    })
}

fn endpoint(endpoint: EndpointType) -> &'static str {
    match endpoint {
        EndpointType::Edge => "EDGE",
        EndpointType::Regional => "REGIONAL",
        EndpointType::Private => "PRIVATE",
    }
}

/// Pads every cell but the last of each row to the widest of its column.
fn align(rows: &[[String; HEADINGS.len()]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEADINGS.len()] = std::array::from_fn(width);
    let mut table = String::new();
    for row in rows {
        for (cell, width) in row[..HEADINGS.len() - 1].iter().zip(widths) {
            let _ = write!(table, "{cell:width$}  ");
        }
        table.push_str(&row[HEADINGS.len() - 1]);
        table.push('\n');
    }
    table
}

fn describe(parameters: &[String], integration: &Integration) -> String {
    match integration {
        Integration::Mock(mock) => describe_mock(mock),
        Integration::Http(http) => describe_http(parameters, http),
        Integration::Lambda(lambda) => describe_lambda(lambda),
        Integration::Misconfigured => "answers 500: it cannot be called in this stage".to_owned(),
    }
}

fn describe_lambda(lambda: &Lambda) -> String {
    let kind = match lambda.kind {
        LambdaKind::Proxy => "AWS_PROXY",
        LambdaKind::StreamedProxy => "AWS_PROXY streamed",
        LambdaKind::Custom(_) => "AWS",
    };
    format!("{kind} {} timeout {}", lambda.invoked_arn, seconds(lambda.timeout_ms))
}

/// The statuses that a MOCK's templates lead to.
fn describe_mock(mock: &Mock) -> String {
    let mut text = "MOCK".to_owned();
    for (_, template) in &mock.request.templates {
        let status = match template.mock_status() {
            None => " (by its template)".to_owned(),
            Some(status) => {
                let answer = status.and_then(|status| mock.responses.select(status));
                format!(" {}", answer.map_or(500, |answer| answer.status))
            }
        };
        if !text.ends_with(&status) {
            text.push_str(&status);
        }
    }
    text
}

fn describe_http(parameters: &[String], http: &Http) -> String {
    let kind = match (&http.service, &http.kind) {
        (Some(_), _) => "AWS",
        (None, HttpKind::Proxy) => "HTTP_PROXY",
        (None, HttpKind::Custom(_)) => "HTTP",
    };
    let method = http.method.map_or("ANY", |method| method.name());
    let mut uri = format!("http://{}{}", http.host, pieces(http.target.path(), parameters));
    let query = pieces(http.target.query(), parameters);
    if !query.is_empty() {
        let _ = write!(uri, "?{query}");
    }
    format!("{kind} {method} {uri} timeout {}", seconds(http.timeout_ms))
}

fn pieces(pieces: Pieces<'_>, parameters: &[String]) -> String {
    let text = |piece| match piece {
        Piece::Literal(text) => text.to_owned(),
        Piece::Placeholder(Placeholder { source, .. }) => format!("{{{}}}", expression(source, parameters)),
    };
    pieces.map(text).collect()
}

/// The expression that a source was read from, shortened for path parameters to their name.
fn expression(source: &Source, parameters: &[String]) -> String {
    let prefix = |values: &Values| match values {
        Values::Last => "",
        Values::All => "multivalue",
    };
    match source {
        Source::Static(text) => format!("'{text}'"),
        Source::Path(index) => parameters.get(*index).cloned().unwrap_or_default(),
        Source::NamedPath(name) => format!("method.request.path.{name}"),
        Source::Query(name, values) => format!("method.request.{}querystring.{name}", prefix(values)),
        Source::Header(name, values) => format!("method.request.{}header.{name}", prefix(values)),
        Source::StageVariable(name) => format!("stageVariables.{name}"),
        Source::Context(variable) => format!("context.{variable:?}"),
        Source::Body(None) => "body".to_owned(),
        Source::Body(Some(path)) => format!("body.{}", path.text()),
        Source::IntegrationHeader(name, values) => {
            format!("integration.response.{}header.{name}", prefix(values))
        }
    }
}

fn seconds(milliseconds: u32) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    if rest == 0 { format!("{whole} s") } else { format!("{milliseconds} ms") }
}

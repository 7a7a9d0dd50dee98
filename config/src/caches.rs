//! From a stage's settings and the keys of its definition to the stage's cache.

use tidegate_core::cache::{CacheId, MethodCache, StageCache};
use tidegate_core::integration::{Integration, LambdaKind};
use tidegate_core::mapping::Source;
use tidegate_core::method::{Method as HttpMethod, RouteMethod};
use tidegate_core::plan::Api;
use tidegate_core::route::RouteId;

use crate::file::cache::{Cache, Settings};
use crate::file::throttle::MethodSettings;
use crate::openapi::Method;
use crate::report::Report;

/// The cache of a stage. AWS: of GET methods, and of others that ask for it.
pub(crate) fn compile(
    api: &Api,
    stage: usize,
    cache: Option<Cache>,
    settings: &[MethodSettings],
    methods: &[Method],
    deployment: &str,
    report: &mut Report,
) -> Option<Box<StageCache>> {
    let Some(cache) = cache else {
        for cache in settings.iter().filter_map(|method| method.cache.as_ref()) {
            report
                .error(cache.span, "the stage has no cache")
                .help("give it one: cache = { size = \"64 MiB\" } in [[api.stage]]");
        }
        return None;
    };
    // AWS: endpoint caching is not supported with response streaming.
    let streams = |route: usize| {
        let integration = &api.stages[stage].integrations[route];
        matches!(integration, Integration::Lambda(lambda) if matches!(lambda.kind, LambdaKind::StreamedProxy))
    };
    let by_default = |route: usize| {
        let is_get = api.routes[route].method == RouteMethod::Exactly(HttpMethod::Get);
        cache.settings.enabled.unwrap_or(true) && is_get && !streams(route)
    };
    let mut chosen: Vec<Option<Settings>> =
        (0..api.routes.len()).map(|route| by_default(route).then_some(cache.settings)).collect();
    for method in settings {
        // One that is in no deployment is reported by `MethodSettings::check`.
        if let Some(own) = &method.cache
            && let Some(route) = method.position(api)
        {
            let is_enabled = own.settings.enabled.unwrap_or(true);
            if is_enabled && streams(route) {
                report.warning(own.span, "a response that is streamed is not cached");
                continue;
            }
            chosen[route] = is_enabled.then(|| own.settings.or(cache.settings));
        }
    }
    let compiled = chosen.iter().enumerate().map(|(route, settings)| {
        let settings = settings.filter(|settings| settings.ttl_ms() > 0)?;
        Some(compile_method(api, RouteId(route as u32), settings, &methods[route]))
    });
    Some(Box::new(StageCache {
        id: CacheId::of(&api.id, &api.stages[stage].name, deployment),
        bytes: cache.bytes,
        methods: compiled.collect(),
    }))
}

/// The cache, if changes put out answers that are kept there.
pub(crate) fn changed(cache: Option<&StageCache>) -> Option<CacheId> {
    cache.filter(|cache| cache.heeds_changes()).map(|cache| cache.id)
}

fn compile_method(api: &Api, route: RouteId, settings: Settings, method: &Method) -> MethodCache {
    let key = &method.cache_key;
    let namespace = key.namespace.as_deref().unwrap_or(&api.route(route).1.id);
    MethodCache {
        ttl_ms: settings.ttl_ms(),
        namespace: namespace.into(),
        parameters: key.parameters.clone(),
        callers: settings.callers(),
        invalidation: settings.invalidation(),
        extras: settings.extras(),
    }
}

/// Warns of keys that no stage needs, and of cached methods whose path parameters are in no key.
pub(crate) fn check(api: &Api, methods: &[Method], report: &mut Report) {
    let is_cached = |route: usize| {
        let caches = api.stages.iter().filter_map(|stage| stage.cache.as_deref());
        caches.filter_map(|cache| cache.method(RouteId(route as u32))).next().is_some()
    };
    for (route, method) in methods.iter().enumerate() {
        let key = &method.cache_key;
        if !is_cached(route) {
            if let Some(at) = key
                .parameters_span
                .filter(|_| !api.is_canary() && api.stages.iter().all(|stage| stage.cache.is_none()))
            {
                report.warning(at, "`cacheKeyParameters` has no effect: the stage has no cache");
            }
            continue;
        }
        let parameters = &api.route(RouteId(route as u32)).1.parameters;
        for (position, name) in parameters.iter().enumerate() {
            if key.parameters.contains(&Source::Path(position)) {
                continue;
            }
            report
                .warning(
                    key.parameters_span.unwrap_or(key.span),
                    format!("whatever {{{name}}} is, the answer is the same one from the cache"),
                )
                .help(format!("as with AWS; add method.request.path.{name} to cacheKeyParameters"));
        }
    }
}

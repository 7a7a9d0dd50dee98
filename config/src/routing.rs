//! From the methods of a definition to resources, routes and the router.

use std::collections::{HashMap, HashSet};

use tidegate_core::plan::{Resource, Route};
use tidegate_core::route::resource::parameter_names;
use tidegate_core::route::{RouteError, RouteSpec, Router};

use crate::openapi::Method;
use crate::report::Report;

/// Routing errors reported of one document; the next one shows after these are mended.
const ERRORS_MAX: usize = 50;

/// What of a [`tidegate_core::plan::Api`] has to do with paths.
pub(crate) struct Routing {
    pub(crate) resources: Vec<Resource>,
    pub(crate) routes: Vec<Route>,
    pub(crate) router: Router,
}

/// Compiles the methods, whose order becomes that of the routes.
pub(crate) fn compile(methods: &[Method], report: &mut Report) -> Option<Routing> {
    let router = compile_router(methods, report)?;
    let mut resources: Vec<Resource> = Vec::with_capacity(methods.len());
    let mut by_path: HashMap<&str, usize> = HashMap::with_capacity(methods.len());
    let mut ids = HashSet::with_capacity(methods.len());
    let mut routes = Vec::with_capacity(methods.len());
    for method in methods {
        let resource = *by_path.entry(&method.path).or_insert_with(|| {
            let id = resource_id(&method.path, &mut ids);
            let parameters = parameter_names(&method.path).map(str::to_owned).collect();
            resources.push(Resource { id, path: method.path.clone(), parameters });
            resources.len() - 1
        });
        routes.push(Route { resource, method: method.method, operation_name: method.operation_name.clone() });
    }
    Some(Routing { resources, routes, router })
}

/// Takes out what is wrong and tries again, so that all errors are found.
fn compile_router(methods: &[Method], report: &mut Report) -> Option<Router> {
    let mut left: Vec<&Method> = methods.iter().collect();
    for _ in 0..ERRORS_MAX {
        let specs: Vec<_> =
            left.iter().map(|method| RouteSpec { path: &method.path, method: method.method }).collect();
        let error = match Router::compile(&specs) {
            Ok(router) => return (left.len() == methods.len()).then_some(router),
            Err(error) => error,
        };
        report_error(&error, &left, report);
        let wrong = left.get(error.spec())?.path_span;
        if matches!(error, RouteError::TooManyRoutes) {
            return None;
        }
        match error {
            RouteError::DuplicateMethod { spec, .. } => drop(left.remove(spec)),
            // The error is one of the path, so of all its methods.
            _ => left.retain(|method| method.path_span != wrong),
        }
    }
    None
}

fn report_error(error: &RouteError, methods: &[&Method], report: &mut Report) {
    let Some(method) = methods.get(error.spec()) else { return };
    let duplicate = matches!(error, RouteError::DuplicateMethod { .. });
    let span = |method: &Method| if duplicate { method.method_span } else { method.path_span };
    let finding = report.error(span(method), error.to_string());
    if let Some(other) = error.other() {
        finding.related(span(methods[other]), "this one");
    }
}

/// Six characters that depend on the definition only, so that they stay over reloads and on every node: the same
/// definition is the same deployment.
pub(crate) fn deployment_id(api: &str, definition: &str) -> String {
    id_of(hash_on(hash_on(FNV_OFFSET, api), definition))
}

/// Six characters that depend on the path only, as AWS's resource ids do; salted until no other resource has them.
fn resource_id(path: &str, taken: &mut HashSet<String>) -> String {
    let mut hash = FNV_OFFSET;
    loop {
        hash = hash_on(hash, path);
        let id = id_of(hash);
        if taken.insert(id.clone()) {
            return id;
        }
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a.
fn hash_on(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn id_of(hash: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let digit = |place: u32| char::from(DIGITS[((hash >> 16) / 36_u64.pow(place) % 36) as usize]);
    (0..6).map(digit).collect()
}

//! Route lookup among 5,000 routes of a REST API, beside `matchit`.
//!
//! Each iteration looks up another request and asserts the answer. The requests come in a shuffled order, so that the
//! branch predictor and the first-level cache do not know the next one; `matchit` gets the same requests, one tree
//! whose values are tables of methods, and does less: no fallback across methods, no ANY, no slashes to ignore.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tidegate_core::method::{Method, RouteMethod};
use tidegate_core::route::{BasePaths, PathParameters, RouteId, RouteSpec, Router};

/// Collections of the API; each has the resources of [`RESOURCES`].
const COLLECTIONS: usize = 250;

/// Resources of each collection and their methods: 20 routes.
const RESOURCES: [(&str, &[Method]); 9] = [
    ("", &[Method::Get, Method::Post]),
    ("/search", &[Method::Get]),
    ("/{id}", &[Method::Get, Method::Put, Method::Patch, Method::Delete]),
    ("/{id}/status", &[Method::Get, Method::Put]),
    ("/{id}/items", &[Method::Get, Method::Post]),
    ("/{id}/items/{itemId}", &[Method::Get, Method::Put, Method::Delete]),
    ("/{id}/items/{itemId}/notes", &[Method::Get, Method::Post]),
    ("/{id}/items/{itemId}/notes/{noteId}", &[Method::Get, Method::Put, Method::Delete]),
    ("/{id}/files/{path+}", &[Method::Get]),
];

struct Request {
    method: Method,
    path: String,
    want: Option<RouteId>,
    parameters: usize,
}

fn collection(index: usize) -> String {
    let nouns = ["orders", "customers", "invoices", "line-items", "pets", "subscriptions", "webhooks"];
    format!("/v1/{}-{index}", nouns[index % nouns.len()])
}

/// Path and method of every route.
fn routes() -> Vec<(String, Method)> {
    let resources =
        || RESOURCES.iter().flat_map(|(path, methods)| methods.iter().map(move |&method| (path, method)));
    let of = |base: String| resources().map(move |(path, method)| (base.clone() + path, method));
    (0..COLLECTIONS).map(collection).flat_map(of).collect()
}

fn router(routes: &[(String, Method)]) -> Router {
    let spec = |(path, method): &'_ (String, Method)| (path.clone(), RouteMethod::Exactly(*method));
    let owned: Vec<(String, RouteMethod)> = routes.iter().map(spec).collect();
    let specs: Vec<RouteSpec<'_>> =
        owned.iter().map(|(path, method)| RouteSpec { path, method: *method }).collect();
    Router::compile(&specs).expect("compiles")
}

/// A request for each route.
fn hits(routes: &[(String, Method)]) -> Vec<Request> {
    let request = |(index, (path, method)): (usize, &(String, Method))| Request {
        method: *method,
        path: path
            .replace("{id}", &format!("{:08x}", index.wrapping_mul(0x9e37_79b9)))
            .replace("{itemId}", &format!("item-{index}"))
            .replace("{noteId}", &index.to_string())
            .replace("{path+}", "2024/11/report.pdf"),
        want: Some(RouteId(index as u32)),
        parameters: path.matches('{').count(),
    };
    shuffled(routes.iter().enumerate().map(request).collect())
}

/// Requests that fail at every depth: another collection, another tail, another method.
fn misses() -> Vec<Request> {
    let tails = ["x/1", "/1/items/2/notes/3/4", "/1/unknown", "/search/1", "/1/items/2/comments"];
    let path = |base: String| tails.map(|tail| (Method::Get, base.clone() + tail));
    let requests = (0..COLLECTIONS).map(collection).flat_map(|base| {
        let other_method = (Method::Options, base.clone() + "/1/items/2");
        path(base).into_iter().chain([other_method])
    });
    shuffled(requests.map(|(method, path)| Request { method, path, want: None, parameters: 0 }).collect())
}

/// The same order at each run.
fn shuffled(mut requests: Vec<Request>) -> Vec<Request> {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for index in (1..requests.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        requests.swap(index, (random >> 33) as usize % (index + 1));
    }
    requests
}

/// Paths of `matchit` in its own syntax; values by `Method as usize`.
fn matchit_router(routes: &[(String, Method)]) -> matchit::Router<[Option<RouteId>; 7]> {
    let mut tables = std::collections::BTreeMap::<String, [Option<RouteId>; 7]>::new();
    for (index, (path, method)) in routes.iter().enumerate() {
        tables.entry(path.replace("{path+}", "{*path}")).or_default()[*method as usize] =
            Some(RouteId(index as u32));
    }
    let mut router = matchit::Router::new();
    tables.into_iter().for_each(|(path, table)| router.insert(path, table).expect("is a path of matchit"));
    router
}

fn route(criterion: &mut Criterion) {
    let routes = routes();
    assert_eq!(routes.len(), 5_000);
    let (tidegate, matchit) = (router(&routes), matchit_router(&routes));
    let mut group = criterion.benchmark_group("route_5000");
    for (name, requests) in [("hit", hits(&routes)), ("miss", misses())] {
        let mut parameters = PathParameters::new();
        let mut requests_forever = requests.iter().cycle();
        group.bench_function(BenchmarkId::new("tidegate", name), |bencher| {
            bencher.iter(|| {
                let request = requests_forever.next().expect("cycles");
                let found =
                    tidegate.find(request.method, black_box(request.path.as_bytes()), &mut parameters);
                assert_eq!((found, parameters.as_slice().len()), (request.want, request.parameters));
            });
        });
        let mut requests_forever = requests.iter().cycle();
        group.bench_function(BenchmarkId::new("matchit", name), |bencher| {
            bencher.iter(|| {
                let request = requests_forever.next().expect("cycles");
                let found = matchit.at(black_box(&request.path)).ok();
                let found =
                    found.and_then(|found| Some((found.value[request.method as usize]?, found.params.len())));
                assert_eq!(found, request.want.map(|want| (want, request.parameters)));
            });
        });
    }
    group.finish();
}

/// Ten mappings, of which the path takes the longest, the shortest or none.
fn base_path(criterion: &mut Criterion) {
    let keys = [
        "v1/orders",
        "v1/pets",
        "v1",
        "v2",
        "v3",
        "orders",
        "pets",
        "customers",
        "invoices/archive",
        "invoices",
    ];
    let base_paths = BasePaths::compile(&keys).expect("compiles");
    let mut group = criterion.benchmark_group("base_path_10");
    for (name, path, want) in [
        ("longest", "/v1/orders/1", Some((0, 10))),
        ("shortest", "/v2/orders/1", Some((3, 3))),
        ("none", "/v4/orders/1", None),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(base_paths.find(black_box(path.as_bytes())), want));
        });
    }
    group.finish();
}

/// What the definition makes of it is bounded; this is the bound's price: a tree that branches at each of ten levels,
/// and a path that fits all of its 1,024 leaves, none of which has the method.
fn worst_case(criterion: &mut Criterion) {
    let depth = 10;
    let part = |choices: usize, level: usize| match choices >> level & 1 {
        0 => "/a".to_owned(),
        _ => format!("/{{p{level}}}"),
    };
    let path = |choices: usize| ((0..depth).map(|level| part(choices, level)).collect(), Method::Post);
    let router = router(&(0..1 << depth).map(path).collect::<Vec<_>>());
    let request = "/a".repeat(depth);
    let mut parameters = PathParameters::new();
    criterion.bench_function("route_worst_case_1024_leaves", |bencher| {
        bencher.iter(|| {
            assert_eq!(router.find(Method::Get, black_box(request.as_bytes()), &mut parameters), None);
        });
    });
}

criterion_group!(benches, route, base_path, worst_case);
criterion_main!(benches);

//! The router against a matcher that looks at all routes, each by itself, and takes the best.

use crate::{compile, spec};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use tidegate_core::method::{Method, RouteMethod};
use tidegate_core::route::PathParameters;

/// What one part took: the kind gives the order among routes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Taken {
    Literal,
    Parameter(Vec<u8>),
    Greedy(Vec<u8>),
}

impl Taken {
    fn rank(&self) -> u8 {
        match self {
            Self::Literal => 0,
            Self::Parameter(_) => 1,
            Self::Greedy(_) => 2,
        }
    }

    fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Literal => None,
            Self::Parameter(value) | Self::Greedy(value) => Some(value),
        }
    }
}

/// The index of the best route and the values of its parameters.
fn find(routes: &[String], method: Method, path: &[u8]) -> Option<(usize, Vec<Vec<u8>>)> {
    let segments = segments(path);
    let fits = |(index, route): (usize, &String)| {
        let route = spec(route);
        let inexact = match route.method {
            RouteMethod::Exactly(exactly) if exactly == method => false,
            RouteMethod::Exactly(_) => return None,
            RouteMethod::Any => true,
        };
        let parts: Vec<&str> = route.path.split('/').filter(|part| !part.is_empty()).collect();
        let taken = take(&parts, &segments)?;
        let ranks: Vec<u8> = taken.iter().map(Taken::rank).collect();
        Some((ranks, inexact, index, taken))
    };
    let (_, _, index, taken) = routes.iter().enumerate().filter_map(fits).min()?;
    Some((index, taken.iter().filter_map(|taken| taken.value().map(<[u8]>::to_vec)).collect()))
}

fn segments(path: &[u8]) -> Vec<Vec<u8>> {
    let mut segments: Vec<Vec<u8>> = path.split(|&byte| byte == b'/').map(<[u8]>::to_vec).collect();
    while segments.last().is_some_and(Vec::is_empty) {
        segments.pop();
    }
    while segments.first().is_some_and(Vec::is_empty) {
        segments.remove(0);
    }
    segments
}

fn take(parts: &[&str], segments: &[Vec<u8>]) -> Option<Vec<Taken>> {
    match (parts, segments) {
        ([], []) => Some(vec![]),
        ([], _) | (_, []) => None,
        ([part, ..], _) if part.ends_with("+}") => Some(vec![Taken::Greedy(segments.join(&b'/'))]),
        ([part, parts @ ..], [segment, segments @ ..]) => {
            let taken = match part.starts_with('{') {
                true if segment.is_empty() => return None,
                true => Taken::Parameter(segment.clone()),
                false if part.as_bytes() == normal(segment) => Taken::Literal,
                false => return None,
            };
            let mut all = take(parts, segments)?;
            all.insert(0, taken);
            Some(all)
        }
    }
}

/// RFC 3986 section 6.2.2.2: an encoded unreserved character is decoded, all else stays.
fn normal(segment: &[u8]) -> Vec<u8> {
    let mut text: String = segment.iter().map(|&byte| char::from(byte)).collect();
    for byte in (0..=u8::MAX).filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
        // Placeholders keep what one replacement makes from being read by the next.
        let hidden = char::from_u32(0xe000 + u32::from(byte)).expect("private use").to_string();
        let (upper, lower) = (format!("{byte:02X}"), format!("{byte:02x}"));
        for digits in [&upper, &lower] {
            text = text.replace(&format!("%{digits}"), &hidden);
        }
    }
    text.chars().map(|character| u32::from(character) as u8).collect()
}

/// Routes that compile, made by leaving out those that do not go with the ones before.
fn api() -> impl Strategy<Value = Vec<String>> {
    let part = select(vec!["a", "b", "a.b", "..", "a", "b", "{x}", "{y}", "{x}", "{x+}", "{z+}"]);
    let method = select(vec!["GET", "GET", "POST", "HEAD", "ANY"]);
    let route =
        (method, vec(part, 0..5)).prop_map(|(method, parts)| format!("{method} /{}", parts.join("/")));
    vec(route, 0..24).prop_map(|routes| {
        routes.into_iter().fold(Vec::new(), |mut kept, route| {
            kept.push(route);
            if compile(&kept).is_err() {
                kept.pop();
            }
            kept
        })
    })
}

/// Paths of segments that the routes have, nearly have, or must not take.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let near = select(vec![
        "a", "b", "a", "b", "a.b", "..", ".", "c", "A", "", "%61", "%62", "a%2eb", "a%2Eb", "%2e.", "a%2Fb",
        "%2f", "%", "%6", "%6g", "%2561", "aa",
    ]);
    let slashes = select(vec!["/", "/", "/", "", "//"]);
    let after = select(vec!["", "", "", "/", "//"]);
    let near = (slashes, vec(near, 0..7), after)
        .prop_map(|(before, segments, after)| format!("{before}{}{after}", segments.join("/")).into_bytes());
    let arbitrary = vec(prop_oneof![select(b"/%ab.26".to_vec()), any::<u8>()], 0..40);
    prop_oneof![9 => near, 1 => arbitrary]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn finds_what_the_model_finds(
        routes in api(),
        requests in vec((select(Method::ALL.to_vec()), path()), 1..40),
    ) {
        let router = compile(&routes).expect("compiles");
        let mut parameters = PathParameters::new();
        for (method, path) in requests {
            let route = router.find(method, &path, &mut parameters);
            let values: Vec<Vec<u8>> = parameters.as_slice().iter().map(|value| value.of(&path).to_vec()).collect();
            prop_assert!(route.is_some() || values.is_empty());
            let got = route.map(|route| (route.0 as usize, values));
            let want = find(&routes, method, &path);
            prop_assert_eq!(got, want, "{:?} {} of {:?}", method, path.escape_ascii(), routes);
        }
    }

    #[test]
    fn never_panics(
        paths in vec("\\PC{0,12}", 0..6),
        path in vec(any::<u8>(), 0..200),
    ) {
        let lines: Vec<String> = paths.iter().map(|path| format!("GET {path}")).collect();
        if let Ok(router) = compile(&lines) {
            router.find(Method::Get, &path, &mut PathParameters::new());
        }
        let slashed = format!("GET /{}", paths.join("/"));
        if let Err(error) = compile(&[slashed]) {
            prop_assert_eq!(error.spec(), 0);
        }
    }
}

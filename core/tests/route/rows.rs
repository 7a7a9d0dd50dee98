//! One request a row, against a small API.

use crate::compile;
use tidegate_core::method::Method;
use tidegate_core::route::PathParameters;

/// Each row is a request, `GET /pets/1`, and the route that must answer it with the values of its path parameters,
/// `GET /pets/{petId} 1`; nothing means no route. `rows` must hold whatever the order of the routes.
#[track_caller]
fn check(routes: &[&str], rows: &[(&str, &str)]) {
    let reversed: Vec<&str> = routes.iter().rev().copied().collect();
    for routes in [routes, &reversed] {
        let router = compile(routes).expect("compiles");
        let mut parameters = PathParameters::new();
        for &(request, want) in rows {
            let (method, path) = request.split_once(' ').expect("a method and a path");
            let method = Method::parse(method.as_bytes()).expect("a method");
            let route = router.find(method, path.as_bytes(), &mut parameters);
            let mut got = route.map_or(String::new(), |route| routes[route.0 as usize].to_owned());
            for value in parameters.as_slice() {
                got = got + " " + str::from_utf8(value.of(path.as_bytes())).expect("rows are text");
            }
            assert_eq!(got, want, "{request} of {routes:?}");
        }
    }
}

#[test]
fn literal_before_parameter_before_greedy() {
    check(
        &["GET /pets/mine", "GET /pets/{id}", "GET /{proxy+}"],
        &[
            ("GET /pets/mine", "GET /pets/mine"),
            ("GET /pets/1", "GET /pets/{id} 1"),
            ("GET /pets/mine/too", "GET /{proxy+} pets/mine/too"),
            ("GET /pets", "GET /{proxy+} pets"),
        ],
    );
}

#[test]
fn falls_back_to_the_greedy_sibling_recording_5() {
    check(
        &["GET /part1", "GET /part1/hardcoded-value", "GET /{param+}"],
        &[
            ("GET /part1/random-value", "GET /{param+} part1/random-value"),
            ("GET /part1/hardcoded-value", "GET /part1/hardcoded-value"),
            ("GET /part1", "GET /part1"),
        ],
    );
}

#[test]
fn is_aware_of_the_method_recording_4() {
    check(
        &["POST /test", "ANY /test/any", "OPTIONS /{proxy+}"],
        &[
            ("OPTIONS /test", "OPTIONS /{proxy+} test"),
            ("POST /test", "POST /test"),
            ("OPTIONS /test/any", "ANY /test/any"),
            ("GET /test/any", "ANY /test/any"),
            ("GET /test", ""),
            ("GET /elsewhere", ""),
        ],
    );
}

#[test]
fn goes_back_to_every_choice_in_turn() {
    check(
        &["GET /a/b/c", "GET /a/{x}/d", "GET /{y}/b/e", "GET /{y}/{z}/f", "GET /{y}/{z}/{rest+}"],
        &[
            ("GET /a/b/c", "GET /a/b/c"),
            ("GET /a/b/d", "GET /a/{x}/d b"),
            ("GET /a/b/e", "GET /{y}/b/e a"),
            ("GET /a/b/f", "GET /{y}/{z}/f a b"),
            ("GET /a/b/g", "GET /{y}/{z}/{rest+} a b g"),
            ("GET /a/b/c/d", "GET /{y}/{z}/{rest+} a b c/d"),
            ("GET /a/b", ""),
        ],
    );
}

#[test]
fn a_missing_method_leaves_no_parameters_behind() {
    check(
        &["POST /{a}/{b}", "POST /{a}/{b}/{rest+}"],
        &[("GET /1/2", ""), ("GET /1/2/3", ""), ("GET /1", "")],
    );
}

#[test]
fn exact_method_before_any() {
    check(
        &["ANY /pets", "GET /pets", "ANY /", "HEAD /"],
        &[("GET /pets", "GET /pets"), ("HEAD /pets", "ANY /pets"), ("HEAD /", "HEAD /"), ("GET /", "ANY /")],
    );
}

#[test]
fn a_more_specific_any_before_a_less_specific_exact_method() {
    check(&["ANY /pets/{id}", "GET /{proxy+}"], &[("GET /pets/1", "ANY /pets/{id} 1")]);
}

#[test]
fn any_is_all_seven_methods() {
    let router = compile(&["ANY /pets"]).expect("compiles");
    for method in Method::ALL {
        assert!(router.find(method, b"/pets", &mut PathParameters::new()).is_some(), "{method:?}");
    }
}

#[test]
fn head_and_options_are_not_derived() {
    check(&["GET /pets"], &[("HEAD /pets", ""), ("OPTIONS /pets", "")]);
}

#[test]
fn root() {
    check(
        &["GET /", "GET /{proxy+}"],
        &[
            ("GET ", "GET /"),
            ("GET /", "GET /"),
            ("GET //", "GET /"),
            ("GET ///", "GET /"),
            ("GET /a", "GET /{proxy+} a"),
        ],
    );
}

#[test]
fn greedy_needs_a_segment() {
    check(&["GET /{proxy+}"], &[("GET ", ""), ("GET /", ""), ("GET //", "")]);
    check(
        &["GET /a/{proxy+}"],
        &[("GET /a", ""), ("GET /a/", ""), ("GET /a//", ""), ("GET /a/b", "GET /a/{proxy+} b")],
    );
}

#[test]
fn parameter_then_greedy_below_it() {
    check(
        &["GET /{id}", "GET /{id}/{proxy+}"],
        &[("GET /1", "GET /{id} 1"), ("GET /1/", "GET /{id} 1"), ("GET /1/2/3", "GET /{id}/{proxy+} 1 2/3")],
    );
}

#[test]
fn slashes_at_the_end_do_not_count() {
    check(
        &["GET /pets", "GET /pets/{id}", "GET /files/{proxy+}"],
        &[
            ("GET /pets/", "GET /pets"),
            ("GET /pets//", "GET /pets"),
            ("GET /pets/1/", "GET /pets/{id} 1"),
            ("GET /files/a/b/", "GET /files/{proxy+} a/b"),
            ("GET /files/a/b///", "GET /files/{proxy+} a/b"),
        ],
    );
}

#[test]
fn slashes_at_the_start_do_not_count() {
    check(
        &["GET /pets", "GET /{proxy+}"],
        &[
            ("GET //pets", "GET /pets"),
            ("GET pets", "GET /pets"),
            ("GET //proxy-value", "GET /{proxy+} proxy-value"),
            ("GET ///proxy-value/", "GET /{proxy+} proxy-value"),
        ],
    );
}

#[test]
fn only_greedy_takes_an_empty_segment() {
    check(
        &["GET /a/{x}/c", "GET /a/c", "GET /a/b/{rest+}"],
        &[
            ("GET /a//c", ""),
            ("GET /a/b//c", "GET /a/b/{rest+} /c"),
            ("GET /a/b/c//d", "GET /a/b/{rest+} c//d"),
        ],
    );
    check(
        &["GET /a/{x}", "GET /{proxy+}"],
        &[
            ("GET /proxy-value//double-slash", "GET /{proxy+} proxy-value//double-slash"),
            ("GET /a//b", "GET /{proxy+} a//b"),
        ],
    );
}

#[test]
fn case_counts() {
    check(
        &["GET /pets", "GET /Pets"],
        &[("GET /PETS", ""), ("GET /Pets", "GET /Pets"), ("GET /pets", "GET /pets")],
    );
}

#[test]
fn parameters_are_not_decoded() {
    check(
        &["GET /{id}", "GET /files/{proxy+}"],
        &[
            ("GET /test%2Balias", "GET /{id} test%2Balias"),
            ("GET /a%2Fb", "GET /{id} a%2Fb"),
            ("GET /%", "GET /{id} %"),
            ("GET /files/%41%2f", "GET /files/{proxy+} %41%2f"),
        ],
    );
}

#[test]
fn a_literal_equals_its_encoding_of_unreserved_characters() {
    check(
        &["GET /pets", "GET /v1.0_a-b", "GET /v1:go", "GET /a/b"],
        &[
            ("GET /%70ets", "GET /pets"),
            ("GET /%70%65%74%73", "GET /pets"),
            ("GET /v1%2e0%5Fa%2Db", "GET /v1.0_a-b"),
            ("GET /%50ets", ""),
            ("GET /v1:go", "GET /v1:go"),
            ("GET /v1%3Ago", ""),
            ("GET /a%2Fb", ""),
            ("GET /a%2fb", ""),
            ("GET /pets%", ""),
            ("GET /pets%7", ""),
            ("GET /pet%7g", ""),
            ("GET /pet%+73", ""),
            ("GET /%2570ets", ""),
        ],
    );
    check(&["GET /pets", "GET /{id}"], &[("GET /%70ets", "GET /pets"), ("GET /%71ets", "GET /{id} %71ets")]);
}

#[test]
fn an_encoded_segment_longer_than_any_literal_is_none() {
    let router = compile(&["GET /pets"]).expect("compiles");
    let path = "/".to_owned() + &"%61".repeat(10_000);
    assert_eq!(router.find(Method::Get, path.as_bytes(), &mut PathParameters::new()), None);
}

#[test]
fn dot_segments_are_segments() {
    check(
        &["GET /a", "GET /..", "GET /a/{x}", "GET /b/{rest+}"],
        &[
            ("GET /b/../a", "GET /b/{rest+} ../a"),
            ("GET /a/..", "GET /a/{x} .."),
            ("GET /./a", ""),
            ("GET /..", "GET /.."),
            ("GET /%2e%2E", "GET /.."),
        ],
    );
}

#[test]
fn an_api_without_routes_has_none() {
    check(&[], &[("GET /", ""), ("GET /a/b", "")]);
}

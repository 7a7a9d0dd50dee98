//! What compiles, and what each refusal says.

use crate::compile;
use tidegate_core::method::Method;
use tidegate_core::route::resource::parameter_names;
use tidegate_core::route::{
    PARAMETERS_MAX, PART_BYTES_MAX, PARTS_MAX, PathParameters, ROUTES_MAX, RouteError,
};

/// Where the error is (the route and the one it is in conflict with), and its text.
#[track_caller]
fn check_refused(routes: &[&str], spec: usize, other: Option<usize>, text: &str) {
    let error = compile(routes).expect_err("is refused");
    assert_eq!((error.spec(), error.other(), error.to_string().as_str()), (spec, other, text), "{routes:?}");
}

#[test]
fn refuses_bad_paths() {
    let slash = "A resource path starts with a slash";
    let empty = "Resource's path part must be specified";
    let unnamed = "A path parameter needs a name between its braces";
    for (path, text) in [
        ("GET ", slash),
        ("GET pets", slash),
        ("GET //", empty),
        ("GET /a//b", empty),
        ("GET /a//", empty),
        ("GET /{}", unnamed),
        ("GET /{+}", unnamed),
        ("GET /a/{}/b", unnamed),
    ] {
        check_refused(&["GET /fine", path], 1, None, text);
    }
}

#[test]
fn refuses_bad_characters() {
    for part in [
        "a{b}", "{a}b", "{a}{b}", "{a", "a}", "{{a}}", "{a++}", "{a+b}", "a+", "a b", "%70ets", "a%2Fb", "ä",
        "a?b", "a#b", "*", "~a", "a\\b", "{a b}",
    ] {
        check_refused(
            &[&format!("GET /{part}")],
            0,
            None,
            &format!(
                "Resource's path part only allow a-zA-Z0-9._-:,$ or a valid greedy path variable and curly braces at \
                 the beginning and the end: {part}"
            ),
        );
    }
}

#[test]
fn accepts_aws_characters() {
    assert!(compile(&["GET /aZ09._-:,$/{aZ09._-:,$}/{x.y+}", "GET /./..", "GET /$default"]).is_ok());
}

#[test]
fn a_slash_at_the_end_names_the_same_resource() {
    let router = compile(&["GET /pets/"]).expect("compiles");
    assert!(router.find(Method::Get, b"/pets", &mut PathParameters::new()).is_some());
    check_refused(&["GET /pets", "GET /pets/"], 1, Some(0), "Method already exists for this resource");
}

#[test]
fn refuses_children_of_greedy() {
    let text = "Cannot create a child of a resource with a greedy path variable: {proxy+}";
    check_refused(&["GET /{proxy+}/a"], 0, None, text);
    check_refused(&["GET /a/{proxy+}", "GET /a/{proxy+}/{b}"], 1, None, text);
}

#[test]
fn refuses_a_second_variable_sibling() {
    let text = |sibling| {
        format!(
            "A sibling ({sibling}) of this resource already has a variable path part -- only one is allowed"
        )
    };
    check_refused(&["GET /", "GET /{proxy+}", "GET /{id}"], 2, Some(1), &text("{proxy+}"));
    check_refused(&["GET /{id}", "GET /{proxy+}"], 1, Some(0), &text("{id}"));
    check_refused(&["GET /{id}", "GET /{id+}"], 1, Some(0), &text("{id}"));
    check_refused(&["GET /a/{a+}", "GET /b/{b+}", "GET /a/{b+}"], 2, Some(0), &text("{a+}"));
    check_refused(&["GET /{a}/x", "GET /{a}", "POST /{b}/y"], 2, Some(0), &text("{a}"));
    check_refused(&["GET /{id}", "GET /{Id}"], 1, Some(0), &text("{id}"));
}

#[test]
fn accepts_variables_on_different_levels() {
    let routes = [
        "GET /{id}",
        "POST /{id}",
        "GET /{id}/{proxy+}",
        "GET /a/{b}",
        "GET /c/{proxy+}",
        "GET /{id}/x/{id2}",
    ];
    assert!(compile(&routes).is_ok());
}

#[test]
fn refuses_the_same_method_twice() {
    let text = "Method already exists for this resource";
    check_refused(&["GET /a", "POST /a", "ANY /a", "GET /a"], 3, Some(0), text);
    check_refused(&["ANY /a", "GET /a", "ANY /a"], 2, Some(0), text);
}

#[test]
fn refuses_a_parameter_name_twice() {
    let text = "The path parameter {id} stands twice in the same resource path";
    check_refused(&["GET /{id}/a/{id}"], 0, None, text);
    check_refused(&["GET /{id}/{id+}"], 0, None, text);
}

#[test]
fn the_limits_hold_and_one_more_is_refused() {
    let parts = |count: usize| format!("GET {}", "/a".repeat(count));
    let parameters =
        |count: usize| (0..count).fold("GET ".to_owned(), |path, index| path + &format!("/{{p{index}}}"));
    let bytes = |count: usize| format!("GET /{}", "a".repeat(count));
    assert!(compile(&[parts(PARTS_MAX), bytes(PART_BYTES_MAX)]).is_ok());
    assert!(compile(&[parameters(PARAMETERS_MAX)]).is_ok());
    assert_eq!(compile(&[parts(PARTS_MAX + 1)]).err(), Some(RouteError::TooManyParts { spec: 0 }));
    assert_eq!(
        compile(&[parameters(PARAMETERS_MAX + 1)]).err(),
        Some(RouteError::TooManyParameters { spec: 0 })
    );
    assert_eq!(compile(&[bytes(PART_BYTES_MAX + 1)]).err(), Some(RouteError::PartTooLong { spec: 0 }));
    let many: Vec<String> = (0..=ROUTES_MAX).map(|index| format!("GET /{index}")).collect();
    assert!(compile(&many[1..]).is_ok());
    assert_eq!(compile(&many).err(), Some(RouteError::TooManyRoutes));
}

#[test]
fn a_full_resource_is_found_with_all_its_parameters() {
    let path = (0..PARAMETERS_MAX).fold("GET ".to_owned(), |path, index| path + &format!("/{{p{index}}}"));
    let path = path + &"/a".repeat(PARTS_MAX - PARAMETERS_MAX);
    let router = compile(&[&path]).expect("compiles");
    let mut parameters = PathParameters::new();
    let request = "/1".repeat(PARAMETERS_MAX) + &"/a".repeat(PARTS_MAX - PARAMETERS_MAX);
    assert!(router.find(Method::Get, request.as_bytes(), &mut parameters).is_some());
    assert_eq!(parameters.as_slice().len(), PARAMETERS_MAX);
    assert_eq!(router.find(Method::Get, "/1".repeat(100_000).as_bytes(), &mut parameters), None);
    assert_eq!(parameters.as_slice().len(), 0);
}

#[test]
fn names_stand_in_the_order_of_the_values() {
    let names = |path| parameter_names(path).collect::<Vec<_>>();
    assert_eq!(names("/"), [""; 0]);
    assert_eq!(names("/pets"), [""; 0]);
    assert_eq!(names("/{b}/x/{a}/{rest+}"), ["b", "a", "rest"]);
    assert_eq!(names("/pets/{petId}/"), ["petId"]);
}

//! Base path mappings.

use tidegate_core::route::{BASE_PATH_BYTES_MAX, BasePathError, BasePaths};

/// Each row is a path, the base path that takes it, and what is left for the API.
#[track_caller]
fn check(base_paths: &[&str], rows: &[(&str, Option<(&str, &str)>)]) {
    let compiled = BasePaths::compile(base_paths).expect("compiles");
    for &(path, want) in rows {
        let found = compiled.find(path.as_bytes());
        assert_eq!(
            found.map(|(index, taken)| (base_paths[index], &path[taken..])),
            want,
            "{path} of {base_paths:?}"
        );
    }
}

#[test]
fn the_longest_whole_segments_win() {
    check(
        &["orders", "v1/orders", "", "v1", "v1/orders/archive"],
        &[
            ("/orders", Some(("orders", ""))),
            ("/orders/", Some(("orders", "/"))),
            ("/orders/1", Some(("orders", "/1"))),
            ("/ordersX/1", Some(("", "/ordersX/1"))),
            ("/order", Some(("", "/order"))),
            ("/v1/orders/1", Some(("v1/orders", "/1"))),
            ("/v1/orders/archive", Some(("v1/orders/archive", ""))),
            ("/v1/orders/archived", Some(("v1/orders", "/archived"))),
            ("/v1/other", Some(("v1", "/other"))),
            ("/v1", Some(("v1", ""))),
            ("/", Some(("", "/"))),
            ("", Some(("", ""))),
        ],
    );
}

#[test]
fn without_the_empty_one_the_rest_is_nothing() {
    check(
        &["orders"],
        &[
            ("/", None),
            ("", None),
            ("/other", None),
            ("orders", None),
            ("/orders//x", Some(("orders", "//x"))),
        ],
    );
    check(&[], &[("/", None), ("", None)]);
}

#[test]
fn compares_bytes_as_sent() {
    check(
        &["Orders", "a+b"],
        &[("/orders", None), ("/%4Frders", None), ("//Orders", None), ("/a+b/c", Some(("a+b", "/c")))],
    );
}

#[test]
fn refusals() {
    let long = "a".repeat(BASE_PATH_BYTES_MAX + 1);
    for (base_paths, error, text) in [
        (
            ["a", "b%20"],
            BasePathError::Characters { index: 1 },
            "A base path only allows a-zA-Z0-9$-_.+!*'()/",
        ),
        (
            ["a", "/b"],
            BasePathError::EmptySegment { index: 1 },
            "A base path neither starts nor ends with a slash and has no two in a row",
        ),
        (
            ["b/", "a"],
            BasePathError::EmptySegment { index: 0 },
            "A base path neither starts nor ends with a slash and has no two in a row",
        ),
        (
            ["a//b", "a"],
            BasePathError::EmptySegment { index: 0 },
            "A base path neither starts nor ends with a slash and has no two in a row",
        ),
        (["a", &long], BasePathError::TooLong { index: 1 }, "A base path has at most 300 characters"),
        (
            ["a", "a"],
            BasePathError::Duplicate { index: 1, other: 0 },
            "Base path already exists for this domain name",
        ),
    ] {
        assert_eq!(error.to_string(), text);
        assert_eq!(BasePaths::compile(&base_paths).err(), Some(error), "{base_paths:?}");
    }
    assert!(BasePaths::compile(&[&long[1..], "aZ09$-_.+!*'()/b"]).is_ok());
}

//! Tests of `tidegate_core::route` from outside: rows for every rule, and a naive model against random requests.

mod base_path;
mod compile;
mod model;
mod rows;

use tidegate_core::method::{Method, RouteMethod};
use tidegate_core::route::{RouteError, RouteSpec, Router};

/// Reads `GET /pets` or `ANY /pets`.
fn spec(line: &str) -> RouteSpec<'_> {
    let (token, path) = line.split_once(' ').expect("a method and a path");
    let method = Method::parse(token.as_bytes()).map_or(RouteMethod::Any, RouteMethod::Exactly);
    assert_eq!(method.name(), token);
    RouteSpec { path, method }
}

fn compile(lines: &[impl AsRef<str>]) -> Result<Router, RouteError> {
    Router::compile(&lines.iter().map(|line| spec(line.as_ref())).collect::<Vec<_>>())
}

//! An HTTP integration that validates the body, rewrites it by a template and rewrites the answer by another, beside
//! HTTP_PROXY with the same body: what translating costs.

use crate::side_by_side::rival::{Found, Proxy};
use crate::side_by_side::stand::Entrant;

/// Whether this proxy has API Gateway's templates and models.
pub fn takes(proxy: Proxy) -> bool {
    proxy == Proxy::Tidegate
}

/// A proxy that translates, and one that passes.
pub fn both(found: &Found) -> [Entrant; 2] {
    let plain = Entrant::plain(found);
    let name = passing(found.proxy.name());
    [Entrant { transform: true, ..plain.clone() }, Entrant { name, ..plain }]
}

/// Name of a proxy that passes bodies as they are.
pub fn passing(name: &str) -> String {
    format!("{name}, http_proxy")
}

/// The body of each request: an order of ten lines, about 1 KiB.
pub fn body() -> String {
    let line = |number: usize| {
        format!(
            r#"{{"sku":"A-{number:04}","count":{},"price":{number}.5,"note":"a line of the order, number {number}"}}"#,
            number + 1
        )
    };
    let lines: Vec<_> = (0..10).map(line).collect();
    format!(
        r#"{{"id":"7f0c","customer":{{"name":"Ann","email":"ann@example.com"}},"express":true,"lines":[{}]}}"#,
        lines.join(",")
    )
}

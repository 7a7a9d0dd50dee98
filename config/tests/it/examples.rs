//! The examples of the repository load without a word, and show what they are meant to show.

use std::path::Path;

use tidegate_config::{Loaded, load, routes_table};

fn example(name: &str) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name).join("tidegate.toml");
    let loaded = load(&path, "host").unwrap_or_else(|findings| panic!("{}", findings.render(false)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
    loaded
}

#[test]
fn petstore() {
    let table = routes_table(&example("petstore"));
    let want = "\
API petstore stage prod (REGIONAL)
METHOD   PATH             AUTH  LIMITS  CACHE  INTEGRATION
GET      /                NONE  none    none   MOCK 200
GET      /health          NONE  none    none   MOCK 200
GET      /pets            NONE  none    none   HTTP_PROXY GET http://127.0.0.2:8080/pets timeout 10 s
OPTIONS  /pets            NONE  none    none   MOCK 200
POST     /pets            NONE  none    none   HTTP_PROXY POST http://127.0.0.2:8080/pets timeout 29 s
GET      /pets/{petId}    NONE  none    none   HTTP_PROXY GET http://127.0.0.2:8080/pets/{petId} timeout 29 s
ANY      /stock/{proxy+}  NONE  none    none   HTTP_PROXY ANY http://127.0.0.2:8080/stock/{proxy} timeout 29 s
GET      /legacy          NONE  none    none   HTTP GET http://127.0.0.2:8080/legacy/{method.request.querystring.id} timeout 29 s
";
    assert!(table.starts_with(want), "{table}");
}

#[test]
fn services() {
    let table = routes_table(&example("services"));
    for want in ["AWS POST http://127.0.0.1:5000/ timeout 29 s", "PUT     /pets/{id}  NONE"] {
        assert!(table.contains(want), "{table}");
    }
}

#[test]
fn canary() {
    let table = routes_table(&example("canary"));
    let want = "\
API greeting stage prod (REGIONAL)
METHOD  PATH       AUTH  LIMITS  CACHE  INTEGRATION
GET     /greeting  NONE  none    60 s   MOCK 200

API greeting stage prod canary with 10 % of the requests (REGIONAL)
METHOD  PATH       AUTH  LIMITS  CACHE  INTEGRATION
GET     /greeting  NONE  none    60 s   MOCK 200
";
    assert_eq!(table, want);
}

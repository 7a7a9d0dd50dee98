//! The example `examples/petstore` does what its comments promise.

use std::path::Path;

use crate::support::client::{Client, get, post};
use crate::support::gateway::{Gateway, health, tidegate};
use crate::support::origin::nobody;
use crate::support::setup::Folder;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/petstore");

/// The example with ports that are free.
fn copy() -> Folder {
    let folder = Folder::of(&[]);
    // The database is called by its address, so its port must be known before it listens.
    let database = format!("127.0.0.2:{}", nobody().port());
    for entry in std::fs::read_dir(EXAMPLE).expect("the example") {
        let path = entry.expect("entry").path();
        if !path.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let text = text.replace("127.0.0.1:8080\"", "127.0.0.1:0\"").replace("127.0.0.1:9901", "127.0.0.1:0");
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        folder.replace(name, &text.replace("127.0.0.2:8080", &database));
    }
    folder
}

#[test]
fn it_has_no_errors_and_lists_its_routes() {
    let file = Path::new(EXAMPLE).join("tidegate.toml");
    let file = file.to_str().expect("a path");
    let check = tidegate(&["check", file]);
    assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stderr));
    assert_eq!(String::from_utf8_lossy(&check.stderr), "");
    let routes = tidegate(&["routes", file]);
    let table = String::from_utf8_lossy(&routes.stdout).into_owned();
    for path in ["/pets/{petId}", "/stock/{proxy+}", "/legacy"] {
        assert!(table.contains(path), "{path} is not in:\n{table}");
    }
}

#[test]
fn its_requests_work() {
    let mut gateway = Gateway::run(copy());
    let here = |request: String| request.replace("Host: gateway", "Host: 127.0.0.1");
    let mut client = gateway.client();
    let pets = client.exchange(here(get("/v1/pets")));
    assert_eq!(pets.status(), 200, "{pets:?}");
    let pets: serde_json::Value = serde_json::from_slice(&pets.body).expect("JSON");
    assert_eq!(pets[0]["type"], "dog");
    let rows = [
        (get("/v1"), 200, "Welcome to the pet store"),
        (get("/v1/"), 200, "Welcome to the pet store"),
        (get("/v1/health"), 200, r#"{"status":"UP"}"#),
        (get("/v1/pets/1"), 200, r#""type":"dog""#),
        (get("/v1/stock/food/1?x=y"), 200, r#""item":"food""#),
        (get("/v1/legacy?id=1"), 200, r#""type":"dog""#),
        (get("/v1/legacy?id=2"), 404, "No such pet"),
        (post("/v1/pets", r#"{"type":"cat","price":1}"#), 201, "success"),
        (get("/v1/nowhere"), 404, "There is no GET here"),
        (get("/v2/pets"), 403, "Forbidden"),
    ];
    for (request, status, text) in rows {
        let response = client.exchange(here(request.clone()));
        assert_eq!(response.status(), status, "{request}: {response:?}");
        assert!(response.text().contains(text), "{request}: {response:?}");
    }
    let preflight =
        client.exchange("OPTIONS /v1/pets HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a\r\n\r\n");
    assert_eq!(preflight.field("access-control-allow-origin"), Some("*"), "{preflight:?}");
    assert_eq!(health(gateway.admin()).status(), 200);
    gateway.stop();
    let log = gateway.stdout.finish().join("\n");
    assert!(log.contains("\"GET /v1/pets HTTP/1.1\" 200"), "{log}");
}

/// What the gateway prints to try works as printed.
#[test]
fn the_suggested_command_works() {
    let gateway = Gateway::run(copy());
    let command = gateway.stdout.wait_for("curl ");
    let url = command.split_whitespace().find_map(|word| word.strip_prefix("http://")).expect("a URL");
    let (host, path) = url.split_once('/').expect("a path");
    let mut client = Client::connect(host.parse().expect("an address"));
    let response = client.exchange(format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert_eq!(response.status(), 200, "{command}: {response:?}");
}

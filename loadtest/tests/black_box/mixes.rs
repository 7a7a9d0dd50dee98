//! Mixes from OpenAPI documents and `tidegate.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use crate::support::{load, load_json, read_head};

const DOCUMENT: &str = r##"
openapi: 3.0.1
info: { title: Pets, version: "1" }
paths:
  /pets:
    get:
      parameters:
        - { name: kind, in: query, required: true, schema: { enum: [cat, dog] } }
      responses: { 200: { description: ok } }
    post:
      security: [{ key: [] }]
      requestBody:
        content: { application/json: { schema: { $ref: "#/components/schemas/Pet" } } }
      responses: { 201: { description: made } }
  /pets/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer, minimum: 10 } }
    get:
      responses: { 200: { description: ok } }
  /files/{proxy+}:
    x-amazon-apigateway-any-method:
      responses: {}
components:
  schemas:
    Pet:
      type: object
      required: [name]
      properties: { name: { type: string, pattern: "^[a-z]{4}$" } }
  securitySchemes:
    key: { type: apiKey, in: header, name: x-api-key }
"##;

/// A server that keeps the requests it got; each has its body, if it has one.
fn recorder() -> (String, Arc<Mutex<Vec<String>>>) {
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&requests);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), Arc::clone(&kept));
            std::thread::spawn(move || {
                while let Some(mut head) = read_head(&mut stream) {
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
                    std::io::Read::read_exact(&mut stream, &mut body).unwrap();
                    head.push_str(std::str::from_utf8(&body).unwrap());
                    kept.lock().unwrap().push(head);
                    std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .unwrap();
                }
            });
        }
    });
    (url, requests)
}

#[test]
fn openapi() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pets.yaml");
    fs::write(&path, DOCUMENT).unwrap();
    let (url, requests) = recorder();
    let base = format!("{url}/v1");
    let options = ["-c", "2", "-n", "400", "--openapi", path.to_str().unwrap(), "--choice", "zipf:1.5"];
    let more = ["--api-key", "secret", "--weight", "GET /pets/{id}=2", "-H", "x-mine: 1", &base];
    let (code, report) = load_json(&[&options[..], &more].concat());
    assert_eq!(code, 0, "{report}");
    let requests = requests.lock().unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for request in requests.iter() {
        assert!(request.contains("\r\nx-mine: 1\r\n"), "{request}");
        let line = request.split(" HTTP/1.1\r\n").next().unwrap();
        let kind = if line.starts_with("GET /v1/pets?kind=cat") || line.starts_with("GET /v1/pets?kind=dog") {
            "list"
        } else if let Some(id) = line.strip_prefix("GET /v1/pets/") {
            assert!(id.parse::<u32>().unwrap() >= 10, "{line}");
            "get"
        } else if line == "POST /v1/pets" {
            assert!(
                request.contains("\r\nx-api-key: secret\r\n")
                    && request.contains("\r\ncontent-type: application/json\r\n")
            );
            let body: serde_json::Value =
                serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
            let name = body["name"].as_str().unwrap();
            assert!(name.len() == 4 && name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
            "post"
        } else {
            assert!(line.starts_with("GET /v1/files/a/"), "{line}");
            "file"
        };
        *counts.entry(kind).or_default() += 1;
    }
    let expected = [("file", 80), ("get", 160), ("list", 80), ("post", 80)];
    for (kind, want) in expected {
        let got = counts[kind];
        assert!((want * 6 / 10..want * 14 / 10).contains(&got), "{kind}: {got} of {want}");
    }
    // By Zipf's law the first key is the commonest by far.
    let first = requests.iter().filter(|request| request.starts_with("GET /v1/pets/11 ")).count();
    assert!(first > counts["get"] / 5, "{first} of {}", counts["get"]);
}

#[test]
fn openapi_explains() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pets.yaml");
    fs::write(&path, DOCUMENT).unwrap();
    let base = ["-c", "1", "--openapi", path.to_str().unwrap(), "http://127.0.0.1:1/"];
    for (options, part) in [
        (&[][..], "POST /pets: it asks for an API key"),
        (&["--api-key", "k", "--weight", "GET /nothing=3"], "there is no operation `GET /nothing`"),
        (&["--weight", "GET /pets"], "is not a weight"),
    ] {
        let run = load(&[&base[..], options].concat());
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[test]
fn tidegate_toml() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pets.yaml"), DOCUMENT).unwrap();
    let (url, requests) = recorder();
    let address = url.trim_start_matches("http://");
    let config = format!(
        r#"
[[listener]]
address = "{address}"
[[api]]
id = "pets"
definition = "pets.yaml"
[[api.stage]]
name = "prod"
[[api.stage]]
name = "beta"
[[domain]]
name = "pets.example"
mapping = [{{ path = "v1", api = "pets", stage = "prod" }}]
[[api_key]]
name = "alice"
value = "alice-key"
[[api_key]]
name = "bob"
value = "bob-key"
enabled = false
"#
    );
    let path = folder.path().join("tidegate.toml");
    fs::write(&path, config).unwrap();
    let (code, report) = load_json(&["-c", "2", "-n", "200", "--config", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{report}");
    let requests = requests.lock().unwrap();
    for request in requests.iter() {
        let path = request.split(' ').nth(1).unwrap();
        if path.starts_with("/v1/") {
            assert!(request.contains("\r\nhost: pets.example\r\n"), "{request}");
        } else {
            assert!(
                path.starts_with("/beta/") && request.contains("\r\nx-apigw-api-id: pets\r\n"),
                "{request}"
            );
        }
        assert!(!request.contains("bob-key"));
        assert_eq!(
            request.starts_with("POST"),
            request.contains("\r\nx-api-key: alice-key\r\n"),
            "{request}"
        );
    }
    assert!(
        requests.iter().any(|request| request.contains(" /v1/"))
            && requests.iter().any(|request| request.contains(" /beta/"))
    );
}

#[test]
fn the_examples_of_this_repository() {
    let (url, requests) = recorder();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/petstore/tidegate.toml");
    let (code, report) = load_json(&["-c", "2", "-n", "300", "--config", path, &url]);
    assert_eq!(code, 0, "{report}");
    let requests = requests.lock().unwrap();
    assert!(requests.iter().any(|request| request.starts_with("GET /v1/pets?")));
    assert!(requests.iter().any(|request| request.starts_with("POST /v1/pets ")));
}

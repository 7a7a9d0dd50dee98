//! Which API, stage and resource a request is for (interfaces.md, "Which API a request is for"; behaviour sections 4
//! and 19; recorded facts 1 to 5 and 114 to 118).

use serde_json::json;

use crate::support::client::get;
use crate::support::document::{Document, http_proxy, mock};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::{Folder, Setup};

const FORBIDDEN: (u16, &str) = (403, r#"{"message":"Forbidden"}"#);
const NO_ROUTE: (u16, &str) = (403, r#"{"message":"Missing Authentication Token"}"#);

/// Sends each request, on one connection, and compares status and body.
#[track_caller]
fn check(gateway: &Gateway, rows: &[(&str, (u16, &str))]) {
    let mut client = gateway.client();
    for (request, (status, body)) in rows {
        let response = client.exchange(format!("{request}\r\n\r\n"));
        assert_eq!((response.status(), &*response.text()), (*status, *body), "{request}");
    }
}

/// Two APIs with two stages each, and domains of every kind.
fn several_apis() -> Gateway {
    let document = |name: &str| {
        Document::new()
            .method("GET", "/", mock(&format!("{name} root")))
            .method("GET", "/who", mock(name))
            .method("GET", "/pets/who", mock(&format!("{name} pets")))
            .text()
    };
    let toml = r#"
        [node]
        shards = 1
        [[listener]]
        address = "127.0.0.1:0"
        [[api]]
        id = "petstore"
        definition = "petstore.json"
        [[api.stage]]
        name = "prod"
        [[api.stage]]
        name = "beta"
        [[api]]
        id = "orders"
        definition = "orders.json"
        [[api.stage]]
        name = "prod"
        [[domain]]
        name = "api.example.com"
        mapping = [
            { path = "v1", api = "petstore", stage = "prod" },
            { path = "v1/pets", api = "orders", stage = "prod" },
            { path = "open", api = "petstore" },
        ]
        [[domain]]
        name = "root.example.com"
        mapping = [
            { path = "", api = "orders", stage = "prod" },
            { path = "store", api = "petstore", stage = "beta" },
        ]
        [[domain]]
        name = "*.example.com"
        mapping = [ { path = "", api = "petstore", stage = "prod" } ]
    "#;
    let (petstore, orders) = (document("petstore"), document("orders"));
    Gateway::run(Folder::of(&[
        ("tidegate.toml", toml),
        ("petstore.json", &petstore),
        ("orders.json", &orders),
    ]))
}

#[test]
fn hosts_and_stages() {
    let petstore = (200, "petstore");
    let orders = (200, "orders");
    check(
        &several_apis(),
        &[
            ("GET /prod/who HTTP/1.1\r\nHost: petstore.execute-api.us-east-1.amazonaws.com", petstore),
            ("GET /beta/who HTTP/1.1\r\nHost: petstore.execute-api.us-east-1.amazonaws.com", petstore),
            ("GET /prod/who HTTP/1.1\r\nHost: PetStore.Execute-API.us-east-1.amazonaws.com:8080", petstore),
            ("GET /prod/who HTTP/1.1\r\nHost: orders.execute-api.eu-west-1.amazonaws.com", orders),
            ("GET /prod/who HTTP/1.1\r\nHost: orders", orders),
            ("GET /prod HTTP/1.1\r\nHost: orders", (200, "orders root")),
            ("GET /prod/ HTTP/1.1\r\nHost: orders", (200, "orders root")),
            ("GET /prod?x=y HTTP/1.1\r\nHost: orders", (200, "orders root")),
            ("GET http://orders/prod/who HTTP/1.1\r\nHost: orders", orders),
            ("GET /prod/who HTTP/1.1\r\nHost: localhost\r\nx-apigw-api-id: orders", orders),
            ("GET /prod/who HTTP/1.1\r\nHost: localhost\r\nX-Apigw-Api-Id: petstore", petstore),
            ("GET /prod/who HTTP/1.1\r\nHost: orders\r\nx-apigw-api-id: petstore", orders),
            ("GET /prod/who HTTP/1.0\r\nConnection: keep-alive\r\nx-apigw-api-id: orders", orders),
            ("GET /beta/who HTTP/1.1\r\nHost: orders", FORBIDDEN),
            ("GET /PROD/who HTTP/1.1\r\nHost: orders", FORBIDDEN),
            ("GET /prodx/who HTTP/1.1\r\nHost: orders", FORBIDDEN),
            ("GET / HTTP/1.1\r\nHost: orders", FORBIDDEN),
            ("GET /who HTTP/1.1\r\nHost: orders", FORBIDDEN),
            ("GET /prod/who HTTP/1.1\r\nHost: localhost", FORBIDDEN),
            ("GET /prod/who HTTP/1.1\r\nHost: nobody.execute-api.us-east-1.amazonaws.com", FORBIDDEN),
            ("GET /prod/who HTTP/1.1\r\nHost: x.orders.example", FORBIDDEN),
            ("GET /prod/who HTTP/1.1\r\nHost: localhost\r\nx-apigw-api-id: nobody", FORBIDDEN),
            ("GET /prod/nowhere HTTP/1.1\r\nHost: orders", NO_ROUTE),
            ("POST /prod/who HTTP/1.1\r\nHost: orders", NO_ROUTE),
            ("HEADER /prod/who HTTP/1.1\r\nHost: orders", NO_ROUTE),
            ("GET /prod/WHO HTTP/1.1\r\nHost: orders", NO_ROUTE),
        ],
    );
}

#[test]
fn domains_and_base_paths() {
    check(
        &several_apis(),
        &[
            ("GET /v1/who HTTP/1.1\r\nHost: api.example.com", (200, "petstore")),
            ("GET /v1/who HTTP/1.1\r\nHost: API.Example.Com:443", (200, "petstore")),
            ("GET /v1 HTTP/1.1\r\nHost: api.example.com", (200, "petstore root")),
            ("GET /v1/pets/who HTTP/1.1\r\nHost: api.example.com", (200, "orders")),
            ("GET /v1/petsx/who HTTP/1.1\r\nHost: api.example.com", NO_ROUTE),
            ("GET /open/beta/who HTTP/1.1\r\nHost: api.example.com", (200, "petstore")),
            ("GET /open/prod/pets/who HTTP/1.1\r\nHost: api.example.com", (200, "petstore pets")),
            ("GET /open/gamma/who HTTP/1.1\r\nHost: api.example.com", FORBIDDEN),
            ("GET /open HTTP/1.1\r\nHost: api.example.com", FORBIDDEN),
            ("GET /v2/who HTTP/1.1\r\nHost: api.example.com", FORBIDDEN),
            ("GET /V1/who HTTP/1.1\r\nHost: api.example.com", FORBIDDEN),
            ("GET / HTTP/1.1\r\nHost: api.example.com", FORBIDDEN),
            ("GET /v1/who HTTP/1.1\r\nHost: api.example.com\r\nx-apigw-api-id: orders", (200, "petstore")),
            ("GET /who HTTP/1.1\r\nHost: root.example.com", (200, "orders")),
            ("GET / HTTP/1.1\r\nHost: root.example.com", (200, "orders root")),
            ("GET /store/who HTTP/1.1\r\nHost: root.example.com", (200, "petstore")),
            ("GET /storex/who HTTP/1.1\r\nHost: root.example.com", NO_ROUTE),
            ("GET /who HTTP/1.1\r\nHost: any.example.com", (200, "petstore")),
            ("GET /who HTTP/1.1\r\nHost: a.b.example.com", FORBIDDEN),
            ("GET /who HTTP/1.1\r\nHost: example.com", FORBIDDEN),
        ],
    );
}

#[test]
fn a_single_api_needs_no_host_name() {
    let gateway = Setup::new(&Document::new().method("GET", "/who", mock("me"))).start();
    check(
        &gateway,
        &[
            ("GET /test/who HTTP/1.1\r\nHost: anything", (200, "me")),
            ("GET /test/who HTTP/1.1\r\nHost: 127.0.0.1:8080", (200, "me")),
            ("GET /test/who HTTP/1.1\r\nHost: [::1]", (200, "me")),
            ("GET /test/who HTTP/1.0\r\nConnection: keep-alive", (200, "me")),
            ("GET /prod/who HTTP/1.1\r\nHost: anything", FORBIDDEN),
        ],
    );
}

/// Facts 4 and 5, and the priorities of behaviour section 4.
#[test]
fn resources_and_methods() {
    let document = Document::new()
        .method("POST", "/test", mock("test"))
        .method("ANY", "/test/any", mock("any"))
        .method("PUT", "/test/any", mock("put"))
        .method("OPTIONS", "/{proxy+}", mock("greedy"))
        .method("GET", "/part1", mock("part1"))
        .method("GET", "/part1/hardcoded-value", mock("hardcoded"))
        .method("GET", "/{proxy+}", mock("param"))
        .method("GET", "/pets/{petId}", mock("pet"))
        .method("GET", "/pets/{petId}/toys", mock("toys"))
        .method("GET", "/pets/dog", mock("dog"));
    let mut rows = vec![
        ("OPTIONS /test/test", (200, "greedy")),
        ("POST /test/test", (200, "test")),
        ("OPTIONS /test/test/any", (200, "any")),
        ("GET /test/test/any", (200, "any")),
        ("HEAD /test/pets/1", NO_ROUTE),
        ("PUT /test/test/any", (200, "put")),
        ("GET /test/part1", (200, "part1")),
        ("GET /test/part1/", (200, "part1")),
        ("GET /test/part1/hardcoded-value", (200, "hardcoded")),
        ("GET /test/part1/random-value", (200, "param")),
        ("GET /test/pets/dog", (200, "dog")),
        ("GET /test/pets/cat", (200, "pet")),
        ("GET /test/pets/cat/", (200, "pet")),
        ("GET /test/pets/cat?a=/b/c", (200, "pet")),
        ("GET /test/pets/dog/toys", (200, "toys")),
        ("GET /test/pets/cat/food", (200, "param")),
        ("GET /test/a/b/c", (200, "param")),
        ("GET /test//part1", (200, "part1")),
        ("GET /test/", NO_ROUTE),
        ("GET /test", NO_ROUTE),
        ("DELETE /test/part1", NO_ROUTE),
        ("DELETE /test/pets/dog", NO_ROUTE),
    ];
    let gateway = Setup::new(&document).start();
    // An answer to HEAD has no content, so its row cannot go with the others.
    rows.retain(|(request, _)| !request.starts_with("HEAD"));
    let rows: Vec<(String, (u16, &str))> =
        rows.into_iter().map(|(request, want)| (format!("{request} HTTP/1.1\r\nHost: a"), want)).collect();
    let rows: Vec<(&str, (u16, &str))> = rows.iter().map(|(request, want)| (&**request, *want)).collect();
    check(&gateway, &rows);
    let mut client = gateway.client();
    client.send("HEAD /test/pets/1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_to_head().status(), 403, "HEAD does not come with GET");
}

/// Facts 116 and 117.
#[test]
fn empty_segments_around_the_stage_do_not_count() {
    let document = Document::new().method("GET", "/hardcoded", mock("hardcoded")).method(
        "GET",
        "/{proxy+}",
        mock("greedy"),
    );
    check(
        &Setup::new(&document).start(),
        &[
            ("GET /test//hardcoded HTTP/1.1\r\nHost: a", (200, "hardcoded")),
            ("GET /test//proxy-value HTTP/1.1\r\nHost: a", (200, "greedy")),
            ("GET //test/hardcoded HTTP/1.1\r\nHost: a", (200, "hardcoded")),
            ("GET //test/proxy-value HTTP/1.1\r\nHost: a", (200, "greedy")),
        ],
    );
}

#[test]
fn the_method_may_be_overridden_by_a_field() {
    let origin = Origin::answering(ok("put"));
    let document = Document::new()
        .method("PUT", "/x", http_proxy("ANY", format!("http://{}/x", origin.address)))
        .method("POST", "/x", mock("post"));
    let gateway = Setup::new(&document).start();
    let rows = [
        ("POST /test/x HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: PUT", (200, "put")),
        ("POST /test/x HTTP/1.1\r\nHost: a\r\nx-http-method-override: DELETE", NO_ROUTE),
        ("POST /test/x HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: nonsense", NO_ROUTE),
        ("POST /test/x HTTP/1.1\r\nHost: a", (200, "post")),
    ];
    check(&gateway, &rows);
    let received = origin.request().message;
    assert_eq!((received.method(), received.field("x-http-method-override")), ("PUT", None));
}

/// Facts 114, 115 and 118: what a greedy parameter holds.
#[test]
fn paths_pass_as_they_were_typed() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let rows = [
        ("/test/a/b", "/a/b"),
        ("/test/a%2Fb%20c", "/a%2Fb%20c"),
        ("/test/test%2Balias@gmail.com", "/test%2Balias@gmail.com"),
        ("/test/test+alias@gmail.com", "/test+alias@gmail.com"),
        ("/test/proxy-value//double-slash", "/proxy-value//double-slash"),
        ("/test/proxy-value/", "/proxy-value"),
        ("/test/a/../b/./c", "/a/../b/./c"),
        ("/test/a?x=%20y&z", "/a?x=%20y&z"),
        ("/test/a?", "/a"),
    ];
    for (sent, want) in rows {
        assert_eq!(gateway.get(sent).status(), 200, "{sent}");
        assert_eq!(origin.request().message.target(), want, "{sent}");
    }
}

#[test]
fn stages_have_variables_of_their_own() {
    let origin = Origin::replying(|request| ok(request.target()));
    let integration = json!({
        "type": "http_proxy", "httpMethod": "GET",
        "uri": "http://${stageVariables.host}/${stageVariables.folder}",
    });
    let definition = Document::new().method("GET", "/x", integration).text();
    let toml = format!(
        "[node]\nshards = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n[[api]]\nid = \"a\"\ndefinition = \"a.json\"\n\
         [[api.stage]]\nname = \"one\"\nvariables = {{ host = \"{0}\", folder = \"first\" }}\n\
         [[api.stage]]\nname = \"two\"\nvariables = {{ host = \"{0}\", folder = \"second\" }}\n",
        origin.address
    );
    let gateway = Gateway::run(Folder::of(&[("tidegate.toml", &toml), ("a.json", &definition)]));
    let mut client = gateway.client();
    assert_eq!(client.exchange(get("/one/x")).text(), "/first");
    assert_eq!(client.exchange(get("/two/x")).text(), "/second");
}

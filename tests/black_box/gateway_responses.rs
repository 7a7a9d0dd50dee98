//! Gateway responses that an API changes (recorded facts 12 to 14; behaviour section 2.2).

use serde_json::{Value, json};

use crate::support::client::get;
use crate::support::document::{Document, http_proxy, mock};
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, nobody};
use crate::support::setup::Setup;

/// An API whose methods fail in every way, with these gateway responses.
struct Rig {
    gateway: Gateway,
    gate: Gate,
    _origin: Origin,
}

impl Rig {
    fn start(responses: &[(&str, Value)]) -> Self {
        let gate = Gate::default();
        let held = gate.clone();
        let origin = Origin::scripted(move |peer| {
            peer.request();
            held.wait();
        });
        let mut slow = http_proxy("GET", format!("http://{}/", origin.address));
        slow["timeoutInMillis"] = 50.into();
        let mut broken = mock("");
        broken["requestTemplates"]["application/json"] = "{}".into();
        let mut strict = mock("");
        strict["passthroughBehavior"] = "never".into();
        let document = Document::new()
            .method("GET", "/slow", slow)
            .method("GET", "/refused", http_proxy("GET", format!("http://{}/", nobody())))
            .method("GET", "/broken", broken)
            .method("POST", "/strict", strict)
            .method("GET", "/pets/{petId}", mock("a pet"));
        let document = responses
            .iter()
            .fold(document, |document, (kind, response)| document.gateway_response(kind, response.clone()));
        let gateway = Setup::new(&document).stage("variables = { colour = \"red\" }").start();
        Self { gateway, gate, _origin: origin }
    }

    #[track_caller]
    fn check(&self, rows: &[(&str, u16, &str)]) {
        let mut client = self.gateway.client();
        for (request, status, body) in rows {
            let response = client.exchange(format!("{request} HTTP/1.1\r\nHost: a\r\nX-Client: c\r\n\r\n"));
            assert_eq!((response.status(), &*response.text()), (*status, *body), "{request}: {response:?}");
        }
        self.gate.open();
    }
}

#[test]
fn statuses_and_their_inheritance() {
    let rig = Rig::start(&[
        ("DEFAULT_5XX", json!({"statusCode": 599})),
        ("INTEGRATION_TIMEOUT", json!({"responseParameters": {"gatewayresponse.header.X-A": "'b'"}})),
        ("DEFAULT_4XX", json!({"statusCode": "499"})),
        ("UNSUPPORTED_MEDIA_TYPE", json!({"statusCode": 418})),
    ]);
    rig.check(&[
        ("GET /test/refused", 599, r#"{"message": "Network error communicating with endpoint"}"#),
        ("GET /test/broken", 599, r#"{"message": "Internal server error"}"#),
        ("GET /test/slow", 504, r#"{"message": "Endpoint request timed out"}"#),
        ("GET /test/nowhere", 499, r#"{"message":"Missing Authentication Token"}"#),
    ]);
    let strict =
        "POST /test/strict HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(rig.gateway.client().exchange(strict).status(), 418);
    let elsewhere = rig.gateway.get("/none/x");
    assert_eq!(
        (elsewhere.status(), &*elsewhere.text()),
        (403, r#"{"message":"Forbidden"}"#),
        "no API, no customisation"
    );
    let malformed = rig.gateway.client().exchange("GET /test/x HTTP/1.1\r\n\r\n");
    assert_eq!(malformed.status(), 400);
}

#[test]
fn templates_are_plain_substitution() {
    let template = "{\"message\":$context.error.messageString,\"plain\":\"$context.error.message\",\
                    \"type\":\"$context.error.responseType\",\"stage\":\"${context.stage}\",\"api\":\"$context.apiId\",\
                    \"colour\":\"$stageVariables.colour\",\"q\":\"$method.request.querystring.q\",\
                    \"h\":\"$method.request.header.X-Client\",\"path\":\"$context.path\",\"none\":\"$stageVariables.none\",\
                    \"price\":\"$5 $unknown #if(true)\"}";
    let rig = Rig::start(&[(
        "MISSING_AUTHENTICATION_TOKEN",
        json!({"responseTemplates": {"application/json": template}}),
    )]);
    rig.check(&[(
        "GET /test/nowhere?q=a%20b",
        403,
        "{\"message\":\"Missing Authentication Token\",\"plain\":\"Missing Authentication Token\",\
         \"type\":\"MISSING_AUTHENTICATION_TOKEN\",\"stage\":\"test\",\"api\":\"api\",\"colour\":\"red\",\"q\":\"a b\",\
         \"h\":\"c\",\"path\":\"/test/nowhere\",\"none\":\"\",\"price\":\"$5 $unknown #if(true)\"}",
    )]);
}

#[test]
fn fields() {
    let rig = Rig::start(&[(
        "DEFAULT_4XX",
        json!({"responseParameters": {
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
            "gatewayresponse.header.X-Request-Header": "method.request.header.X-Client",
            "gatewayresponse.header.X-Query": "method.request.querystring.q",
            "gatewayresponse.header.X-Context": "context.stage",
            "gatewayresponse.header.X-Variable": "stageVariables.colour",
            "gatewayresponse.header.X-None": "stageVariables.none",
        }}),
    )]);
    let mut client = rig.gateway.client();
    let request = "GET /test/nowhere?q=x%0d%0ay HTTP/1.1\r\nHost: a\r\nX-Client: c\r\n\r\n";
    let response = client.exchange(request);
    assert_eq!(
        (response.status(), &*response.text()),
        (403, r#"{"message":"Missing Authentication Token"}"#)
    );
    for (name, want) in [
        ("access-control-allow-origin", Some("*")),
        ("x-request-header", Some("c")),
        ("x-query", Some("x  y")),
        ("x-context", Some("test")),
        ("x-variable", Some("red")),
        ("x-none", None),
        ("x-amzn-errortype", Some("MissingAuthenticationTokenException")),
    ] {
        assert_eq!(response.field(name), want, "{name}: {response:?}");
    }
    assert_eq!(
        client.exchange(get("/test/pets/1")).field("access-control-allow-origin"),
        None,
        "good answers have none"
    );
    rig.gate.open();
}

#[test]
fn other_media_types() {
    let templates = json!({"responseTemplates": {"application/xml": "<e>$context.error.message</e>"}});
    let rig = Rig::start(&[("MISSING_AUTHENTICATION_TOKEN", templates)]);
    let response = rig.gateway.get("/test/nowhere");
    assert_eq!(response.text(), "<e>Missing Authentication Token</e>");
    assert_eq!(response.field("content-type"), Some("application/xml"));
    rig.gate.open();
}

/// Behaviour section 2.1: customisation of REQUEST_TOO_LARGE is not honoured.
#[test]
fn the_413_cannot_be_changed() {
    let rig = Rig::start(&[
        ("REQUEST_TOO_LARGE", json!({"statusCode": 400, "responseTemplates": {"application/json": "{}"}})),
        ("DEFAULT_4XX", json!({"statusCode": 400})),
    ]);
    let response = rig
        .gateway
        .client()
        .exchange("POST /test/strict HTTP/1.1\r\nHost: a\r\nContent-Length: 10485761\r\n\r\n");
    assert_eq!((response.status(), &*response.text()), (413, "HTTP content length exceeded 10485760 bytes."));
    rig.gate.open();
}

//! `http` integrations: what goes to the backend is what is mapped, and so is what comes back (recorded facts 93, 96,
//! 97, 100, 101, 103, 104, 146, 147).

use serde_json::{Value, json};

use crate::support::client::{get, post};
use crate::support::document::{Document, http};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

fn serving(method: &str, integration: Value) -> Gateway {
    Setup::new(&Document::new().method(method, "/x", integration)).start()
}

fn uri(origin: &Origin) -> String {
    format!("http://{}/y", origin.address)
}

/// Fact 93.
#[test]
fn a_backend_gets_defaults_only() {
    let origin = Origin::answering(ok(""));
    let gateway = serving("POST", http("POST", uri(&origin)));
    let fields = "Accept: application/xml\r\nUser-Agent: tester\r\nX-Custom: c\r\nAuthorization: Bearer x\r\n\
                  Cookie: a=b\r\nX-Forwarded-For: 10.0.0.1\r\n";
    let request = format!(
        "POST /test/x?q=1 HTTP/1.1\r\nHost: a\r\n{fields}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
    );
    assert_eq!(gateway.client().exchange(request).status(), 200);
    let received = origin.request().message;
    let want = [
        "Accept",
        "Content-Length",
        "Content-Type",
        "Host",
        "User-Agent",
        "X-Amzn-Apigateway-Api-Id",
        "X-Amzn-Trace-Id",
    ];
    assert_eq!(received.names(), want);
    for (name, want) in [
        ("accept", "application/json"),
        ("content-length", "5"),
        ("content-type", "text/plain"),
        ("host", &*origin.address.to_string()),
        ("user-agent", "AmazonAPIGateway_api"),
        ("x-amzn-apigateway-api-id", "api"),
    ] {
        assert_eq!(received.field(name), Some(want));
    }
    assert_eq!(
        (received.target(), received.text()),
        ("/y", "hello".to_owned()),
        "nor does the query string pass"
    );
}

#[test]
fn a_get_has_no_content_type() {
    let origin = Origin::answering(ok(""));
    let gateway = serving("GET", http("GET", uri(&origin)));
    assert_eq!(
        gateway
            .client()
            .exchange("GET /test/x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\r\n")
            .status(),
        200
    );
    let want = ["Accept", "Host", "User-Agent", "X-Amzn-Apigateway-Api-Id", "X-Amzn-Trace-Id"];
    assert_eq!(origin.request().message.names(), want);
}

#[test]
fn mapped_parameters_reach_the_backend() {
    let origin = Origin::answering(ok(""));
    let mut integration = http("PUT", format!("http://{}/{{place}}?fixed=1", origin.address));
    integration["requestParameters"] = json!({
        "integration.request.header.Accept": "'text/csv'",
        "integration.request.header.X-Out": "method.request.header.X-In",
        "integration.request.header.X-None": "method.request.header.X-Absent",
        "integration.request.querystring.q": "method.request.multivaluequerystring.in",
        "integration.request.path.place": "context.stage",
    });
    let gateway = serving("POST", integration);
    let request = "POST /test/x?in=1&in=%26 HTTP/1.1\r\nHost: a\r\nX-In: v\r\n\r\n";
    assert_eq!(gateway.client().exchange(request).status(), 200);
    let received = origin.request().message;
    assert_eq!(received.start, "PUT /test?fixed=1&q=1&q=%26 HTTP/1.1");
    assert_eq!((received.field("accept"), received.field("x-out")), (Some("text/csv"), Some("v")));
    assert_eq!((received.field("x-none"), received.field("x-in")), (None, None));
}

#[test]
fn a_request_template_replaces_the_body() {
    let origin = Origin::answering(ok(""));
    let mut integration = http("POST", uri(&origin));
    integration["requestTemplates"] = json!({"application/json": "{\"fixed\": true}"});
    let gateway = serving("POST", integration);
    let mut client = gateway.client();
    for (content_type, want) in [
        ("", r#"{"fixed": true}"#),
        ("Content-Type: application/json; charset=utf-8\r\n", r#"{"fixed": true}"#),
        ("Content-Type: text/plain\r\n", "sent"),
    ] {
        let request =
            format!("POST /test/x HTTP/1.1\r\nHost: a\r\n{content_type}Content-Length: 4\r\n\r\nsent");
        assert_eq!(client.exchange(request).status(), 200);
        assert_eq!(origin.request().message.text(), want, "{content_type}");
    }
}

/// Behaviour section 6.2: what becomes of a body without template.
#[test]
fn passthrough_behaviours() {
    let origin = Origin::answering(ok(""));
    let template = json!({"application/json": "{\"from\": \"template\"}"});
    // (behaviour, templates, content type, what the backend gets; none: 415)
    let rows = [
        ("when_no_match", &template, "text/plain", Some("sent")),
        ("when_no_match", &template, "application/json", Some(r#"{"from": "template"}"#)),
        ("when_no_templates", &template, "text/plain", None),
        ("when_no_templates", &json!({}), "text/plain", Some("sent")),
        ("never", &json!({}), "text/plain", None),
        ("never", &template, "text/plain", None),
        ("never", &template, "application/json", Some(r#"{"from": "template"}"#)),
    ];
    for (behaviour, templates, content_type, want) in rows {
        let mut integration = http("POST", uri(&origin));
        integration["passthroughBehavior"] = behaviour.into();
        integration["requestTemplates"] = templates.clone();
        let gateway = serving("POST", integration);
        let mut client = gateway.client();
        let request = format!(
            "POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: 4\r\n\r\nsent"
        );
        let response = client.exchange(&request);
        match want {
            Some(want) => {
                assert_eq!(origin.request().message.text(), want, "{behaviour} {templates} {content_type}");
            }
            None => {
                assert_eq!(
                    (response.status(), &*response.text()),
                    (415, r#"{"message": "Unsupported Media Type"}"#)
                );
                assert_eq!(response.field("x-amzn-errortype"), Some("BadRequestException"));
            }
        }
        assert_eq!(client.exchange(get("/none")).status(), 403, "the connection stays usable");
    }
}

/// Facts 146 and 147.
#[test]
fn the_status_selects_the_response() {
    let origin = Origin::replying(|request| {
        let status = request.field("x-status").unwrap_or("200");
        format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 4\r\n\r\nbody")
    });
    let mut integration = http("POST", uri(&origin));
    integration["requestParameters"] =
        json!({"integration.request.header.X-Status": "method.request.header.X-Want"});
    integration["responses"] = json!({
        "4\\d{2}": {"statusCode": "400"},
        "50[34]": {"statusCode": "503", "responseTemplates": {"application/json": "{\"busy\": true}"}},
        "default": {"statusCode": "200"},
    });
    let gateway = serving("POST", integration);
    let mut client = gateway.client();
    for (status, want, body) in [
        (404, 400, "body"),
        (499, 400, "body"),
        (201, 200, "body"),
        (500, 200, "body"),
        (503, 503, r#"{"busy": true}"#),
        (504, 503, r#"{"busy": true}"#),
    ] {
        let response =
            client.exchange(format!("POST /test/x HTTP/1.1\r\nHost: a\r\nX-Want: {status}\r\n\r\n"));
        assert_eq!((response.status(), &*response.text()), (want, body), "{status}");
        assert_eq!(response.field("content-type"), Some("application/json"));
    }
}

#[test]
fn no_response_for_a_status_is_an_error() {
    let origin = Origin::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nbody");
    let mut integration = http("GET", uri(&origin));
    integration["responses"] = json!({"200": {"statusCode": "200"}});
    let gateway = serving("GET", integration);
    let mut client = gateway.client();
    for _ in 0..2 {
        let response = client.exchange(get("/test/x"));
        assert_eq!((response.status(), &*response.text()), (500, r#"{"message": "Internal server error"}"#));
    }
}

/// Facts 100, 101, 103 and 104.
#[test]
fn mapped_response_fields() {
    let kept = [
        "Accept",
        "Accept-Charset",
        "Accept-Encoding",
        "Age",
        "Pragma",
        "Range",
        "Referer",
        "TE",
        "Via",
        "Warn",
    ];
    let renamed = [
        "Authorization",
        "Connection",
        "Content-Length",
        "Content-MD5",
        "Date",
        "Expect",
        "Host",
        "Max-Forwards",
        "Proxy-Authenticate",
        "Server",
        "Trailer",
        "Upgrade",
        "User-Agent",
        "WWW-Authenticate",
    ];
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Backend: b\r\nSet-Cookie: a=1\r\nETag: one\r\nETag: two\r\n\
         Content-Length: 4\r\n\r\nbody",
    );
    let mut integration = http("GET", uri(&origin));
    let parameters = &mut integration["responses"]["default"]["responseParameters"];
    for name in kept.iter().chain(&renamed).chain(&["Transfer-Encoding"]) {
        parameters[format!("method.response.header.{name}")] = "'mapped'".into();
    }
    parameters["method.response.header.X-ETag"] = "integration.response.header.ETag".into();
    parameters["method.response.header.X-ETags"] = "integration.response.multivalueheader.ETag".into();
    parameters["method.response.header.X-None"] = "integration.response.header.Absent".into();
    parameters["method.response.header.X-Id"] = "context.requestId".into();
    let response = serving("GET", integration).get("/test/x");
    assert_eq!((response.status(), response.text()), (200, "body".to_owned()));
    let exactly = |name: &str| -> Vec<&str> {
        response.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect()
    };
    for name in kept {
        assert_eq!(exactly(name), ["mapped"], "{name}: {response:?}");
    }
    for name in renamed {
        assert_eq!(exactly(&format!("x-amzn-Remapped-{name}")), ["mapped"], "{name}: {response:?}");
        assert!(!exactly(name).contains(&"mapped"), "{name}: {response:?}");
    }
    for (name, want) in [
        ("x-etag", Some("two")),
        ("x-etags", Some("one,two")),
        ("x-none", None),
        ("x-id", response.field("x-amzn-requestid")),
        ("x-backend", None),
        ("etag", None),
        ("set-cookie", None),
        ("transfer-encoding", None),
        ("x-amzn-remapped-transfer-encoding", None),
        ("content-type", Some("application/json")),
        ("content-length", Some("4")),
    ] {
        assert_eq!(response.field(name), want, "{name}");
    }
    let trace = response.field("x-amzn-trace-id").expect("HTTP answers carry the trace");
    assert!(trace.starts_with("Root=1-"), "{trace}");
}

/// The template is chosen by the request's Accept (behaviour section 6.2).
#[test]
fn response_templates() {
    let origin = Origin::answering(ok("from the backend"));
    let mut integration = http("GET", uri(&origin));
    integration["responses"]["default"] = json!({
        "statusCode": "200",
        "responseTemplates": {"application/json": "{\"is\": \"json\"}", "text/xml": "<is>xml</is>"},
        "responseParameters": {"method.response.header.X-Length": "integration.response.header.Content-Length"},
    });
    let gateway = serving("GET", integration);
    let mut client = gateway.client();
    for (accept, want, media_type) in [
        ("", r#"{"is": "json"}"#, "application/json"),
        ("Accept: text/xml\r\n", "<is>xml</is>", "text/xml"),
        ("Accept: text/xml;q=0.9, text/html\r\n", "<is>xml</is>", "text/xml"),
        ("Accept: image/png\r\n", r#"{"is": "json"}"#, "application/json"),
    ] {
        let response = client.exchange(format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{accept}\r\n"));
        assert_eq!((&*response.text(), response.field("content-type")), (want, Some(media_type)), "{accept}");
        assert_eq!(response.field("x-length"), Some("16"));
    }
}

#[test]
fn chunked_backends_and_content_types() {
    let origin =
        Origin::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    let mut integration = http("POST", uri(&origin));
    integration["responses"]["default"]["responseParameters"] =
        json!({"method.response.header.Content-Type": "'text/plain'"});
    let gateway = serving("POST", integration);
    let response = gateway.client().exchange(post("/test/x", "hello"));
    assert_eq!((response.text(), response.field("content-type")), ("abc".to_owned(), Some("text/plain")));
    assert_eq!(origin.request().message.field("content-type"), Some("application/json"));
}

/// An answer to HEAD tells the length that GET would have, or none (RFC 9110 section 8.6).
#[test]
fn head_through_a_mapping() {
    let origin = Origin::replying(|_| "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_owned());
    let gateway = serving("HEAD", http("HEAD", uri(&origin)));
    let mut client = gateway.client();
    for _ in 0..2 {
        client.send("HEAD /test/x HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = client.response_to_head();
        assert!(matches!(response.field("content-length"), None | Some("1234")), "{response:?}");
    }
}

/// The client's answer has no content even if the backend's and the template have.
#[test]
fn statuses_without_content() {
    let origin = Origin::answering(ok("content"));
    for status in ["204", "304"] {
        for templates in [json!({}), json!({"application/json": "content"})] {
            let mut integration = http("GET", uri(&origin));
            integration["responses"]["default"] =
                json!({"statusCode": status, "responseTemplates": templates});
            let gateway = serving("GET", integration);
            let mut client = gateway.client();
            for _ in 0..3 {
                let response = client.exchange(get("/test/x"));
                assert_eq!(
                    (response.status().to_string().as_str(), response.body.len()),
                    (status, 0),
                    "{response:?}"
                );
            }
        }
    }
}

//! `http_proxy` integrations: what a mapping makes of fields, query and path (recorded facts 96, 97 and 147 to 155;
//! behaviour section 6).

use serde_json::{Value, json};

use crate::support::client::get;
use crate::support::document::{Document, http_proxy};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

/// One method `ANY /x`, or `/x/{param}` where the mappings need one.
fn with_parameters(path: &str, uri: &str, parameters: Value) -> Gateway {
    let mut integration = http_proxy("ANY", uri);
    integration["requestParameters"] = parameters;
    Setup::new(&Document::new().method("ANY", path, integration)).start()
}

/// Fact 150, to the letter; names and values in the order URI, client, mapped.
#[test]
fn query_strings() {
    let origin = Origin::answering(ok(""));
    let gateway = with_parameters(
        "/x/{pathVariable}",
        &format!("http://{}/?testVar={{pathVar}}&testQs={{qsVar}}", origin.address),
        json!({
            "integration.request.path.pathVar": "method.request.path.pathVariable",
            "integration.request.path.qsVar": "method.request.querystring.testVar",
            "integration.request.querystring.testQs": "method.request.querystring.testQueryString",
            "integration.request.querystring.queryString": "method.request.querystring.testQueryString",
            "integration.request.querystring.absent": "method.request.querystring.absent",
        }),
    );
    assert_eq!(gateway.get("/test/x/foobar?testQueryString=foo&testVar=bar").status(), 200);
    let received = origin.request().message;
    let query = received.target().strip_prefix("/?").expect("a query");
    let values = |name: &str| -> Vec<&str> {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|pair| pair.0 == name)
            .map(|pair| pair.1)
            .collect()
    };
    assert_eq!(values("testVar"), ["foobar", "bar"], "{query}");
    assert_eq!(values("testQs"), ["bar", "foo"], "{query}");
    assert_eq!(values("testQueryString"), ["foo"], "{query}");
    assert_eq!(values("queryString"), ["foo"], "{query}");
    assert_eq!(query.split('&').count(), 6, "a mapping without source adds nothing: {query}");
}

#[test]
fn query_strings_pass_as_they_are() {
    let origin = Origin::answering(ok(""));
    let gateway = with_parameters("/x", &format!("http://{}/y", origin.address), json!({}));
    for (sent, want) in [
        ("/test/x?a=1&a=2&b", "/y?a=1&a=2&b"),
        ("/test/x?a=%2B+%20&=&&;", "/y?a=%2B+%20&=&&;"),
        ("/test/x?http://a/?b", "/y?http://a/?b"),
        ("/test/x", "/y"),
        ("/test/x/", "/y"),
    ] {
        assert_eq!(gateway.get(sent).status(), 200, "{sent}");
        assert_eq!(origin.request().message.target(), want, "{sent}");
    }
}

/// Facts 149, 151 and 153, and the last of several values (155).
#[test]
fn mapped_fields_replace() {
    let origin = Origin::answering(ok(""));
    let gateway = with_parameters(
        "/x/{id}",
        &format!("http://{}/y", origin.address),
        json!({
            "integration.request.header.X-Static": "'fixed text'",
            "integration.request.header.X-Path": "method.request.path.id",
            "integration.request.header.X-Query": "method.request.querystring.q",
            "integration.request.header.X-Queries": "method.request.multivaluequerystring.q",
            "integration.request.header.X-Header": "method.request.header.x-in",
            "integration.request.header.X-Headers": "method.request.multivalueheader.x-in",
            "integration.request.header.X-Absent": "method.request.header.x-absent",
            "integration.request.header.X-Stage": "context.stage",
            "integration.request.header.X-Variable": "stageVariables.missing",
            "integration.request.header.X-Client": "'mapped'",
            "integration.request.header.Host": "'mapped.example'",
            "integration.request.header.User-Agent": "'mapped agent'",
            "integration.request.header.Accept": "method.request.header.x-absent",
        }),
    );
    let sent = "X-In: one\r\nX-In: two\r\nX-Client: client\r\nx-client: again\r\nAccept: text/plain\r\nX-Variable: kept\r\n";
    let request = format!("GET /test/x/a%20b?q=1&q=a%20b+c HTTP/1.1\r\nHost: a\r\n{sent}\r\n");
    assert_eq!(gateway.client().exchange(request).status(), 200);
    let received = origin.request().message;
    for (name, want) in [
        ("x-static", Some("fixed text")),
        ("x-path", Some("a%20b")),
        ("x-query", Some("a b c")),
        ("x-queries", Some("1,a b c")),
        ("x-header", Some("two")),
        ("x-headers", Some("one,two")),
        ("x-in", Some("one,two")),
        ("x-absent", None),
        ("x-stage", Some("test")),
        ("x-variable", Some("kept")),
        ("x-client", Some("mapped")),
        ("host", Some("mapped.example")),
        ("user-agent", Some("mapped agent")),
        ("accept", Some("text/plain")),
    ] {
        assert_eq!(received.field(name), want, "{name}: {received:?}");
    }
}

/// A decoded query value could hold a line end; it must not become one.
#[test]
fn a_mapped_value_cannot_break_the_head() {
    let origin = Origin::answering(ok(""));
    let gateway = with_parameters(
        "/x",
        &format!("http://{}/y?a={{q}}", origin.address),
        json!({
            "integration.request.header.X-Query": "method.request.querystring.q",
            "integration.request.path.q": "method.request.querystring.q",
            "integration.request.querystring.b": "method.request.querystring.q",
        }),
    );
    let response = gateway.get("/test/x?q=x%0d%0aX-Forged:%20yes%00%0a%26c=d");
    assert_eq!(response.status(), 200);
    let received = origin.request().message;
    assert_eq!(received.field("x-forged"), None, "{received:?}");
    assert_eq!(received.target().matches("&c=").count(), 0, "{received:?}");
    assert_eq!(origin.whole(), 1);
}

/// Every byte that means something in a URI is encoded, also where it is the whole value.
#[test]
fn values_in_a_uri_are_encoded() {
    let origin = Origin::answering(ok(""));
    let gateway = with_parameters(
        "/x",
        &format!("http://{}/p/{{q}}?in={{q}}", origin.address),
        json!({
            "integration.request.path.q": "method.request.querystring.q",
            "integration.request.querystring.mapped": "method.request.querystring.q",
            "integration.request.querystring.all": "method.request.multivaluequerystring.q",
        }),
    );
    let values =
        ["%00", "%0A", "%0D", "%20", "%22", "%23", "%25", "%26", "%3F", "%7F", "%C3%A4", "%FF", "%0D%0A%20a"];
    for value in values {
        assert_eq!(gateway.get(&format!("/test/x?q={value}")).status(), 200, "{value}");
        let received = origin.request().message;
        let want = format!("/p/{value}?in={value}&q={value}&all={value}&mapped={value}");
        assert_eq!(received.target(), want, "{received:?}");
    }
}

/// Facts 96 and 97.
#[test]
fn fields_that_a_mapping_cannot_set() {
    let origin = Origin::answering(ok(""));
    let uri = format!("http://{}/y", origin.address);
    for name in ["Connection", "Expect", "Proxy-Authenticate", "TE", "Via"] {
        let gateway =
            with_parameters("/x", &uri, json!({format!("integration.request.header.{name}"): "'lost'"}));
        assert_eq!(gateway.get("/test/x").status(), 200, "{name}");
        assert_eq!(origin.request().message.field(name), None, "{name} is lost without a word");
    }
    for name in
        ["Content-MD5", "Max-Forwards", "Server", "Trailer", "Upgrade", "WWW-Authenticate", "Date", "Age"]
    {
        let gateway =
            with_parameters("/x", &uri, json!({format!("integration.request.header.{name}"): "'set'"}));
        assert_eq!(gateway.get("/test/x").status(), 200, "{name}");
        assert_eq!(origin.request().message.field(name), Some("set"), "{name}");
    }
}

/// Fact 97.
#[test]
fn fields_that_break_a_mapping() {
    let origin = Origin::answering(ok(""));
    let uri = format!("http://{}/y", origin.address);
    for name in ["Content-Length", "Transfer-Encoding", "X-Amzn-Trace-Id", "x-amzn-apigateway-api-id"] {
        let gateway =
            with_parameters("/x", &uri, json!({format!("integration.request.header.{name}"): "'5'"}));
        let response = gateway.get("/test/x");
        assert_eq!((response.status(), response.body.len()), (500, 36), "{name}");
    }
    assert_eq!(origin.heads(), 0);
}

/// Facts 148 and 152, and a method that is fixed.
#[test]
fn methods_and_placeholders() {
    let origin = Origin::answering(ok(""));
    let uri = format!("http://{}/{{id}}/{{other}}", origin.address);
    let mut integration = http_proxy("POST", &uri);
    integration["requestParameters"] = json!({
        "integration.request.path.id": "method.request.header.x-id",
        "integration.request.path.other": "method.request.path.id",
    });
    let gateway = Setup::new(&Document::new().method("ANY", "/x/{id}", integration)).start();
    let request = "GET /test/x/7%2F HTTP/1.1\r\nHost: a\r\nX-Id: a b/?#\r\n\r\n";
    assert_eq!(gateway.client().exchange(request).status(), 200);
    let received = origin.request().message;
    assert_eq!(
        received.start, "POST /a%20b/%3F%23/7%2F HTTP/1.1",
        "values are encoded, path parameters as typed"
    );
}

/// Fact 154.
#[test]
fn stage_variables_fill_uris_and_their_lack_is_an_error() {
    let origin = Origin::answering(ok("found"));
    let uri = "http://${stageVariables.host}/${stageVariables.path}?q=${stageVariables.query}";
    let document = Document::new().method("GET", "/x", http_proxy("GET", uri)).method(
        "GET",
        "/y",
        http_proxy("GET", "http://${stageVariables.nowhere}/"),
    );
    let variables = format!("variables = {{ host = \"{}\", path = \"a/b\", query = \"c\" }}", origin.address);
    let gateway = Setup::new(&document).stage(&variables).start();
    assert_eq!(gateway.get("/test/x").text(), "found");
    assert_eq!(origin.request().message.target(), "/a/b?q=c");
    let response = gateway.get("/test/y");
    assert_eq!(
        (response.status(), response.text()),
        (500, r#"{"message": "Internal server error"}"#.to_owned())
    );
    assert_eq!(response.field("x-amzn-errortype"), Some("InternalServerErrorException"));
    assert_eq!(gateway.client().exchange(get("/test/x")).text(), "found");
}

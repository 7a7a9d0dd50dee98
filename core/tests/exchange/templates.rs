//! Mapping templates and mappings from bodies (facts 63, 64, 68, 69, 78, 82 to 84, 155).

use crate::carrier::{Exchanged, Gateway, Origin};
use tidegate_core::exchange::CallFailure;

const DOCUMENT: &str = r##"
paths:
  /pets/{id}:
    post:
      parameters:
        - { name: id, in: path }
        - { name: q, in: query }
        - { name: X-In, in: header }
      x-amazon-apigateway-integration:
        type: http
        httpMethod: POST
        uri: http://origin.test/{id}
        requestParameters:
          integration.request.path.id: method.request.path.id
          integration.request.header.X-Kept: "'kept'"
          integration.request.header.X-Gone: "'gone'"
          integration.request.querystring.gone: "'1'"
        requestTemplates:
          application/json: |-
            #set($context.requestOverride.header.X-Gone = $util.urlDecode('new%0D%0AEvil: 1'))
            #set($context.requestOverride.header["X-More"] = $input.params('q'))
            #set($context.requestOverride.querystring.gone = 'a b')
            #set($context.requestOverride.path.id = "x/$input.params('id')?")
            {"id":"$input.params('id')","all":$input.json('$'),"in":"$input.params().header['X-In']","te":"$input.params('TE')","tier":"$stageVariables.tier","none":"$stageVariables.none","stage":"$context.stage","ip":"$context.identity.sourceIp"}
          text/plain: "$input.body|$util.urlEncode($input.body)"
          text/bad: "$input.path('$.a').get(7)"
          text/header: "#set($context.requestOverride.header['a b'] = '1')"
          text/length: "#set($context.requestOverride.header.content-length = '1')"
        responses:
          default:
            statusCode: 200
            responseTemplates:
              application/json: |-
                #set($in = $input.path('$'))
                #foreach($pet in $in.pets)$pet.name#if($foreach.hasNext),#end#end
              text/override: |-
                #set($context.responseOverride.status = 202)#set($context.responseOverride.header.Content-Type = 'a/b')#set($context.responseOverride.header.Host = 'h')$context.requestOverride.header.X-Gone $input.body
              text/plain: plain
              text/bad: "$input.body.substring(999)"
  /mock/{id}:
    get: &mock
      parameters: [{ name: id, in: path }]
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates:
          application/json: |-
            #set($context.requestOverride.path.seen = $input.params('id'))
            #if($input.params('id') == 'teapot')#set($context.responseOverride.status = 444)#set($context.responseOverride.header.foo = 'bar')#end
            {"statusCode": #if($input.path('$.fail') == true)500#{else}200#end }
        responses:
          default:
            statusCode: 200
            responseTemplates:
              application/json: '{"seen":"$context.requestOverride.path.seen","all":$input.json("$"),"status":"$context.responseOverride.status"}'
          '5\d{2}': { statusCode: 500 }
    post: *mock
  /body:
    post:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: POST
        uri: http://origin.test/
        requestParameters:
          integration.request.header.Name: method.request.body.pet.name
          integration.request.header.Pet: method.request.body.pet
          integration.request.header.None: method.request.body.none
          integration.request.header.All: method.request.body
        responses:
          default:
            statusCode: 200
            responseParameters:
              method.response.header.Id: integration.response.body.ids[0]
              method.response.header.None: integration.response.body.none
"##;

/// The content type of what the client sends.
#[track_caller]
fn post(path: &str, content_type: &str, body: &str, accept: &str, origin: Origin<'_>) -> Exchanged {
    let request = format!(
        "POST /prod/{path} HTTP/1.1\nHost: a\nTE: x\nX-In: in\nAccept: {accept}\nContent-Type: {content_type}\n\
         Content-Length: {}\n\n{body}",
        body.len()
    );
    Gateway::new(DOCUMENT).exchange(&request, origin)
}

const PETS: &str =
    "HTTP/1.1 200 OK\nContent-Length: 42\n\n{\"pets\":[{\"name\":\"Tom\"},{\"name\":\"Jerry\"}]}";

#[track_caller]
fn assert_body(message: &str, want: &str) {
    let body = message.split_once("\r\n\r\n").expect("a head").1;
    assert_eq!(body, want, "{message}");
}

#[test]
fn a_request_template_sees_the_request_and_overrides_what_is_mapped() {
    let sent = post(
        "pets/7?q=a%20b",
        "application/json",
        "{\"a\": [1, {\"b\": null}]}",
        "*/*",
        Origin::Answers(PETS),
    )
    .sent;
    assert_body(
        &sent,
        "{\"id\":\"7\",\"all\":{\"a\":[1,{\"b\":null}]},\"in\":\"in\",\"te\":\"\",\"tier\":\"gold\",\"none\":\"\",\"stage\":\"prod\",\"ip\":\"192.0.2.7\"}",
    );
    assert!(sent.starts_with("POST /x/7%3F?gone=a%20b HTTP/1.1\r\n"), "{sent}");
    for line in [
        "X-Kept: kept",
        "X-Gone: new  Evil: 1",
        "X-More: a b",
        "Content-Length: 111",
        "Content-Type: application/json",
    ] {
        assert!(sent.contains(&format!("\r\n{line}\r\n")), "{line}: {sent}");
    }
    assert!(!sent.contains("gone\r\n"), "{sent}");
}

#[test]
fn an_absent_body_is_an_object_and_any_other_a_text() {
    for (body, want) in [("", "{}|%7B%7D"), ("raw data", "raw data|raw+data"), ("\u{e9}", "\u{e9}|%C3%A9")] {
        assert_body(&post("pets/7", "text/plain", body, "*/*", Origin::Answers(PETS)).sent, want);
    }
    let sent = Gateway::new(DOCUMENT)
        .exchange("POST /prod/pets/7 HTTP/1.1\nHost: a\nContent-Type: text/plain", Origin::Answers(PETS))
        .sent;
    assert_body(&sent, "{}|%7B%7D");
}

#[test]
fn a_template_that_cannot_be_run_or_sent_is_500() {
    for content_type in ["text/bad", "text/header", "text/length"] {
        let answered = post("pets/7", content_type, "{\"a\":[]}", "*/*", Origin::Uncalled).answered;
        assert!(answered.starts_with("HTTP/1.1 500 "), "{content_type}: {answered}");
        assert_body(&answered, "{\"message\": \"Internal server error\"}");
    }
    let answered = post("pets/7", "text/plain", "", "text/bad", Origin::Answers(PETS)).answered;
    assert!(answered.starts_with("HTTP/1.1 500 "), "{answered}");
}

#[test]
fn a_response_template_sees_the_backends_body() {
    let answered = post("pets/7", "text/plain", "", "*/*", Origin::Answers(PETS)).answered;
    assert_body(&answered, "Tom,Jerry");
    assert!(answered.contains("Content-Length: 9\r\n"), "{answered}");
    let chunked =
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n6\n{\"pets\n13\n\":[{\"name\":\"Tom\"}]}\n0\n\n";
    assert_body(&post("pets/7", "text/plain", "", "*/*", Origin::Answers(chunked)).answered, "Tom");
    let none = "HTTP/1.1 204 No\n\n";
    assert_body(&post("pets/7", "text/plain", "", "*/*", Origin::Answers(none)).answered, "");
}

#[test]
fn a_response_template_overrides_status_and_fields() {
    let answered = post("pets/7", "application/json", "{}", "text/override", Origin::Answers(PETS)).answered;
    assert!(answered.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answered}");
    assert!(answered.contains("\r\nContent-Type: a/b\r\nx-amzn-Remapped-Host: h\r\n"), "{answered}");
    assert_eq!(answered.matches("Content-Type").count(), 1, "{answered}");
    assert_body(&answered, "new\r\nEvil: 1 {\"pets\":[{\"name\":\"Tom\"},{\"name\":\"Jerry\"}]}");
}

#[test]
fn a_backend_that_breaks_off_is_504_and_too_large_500() {
    let failing = |failure| post("pets/7", "text/plain", "", "*/*", Origin::Fails(failure)).answered;
    assert!(failing(CallFailure::Network).starts_with("HTTP/1.1 504 "));
    assert!(failing(CallFailure::TooLarge).starts_with("HTTP/1.1 500 "));
}

#[test]
fn a_mock_computes_its_status_and_carries_overrides_over() {
    let get = |id: &str| {
        let request = format!("GET /prod/mock/{id} HTTP/1.1\nHost: a");
        Gateway::new(DOCUMENT).exchange(&request, Origin::Uncalled).answered
    };
    assert_body(&get("7"), "{\"seen\":\"7\",\"all\":{},\"status\":\"\"}");
    let teapot = get("teapot");
    assert!(teapot.starts_with("HTTP/1.1 444 "), "{teapot}");
    assert!(teapot.contains("\r\nfoo: bar\r\n"), "{teapot}");
    assert_body(&teapot, "{\"seen\":\"teapot\",\"all\":{},\"status\":\"444\"}");
    let failed = post("mock/7", "application/json", "{\"fail\":true}", "*/*", Origin::Uncalled).answered;
    assert!(failed.starts_with("HTTP/1.1 500 "), "{failed}");
    assert_body(&failed, "");
    // One exchange does not see what another has overridden.
    let mut gateway = Gateway::new(DOCUMENT);
    gateway.exchange("GET /prod/mock/teapot HTTP/1.1\nHost: a", Origin::Uncalled);
    let next = gateway.exchange("GET /prod/mock/8 HTTP/1.1\nHost: a", Origin::Uncalled).answered;
    assert!(next.starts_with("HTTP/1.1 200 "), "{next}");
}

#[test]
fn mappings_read_bodies() {
    let answer = "HTTP/1.1 200 OK\nContent-Length: 12\n\n{\"ids\":[42]}";
    let body = "{\"pet\":{\"name\":\"Tom\"}}";
    let exchanged = post("body", "application/json", body, "*/*", Origin::Answers(answer));
    let sent = &exchanged.sent;
    assert_body(sent, body);
    for line in
        ["Name: Tom", "Pet: {\"name\":\"Tom\"}", "All: {\"pet\":{\"name\":\"Tom\"}}", "Content-Length: 22"]
    {
        assert!(sent.contains(&format!("\r\n{line}\r\n")), "{line}: {sent}");
    }
    assert!(!sent.contains("None:"), "{sent}");
    assert!(exchanged.answered.contains("\r\nId: 42\r\n"), "{}", exchanged.answered);
    assert!(!exchanged.answered.contains("None:"), "{}", exchanged.answered);
    assert_body(&exchanged.answered, "{\"ids\":[42]}");
}

#[test]
fn a_mapped_body_that_begins_like_json_has_to_be_some() {
    for body in ["{\"a\"", "[1", "\"a", "'a"] {
        let answered = post("body", "application/json", body, "*/*", Origin::Uncalled).answered;
        assert!(answered.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{body}: {answered}");
        assert_body(&answered, "{\"message\": \"Invalid JSON in request body\"}");
    }
    let text = post("body", "application/json", "text", "*/*", Origin::Answers(PETS)).sent;
    assert!(text.contains("\r\nAll: text\r\n"), "{text}");
    let broken = "HTTP/1.1 200 OK\nContent-Length: 2\n\n{a";
    let answered = post("body", "application/json", "{}", "*/*", Origin::Answers(broken)).answered;
    assert!(answered.starts_with("HTTP/1.1 500 "), "{answered}");
}

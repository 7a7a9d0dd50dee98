//! AWS services as backends: moto plays them, checks each signature with botocore, and says whether calls have arrived.

mod credentials;
mod failures;
mod lambda;
mod leaks;
mod moto;
mod streaming;

use serde_json::{Value, json};

use self::moto::Moto;
use crate::support::client::post;
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::setup::Setup;

/// An integration with a service, answered 200 whatever the service says, with its answer as content.
fn aws(method: &str, call: &str) -> Value {
    json!({
        "type": "aws",
        "httpMethod": method,
        "uri": format!("arn:aws:apigateway:us-east-1:{call}"),
        "responses": {"default": {"statusCode": "200"}, "4\\d\\d": {"statusCode": "400"}, "5\\d\\d": {"statusCode": "502"}},
    })
}

/// The same with request parameters and a template for JSON.
fn mapped(method: &str, call: &str, parameters: Value, template: &str) -> Value {
    let mut integration = aws(method, call);
    integration["requestParameters"] = parameters;
    integration["requestTemplates"] = json!({"application/json": template});
    integration
}

fn header(name: &str, value: &str) -> (String, Value) {
    (format!("integration.request.header.{name}"), Value::String(format!("'{value}'")))
}

fn headers(list: &[(&str, &str)]) -> Value {
    Value::Object(list.iter().map(|(name, value)| header(name, value)).collect())
}

const FORM: &str = "application/x-www-form-urlencoded";

fn document(moto: &Moto) -> Document {
    let form = "Action=SendMessage&MessageBody=$util.urlEncode($input.body)";
    let json_message =
        format!(r#"{{"QueueUrl": "{}", "MessageBody": "$util.escapeJavaScript($input.body)"}}"#, moto.queue);
    let json_fields =
        headers(&[("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.SendMessage")]);
    let mut publish = mapped("POST", "sns:action/Publish", json!({}), "");
    publish["requestParameters"] = json!({
        "integration.request.querystring.TopicArn": format!("'{}'", moto.topic),
        "integration.request.querystring.Message": "method.request.body",
        "integration.request.header.Content-Type": format!("'{FORM}'"),
    });
    let put = r#"{"TableName": "pets", "Item": {"id": {"S": $input.json('$.id')}, "kind": {"S": $input.json('$.kind')}}}"#;
    let get = r#"{"TableName": "pets", "Key": {"id": {"S": "$input.params('id')"}}}"#;
    let mut read = mapped("POST", "dynamodb:action/GetItem", json!({}), get);
    read["responses"]["default"]["responseTemplates"] =
        json!({"application/json": "{\"kind\": $input.json('$.Item.kind.S')}"});
    let mut by_role = read.clone();
    by_role["credentials"] = json!(moto.role);
    let mut powerless = read.clone();
    powerless["credentials"] = json!(moto.powerless);
    let mut object = aws("PUT", "s3:path/{bucket}/{key}");
    object["requestParameters"] = json!({
        "integration.request.path.bucket": "'shelf'",
        "integration.request.path.key": "method.request.path.key",
    });
    let record =
        r#"{"StreamName": "clicks", "PartitionKey": "p", "Data": "$util.base64Encode($input.body)"}"#;
    let entry = "#set($context.requestOverride.header.X-Amz-Target = 'AWSEvents.PutEvents')\n\
         #set($context.requestOverride.header.Content-Type = 'application/x-amz-json-1.1')\n\
         {\"Entries\": [{\"Source\": \"gateway\", \"DetailType\": \"test\", \"Detail\": \"$util.escapeJavaScript($input.body)\"}]}";
    let start = format!(
        r#"{{"stateMachineArn": "{}", "input": "$util.escapeJavaScript($input.body)"}}"#,
        moto.machine
    );
    Document::new()
        .method(
            "POST",
            "/sqs",
            mapped("POST", "sqs:path/123456789012/orders", headers(&[("Content-Type", FORM)]), form),
        )
        .method("POST", "/sqs-json", mapped("POST", "sqs:path/", json_fields, &json_message))
        .method("POST", "/sns", publish)
        .method("POST", "/pets", mapped("POST", "dynamodb:action/PutItem", json!({}), put))
        .method("GET", "/pets/{id}", read)
        .method("GET", "/by-role/{id}", by_role)
        .method("GET", "/powerless/{id}", powerless)
        .method("PUT", "/shelf/{key+}", object)
        .method("POST", "/kinesis", mapped("POST", "kinesis:action/PutRecord", json!({}), record))
        .method("POST", "/events", mapped("POST", "events:action/PutEvents", json!({}), entry))
        .method("POST", "/states", mapped("POST", "states:action/StartExecution", json!({}), &start))
        .authorizer(
            "lambda",
            json!({"type": "token", "authorizerUri": WHO, "authorizerResultTtlInSeconds": 0}),
        )
        .method("GET", "/mine", mock("$context.authorizer.principalId"))
        .secured("GET", "/mine", "lambda", &[])
}

/// The function of an authorizer, which moto plays.
const WHO: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:who/invocations";
const MINE: &str = "GET /test/mine HTTP/1.1\r\nHost: gateway\r\nAuthorization: abc\r\n\r\n";

/// Lets the function of the authorizer allow everything, once.
fn allow(moto: &mut Moto) {
    let statement = json!({"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
    let grant = json!({"principalId": "alice", "policyDocument": policy}).to_string();
    assert_eq!(moto.ask(json!(["function_answers", grant])), Value::Null);
}

fn folder(moto: &Moto) -> Setup {
    Setup::new(&document(moto)).more(&format!("[aws]\nendpoint_url = \"{}\"\n", moto.url))
}

#[track_caller]
fn send(gateway: &Gateway, target: &str, body: &str) -> String {
    let response = gateway.client().exchange(post(&format!("/test{target}"), body));
    assert_eq!(response.status(), 200, "{target}: {response:?}");
    response.text().to_string()
}

#[track_caller]
fn put(gateway: &Gateway, key: &str) {
    let request = format!(
        "PUT /test/shelf/{key} HTTP/1.1\r\nHost: gateway\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nwords"
    );
    let response = gateway.client().exchange(request);
    assert_eq!(response.status(), 200, "{response:?}");
}

/// One gateway and one moto for all: either takes longer to start than to answer.
#[test]
fn messages_arrive() {
    let mut moto = Moto::start();
    let gateway = Gateway::run_with(folder(&moto).write().into(), &moto.environment());

    send(&gateway, "/sqs", r#"{"a": "b&c=d"}"#);
    assert_eq!(moto.ask(json!(["messages", "orders"])), json!([r#"{"a": "b&c=d"}"#]));
    let answer = send(&gateway, "/sqs-json", r#"{"json": true}"#);
    assert!(answer.contains("\"MessageId\""), "{answer}");
    assert_eq!(moto.ask(json!(["messages", "orders"])), json!([r#"{"json": true}"#]));

    // What it cannot check: queries, and paths with escapes.
    moto.ask(json!(["check_signatures", false]));
    send(&gateway, "/sns", r#"{"news": "ä"}"#);
    let news = moto.ask(json!(["messages", "news"]));
    assert!(news[0].as_str().is_some_and(|text| text.contains(r#"{\"news\": \"\u00e4\"}"#)), "{news}");

    put(&gateway, "a%20b/c+d");
    assert_eq!(moto.ask(json!(["stored", "a b/c+d"])), "words");
    moto.ask(json!(["check_signatures", true]));

    put(&gateway, "words.txt");
    assert_eq!(moto.ask(json!(["stored", "words.txt"])), "words");

    assert_eq!(send(&gateway, "/pets", r#"{"id": "rex", "kind": "dog"}"#), "{}");
    assert_eq!(moto.ask(json!(["item", "rex"])), json!({"id": {"S": "rex"}, "kind": {"S": "dog"}}));
    assert_eq!(gateway.get("/test/pets/rex").text(), r#"{"kind": "dog"}"#);

    let answer = send(&gateway, "/kinesis", "click");
    assert!(answer.contains("SequenceNumber"), "{answer}");
    assert_eq!(moto.ask(json!(["records"])), json!([["p", "click"]]));

    let answer = send(&gateway, "/events", r#"{"happened": 1}"#);
    assert!(answer.contains("\"FailedEntryCount\": 0"), "{answer}");
    let events = moto.ask(json!(["messages", "events"]));
    assert!(events[0].as_str().is_some_and(|text| text.contains(r#""happened": 1"#)), "{events}");

    let answer = send(&gateway, "/states", r#"{"step": 1}"#);
    assert!(answer.contains("executionArn"), "{answer}");
    assert_eq!(moto.ask(json!(["executions"])), json!([r#"{"step": 1}"#]));

    // Roles: one that may, and one that moto lets do nothing, so that it is the role that has signed.
    assert_eq!(gateway.get("/test/by-role/rex").text(), r#"{"kind": "dog"}"#);
    let refused = gateway.get("/test/powerless/rex");
    assert_eq!(refused.status(), 400, "{refused:?}");
    assert!(refused.text().contains("assumed-role/powerless/tidegate is not authorized"), "{refused:?}");

    allow(&mut moto);
    let response = gateway.client().exchange(MINE);
    assert_eq!((response.status(), &*response.text()), (200, "alice"));

    // Another secret, and nothing arrives: moto does look at signatures.
    let [(id, key), (secret, _)] = moto.environment();
    let forger = Gateway::run_with(folder(&moto).write().into(), &[(id, key), (secret, "guessed")]);
    let response = forger.client().exchange(post("/test/sqs", "{}"));
    assert_eq!(response.status(), 400, "{response:?}");
    assert!(response.text().contains("signature"), "{response:?}");
    assert_eq!(moto.ask(json!(["messages", "orders"])), json!([]));
    allow(&mut moto);
    let response = forger.client().exchange(MINE);
    assert_eq!((response.status(), &*response.text()), (500, r#"{"message":null}"#));
    forger.stderr.wait_for("the Lambda API has answered 403");
}

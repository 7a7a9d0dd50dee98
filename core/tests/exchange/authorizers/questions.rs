//! What the functions of authorizers get, and when they are not asked.

use serde_json::{Value, json};
use tidegate_core::exchange::Wanted;
use tidegate_core::limits::AUTHORIZER_TIMEOUT_MS;
use tidegate_core::plan::FunctionId;

use super::{allow, check_unauthorized, document, gateway, with_token};
use crate::carrier::{Gateway, ID, Origin};
use crate::wire::{get, served};

#[test]
fn a_token_authorizer_gets_the_token() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("GET/pets/*"));
    let exchanged = served(&mut gateway, &with_token("/prod//pets/a%2Fb/"));
    let (invoke, event, fields) = &gateway.asked[0];
    assert_eq!(
        (invoke.function, invoke.timeout_ms, invoke.wanted),
        (FunctionId(0), AUTHORIZER_TIMEOUT_MS, Wanted::Answer)
    );
    assert_eq!(
        event,
        r#"{"type":"TOKEN","methodArn":"arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/pets/a%2Fb","authorizationToken":"Bearer abc"}"#
    );
    let arn = "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:pets\r\n";
    assert!(fields.starts_with(arn), "{fields}");
    for field in ["X-Principal: user-1", "X-Tier: gold", "X-Number: 7"] {
        assert!(exchanged.sent.contains(&format!("\r\n{field}\r\n")), "{field}: {}", exchanged.sent);
    }
    assert_eq!(exchanged.logged, format!("{ID} 200 user-1 gold 200 200 5 - 200\n"));
}

#[test]
fn a_token_is_a_json_string_whatever_it_holds() {
    let mut gateway =
        Gateway::new(&document("").replace(", identityValidationExpression: 'Bearer [a-z0-9-]+'", ""));
    gateway.authorizers.push_back(allow("*"));
    served(&mut gateway, &get("/prod/admin", "Authorization: a\"b\\c\u{e9}\nauthorization: second\n"));
    let event: Value = serde_json::from_str(&gateway.asked[0].1).expect("JSON");
    assert_eq!(event["authorizationToken"], "a\"b\\c\u{e9},second");
}

#[test]
fn a_request_authorizer_gets_all_but_the_body() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("*"));
    served(&mut gateway, &get("/prod/all?who=me&a=1&a=%20", "X-Who: me\nx-who: too\nUser-Agent: test\n"));
    let event: Value = serde_json::from_str(&gateway.asked[0].1).expect("JSON");
    let members: Vec<&str> = event.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut want = vec![
        "type",
        "methodArn",
        "resource",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "requestContext",
    ];
    want.sort_unstable();
    assert_eq!(members, want);
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["methodArn"], "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/all");
    assert_eq!(
        (&event["resource"], &event["path"], &event["httpMethod"]),
        (&json!("/all"), &json!("/all"), &json!("GET"))
    );
    assert_eq!(event["queryStringParameters"], json!({"a": " ", "who": "me"}));
    assert_eq!(event["multiValueHeaders"]["X-Who"], json!(["me", "too"]));
    assert_eq!(event["pathParameters"], json!({}));
    assert_eq!(event["stageVariables"], json!({"colour": "blue", "tier": "gold"}));
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "192.0.2.7");
    assert_eq!(event["requestContext"]["authorizer"], Value::Null);
    gateway.authorizers.push_back(allow("*"));
    served(&mut gateway, &get("/prod/fresh", ""));
    let event: Value = serde_json::from_str(&gateway.asked[1].1).expect("JSON");
    assert_eq!(
        (&event["queryStringParameters"], &event["multiValueQueryStringParameters"]),
        (&json!({}), &json!({}))
    );
}

#[test]
fn an_identity_source_that_is_missing_is_401_and_nobody_is_asked() {
    let first = "identity source 1 of the authorizer token is missing";
    for fields in ["", "Authorization: \n", "Authorization:  \t \n", "X-Authorization: Bearer abc\n"] {
        check_unauthorized(&gateway().exchange(&get("/prod/admin", fields), Origin::Uncalled), first);
    }
    let pattern = "the token does not match the validation expression of the authorizer token";
    for token in ["abc", "Bearer ABC", "Bearer abc def", "Bearer abc, Bearer abc"] {
        let request = get("/prod/admin", &format!("Authorization: {token}\n"));
        check_unauthorized(&gateway().exchange(&request, Origin::Uncalled), pattern);
    }
    let twice = get("/prod/admin", "Authorization: Bearer abc\nAuthorization: Bearer abc\n");
    check_unauthorized(&gateway().exchange(&twice, Origin::Uncalled), pattern);
    for (target, fields, missing) in [
        ("/prod/all?who=me", "", 1),
        ("/prod/all", "X-Who: me\n", 2),
        ("/prod/all?who=&x=1", "X-Who: me\n", 2),
    ] {
        let exchanged = gateway().exchange(&get(target, fields), Origin::Uncalled);
        check_unauthorized(
            &exchanged,
            &format!("identity source {missing} of the authorizer request is missing"),
        );
        assert!(exchanged.logged.contains(" 401 - - 401 - 0 Unauthorized -"), "{}", exchanged.logged);
    }
}

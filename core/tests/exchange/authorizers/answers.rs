//! What becomes of what the functions of authorizers answer.

use serde_json::{Value, json};
use tidegate_core::exchange::InvokeFailure;

use super::{
    DENIED, DENIED_BY, allow, check_denied, check_fault, check_unauthorized, document, gateway, policy,
    with_token,
};
use crate::carrier::{Function, Gateway, ID, Origin};
use crate::plan::Settings;
use crate::wire::{check_refused, get, served};

#[test]
fn what_the_policy_says_is_done() {
    let check = |effect: &str, resource: &str, message: Option<(&str, &str)>| {
        let mut gateway = gateway();
        gateway.authorizers.push_back(Function::Answers(policy(effect, resource)));
        match message {
            None => drop(served(&mut gateway, &with_token("/prod/pets/7"))),
            Some((message, rule)) => {
                check_denied(&gateway.exchange(&with_token("/prod/pets/7"), Origin::Uncalled), message, rule);
            }
        }
    };
    let nothing = Some((DENIED, "no statement of the policy that the authorizer gave allows"));
    let one = Some((DENIED_BY, "statement 1 (One) of the policy that the authorizer gave denies"));
    check("Allow", "*", None);
    check("Allow", "GET/pets/7", None);
    check("Allow", "GET/pets/8", nothing);
    check("Allow", "PUT/pets/7", nothing);
    check("Deny", "GET/pets/7", one);
    check("Deny", "*", one);
    check("Deny", "GET/pets/8", nothing);
}

#[test]
fn failures_are_401_and_500() {
    let ask = |function: Function| {
        let mut gateway = gateway();
        gateway.authorizers.push_back(function);
        gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled)
    };
    let fails =
        |message: &str| Function::Fails(json!({"errorType": "Error", "errorMessage": message}).to_string());
    check_unauthorized(&ask(fails("Unauthorized")), "the function of the authorizer token says Unauthorized");
    for message in ["unauthorized", "Unauthorized ", "Unauthorized: no", "", "secret"] {
        let exchanged = ask(fails(message));
        check_fault(&exchanged, "its function has failed");
        assert!(!exchanged.denial.contains("secret"));
        assert_eq!(exchanged.logged, format!("{ID} 500 - - 500 200 5 - -\n"));
    }
    check_fault(&ask(Function::Fails("no JSON".to_owned())), "its function has failed");
    check_fault(&ask(Function::Silent(InvokeFailure::Timeout)), "its function has not answered in time");
    let throttled = ask(Function::Silent(InvokeFailure::Throttled));
    check_fault(&throttled, "too many invocations of its function wait");
    assert_eq!(throttled.logged, format!("{ID} 500 - - 500 429 5 - -\n"));
    for (answer, rule) in [
        ("", "its answer is no JSON object"),
        ("\"Allow\"", "its answer is no JSON object"),
        ("{}", "its answer has no principalId"),
        (r#"{"principalId":"a"}"#, "its answer has no policyDocument"),
        (r#"{"principalId":"a","policyDocument":{}}"#, "its policyDocument is no policy"),
        (&policy("allow", "*"), "its policyDocument has an Effect other than Allow and Deny"),
        (&policy("Allow", "*").replace("\"number\":7", "\"number\":{}"), "context in its answer"),
    ] {
        check_fault(&ask(Function::Answers(answer.to_owned())), rule);
    }
    let exchanged = gateway().exchange(&with_token("/prod/unknown"), Origin::Uncalled);
    check_fault(&exchanged, "it cannot be called in this stage");
}

#[test]
fn an_api_may_word_them() {
    let responses = "x-amazon-apigateway-gateway-responses:\n  AUTHORIZER_CONFIGURATION_ERROR: { statusCode: 503, responseTemplates: { application/json: '{\"m\":$context.error.messageString}' } }\n  UNAUTHORIZED: { statusCode: 499 }\n  ACCESS_DENIED: { responseParameters: { gatewayresponse.header.x-who: context.authorizer.principalId } }";
    let mut gateway = Gateway::new(&document(responses));
    gateway.authorizers.extend([Function::Answers("{}".to_owned()), Function::Answers(policy("Deny", "*"))]);
    let fault = gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled).answered;
    assert!(fault.starts_with("HTTP/1.1 503 ") && fault.ends_with("\r\n\r\n{\"m\":null}"), "{fault}");
    let denied = gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled).answered;
    assert!(denied.starts_with("HTTP/1.1 403 ") && denied.contains("\r\nx-who: user-1\r\n"), "{denied}");
    let unauthorized = gateway.exchange(&get("/prod/admin", ""), Origin::Uncalled).answered;
    assert!(unauthorized.starts_with("HTTP/1.1 499 "), "{unauthorized}");
}

#[test]
fn functions_and_templates_see_what_the_authorizer_says() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("*"));
    let request = with_token("/prod/function").replace("GET", "POST");
    for latency in [5, 0] {
        let exchanged = gateway.exchange(&request, Origin::Function(Ok("{}")));
        let event: Value = serde_json::from_str(&exchanged.sent).expect("JSON");
        let want = json!({"principalId": "user-1", "tier": "gold", "number": "7", "yes": "true", "integrationLatency": latency});
        assert_eq!(event["requestContext"]["authorizer"], want);
    }
    let sent = served(&mut gateway, &with_token("/prod/template")).sent;
    assert!(sent.ends_with("\r\n\r\nuser-1/gold/7//[principalId, number, tier, yes]/"), "{sent}");
}

#[test]
fn an_authorizer_may_name_the_api_key() {
    let mut gateway = Gateway::with(
        &document("x-amazon-apigateway-api-key-source: AUTHORIZER"),
        "$context.requestId $context.status $context.identity.apiKeyId $context.identity.apiKey",
        Settings::default(),
    );
    let with_key = |key: &str| {
        Function::Answers(policy("Allow", "*").replacen('{', &format!("{{\"usageIdentifierKey\":{key},"), 1))
    };
    gateway.authorizers.push_back(with_key("\"alice-0123456789abcdef\""));
    let exchanged = served(&mut gateway, &with_token("/prod/keyed"));
    assert_eq!(exchanged.logged, format!("{ID} 200 alice ****************abcdef\n"));
    for (token, function) in
        [("b", with_key("\"bob-0123456789abcdefgh\"")), ("c", with_key("null")), ("d", allow("*"))]
    {
        gateway.authorizers.push_back(function);
        let request = get(
            "/prod/keyed",
            &format!("Authorization: Bearer {token}\nx-api-key: alice-0123456789abcdef\n"),
        );
        let exchanged = gateway.exchange(&request, Origin::Uncalled);
        check_refused(&exchanged, "403 Forbidden", "ForbiddenException", r#"{"message":"Forbidden"}"#);
    }
}

#[test]
fn the_key_of_a_header_field_is_not_that_of_an_authorizer() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(Function::Answers(policy("Allow", "*").replacen(
        '{',
        r#"{"usageIdentifierKey":"alice-0123456789abcdef","#,
        1,
    )));
    let exchanged = gateway.exchange(&with_token("/prod/keyed"), Origin::Uncalled);
    check_refused(&exchanged, "403 Forbidden", "ForbiddenException", r#"{"message":"Forbidden"}"#);
    served(
        &mut gateway,
        &get("/prod/keyed", "Authorization: Bearer abc\nx-api-key: alice-0123456789abcdef\n"),
    );
}

/// AWS's table A, row by row: what the authorizer's policy says, what the resource policy says, and what comes of it.
#[test]
fn with_a_resource_policy() {
    let anonymous = "User: anonymous is not authorized to perform: execute-api:Invoke on resource: \
                     arn:aws:execute-api:us-east-1:********9012:api/prod/GET/admin with an explicit deny in a \
                     resource-based policy";
    let resource = |effect: &str| {
        let path = if effect == "silent" { "GET/other" } else { "GET/admin" };
        let effect = if effect == "Deny" { "Deny" } else { "Allow" };
        format!(
            "x-amazon-apigateway-policy: {{ Version: '2012-10-17', Statement: {{ Effect: {effect}, Principal: '*', \
             Action: 'execute-api:Invoke', Resource: 'execute-api:/prod/{path}' }} }}"
        )
    };
    for (own, resourced, want) in [
        ("Allow", "Allow", None),
        ("Allow", "silent", None),
        ("Allow", "Deny", Some(anonymous)),
        ("silent", "Allow", None),
        ("silent", "silent", Some(DENIED)),
        ("silent", "Deny", Some(anonymous)),
        ("Deny", "Allow", Some(DENIED_BY)),
        ("Deny", "silent", Some(DENIED_BY)),
        ("Deny", "Deny", Some(anonymous)),
    ] {
        let mut gateway = Gateway::new(&document(&resource(resourced)));
        let effect = if own == "silent" { "Allow" } else { own };
        let path = if own == "silent" { "GET/other" } else { "GET/admin" };
        gateway.authorizers.push_back(Function::Answers(policy(effect, path)));
        let request = with_token("/prod/admin");
        match want {
            None => drop(served(&mut gateway, &request)),
            Some(message) => {
                let body = format!(r#"{{"Message":"{message}"}}"#);
                let exchanged = gateway.exchange(&request, Origin::Uncalled);
                check_refused(&exchanged, "403 Forbidden", "AccessDeniedException", &body);
            }
        }
        let asked = usize::from(resourced != "Deny");
        assert_eq!(
            gateway.asked.len(),
            asked,
            "{own}, {resourced}: whom the resource policy denies is not asked about"
        );
    }
}

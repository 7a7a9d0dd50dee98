//! `x-amazon-apigateway-authorizer` of security schemes.

use tidegate_config::routes_table;
use tidegate_core::auth::authorise::Authorization;
use tidegate_core::auth::authorizer::{AuthorizerId, Input};
use tidegate_core::auth::cognito::{CognitoId, ScopesId};
use tidegate_core::aws::CredentialsSource;
use tidegate_core::integration::FunctionPlace;
use tidegate_core::mapping::{Source, Values};
use tidegate_core::plan::{ApiKeySource, FunctionId};

use crate::{Folder, TOML, describe};

const FUNCTION: &str = "[[function]]\nname = \"f\"\ncommand = [\"f\"]\n";
const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations";

/// A document whose only method uses the scheme `a`, whose authorizer this is; `more` stands at the root.
fn document(authorizer: &str, more: &str) -> String {
    let authorizer = authorizer.replace("URI", URI);
    format!(
        "openapi: 3.0.1\npaths:\n  /:\n    get:\n      security: [{{ a: [] }}, {{ key: [] }}]\n      x-amazon-apigateway-integration:\n        type: mock\n\
         components:\n  securitySchemes:\n    key: {{ type: apiKey, name: x-api-key, in: header }}\n    a: {{ type: apiKey, name: X-Who, in: header, x-amazon-apigateway-authorizer: {{ {authorizer} }} }}\n{more}"
    )
}

fn folder(document: &str) -> Folder {
    Folder::new(&[("tidegate.toml", &format!("{TOML}{FUNCTION}")), ("api.yaml", document)])
}

#[track_caller]
fn load(authorizer: &str, more: &str) -> tidegate_config::Loaded {
    folder(&document(authorizer, more)).load().unwrap_or_else(|findings| panic!("{findings}"))
}

#[track_caller]
fn check(authorizer: &str, want: &str) {
    check_document(&document(authorizer, ""), want);
}

/// The one thing about the document that is wrong, from its severity on.
#[track_caller]
fn check_document(document: &str, want: &str) {
    let folder = folder(document);
    let text = describe(&folder, folder.load(), "api.yaml:");
    let findings: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("tidegate.toml:") && !line.contains("this MOCK has"))
        .collect();
    assert_eq!(findings.len(), 1, "{text}");
    assert!(findings[0].contains(want), "{text}");
}

#[test]
fn a_token_authorizer() {
    let loaded = load("type: token, authorizerUri: 'URI'", "");
    let api = &loaded.plan.apis[0];
    let authorizer = &api.authorizers[0];
    assert_eq!((&*authorizer.name, authorizer.ttl_ms), ("a", 300_000));
    let Input::Token { source, pattern } = &authorizer.input else { panic!("{:?}", authorizer.input) };
    assert_eq!(*source, Source::Header("X-Who".into(), Values::All));
    assert!(pattern.is_none());
    assert_eq!(api.authorization, [Authorization::Lambda(AuthorizerId(0))]);
    assert_eq!((&api.api_key_required[..], api.api_key_source), (&[true][..], ApiKeySource::Header));
    let function = api.stages[0].authorizers[0].as_ref().expect("a function");
    assert!(matches!(function.place, FunctionPlace::Here(FunctionId(0))), "{:?}", function.place);
    assert_eq!(&*function.invoked_arn, "arn:aws:lambda:us-east-1:123456789012:function:f");
    assert!(routes_table(&loaded).contains("CUSTOM a API_KEY"), "{}", routes_table(&loaded));
    let all = "type: TOKEN, authorizerUri: 'URI', identitySource: method.request.header.Other, identityValidationExpression: 'x+', authorizerResultTtlInSeconds: 0";
    let loaded = load(all, "x-amazon-apigateway-api-key-source: AUTHORIZER");
    let authorizer = &loaded.plan.apis[0].authorizers[0];
    assert_eq!(authorizer.ttl_ms, 0);
    let Input::Token { source, pattern } = &authorizer.input else { panic!("{:?}", authorizer.input) };
    assert_eq!(*source, Source::Header("Other".into(), Values::All));
    assert!(pattern.as_ref().is_some_and(|pattern| pattern.fits(b"xx") && !pattern.fits(b"xy")));
    assert_eq!(loaded.plan.apis[0].api_key_source, ApiKeySource::Authorizer);
}

#[test]
fn a_request_authorizer() {
    let all = "type: request, authorizerUri: 'URI', authorizerResultTtlInSeconds: '3600', identitySource: 'method.request.header.A,method.request.querystring.b , stageVariables.host, context.stage'";
    let loaded = load(all, "");
    let authorizer = &loaded.plan.apis[0].authorizers[0];
    assert_eq!((authorizer.ttl_ms, authorizer.input.sources().len()), (3_600_000, 4));
    assert_eq!(authorizer.input.sources()[0], Source::Header("A".into(), Values::All));
    let loaded = load("type: request, authorizerUri: 'URI', authorizerResultTtlInSeconds: 0", "");
    assert!(loaded.plan.apis[0].authorizers[0].input.sources().is_empty());
}

const AWS: &str = "[aws]\nendpoint_url = \"http://127.0.0.1:5000\"\n";

/// With a section `[aws]`, what is not here is at AWS.
#[test]
fn an_authorizer_at_aws() {
    let far = URI.replace("function:f/", "function:far:live/");
    let role = "arn:aws:iam::123456789012:role/asker";
    let source = |role: &str| CredentialsSource::Role(role.into());
    for (credentials, want) in [
        (String::new(), CredentialsSource::Default),
        (", authorizerCredentials: ''".to_owned(), CredentialsSource::Default),
        (format!(", authorizerCredentials: '{role}'"), source(role)),
        (
            format!(", authorizerCredentials: '{}'", role.replace("asker", "${stageVariables.host}")),
            source("arn:aws:iam::123456789012:role/a.test:8080"),
        ),
    ] {
        let yaml = document(&format!("type: token, authorizerUri: '{far}'{credentials}"), "");
        let toml = format!("{TOML}{FUNCTION}{AWS}");
        let loaded = Folder::new(&[("tidegate.toml", &toml), ("api.yaml", &yaml)]).load();
        let plan = loaded.unwrap_or_else(|findings| panic!("{findings}")).plan;
        let function = plan.apis[0].stages[0].authorizers[0].as_ref().expect("a function");
        let FunctionPlace::Remote(remote) = &function.place else { panic!("{:?}", function.place) };
        assert_eq!(&*remote.host, "127.0.0.1:5000");
        assert_eq!(
            &*remote.path,
            "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:far:live/invocations"
        );
        assert_eq!(remote.signing.by, want.clone().into());
        assert!(plan.aws.sources.contains(&want));
    }
}

#[test]
fn what_is_wrong_with_the_role_of_an_authorizer() {
    let far = URI.replace("function:f/", "function:far/");
    for (role, want) in [
        ("arn:aws:iam::1:role/x", "error: `arn:aws:iam::1:role/x` is not the ARN of a role"),
        ("arn:aws:iam::*:user/*", "error: `arn:aws:iam::*:user/*` is not the ARN of a role"),
    ] {
        let yaml =
            document(&format!("type: token, authorizerUri: '{far}', authorizerCredentials: '{role}'"), "");
        let folder = Folder::new(&[("tidegate.toml", &format!("{TOML}{AWS}")), ("api.yaml", &yaml)]);
        let text = describe(&folder, folder.load(), "api.yaml:");
        assert!(text.contains(want), "{text}");
    }
}

#[test]
fn what_is_wrong_is_reported_at_its_place() {
    check("authorizerUri: 'URI'", "error: `type` is missing");
    check("type: tokens, authorizerUri: 'URI'", "error: unknown value `tokens` | did you mean `token`?");
    check("type: token", "error: `authorizerUri` is missing");
    check(
        "type: token, authorizerUri: 'https://a.test/'",
        "error: Invalid Authorizer URI: https://a.test/. Authorizer URI should be a valid",
    );
    check(
        "type: token, authorizerUri: 'URI', authorizerResultTtlInSeconds: 3601",
        "error: expected an integer from 0 to 3600",
    );
    check(
        "type: token, authorizerUri: 'URI', identityValidationExpression: '(a'",
        "error: not a regular expression",
    );
    check(
        "type: token, authorizerUri: 'URI', identityValidationExpression: '(?=a)'",
        "error: not a regular expression",
    );
    check(
        "type: token, authorizerUri: 'URI', identitySource: method.request.querystring.a",
        "error: the identity source of this authorizer is one header field",
    );
    check(
        "type: token, authorizerUri: 'URI', identitySource: 'method.request.header.a, method.request.header.b'",
        "is not an identity source",
    );
    check(
        "type: request, authorizerUri: 'URI'",
        "error: an authorizer without identitySource cannot remember answers",
    );
    for source in [
        "method.request.path.a",
        "method.request.body",
        "method.request.multivaluequerystring.a",
        "context.authorizer.a",
        "context.nonsense",
        "a",
        "'a'",
    ] {
        check(
            &format!("type: request, authorizerUri: 'URI', identitySource: \"{source}\""),
            "is not an identity source",
        );
    }
    check(
        "type: request, authorizerUri: 'URI', identitySource: stageVariables.a, identityValidationExpression: a",
        "error: `identityValidationExpression` belongs to token authorizers",
    );
    check(
        "type: token, authorizerUri: 'URI', enableSimpleResponses: true",
        "error: `enableSimpleResponses` belongs to HTTP APIs",
    );
    check(
        "type: jwt, authorizerUri: 'URI'",
        "error: a JWT authorizer, which is one of HTTP APIs, (security scheme `a`) is not supported yet",
    );
    check(
        "type: token, authorizerUri: 'URI', identitySources: a",
        "error: unknown key `identitySources` | did you mean `identitySource`?",
    );
    check(
        "type: token, authorizerUri: 'URI', authorizerCredentials: 'arn:aws:iam::1:role/x'",
        "warning: `authorizerCredentials` has no effect in stage `prod`",
    );
    let missing = URI.replace("function:f/", "function:g/");
    check(
        &format!("type: token, authorizerUri: '{missing}'"),
        "error: no [[function]] is arn:aws:lambda:us-east-1:123456789012:function:g, and without [aws] no function of AWS",
    );
    let variable = URI.replace("function:f/", "function:${stageVariables.none}/");
    check(
        &format!("type: token, authorizerUri: '{variable}'"),
        "warning: in stage `prod` this answers 500 Internal server error: there is no stage variable `none`",
    );
}

#[test]
fn what_is_wrong_around_it() {
    let token = document("type: token, authorizerUri: 'URI'", "");
    check_document(
        &token.replace("in: header, x-amazon-apigateway-a", "in: query, x-amazon-apigateway-a"),
        "error: it is not said where the identity of a caller stands",
    );
    check_document(
        &token.replace("a: []", "a: [read]"),
        "warning: scopes have no effect with a Lambda authorizer",
    );
    let two = format!("{token}    b: {{ type: apiKey, x-amazon-apigateway-authtype: awsSigv4 }}\n");
    check_document(&two.replace("{ key: [] }", "{ b: [] }"), "error: a method has one authorizer");
    check_document(
        &document("type: token, authorizerUri: 'URI'", "x-amazon-apigateway-api-key-source: AUTHORIZER")
            .replace("{ a: [] }, ", ""),
        "warning: no authorizer gives the API key that this method needs: it answers 403",
    );
}

const POOL: &str = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_aB3";

#[test]
fn a_cognito_authorizer() {
    let all = format!(
        "type: cognito_user_pools, providerARNs: ['{POOL}'], identityValidationExpression: 'a.*', authorizerResultTtlInSeconds: 300"
    );
    let loaded = folder(&document(&all, "").replace("a: []", "a: [pets/read, openid]")).load();
    let loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
    let api = &loaded.plan.apis[0];
    let cognito = &api.user_pools[0];
    assert_eq!((&*cognito.name, &cognito.source), ("a", &Source::Header("X-Who".into(), Values::All)));
    assert!(cognito.audience.as_ref().is_some_and(|pattern| pattern.fits(b"ab") && !pattern.fits(b"b")));
    let issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aB3";
    assert_eq!(&*cognito.pools[0].issuer, issuer);
    assert_eq!(&*cognito.pools[0].keys_url, format!("{issuer}/.well-known/jwks.json"));
    assert_eq!(api.authorization, [Authorization::Cognito(CognitoId(0), Some(ScopesId(0)))]);
    assert_eq!(*api.scopes[0], ["pets/read".into(), "openid".into()]);
    assert!(routes_table(&loaded).contains("COGNITO_USER_POOLS a API_KEY"), "{}", routes_table(&loaded));
}

#[test]
fn the_keys_of_a_pool_may_be_elsewhere() {
    let toml = format!("{TOML}{FUNCTION}[aws.endpoint]\ncognito-idp = \"http://127.0.0.1:5000\"\n");
    let yaml = document(&format!("type: cognito_user_pools, providerARNs: ['{POOL}']"), "");
    let loaded = Folder::new(&[("tidegate.toml", &toml), ("api.yaml", &yaml)]).load();
    let loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
    let pool = &loaded.plan.apis[0].user_pools[0].pools[0];
    assert_eq!(&*pool.keys_url, "http://127.0.0.1:5000/eu-west-1_aB3/.well-known/jwks.json");
    assert!(pool.issuer.starts_with("https://cognito-idp.eu-west-1.amazonaws.com/"));
    assert!(!loaded.warnings.to_string().contains("cognito-idp"), "{}", loaded.warnings);
}

#[test]
fn what_is_wrong_with_a_cognito_authorizer() {
    check("type: cognito_user_pools", "error: `providerARNs` is missing");
    check("type: cognito_user_pools, providerARNs: []", "error: `providerARNs` is empty");
    for arn in [
        "x",
        "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/",
        "arn:aws:lambda:eu-west-1:1:userpool/x",
        "arn:aws:cognito-idp::1:userpool/x",
        "arn:aws:cognito-idp:a/b:1:userpool/x",
        "arn:aws:cognito-idp:r:1:userpool/x/y",
    ] {
        check(&format!("type: cognito_user_pools, providerARNs: ['{arn}']"), "is not the ARN of a user pool");
    }
    check(
        &format!("type: cognito_user_pools, providerARNs: ['{POOL}'], authorizerUri: x"),
        "error: unknown key `authorizerUri`",
    );
}

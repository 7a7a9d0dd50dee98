//! Cognito user pools: whose tokens are taken, what becomes of what they say, and when keys are asked for.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tidegate_core::auth::cognito::{Held, Table};
use tidegate_core::auth::jwt::KeySet;

use crate::carrier::{Exchanged, Gateway, ID, Origin};
use crate::wire::{self, OK, get, served};

const DOCUMENT: &str = r#"
paths:
  /mine:
    get:
      security: [{ pool: [] }]
      x-amazon-apigateway-integration: &backend
        type: http_proxy
        httpMethod: ANY
        uri: http://origin.test/pets
        requestParameters:
          integration.request.header.X-Sub: context.authorizer.claims.sub
          integration.request.header.X-Role: context.authorizer.claims.custom:role
          integration.request.header.X-Claims: context.authorizer.claims
  /scoped:
    get:
      security: [{ pool: [pets/read, pets/write] }]
      x-amazon-apigateway-integration: *backend
  /web:
    get:
      security: [{ web: [] }]
      x-amazon-apigateway-integration: *backend
  /function:
    get:
      security: [{ pool: [] }]
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
  /template:
    get:
      security: [{ pool: [] }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/template
        requestTemplates:
          application/json: >-
            $context.authorizer.claims.sub/$context.authorizer.claims['custom:role']/$context.authorizer.claims.get('none')/#foreach($name in $context.authorizer.claims.keySet())$name #end
        responses: { default: { statusCode: 200 } }
components:
  securitySchemes:
    pool:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authtype: cognito_user_pools
      x-amazon-apigateway-authorizer:
        type: cognito_user_pools
        providerARNs:
          - arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_one
          - arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_two
    web:
      type: apiKey
      name: X-Token
      in: header
      x-amazon-apigateway-authorizer:
        type: cognito_user_pools
        identityValidationExpression: 'web-.*'
        providerARNs: [arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_one]
"#;

const FORMAT: &str = "$context.requestId $context.status $context.authorizer.claims.sub $context.authorizer.status \
                      $context.authorizer.error";
pub(crate) const ONE: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_one";
const TWO: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_two";
/// The carrier's time.
pub(crate) const NOW_S: u64 = 784_111_777;

pub(crate) struct Signer {
    key: Ed25519KeyPair,
    id: &'static str,
}

pub(crate) fn signer(id: &'static str, seed: u8) -> Signer {
    Signer { key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key"), id }
}

pub(crate) fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

impl Signer {
    pub(crate) fn jwk(&self) -> Value {
        let x = encode(self.key.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.id, "x": x})
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = encode(self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// An ID token with these claims beside what it has to have; a null takes one away.
    pub(crate) fn token(&self, more: Value) -> String {
        let mut claims = json!({
            "iss": ONE, "sub": "user-1", "aud": "web-1", "token_use": "id", "custom:role": "admin",
            "exp": NOW_S + 3_600, "iat": NOW_S,
        });
        for (name, value) in more.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        self.sign(&json!({"alg": "EdDSA", "kid": self.id}), &claims)
    }
}

/// The key sets of the two pools, each with these keys.
fn table(one: &[&Signer], two: &[&Signer], version: u64) -> Arc<Table> {
    let held = |signers: &[&Signer]| {
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        let keys = KeySet::read(json!({"keys": keys}).to_string().as_bytes()).expect("a key set");
        Held { keys: Arc::new(keys), version }
    };
    let url = |issuer: &str| Arc::from(format!("{issuer}/.well-known/jwks.json"));
    Arc::new(Table::from([(url(ONE), held(one)), (url(TWO), held(two))]))
}

fn gateway_with(document: &str) -> Gateway {
    let mut gateway = Gateway::logging(document, FORMAT);
    gateway.hear_keys(table(&[&signer("k1", 1)], &[&signer("k2", 2)], 1));
    gateway
}

pub(crate) fn gateway() -> Gateway {
    gateway_with(DOCUMENT)
}

pub(crate) fn with(target: &str, token: &str) -> String {
    get(target, &format!("Authorization: {token}\n"))
}

#[track_caller]
fn check_refused(exchanged: &Exchanged, status: &str, error_type: &str, body: &str, rule: &str) {
    wire::check_refused(exchanged, status, error_type, body);
    wire::check_denial(exchanged, rule);
    assert!(exchanged.denial.contains(rule), "{rule}: {}", exchanged.denial);
    assert!(!exchanged.denial.contains("eyJ"), "a token in the log: {}", exchanged.denial);
}

#[track_caller]
fn check_unauthorized(token: &str, target: &str, rule: &str) {
    let mut gateway = gateway();
    // A key that is not known is asked for, in vain.
    gateway.keys_to_come.push_back(None);
    let exchanged = gateway.exchange(&with(target, token), Origin::Uncalled);
    let body = if rule.contains("expired") { "The incoming token has expired" } else { "Unauthorized" };
    let body = format!(r#"{{"message":"{body}"}}"#);
    check_refused(&exchanged, "401 Unauthorized", "UnauthorizedException", &body, rule);
}

#[test]
fn a_token_of_a_pool_is_served() {
    let (one, two) = (signer("k1", 1), signer("k2", 2));
    let mut gateway = gateway();
    let token = one.token(json!({}));
    for token in [token.clone(), format!("Bearer {token}"), two.token(json!({"iss": TWO}))] {
        let exchanged = served(&mut gateway, &with("/prod/mine", &token));
        assert!(exchanged.sent.contains("\r\nX-Sub: user-1\r\n"), "{}", exchanged.sent);
        assert!(!exchanged.sent.contains("X-Claims"), "{}", exchanged.sent);
        assert_eq!(exchanged.logged, format!("{ID} 200 user-1 200 -\n"));
    }
    served(&mut gateway, &get("/prod/web", &format!("X-Token: {token}\n")));
}

#[test]
fn a_token_that_is_not_good_is_401() {
    let one = signer("k1", 1);
    let check = |more: Value, rule| check_unauthorized(&one.token(more), "/prod/mine", rule);
    check_unauthorized("eyJhbGciOiJub25lIn0.e30.", "/prod/mine", "the token is of another issuer");
    check_unauthorized("", "/prod/mine", "identity source 1 of the authorizer pool is missing");
    for token in ["a", "a.b", "a.b.c", "a.b.c.d", "..", "Bearer x"] {
        check_unauthorized(token, "/prod/mine", "the token is malformed");
    }
    check(json!({"exp": NOW_S}), "the token has expired");
    check(json!({"exp": NOW_S - 1}), "the token has expired");
    check(json!({"exp": null}), "the token does not say when it expires");
    check(json!({"nbf": NOW_S + 1}), "the token is not good yet");
    check(json!({"iss": TWO}), "the token's key is not known");
    check(json!({"iss": format!("{ONE}x")}), "the token is of another issuer");
    check(json!({"iss": null}), "the token is of another issuer");
    check(json!({"token_use": "access"}), "the token is of the wrong kind");
    check(json!({"token_use": null}), "the token is of the wrong kind");
    let other = signer("k1", 9);
    check_unauthorized(&other.token(json!({})), "/prod/mine", "the token's signature is wrong");
    check_unauthorized(&signer("k3", 1).token(json!({})), "/prod/mine", "the token's key is not known");
    let good = one.token(json!({}));
    let (signed, signature) = good.rsplit_once('.').expect("a signature");
    for token in [
        format!("{signed}."),
        format!("{signed}.{}", &signature[1..]),
        format!("{good}A"),
        format!("{good}="),
    ] {
        let exchanged = gateway().exchange(&with("/prod/mine", &token), Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 401 "), "{token}");
    }
}

#[test]
fn the_algorithm_is_that_of_the_key() {
    let one = signer("k1", 1);
    let claims = json!({"iss": ONE, "token_use": "id", "exp": NOW_S + 60});
    for algorithm in ["none", "None", "NONE", "", "HS256", "HS512", "RS256", "ES256", "eddsa", "Ed25519"] {
        let token = one.sign(&json!({"alg": algorithm, "kid": "k1"}), &claims);
        check_unauthorized(&token, "/prod/mine", "the token's algorithm is not that of its key");
    }
    // The public key taken for a secret.
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256","kid":"k1"}"#), encode(claims.to_string()));
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, one.key.public_key().as_ref());
    let token = format!("{signed}.{}", encode(ring::hmac::sign(&secret, signed.as_bytes())));
    check_unauthorized(&token, "/prod/mine", "the token's algorithm is not that of its key");
    let critical = one.sign(&json!({"alg": "EdDSA", "kid": "k1", "crit": ["b64"], "b64": false}), &claims);
    check_unauthorized(&critical, "/prod/mine", "the token has critical header parameters");
    // A header that brings its own key.
    let embedded =
        signer("k1", 9).sign(&json!({"alg": "EdDSA", "kid": "k1", "jwk": signer("k1", 9).jwk()}), &claims);
    check_unauthorized(&embedded, "/prod/mine", "the token's signature is wrong");
    let no_id = one.sign(&json!({"alg": "EdDSA"}), &claims);
    check_unauthorized(&no_id, "/prod/mine", "the token's key is not known");
}

#[test]
fn scopes_ask_for_an_access_token_with_one_of_them() {
    let one = signer("k1", 1);
    let access = |scope: &str| one.token(json!({"token_use": "access", "scope": scope, "aud": null}));
    for scope in ["pets/read", "openid pets/write", "pets/read pets/write"] {
        served(&mut gateway(), &with("/prod/scoped", &access(scope)));
    }
    for scope in ["", "pets", "pets/reader", "openid", "PETS/READ"] {
        check_unauthorized(&access(scope), "/prod/scoped", "the token has none of the scopes");
    }
    let id = one.token(json!({"scope": "pets/read"}));
    check_unauthorized(&id, "/prod/scoped", "the token is of the wrong kind");
}

#[test]
fn an_audience_may_be_asked_for() {
    let one = signer("k1", 1);
    for (audience, good) in [
        (json!("web-2"), true),
        (json!(["a", "web-3"]), true),
        (json!("mobile"), false),
        (json!("x web-1"), false),
        (Value::Null, false),
    ] {
        let request = get("/prod/web", &format!("X-Token: {}\n", one.token(json!({"aud": audience}))));
        let answered = gateway().exchange(&request, OK).answered;
        assert_eq!(answered.starts_with("HTTP/1.1 200 "), good, "{audience}: {answered}");
    }
}

#[test]
fn a_good_token_is_remembered_until_it_expires() {
    let mut gateway = gateway();
    let request = with("/prod/mine", &signer("k1", 1).token(json!({"exp": NOW_S + 60})));
    served(&mut gateway, &request);
    assert_eq!(gateway.shard.tokens.len(), 1);
    gateway.wait(59_000);
    served(&mut gateway, &request);
    gateway.wait(1_000);
    let exchanged = gateway.exchange(&request, Origin::Uncalled);
    assert!(
        exchanged.answered.ends_with(r#"{"message":"The incoming token has expired"}"#),
        "{}",
        exchanged.answered
    );
    assert!(gateway.shard.tokens.is_empty());
    // What it says is judged anew: this method asks for an access token.
    let request = with("/prod/scoped", &signer("k1", 1).token(json!({"exp": NOW_S + 600})));
    assert!(gateway.exchange(&request, Origin::Uncalled).answered.starts_with("HTTP/1.1 401 "));
}

#[test]
fn an_unknown_key_is_asked_for_and_waited_for() {
    let mut gateway = gateway();
    let rotated = signer("k9", 9);
    gateway.keys_to_come.push_back(Some(table(&[&signer("k1", 1), &rotated], &[&signer("k2", 2)], 2)));
    served(&mut gateway, &with("/prod/mine", &rotated.token(json!({}))));
    assert_eq!(gateway.keys_asked, [format!("{ONE}/.well-known/jwks.json")]);
    served(&mut gateway, &with("/prod/mine", &signer("k1", 1).token(json!({}))));
    // Others that nobody has are not asked for again and again.
    for id in ["x1", "x2", "x3"] {
        let token = signer(id, 1).token(json!({}));
        assert!(
            gateway
                .exchange(&with("/prod/mine", &token), Origin::Uncalled)
                .answered
                .starts_with("HTTP/1.1 401 ")
        );
    }
    assert_eq!(gateway.keys_asked.len(), 1);
    gateway.wait(10_000);
    gateway.keys_to_come.push_back(None);
    let token = signer("x4", 1).token(json!({}));
    assert!(
        gateway.exchange(&with("/prod/mine", &token), Origin::Uncalled).answered.starts_with("HTTP/1.1 401 ")
    );
    assert_eq!(gateway.keys_asked.len(), 2);
}

#[test]
fn a_key_that_is_gone_is_good_no_more() {
    let mut gateway = gateway();
    let request = with("/prod/mine", &signer("k1", 1).token(json!({})));
    served(&mut gateway, &request);
    gateway.hear_keys(table(&[&signer("k9", 9)], &[&signer("k2", 2)], 2));
    gateway.keys_to_come.push_back(None);
    let exchanged = gateway.exchange(&request, Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 401 "), "{}", exchanged.answered);
}

#[test]
fn without_any_keys_it_is_500() {
    let mut gateway = Gateway::logging(DOCUMENT, FORMAT);
    gateway.keys_to_come.push_back(None);
    let exchanged =
        gateway.exchange(&with("/prod/mine", &signer("k1", 1).token(json!({}))), Origin::Uncalled);
    let error_type = "AuthorizerConfigurationException";
    check_refused(
        &exchanged,
        "500 Internal Server Error",
        error_type,
        r#"{"message":null}"#,
        "its issuer's keys are not known",
    );
    assert_eq!(exchanged.logged, format!("{ID} 500 - 500 -\n"));
}

#[test]
fn functions_and_templates_see_claims() {
    let mut gateway = gateway();
    let token = signer("k1", 1).token(json!({"cognito:groups": ["a", "b"], "email_verified": true}));
    let exchanged = gateway.exchange(&with("/prod/function", &token), Origin::Function(Ok("{}")));
    let event: Value = serde_json::from_str(&exchanged.sent).expect("JSON");
    let want = json!({"claims": {
        "iss": ONE, "sub": "user-1", "aud": "web-1", "token_use": "id", "custom:role": "admin", "cognito:groups": "a,b",
        "email_verified": "true", "exp": "Sun Nov 06 09:49:37 UTC 1994", "iat": "Sun Nov 06 08:49:37 UTC 1994",
    }});
    assert_eq!(event["requestContext"]["authorizer"], want);
    let sent = served(&mut gateway, &with("/prod/template", &token)).sent;
    let want = "user-1/admin//aud cognito:groups custom:role email_verified exp iat iss sub token_use ";
    assert!(sent.trim_end().ends_with(want.trim_end()), "{sent}");
}

/// AWS: the token first; then the resource policy alone has to allow.
#[test]
fn with_a_resource_policy() {
    let policy = |effect: &str, path: &str| {
        format!(
            "{DOCUMENT}x-amazon-apigateway-policy: {{ Version: '2012-10-17', Statement: {{ Effect: {effect}, Principal: '*', \
             Action: 'execute-api:Invoke', Resource: 'execute-api:/prod/GET/{path}' }} }}\n"
        )
    };
    let good = with("/prod/mine", &signer("k1", 1).token(json!({})));
    served(&mut gateway_with(&policy("Allow", "mine")), &good);
    for (effect, path, rule) in [
        ("Allow", "other", "no statement of the resource policy allows"),
        ("Deny", "mine", "statement 1 of the resource policy denies"),
    ] {
        let document = policy(effect, path);
        let exchanged = gateway_with(&document).exchange(&good, Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 403 "), "{}", exchanged.answered);
        assert!(
            exchanged.denial.contains(rule) && exchanged.denial.contains("caller=\"user-1\""),
            "{}",
            exchanged.denial
        );
        let exchanged = gateway_with(&document).exchange(&with("/prod/mine", "x"), Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 401 "), "{}", exchanged.answered);
    }
}

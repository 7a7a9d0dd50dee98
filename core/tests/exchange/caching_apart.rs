//! No caller gets an answer that was made for another one, whoever they are and whatever they ask for in what order.

use proptest::prelude::*;
use tidegate_core::auth::sigv4::PayloadHash;
use tidegate_core::exchange::CallFailure;

use crate::carrier::{Gateway, Origin};
use crate::plan::Settings;
use crate::sign;

const DOCUMENT: &str = r#"
paths:
  /open:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
  /signed:
    get:
      x-amazon-apigateway-auth: { type: AWS_IAM }
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        requestParameters: { integration.request.header.X-User: context.identity.userArn }
        responses: { default: { statusCode: 200 } }
  /key:
    get:
      security: [{ key: [] }]
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
components: { securitySchemes: { key: { type: apiKey, name: x-api-key, in: header } } }
"#;

const MORE: &str = "[[api_key]]\nname = \"carol\"\nvalue = \"carol-0123456789abcdef\"\n\
    [[usage_plan]]\nname = \"other\"\nkeys = [\"carol\"]\nstage = [{ api = \"api\", stage = \"prod\" }]\n";

const OTHER: sign::Caller<'_> = sign::Caller {
    key: "ASIASESSIONSESSION",
    secret: "session-secret-session-secret",
    token: Some("session-token"),
    ..sign::ALICE
};

/// Whoever asks, as the backend would tell them apart; and the request.
#[derive(Clone, Debug)]
struct Asks {
    who: String,
    request: String,
}

fn asks() -> impl Strategy<Value = Asks> {
    let plain = |path: &str, fields: &str| format!("GET /prod/{path} HTTP/1.1\nHost: a\n{fields}\n");
    let credentials = prop_oneof![Just(None), "[a-c]{1,2}".prop_map(Some), "Basic [a-b]".prop_map(Some)];
    let field =
        |value: Option<&str>| value.map(|value| format!("Authorization: {value}")).unwrap_or_default();
    let open = (credentials.clone(), any::<bool>()).prop_map(move |(value, is_signature)| {
        // A signature where none is asked for tells nobody apart: no backend gets it.
        let value = if is_signature { None } else { value };
        Asks { who: format!("open {value:?}"), request: plain("open", &field(value.as_deref())) }
    });
    let key = (prop_oneof![Just("alice"), Just("carol")], credentials).prop_map(move |(name, value)| {
        let fields = format!("x-api-key: {name}-0123456789abcdef\n{}", field(value.as_deref()));
        Asks { who: format!("key {name} {value:?}"), request: plain("key", fields.trim_end()) }
    });
    let signed = any::<bool>().prop_map(|is_alice| {
        let caller = if is_alice { sign::ALICE } else { OTHER };
        let request = sign::request(caller, "GET", "/prod/signed", &[], &PayloadHash::of(b""));
        Asks { who: format!("signed {}", caller.key), request }
    });
    prop_oneof![open, key, signed]
}

fn answer(who: &str) -> String {
    let fields = "Cache-Control: public, max-age=60\nVary: X-Any";
    format!("HTTP/1.1 200 OK\nContent-Length: {}\n{fields}\n\n{who}", who.len())
}

/// What HTTP has for caches keeps them apart just so.
const CACHES: [&str; 3] = [
    "cache = { size = \"4 MiB\" }",
    "cache = { size = \"4 MiB\", vary = true, age = true, conditional = true }",
    "cache = { size = \"4 MiB\", vary = true, origin_freshness = \"EXPLICIT\" }",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nobody_gets_what_is_anothers(order in prop::collection::vec(asks(), 2..40), cache in 0..CACHES.len()) {
        let settings = Settings { stage: CACHES[cache], more: MORE, ..Settings::default() };
        let mut gateway = Gateway::with(DOCUMENT, "$context.requestId", settings);
        let mut known = std::collections::BTreeSet::new();
        for Asks { who, request } in &order {
            let exchanged = gateway.exchange(request, Origin::Answers(&answer(who)));
            prop_assert!(exchanged.answered.ends_with(&format!("\r\n\r\n{who}")), "{who}: {}", exchanged.answered);
            // And each gets its own again.
            prop_assert_eq!(exchanged.call.is_some(), known.insert(who.clone()), "{}", who);
        }
    }

    /// What is given because the backend fails is the caller's own as well.
    #[test]
    fn nobody_gets_what_is_anothers_when_the_backend_fails(
        order in prop::collection::vec((asks(), any::<bool>()), 2..60),
    ) {
        let stage = "cache = { size = \"4 MiB\", ttl = 1, vary = true, stale_on_error = 600 }";
        let settings = Settings { stage, more: MORE, ..Settings::default() };
        let mut gateway = Gateway::with(DOCUMENT, "$context.requestId", settings);
        let mut known = std::collections::BTreeSet::new();
        for (Asks { who, request }, fails) in &order {
            let answer = answer(who);
            let origin = if *fails { Origin::Fails(CallFailure::Timeout) } else { Origin::Answers(&answer) };
            let answered = gateway.exchange(request, origin).answered;
            let has_answer = known.contains(who) || !fails;
            let want = if has_answer { who } else { "{\"message\": \"Endpoint request timed out\"}" };
            prop_assert!(answered.ends_with(&format!("\r\n\r\n{want}")), "{who} {fails}: {answered}");
            if !fails {
                known.insert(who.clone());
            }
            gateway.wait(1_001);
        }
    }
}

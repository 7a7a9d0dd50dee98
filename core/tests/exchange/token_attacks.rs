//! A corpus of attacks with tokens: none is served, whatever it says of itself, and no backend is called.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::carrier::Origin;
use crate::cognito::{NOW_S, ONE, encode, gateway, signer, with};
use crate::wire::{OK, check_denial, get};

fn claims() -> Value {
    json!({"iss": ONE, "sub": "user-1", "aud": "web-1", "token_use": "id", "exp": NOW_S + 3_600})
}

/// Headers that ask to be believed; the signature is of another key than they say.
fn headers() -> Vec<String> {
    let mallory = signer("k1", 66);
    let header = |more: Value| {
        let mut header = json!({"alg": "EdDSA", "kid": "k1"});
        for (name, value) in more.as_object().expect("an object") {
            header[name] = value.clone();
        }
        mallory.sign(&header, &claims())
    };
    let mut tokens: Vec<String> = [
        json!({}),
        json!({"jwk": mallory.jwk()}),
        json!({"jku": "http://mallory.test/keys.json"}),
        json!({"x5u": "http://mallory.test/certificate.pem"}),
        json!({"x5c": ["MIIB"]}),
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "k1' OR '1'='1"}),
        json!({"kid": "k1\u{0}"}),
        json!({"kid": "K1"}),
        json!({"kid": ""}),
        json!({"kid": null}),
        json!({"kid": ["k1"]}),
        json!({"kid": "k".repeat(4_000)}),
        json!({"typ": "none"}),
        json!({"cty": "JWT"}),
        json!({"zip": "DEF"}),
        json!({"enc": "A128GCM", "alg": "dir"}),
        json!({"crit": []}),
        json!({"crit": ["exp"], "exp": 0}),
        json!({"b64": false, "crit": ["b64"]}),
    ]
    .map(header)
    .into();
    for algorithm in [
        "none", "nOnE", "HS256", "HS384", "RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA ", "",
        "../EdDSA",
    ] {
        tokens.push(signer("k1", 1).sign(&json!({"alg": algorithm, "kid": "k1"}), &claims()));
    }
    tokens
}

/// Tokens of the right key, that say something that is not good.
fn sayings() -> Vec<String> {
    [
        json!({"exp": 0}),
        json!({"exp": -1}),
        json!({"exp": NOW_S}),
        json!({"exp": null}),
        json!({"exp": "9999999999"}),
        json!({"exp": 1e308}),
        json!({"exp": [NOW_S + 60]}),
        json!({"nbf": NOW_S + 1}),
        json!({"nbf": "x"}),
        json!({"nbf": -1}),
        json!({"iss": null}),
        json!({"iss": ""}),
        json!({"iss": [ONE]}),
        json!({"iss": format!("{ONE}/")}),
        json!({"iss": ONE.to_uppercase()}),
        json!({"iss": ONE.replace("https", "http")}),
        json!({"iss": format!("{ONE}@mallory.test")}),
        json!({"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_two"}),
        json!({"token_use": null}),
        json!({"token_use": "access"}),
        json!({"token_use": "ID"}),
        json!({"token_use": ["id"]}),
    ]
    .map(|more| signer("k1", 1).token(more))
    .into()
}

/// One good token, spelt in ways that are not its own.
fn spellings() -> Vec<String> {
    let good = signer("k1", 1).token(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let none = encode(r#"{"alg":"none"}"#);
    let twice = encode(r#"{"alg":"EdDSA","alg":"none","kid":"k1"}"#);
    let other = encode(claims().to_string().replace("user-1", "admin"));
    vec![
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{twice}.{payload}.{signature}"),
        format!("{header}.{other}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}\u{e9}"),
        format!("{header}.{payload}.{}", signature.to_lowercase()),
        format!("{header}.{payload}.{}", "A".repeat(86)),
        format!("{header} .{payload}.{signature}"),
        format!("{header}.{payload}. {signature}"),
        format!("Bearer Bearer {good}"),
        format!("Basic {good}"),
        format!("\"{good}\""),
        format!("{good},{good}"),
        format!("{good}; admin=true"),
        format!("{header}.{}.{signature}", encode("[".repeat(3_000))),
        format!("{header}.{}.{signature}", encode("null")),
        format!("{header}.{}.{signature}", encode("[]")),
        "a".repeat(8_000),
        ".".repeat(8_000),
        format!("{}.{payload}.{signature}", "e".repeat(8_000)),
        format!("{header}.{payload}.{}", "A".repeat(8_000)),
    ]
}

#[test]
fn every_token_is_refused() {
    let mut count = 0;
    for token in [headers(), sayings(), spellings()].concat() {
        let mut gateway = gateway();
        // Whoever makes up keys makes the gateway ask once, in vain.
        gateway.keys_to_come.push_back(None);
        let exchanged = gateway.exchange(&with("/prod/mine", &token), Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 401 "), "{token}: {}", exchanged.answered);
        let is_documented =
            [r#"{"message":"Unauthorized"}"#, r#"{"message":"The incoming token has expired"}"#]
                .iter()
                .any(|body| exchanged.answered.ends_with(&format!("\r\n\r\n{body}")));
        assert!(is_documented, "{token}: {}", exchanged.answered);
        check_denial(&exchanged, &token);
        let mut log = exchanged.denial + &exchanged.logged;
        log.retain(|character| character != '\n');
        assert!(!log.contains(&encode(claims().to_string())[..40]), "a token in the log: {log}");
        count += 1;
    }
    assert!(count >= 80, "{count} attacks");
}

#[test]
fn an_oversized_token_is_431() {
    let token = signer("k1", 1).token(json!({"more": "x".repeat(10_000)}));
    let mut gateway = gateway();
    let exchanged = gateway.exchange(&with("/prod/mine", &token), Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 431 "), "{}", exchanged.answered);
}

/// The token stands in one place alone.
#[test]
fn other_places_are_not_looked_at() {
    let good = signer("k1", 1).token(json!({}));
    for request in [
        get(&format!("/prod/mine?Authorization={good}"), ""),
        get(&format!("/prod/mine?access_token={good}"), ""),
        get("/prod/mine", &format!("X-Authorization: {good}\n")),
        get("/prod/mine", &format!("Cookie: Authorization={good}\n")),
        get("/prod/mine", &format!("Proxy-Authorization: {good}\n")),
        get("/prod/web", &format!("Authorization: {good}\n")),
    ] {
        let exchanged = gateway().exchange(&request, Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 401 "), "{request}: {}", exchanged.answered);
    }
}

/// A token that comes, and whom it is of; nobody's, if it is not good.
#[derive(Clone, Debug)]
struct Comes {
    token: String,
    of: Option<&'static str>,
    expires_s: u64,
    wait_s: u64,
}

fn comes() -> impl Strategy<Value = Comes> {
    let whose = prop::sample::select(vec!["a", "b", "ab"]);
    // Never so near that the milliseconds of the exchanges decide.
    let life_s = prop::sample::select(vec![30, 3_600]);
    let wait_s = prop::sample::select(vec![0, 0, 0, 10]);
    (whose, life_s, 0..4_u8, wait_s).prop_map(|(of, life_s, kind, wait_s)| {
        let claims = json!({"sub": of, "exp": NOW_S + life_s});
        let good = signer("k1", 1).token(claims.clone());
        let (signed, _) = good.rsplit_once('.').expect("a signature");
        let other = signer("k1", 1).token(json!({"sub": "c"}));
        let (_, signature) = other.rsplit_once('.').expect("a signature");
        let (token, of) = match kind {
            0 => (signer("k1", 66).token(claims), None),
            1 => (format!("{signed}.{signature}"), None),
            _ => (good, Some(of)),
        };
        Comes { token, of, expires_s: life_s, wait_s }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is remembered of tokens: each is whose it is, and no longer than it says.
    #[test]
    fn nobody_is_taken_for_another(order in prop::collection::vec(comes(), 2..30)) {
        let (mut gateway, mut now_s) = (gateway(), 0);
        for Comes { token, of, expires_s, wait_s } in &order {
            gateway.wait(wait_s * 1_000);
            now_s += wait_s;
            let exchanged = gateway.exchange(&with("/prod/mine", token), OK);
            match of.filter(|_| now_s < *expires_s) {
                Some(of) => prop_assert!(
                    exchanged.sent.contains(&format!("\r\nX-Sub: {of}\r\n")), "{}{}", exchanged.sent, exchanged.answered
                ),
                None => {
                    prop_assert!(exchanged.call.is_none(), "{}", exchanged.sent);
                    prop_assert!(exchanged.answered.starts_with("HTTP/1.1 401 "), "{}", exchanged.answered);
                }
            }
        }
    }
}

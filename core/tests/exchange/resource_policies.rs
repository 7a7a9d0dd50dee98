//! Resource policies, alone and together with AWS_IAM; proxies that are trusted; private APIs.

use tidegate_core::auth::sigv4::PayloadHash;

use crate::carrier::{Exchanged, Gateway, Origin};
use crate::plan::Settings;
use crate::sign::{ALICE, Caller, request};
use crate::wire::check_denial;

const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n");

/// An open and a signed method, with a policy of these statements.
fn document(statements: &str) -> String {
    let policy = match statements {
        "" => String::new(),
        _ => format!("x-amazon-apigateway-policy: {{ Version: '2012-10-17', Statement: [{statements}] }}\n"),
    };
    format!(
        r#"
paths:
  /open:
    get:
      x-amazon-apigateway-integration: {{ type: http_proxy, httpMethod: GET, uri: 'http://origin.test/open' }}
  /signed:
    get:
      x-amazon-apigateway-auth: {{ type: AWS_IAM }}
      x-amazon-apigateway-integration: {{ type: http_proxy, httpMethod: GET, uri: 'http://origin.test/signed' }}
{policy}"#
    )
}

fn gateway(statements: &str, api: &str, more: &str) -> Gateway {
    with(statements, Settings { api, more, ..Settings::default() })
}

fn with(statements: &str, settings: Settings<'_>) -> Gateway {
    let format = "$context.requestId $context.identity.sourceIp $context.identity.vpceId";
    Gateway::with(&document(statements), format, settings)
}

const OPEN: &str = "GET /prod/open HTTP/1.1\nHost: a";
const ALLOW: &str =
    r#"{ Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*" }"#;
const DENY: &str =
    r#"{ Effect: Deny, Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*" }"#;
const ELSEWHERE: &str =
    r#"{ Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/test/*" }"#;

/// The status, and what the message says at its end.
fn verdict(exchanged: &Exchanged) -> (&str, &str) {
    let body = exchanged.answered.split("\r\n\r\n").nth(1).unwrap_or_default();
    let why = [" with an explicit deny", " because no "]
        .iter()
        .find_map(|words| Some(&body[body.find(words)? + 1..]));
    (&exchanged.answered[9..12], why.unwrap_or_default().trim_end_matches("\"}"))
}

const RESOURCE_DENIES: (&str, &str) = ("403", "with an explicit deny in a resource-based policy");
const RESOURCE_SILENT: (&str, &str) =
    ("403", "because no resource-based policy allows the execute-api:Invoke action");
const IDENTITY_DENIES: (&str, &str) = ("403", "with an explicit deny in an identity-based policy");
const IDENTITY_SILENT: (&str, &str) =
    ("403", "because no identity-based policy allows the execute-api:Invoke action");
const SERVED: (&str, &str) = ("200", "");

/// AWS: a method without authorizer must be allowed explicitly, if there is a policy.
#[test]
fn open_methods() {
    for (statements, want) in [
        ("", SERVED),
        (ALLOW, SERVED),
        (DENY, RESOURCE_DENIES),
        (ELSEWHERE, RESOURCE_SILENT),
        (&format!("{ALLOW}, {DENY}"), RESOURCE_DENIES),
    ] {
        let exchanged = gateway(statements, "", "").exchange(OPEN, OK);
        assert_eq!(verdict(&exchanged), want, "{statements}");
        if want != SERVED {
            assert!(exchanged.answered.contains(
                "{\"Message\":\"User: anonymous is not authorized to perform: execute-api:Invoke on resource: \
                 arn:aws:execute-api:us-east-1:********9012:api/prod/GET/open "
            ));
        }
    }
}

/// Callers whose own policies allow, are silent and deny; of the API's account and of another.
#[test]
fn tables_a_and_b() {
    // Bob's policy is about pets alone. The three others are: everything, nothing, and everything denied.
    let caller = |key: &str, account: &str, policy: &str| {
        format!(
            "[[principal]]\naccess_key_id = \"{key}\"\nsecret_access_key = \"a-secret-that-all-share\"\n\
             arn = \"arn:aws:iam::{account}:user/x\"\n{policy}\n"
        )
    };
    let (own, other) = ("123456789012", "210987654321");
    let allow = "policy = \"alice.json\"";
    let deny = "policy = \"deny.json\"";
    let more = [
        caller("AKIDOWNALLOW00000", own, allow),
        caller("AKIDOWNSILENT0000", own, ""),
        caller("AKIDOWNDENY000000", own, deny),
        caller("AKIDOTHERALLOW000", other, allow),
        caller("AKIDOTHERSILENT00", other, ""),
        caller("AKIDOTHERDENY0000", other, deny),
    ]
    .concat();
    for (statements, key, want) in [
        (ALLOW, "AKIDOWNALLOW00000", SERVED),
        (ELSEWHERE, "AKIDOWNALLOW00000", SERVED),
        ("", "AKIDOWNALLOW00000", SERVED),
        (DENY, "AKIDOWNALLOW00000", RESOURCE_DENIES),
        (ALLOW, "AKIDOWNSILENT0000", SERVED),
        (ELSEWHERE, "AKIDOWNSILENT0000", IDENTITY_SILENT),
        ("", "AKIDOWNSILENT0000", IDENTITY_SILENT),
        (DENY, "AKIDOWNSILENT0000", RESOURCE_DENIES),
        (ALLOW, "AKIDOWNDENY000000", IDENTITY_DENIES),
        (ELSEWHERE, "AKIDOWNDENY000000", IDENTITY_DENIES),
        (DENY, "AKIDOWNDENY000000", IDENTITY_DENIES),
        (ALLOW, "AKIDOTHERALLOW000", SERVED),
        (ELSEWHERE, "AKIDOTHERALLOW000", RESOURCE_SILENT),
        ("", "AKIDOTHERALLOW000", RESOURCE_SILENT),
        (DENY, "AKIDOTHERALLOW000", RESOURCE_DENIES),
        (ALLOW, "AKIDOTHERSILENT00", IDENTITY_SILENT),
        (ELSEWHERE, "AKIDOTHERSILENT00", RESOURCE_SILENT),
        (DENY, "AKIDOTHERSILENT00", RESOURCE_DENIES),
        (ALLOW, "AKIDOTHERDENY0000", IDENTITY_DENIES),
        (ELSEWHERE, "AKIDOTHERDENY0000", IDENTITY_DENIES),
        (DENY, "AKIDOTHERDENY0000", IDENTITY_DENIES),
    ] {
        let caller = Caller { key, secret: "a-secret-that-all-share", ..ALICE };
        let text = request(caller, "GET", "/prod/signed", &[], &PayloadHash::of(b""));
        let exchanged = gateway(statements, "", &more).exchange(&text, OK);
        assert_eq!(verdict(&exchanged), want, "{key}: {statements}");
    }
}

#[test]
fn a_signed_method_still_wants_a_signature() {
    let exchanged = gateway(ALLOW, "", "").exchange("GET /prod/signed HTTP/1.1\nHost: a", Origin::Uncalled);
    assert!(exchanged.answered.contains("Missing Authentication Token"), "{}", exchanged.answered);
}

const FROM_OFFICE: &str = r#"{ Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*",
    Condition: { IpAddress: { "aws:SourceIp": ["198.51.100.0/24", "2001:db8::/32"] } } }"#;

#[test]
fn source_addresses() {
    for (address, want) in [
        ("198.51.100.7", SERVED),
        ("2001:db8::7", SERVED),
        ("::ffff:198.51.100.7", SERVED),
        ("203.0.113.7", RESOURCE_SILENT),
    ] {
        let exchanged = gateway(FROM_OFFICE, "", "").from(address).exchange(OPEN, OK);
        assert_eq!(verdict(&exchanged), want, "{address}");
    }
    // Nobody believes a client about where it is.
    let lying = format!("{OPEN}\nX-Forwarded-For: 198.51.100.7");
    assert_eq!(
        verdict(&gateway(FROM_OFFICE, "", "").from("203.0.113.7").exchange(&lying, OK)),
        RESOURCE_SILENT
    );
}

const TRUSTED: Settings<'_> = Settings {
    node: "trusted_proxies = [\"10.0.0.0/8\"]",
    limits: "",
    listener: "",
    stage: "",
    usage_plan: "",
    usage_plan_stage: "",
    canary: "",
    api: "",
    more: "",
};

#[test]
fn a_trusted_proxy_says_who_calls() {
    let exchange = |peer: &str, forwarded: &str| {
        let text = format!("{OPEN}\nX-Forwarded-For: {forwarded}\nX-Forwarded-Proto: https");
        with(FROM_OFFICE, TRUSTED).from(peer).exchange(&text, OK)
    };
    let exchanged = exchange("10.0.0.1", "192.0.2.66, 198.51.100.7");
    assert_eq!(verdict(&exchanged), SERVED);
    assert!(exchanged.logged.contains(" 198.51.100.7 "), "{}", exchanged.logged);
    assert!(
        exchanged.sent.contains("\r\nX-Forwarded-For: 192.0.2.66, 198.51.100.7, 10.0.0.1\r\n"),
        "{}",
        exchanged.sent
    );
    assert!(exchanged.sent.contains("\r\nX-Forwarded-Proto: https\r\n"), "{}", exchanged.sent);
    assert_eq!(verdict(&exchange("10.0.0.1", "198.51.100.7, 192.0.2.66")), RESOURCE_SILENT);
    assert_eq!(verdict(&exchange("203.0.113.7", "198.51.100.7")), RESOURCE_SILENT);
    assert!(exchange("203.0.113.7", "198.51.100.7").denial.contains("source_ip=203.0.113.7 "));
}

#[test]
fn only_by_tls() {
    let secure = r#"{ Effect: Allow, Principal: "*", Action: "*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": true } } }"#;
    let text = format!("{OPEN}\nX-Forwarded-Proto: https");
    assert_eq!(verdict(&with(secure, TRUSTED).from("10.0.0.1").exchange(&text, OK)), SERVED);
    assert_eq!(verdict(&with(secure, TRUSTED).from("203.0.113.7").exchange(&text, OK)), RESOURCE_SILENT);
    assert_eq!(verdict(&with(secure, TRUSTED).from("10.0.0.1").exchange(OPEN, OK)), RESOURCE_SILENT);
}

const PRIVATE: &str = "endpoint = \"PRIVATE\"";
const NETWORKS: &str = "[[network]]\naddresses = [\"10.1.0.0/16\"]\nvpc = \"vpc-1\"\nvpce = \"vpce-1\"\n\
                        [[network]]\naddresses = [\"10.2.0.0/16\"]\nvpc = \"vpc-2\"\n";

#[test]
fn private_apis() {
    let endpoint = r#"{ Effect: Allow, Principal: "*", Action: "*", Resource: "*", Condition: { StringEquals: { "aws:SourceVpce": vpce-1 } } }"#;
    let vpc = r#"{ Effect: Allow, Principal: "*", Action: "*", Resource: "*", Condition: { StringEquals: { "aws:SourceVpc": [vpc-1, vpc-2] } } }"#;
    for (statements, address, want) in [
        ("", "10.1.0.7", RESOURCE_SILENT),
        (ALLOW, "10.1.0.7", SERVED),
        (endpoint, "10.1.0.7", SERVED),
        (endpoint, "10.2.0.7", RESOURCE_SILENT),
        (vpc, "10.2.0.7", SERVED),
        (ALLOW, "203.0.113.7", ("403", "")),
    ] {
        let exchanged = gateway(statements, PRIVATE, NETWORKS).from(address).exchange(OPEN, OK);
        assert_eq!(verdict(&exchanged), want, "{statements} from {address}");
    }
    let outside = gateway(ALLOW, PRIVATE, NETWORKS).from("203.0.113.7").exchange(OPEN, Origin::Uncalled);
    assert!(outside.answered.ends_with("{\"message\":\"Forbidden\"}"), "{}", outside.answered);
    check_denial(&outside, "a client from outside");
    assert!(outside.denial.contains(" api=api stage=prod rule=\"the API is private, "), "{}", outside.denial);
    let inside = gateway(ALLOW, PRIVATE, NETWORKS).from("10.1.0.7").exchange(OPEN, OK);
    assert!(inside.logged.ends_with(" 10.1.0.7 vpce-1\n"), "{}", inside.logged);
}

/// AWS: `{api}-{vpce}.execute-api…`, and an endpoint's own name with `x-apigw-api-id`.
#[test]
fn names_of_private_apis() {
    for host in [
        "api.execute-api.us-east-1.amazonaws.com",
        "api-vpce-1.execute-api.us-east-1.amazonaws.com",
        "vpce-1.example.com\nx-apigw-api-id: api",
    ] {
        let text = format!("GET /prod/open HTTP/1.1\nHost: {host}");
        let exchanged = gateway(ALLOW, PRIVATE, NETWORKS).from("10.1.0.7").exchange(&text, OK);
        assert_eq!(verdict(&exchanged), SERVED, "{host}");
    }
}

/// Routing takes `//open/` and `%6Fpen` for `/open`; so do policies.
#[test]
fn no_spelling_gets_around_a_policy() {
    let deny = r#"{ Effect: Deny, Principal: "*", Action: "*", Resource: "execute-api:/prod/GET/open" }"#;
    for path in ["/prod/open", "/prod//open", "/prod/open/", "/prod/%6Fpen", "/prod/%6fpen//", "//prod/open"]
    {
        let text = format!("GET {path} HTTP/1.1\nHost: a");
        let exchanged = gateway(&format!("{ALLOW}, {deny}"), "", "").exchange(&text, OK);
        assert_eq!(verdict(&exchanged), RESOURCE_DENIES, "{path}");
        assert!(exchanged.call.is_none(), "{path}");
    }
}

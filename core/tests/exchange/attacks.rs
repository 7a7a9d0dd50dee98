//! A corpus of attacks on signed methods. Each is denied with AWS's answer, and no backend is called.
//!
//! Alice may call everything; bob `GET /pets/{id}` alone, and never number 13. What has no method of its own goes to a greedy
//! one.

use tidegate_core::auth::sigv4::{PayloadHash, Scope};

use crate::carrier::{Gateway, Origin};
use crate::sign::{ALICE, Caller, NOW_S, request};
use crate::wire::check_denial;

const DOCUMENT: &str = r#"
paths:
  /pets/{id}:
    get: &signed
      x-amazon-apigateway-auth: { type: AWS_IAM }
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: ANY, uri: 'http://origin.test/' }
    post: *signed
    put: *signed
  /admin: { get: *signed, delete: *signed }
  /{proxy+}: { get: *signed }
"#;

const BOB: Caller<'_> =
    Caller { key: "AKIDBOBBOBBOBBOBBOB", secret: "bob-secret-bob-secret-bob-secret", ..ALICE };

const MISSING: &str = "MissingAuthenticationTokenException";
const INCOMPLETE: &str = "IncompleteSignatureException";
const INVALID: &str = "InvalidSignatureException";
const UNKNOWN: &str = "UnrecognizedClientException";
const DENIED: &str = "AccessDeniedException";

/// What is tried, the request, and the error type of the answer.
type Attack = (String, String, &'static str);

fn empty() -> PayloadHash {
    PayloadHash::of(b"")
}

fn get(caller: Caller<'_>, target: &str) -> String {
    request(caller, "GET", target, &[], &empty())
}

fn attack(what: &str, request: String, error_type: &'static str) -> Attack {
    (what.to_owned(), request, error_type)
}

/// Alice's request for her pet, with one text replaced.
fn replaced(rows: &[(&str, &str, &'static str)]) -> Vec<Attack> {
    let signed = get(ALICE, "/prod/pets/7?a=1&b=2");
    let replace = |(from, to, error_type): &(&str, &str, &'static str)| {
        assert!(signed.contains(from), "{from}: {signed}");
        (format!("{from} -> {to}"), signed.replacen(from, to, 1), *error_type)
    };
    rows.iter().map(replace).collect()
}

fn the_request_itself() -> Vec<Attack> {
    replaced(&[
        ("GET ", "POST ", INVALID),
        ("GET ", "PUT ", INVALID),
        ("/prod/pets/7", "/prod/pets/8", INVALID),
        ("/prod/pets/7", "/prod/pets/7/", INVALID),
        ("/prod/pets/7", "/prod/pets/%37", INVALID),
        ("/prod/pets/7", "/prod/%70ets/7", INVALID),
        ("/prod/pets/7", "/prod/pets/7%00", INVALID),
        ("/prod/pets/7", "/prod/pets/7%2f", INVALID),
        ("/prod/pets/7", "/prod/pets%2f7", INVALID),
        ("/prod/pets/7", "/prod/pets%252f7", INVALID),
        ("/prod/pets/7", "/prod/pets//7", INVALID),
        ("/prod/pets/7", "/prod/pets/./7", INVALID),
        ("/prod/pets/7", "/prod/x/../pets/7", INVALID),
        ("/prod/pets/7", "/prod/pets/7/../8", INVALID),
        ("/prod/pets/7", "/prod/pets/7/..", INVALID),
        ("/prod/pets/7", "/prod/pets/7/.", INVALID),
        ("/prod/pets/7", "/prod/pets/7;a", INVALID),
        ("/prod/pets/7", "/prod/pets/7\\..\\admin", INVALID),
        ("/prod/pets/7", "/prod/admin", INVALID),
        ("/prod/pets/7", "/prod/Pets/7", INVALID),
        ("a=1", "a=2", INVALID),
        ("a=1", "a=1&a=1", INVALID),
        ("a=1", "A=1", INVALID),
        ("a=1", "a=1;", INVALID),
        ("a=1", "a=%31%00", INVALID),
        ("a=1", "a=1%26c=3", INVALID),
        ("a=1", "a%3D1", INVALID),
        ("?a=1&b=2", "", INVALID),
        ("?a=1&b=2", "?", INVALID),
        ("?a=1&b=2", "??a=1&b=2", INVALID),
        ("Host: a\n", "Host: b\n", INVALID),
        ("Host: a\n", "Host: a.\n", INVALID),
        ("Host: a\n", "Host: a:80\n", INVALID),
        ("Host: a\n", "Host: A\n", INVALID),
        ("Host: a\n", "Host: a\nContent-Length: 0\nx-http-method-override: PUT\n", INVALID),
        ("Host: a\n", "Host: a\nX-Apigw-Api-Id: api\n", INVALID),
        ("X-Amz-Date: 19941106T084937Z", "X-Amz-Date: 19941106T084938Z", INVALID),
        ("X-Amz-Date: 19941106T084937Z", "X-Amz-Date: 19941107T084937Z", INVALID),
        ("X-Amz-Date: 19941106T084937Z", "X-Amz-Date: 19941106T084937", INCOMPLETE),
        ("X-Amz-Date: 19941106T084937Z", "X-Amz-Date: 19941106T994937Z", INCOMPLETE),
        ("X-Amz-Date: 19941106T084937Z", "X-Amz-Date: Sun, 06 Nov 1994 08:49:37 GMT", INVALID),
        (
            "X-Amz-Date: 19941106T084937Z",
            "X-Amz-Date: 19941106T084937Z\nX-Amz-Date: 19941106T084937Z",
            INCOMPLETE,
        ),
        ("X-Amz-Date: 19941106T084937Z\n", "", INCOMPLETE),
        ("X-Amz-Date: 19941106T084937Z", "Date: Sun, 06 Nov 1994 08:49:37 GMT", INVALID),
    ])
}

fn the_signature() -> Vec<Attack> {
    replaced(&[
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", INCOMPLETE),
        ("AWS4-HMAC-SHA256", "aws4-hmac-sha256", INCOMPLETE),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", INCOMPLETE),
        ("AWS4-HMAC-SHA256", "AWS", INCOMPLETE),
        ("AWS4-HMAC-SHA256 ", "", INCOMPLETE),
        ("AWS4-HMAC-SHA256", "Bearer", INCOMPLETE),
        ("Credential=", "credential=", INCOMPLETE),
        ("Credential=", "Credential=x,Credential=", INCOMPLETE),
        ("Signature=", "Signature=0, Signature=", INCOMPLETE),
        ("SignedHeaders=", "SignedHeaders=host, SignedHeaders=", INCOMPLETE),
        ("Signature=", "Signature=0", INVALID),
        ("Signature=", "Signatur=", INCOMPLETE),
        (", Signature=", ",, Signature=", INCOMPLETE),
        ("AKIDALICEALICEALICE", "AKIDBOBBOBBOBBOBBOB", INVALID),
        ("AKIDALICEALICEALICE", "akidalicealicealice", UNKNOWN),
        ("AKIDALICEALICEALICE", "", INCOMPLETE),
        ("AKIDALICEALICEALICE", "AKIDALICEALICEALICE/x", INCOMPLETE),
        ("AKIDALICEALICEALICE", "*", UNKNOWN),
        ("/19941106/", "/19941105/", INVALID),
        ("/19941106/", "//", INCOMPLETE),
        ("/us-east-1/", "/us-west-1/", INVALID),
        ("/us-east-1/", "/*/", INVALID),
        ("/execute-api/", "/s3/", INVALID),
        ("/execute-api/", "/EXECUTE-API/", INVALID),
        ("aws4_request", "aws4_reques", INVALID),
        ("aws4_request", "aws4_request/x", INCOMPLETE),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=x-amz-date;host", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=host;host;x-amz-date", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=Host;x-amz-date", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=host;", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=;host;x-amz-date", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=x-amz-date", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=host", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=host;x-amz-date;x-none", INVALID),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=host;x-amz-date;x-amz-security-token", INVALID),
    ])
}

fn other_headers() -> Vec<Attack> {
    let signed = request(ALICE, "GET", "/prod/pets/7", &[("X-Id", "1"), ("X-List", "a")], &empty());
    let listed = request(ALICE, "GET", "/prod/pets/7", &[("X-List", "a"), ("X-List", "b")], &empty());
    let authorization =
        signed.lines().find(|line| line.starts_with("Authorization: ")).expect("signed").to_owned();
    let replace = |from: &str, to: &str| signed.replacen(from, to, 1);
    vec![
        attack("another value of a signed field", replace("X-Id: 1", "X-Id: 2"), INVALID),
        attack("a signed field taken away", replace("X-Id: 1\n", ""), INVALID),
        attack("a signed field twice", replace("X-Id: 1\n", "X-Id: 1\nX-Id: 1\n"), INVALID),
        attack("a value joined to a signed field", replace("X-List: a", "X-List: a\nX-List: b"), INVALID),
        attack(
            "values of one field exchanged",
            listed.replacen("X-List: a\nX-List: b", "X-List: b\nX-List: a", 1),
            INVALID,
        ),
        attack("a signed field emptied", replace("X-Id: 1", "X-Id:"), INVALID),
        attack(
            "values of two fields exchanged",
            replace("X-Id: 1\nX-List: a", "X-Id: a\nX-List: 1"),
            INVALID,
        ),
        attack("a session token put beside", format!("{signed}X-Amz-Security-Token: x\n"), UNKNOWN),
        attack(
            "two session tokens",
            format!("{signed}X-Amz-Security-Token: x\nX-Amz-Security-Token: y\n"),
            INCOMPLETE,
        ),
        attack("two signatures", format!("{signed}{authorization}\n"), INCOMPLETE),
        attack(
            "another hash of the body",
            format!("{signed}x-amz-content-sha256: UNSIGNED-PAYLOAD\n"),
            INVALID,
        ),
        attack("a hash that is none", format!("{signed}x-amz-content-sha256: x\n"), INVALID),
        attack(
            "two hashes",
            format!(
                "{signed}x-amz-content-sha256: UNSIGNED-PAYLOAD\nx-amz-content-sha256: UNSIGNED-PAYLOAD\n"
            ),
            INCOMPLETE,
        ),
    ]
}

fn presigned() -> Vec<Attack> {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDALICEALICEALICE%2F19941106%2Fus-east-1%2Fexecute-api%2F\
                 aws4_request&X-Amz-Date=19941106T084937Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=";
    let query = format!("{query}{}", "0".repeat(64));
    let get = |query: &str| format!("GET /prod/pets/7?{query} HTTP/1.1\nHost: a\n");
    let rows: [(&str, &str, &'static str); 13] = [
        ("", "", INVALID),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none", INCOMPLETE),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", "", INCOMPLETE),
        ("X-Amz-Expires=600", "X-Amz-Expires=604801", INCOMPLETE),
        ("X-Amz-Expires=600", "X-Amz-Expires=0", INCOMPLETE),
        ("X-Amz-Expires=600", "X-Amz-Expires=-1", INCOMPLETE),
        ("X-Amz-Expires=600", "X-Amz-Expires=99999999999999999999", INCOMPLETE),
        ("X-Amz-Expires=600", "X-Amz-Expires=600&X-Amz-Expires=700", INCOMPLETE),
        ("X-Amz-Date=19941106T084937Z", "X-Amz-Date=19941106T080000Z", INVALID),
        ("X-Amz-Date=19941106T084937Z", "X-Amz-Date=19941107T000000Z", INVALID),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=", INVALID),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=x-amz-date", INVALID),
        ("X-Amz-Signature=", "x-amz-signature=", INCOMPLETE),
    ];
    let mut attacks: Vec<Attack> = rows
        .iter()
        .map(|(from, to, kind)| {
            attack(&format!("query: {from} -> {to}"), get(&query.replacen(from, to, 1)), kind)
        })
        .collect();
    attacks.push(attack(
        "a bearer token beside a query",
        format!("{}Authorization: Bearer x\n", get(&query)),
        INCOMPLETE,
    ));
    attacks
}

fn times_and_keys() -> Vec<Attack> {
    let at = |now_s| get(Caller { now_s, ..ALICE }, "/prod/pets/7");
    let scope = |region, service| get(Caller { scope: Scope { region, service }, ..ALICE }, "/prod/pets/7");
    vec![
        attack("five minutes and a second ago", at(NOW_S - 301), INVALID),
        attack("a year ago", at(NOW_S - 31_536_000), INVALID),
        attack("in five minutes and a second", at(NOW_S + 301), INVALID),
        attack("in a century", at(NOW_S + 3_153_600_000), INVALID),
        attack("at the beginning of time", at(0), INVALID),
        attack("another region", scope("eu-west-1", "execute-api"), INVALID),
        attack("another service", scope("us-east-1", "lambda"), INVALID),
        attack("no region", scope("", "execute-api"), INCOMPLETE),
        attack("an empty secret", get(Caller { secret: "", ..ALICE }, "/prod/pets/7"), INVALID),
        attack("another's secret", get(Caller { secret: BOB.secret, ..ALICE }, "/prod/pets/7"), INVALID),
        attack("a long key", get(Caller { key: &"A".repeat(4_000), ..ALICE }, "/prod/pets/7"), UNKNOWN),
        attack(
            "a long token",
            get(Caller { token: Some(&"t".repeat(6_000)), ..ALICE }, "/prod/pets/7"),
            UNKNOWN,
        ),
        attack("nothing", "GET /prod/pets/7 HTTP/1.1\nHost: a\n".to_owned(), MISSING),
        attack(
            "an empty field",
            "GET /prod/pets/7 HTTP/1.1\nHost: a\nAuthorization:\n".to_owned(),
            INCOMPLETE,
        ),
        attack(
            "a password",
            "GET /prod/pets/7 HTTP/1.1\nHost: a\nAuthorization: Basic YTpi\n".to_owned(),
            INCOMPLETE,
        ),
    ]
}

/// Bob signs well, and is not allowed to.
fn ways_around_a_policy() -> Vec<Attack> {
    [
        "/prod/admin",
        "/prod/admin/",
        "/prod//admin",
        "/prod/%61dmin",
        "/prod/%61%64%6d%69%6e",
        "/prod/%70ets/%2e%2e",
        "/prod/pets/13",
        "/prod/pets/13/",
        "/prod/pets/%31%33",
        "/prod/pets/1%33",
        "/prod//pets/13",
        "/prod/pets/%2e%2e/admin",
        "/prod/pets/..%2fadmin",
        "/prod/pets/.%2e%2fadmin",
        "/prod/pets/x/..%2f..%2fadmin",
        "/prod/Pets/7",
        "/prod/pets",
        "/prod/petsx/7",
        "/prod/other",
    ]
    .into_iter()
    .map(|target| attack(&format!("bob: {target}"), get(BOB, target), DENIED))
    // Resolved, these are another method than as sent; so already the signature is not good.
    .chain(
        ["/prod/pets/../admin", "/prod/pets/x/../../admin"]
            .map(|target| attack(target, get(BOB, target), INVALID)),
    )
    .collect()
}

#[test]
fn every_attack_is_denied() {
    let attacks: Vec<Attack> = [
        the_request_itself(),
        the_signature(),
        other_headers(),
        presigned(),
        times_and_keys(),
        ways_around_a_policy(),
    ]
    .concat();
    assert!(attacks.len() >= 100, "{}", attacks.len());
    let mut gateway = Gateway::new(DOCUMENT);
    let mut wrong = Vec::new();
    for (what, text, error_type) in attacks {
        let exchanged =
            gateway.exchange(text.trim_end(), Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
        let answer = &exchanged.answered;
        if exchanged.call.is_some()
            || !answer.starts_with("HTTP/1.1 403 ")
            || !answer.contains(&format!("x-amzn-ErrorType: {error_type}\r\n"))
            || !answer.contains(&format!("\r\n\r\n{}", beginning(error_type)))
        {
            wrong.push(format!("{what}: {answer}"));
        }
        check_denial(&exchanged, &what);
        let signature = text.split_once("Signature=").map_or("no signature", |(_, rest)| rest.trim_end());
        for secret in [ALICE.secret, BOB.secret, signature, "tttttt"] {
            assert!(secret.is_empty() || !exchanged.denial.contains(secret), "{what}: {}", exchanged.denial);
        }
    }
    assert!(wrong.is_empty(), "{} attacks: {wrong:#?}", wrong.len());
}

/// How AWS's content begins.
fn beginning(error_type: &str) -> &'static str {
    match error_type {
        MISSING => r#"{"message":"Missing Authentication Token"}"#,
        UNKNOWN => r#"{"message":"The security token included in the request is invalid."}"#,
        DENIED => {
            r#"{"Message":"User: arn:aws:iam::123456789012:user/bob is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********9012:api/prod/"#
        }
        _ => r#"{"message":""#,
    }
}

/// The requests that the attacks are made of are served.
#[test]
fn who_may_gets_in() {
    let mut gateway = Gateway::new(DOCUMENT);
    let signed = get(ALICE, "/prod/pets/7?a=1&b=2");
    // The order of fields of different names means nothing.
    let (line, fields) = signed.split_once('\n').expect("a request line");
    let reordered: Vec<&str> = [line].into_iter().chain(fields.lines().rev()).collect();
    let reordered = reordered.join("\n");
    for text in [signed.clone(), reordered, get(ALICE, "/prod/admin"), get(BOB, "/prod/pets/7")] {
        let exchanged =
            gateway.exchange(text.trim_end(), Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
        assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK"), "{}", exchanged.answered);
    }
}

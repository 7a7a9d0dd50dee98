//! Methods with AWS_IAM: who gets in, what everybody else is told, and what backends, logs and mappings see of a caller.

use tidegate_core::auth::sigv4::{AmzTime, Headers, PayloadHash, Scope, Signable};
use tidegate_core::http1::BodyFraming;

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, wire};
use crate::plan::Settings;
use crate::sign::{ALICE, Caller, HOST, NOW_S, request, signer};

const DOCUMENT: &str = r#"
paths:
  /pets/{id}:
    get: &signed
      security: [{ sigv4: [] }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: http://origin.test/pets
        requestParameters:
          integration.request.header.X-Caller: context.identity.caller
          integration.request.header.X-User: context.identity.user
          integration.request.header.X-User-Arn: context.identity.userArn
          integration.request.header.X-Account: context.identity.accountId
          integration.request.header.X-Access-Key: context.identity.accessKey
          integration.request.header.X-Org: context.identity.principalOrgId
    put: *signed
    post: *signed
  /mock:
    post:
      x-amazon-apigateway-auth: { type: AWS_IAM }
      x-amazon-apigateway-integration: { type: mock, responses: { default: { statusCode: 200 }, '418': { statusCode: 418 } } }
  /function:
    post:
      x-amazon-apigateway-auth: { type: AWS_IAM }
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
  /{proxy+}:
    get:
      x-amazon-apigateway-auth: { type: aws_iam }
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/greedy' }
  /open:
    get:
      x-amazon-apigateway-auth: { type: NONE }
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/open' }
components:
  securitySchemes:
    sigv4: { type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4 }
"#;

const FORMAT: &str = "$context.requestId $context.status $context.error.responseType $context.identity.caller \
                      $context.authenticate.status $context.authorize.status";
const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n");

const BOB: Caller<'_> =
    Caller { key: "AKIDBOBBOBBOBBOBBOB", secret: "bob-secret-bob-secret-bob-secret", ..ALICE };
const CAROL: Caller<'_> =
    Caller { key: "AKIDOTHEROTHEROTHER", secret: "other-secret-other-secret-other", ..ALICE };
const SESSION: Caller<'_> = Caller {
    key: "ASIASESSIONSESSION",
    secret: "session-secret-session-secret",
    token: Some("session-token"),
    ..ALICE
};
const EXPIRED: Caller<'_> = Caller {
    key: "ASIAEXPIREDEXPIRED",
    secret: "expired-secret-expired-secret",
    token: Some("expired-token"),
    ..ALICE
};

/// A target with the query that signs it.
fn presign(caller: Caller<'_>, method: &str, target: &str, expires_s: u64) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let list: [(&[u8], &[u8]); 1] = [(b"host", HOST.as_bytes())];
    let request = Signable {
        method: method.as_bytes(),
        path: path.as_bytes(),
        query: query.as_bytes(),
        headers: Headers::List(&list),
    };
    let mut out = format!("{path}?").into_bytes();
    let mut signed = Vec::new();
    signer(caller).presign(&request, &PayloadHash::of(b""), (caller.now_s, expires_s), &mut signed);
    out.extend_from_slice(&signed);
    String::from_utf8(out).expect("ASCII")
}

/// `19941106T084937Z`
fn time(unix_s: u64) -> String {
    AmzTime::new(unix_s).as_str().to_owned()
}

fn empty() -> PayloadHash {
    PayloadHash::of(b"")
}

fn get(caller: Caller<'_>, target: &str) -> String {
    request(caller, "GET", target, &[], &empty())
}

#[track_caller]
fn serve(request: &str) -> Exchanged {
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(request, OK);
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK\r\n"), "{request}\n{}", exchanged.answered);
    assert_eq!(exchanged.denial, "");
    exchanged
}

#[track_caller]
fn check_refused(request: &str, error_type: &str, message: &str) -> Exchanged {
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(request, Origin::Uncalled);
    let key = if error_type == "AccessDeniedException" { "Message" } else { "message" };
    let body = format!("{{\"{key}\":\"{message}\"}}");
    let want = wire(&format!(
        "HTTP/1.1 403 Forbidden\n{DATE}\nContent-Type: application/json\nContent-Length: {}\nConnection: keep-alive\n\
         x-amzn-RequestId: {ID}\nx-amzn-ErrorType: {error_type}\nx-amz-apigw-id: {EXTENDED_ID}\n\n{body}",
        body.len()
    ));
    assert_eq!(exchanged.answered, want, "{request}");
    exchanged
}

#[test]
fn a_signed_request_is_served() {
    let exchanged = serve(&get(ALICE, "/prod/pets/7?b=2&a=1&a=%20"));
    for field in [
        "X-Caller: AIDAALICE",
        "X-User: AIDAALICE",
        "X-User-Arn: arn:aws:iam::123456789012:user/alice",
        "X-Account: 123456789012",
        "X-Access-Key: AKIDALICEALICEALICE",
        "X-Org: o-1",
    ] {
        assert!(exchanged.sent.contains(&format!("\r\n{field}\r\n")), "{field}: {}", exchanged.sent);
    }
    assert!(!exchanged.sent.to_lowercase().contains("authorization"), "{}", exchanged.sent);
    assert!(exchanged.sent.contains("\r\nX-Amz-Date: 19941106T084937Z\r\n"), "{}", exchanged.sent);
    assert_eq!(exchanged.logged, format!("{ID} 200 - AIDAALICE 200 200\n"));
}

#[test]
fn so_is_a_presigned_url() {
    let target = presign(ALICE, "GET", "/prod/pets/7?x=%2F", 600);
    serve(&format!("GET {target} HTTP/1.1\nHost: a"));
    serve(&format!("GET {} HTTP/1.1\nHost: a", presign(SESSION, "GET", "/prod/pets/7", 600)));
    let old = Caller { now_s: NOW_S - 601, ..ALICE };
    let target = presign(old, "GET", "/prod/pets/7", 600);
    let (signed, least) = (time(NOW_S - 601), time(NOW_S - 600));
    check_refused(
        &format!("GET {target} HTTP/1.1\nHost: a"),
        "InvalidSignatureException",
        &format!("Signature expired: {signed} is now earlier than {least} ({} - 600 sec.)", time(NOW_S)),
    );
}

#[test]
fn a_session_needs_its_token() {
    serve(&get(SESSION, "/prod/pets/7"));
    let invalid = "The security token included in the request is invalid.";
    for caller in [
        Caller { token: None, ..SESSION },
        Caller { token: Some("session-tokeN"), ..SESSION },
        Caller { token: Some("session-token"), ..ALICE },
        Caller { key: "AKIDNOBODYNOBODYNO", ..ALICE },
    ] {
        check_refused(&get(caller, "/prod/pets/7"), "UnrecognizedClientException", invalid);
    }
    let exchanged = check_refused(
        &get(EXPIRED, "/prod/pets/7"),
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    assert_eq!(exchanged.logged, format!("{ID} 403 EXPIRED_TOKEN - 403 -\n"));
}

#[test]
fn who_does_not_sign_is_told_so() {
    let missing = "Missing Authentication Token";
    let exchanged =
        check_refused("GET /prod/pets/7 HTTP/1.1\nHost: a", "MissingAuthenticationTokenException", missing);
    assert_eq!(exchanged.logged, format!("{ID} 403 MISSING_AUTHENTICATION_TOKEN - 403 -\n"));
    check_refused("GET /prod/pets/7?a=b HTTP/1.1\nHost: a", "MissingAuthenticationTokenException", missing);
    // The digest is that of `Bearer abc`.
    let hashed = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with \
                  Base64): 'w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY='.";
    let bearer = |target: &str| format!("GET {target} HTTP/1.1\nHost: a\nAuthorization: Bearer abc");
    check_refused(&bearer("/prod/pets/7"), "IncompleteSignatureException", hashed);
    let delete = bearer("/prod/pets/7").replace("GET", "DELETE");
    check_refused(&delete, "IncompleteSignatureException", hashed);
    let lacking = "Authorization header requires 'Signature' parameter. Authorization header requires existence of either a \
                   'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) \
                   Authorization=uWudRZf/bm+3FsufYJK2krR/516Q+e8/DxRGA3g5FEk=";
    let part = "GET /prod/pets/7 HTTP/1.1\nHost: a\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host";
    check_refused(part, "IncompleteSignatureException", lacking);
    check_refused(
        "GET /prod/pets/7?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0 HTTP/1.1\nHost: a",
        "IncompleteSignatureException",
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include \
         'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. AWS query-string parameters must \
         include 'X-Amz-Expires'. Re-examine the query-string parameters.",
    );
}

#[test]
fn the_scope_is_that_of_this_gateway() {
    let scope = |region, service| Caller { scope: Scope { region, service }, ..ALICE };
    check_refused(
        &get(scope("eu-west-1", "execute-api"), "/prod/pets/7"),
        "InvalidSignatureException",
        "Credential should be scoped to a valid region. ",
    );
    check_refused(
        &get(scope("us-east-1", "s3"), "/prod/pets/7"),
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'execute-api'. ",
    );
    check_refused(
        &get(ALICE, "/prod/pets/7").replace("/19941106/", "/19941107/"),
        "InvalidSignatureException",
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP. ",
    );
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    let at = |now_s| get(Caller { now_s, ..ALICE }, "/prod/pets/7");
    serve(&at(NOW_S - 300));
    serve(&at(NOW_S + 300));
    let (old, now) = (time(NOW_S - 301), time(NOW_S));
    let expired =
        format!("Signature expired: {old} is now earlier than {} ({now} - 5 min.)", time(NOW_S - 300));
    check_refused(&at(NOW_S - 301), "InvalidSignatureException", &expired);
    let new = time(NOW_S + 301);
    let early = format!(
        "Signature not yet current: {new} is still later than {} ({now} + 5 min.)",
        time(NOW_S + 300)
    );
    check_refused(&at(NOW_S + 301), "InvalidSignatureException", &early);
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                        Access Key and signing method. Consult the service documentation for details.";

#[test]
fn another_request_than_the_signed_one_is_refused() {
    let signed = get(ALICE, "/prod/pets/7?a=1");
    for (part, other) in [
        ("GET", "PUT"),
        ("/pets/7", "/pets/8"),
        ("a=1", "a=2"),
        ("a=1", "a=1&b"),
        ("Host: a", "Host: b"),
        ("?a=1", ""),
    ] {
        check_refused(&signed.replacen(part, other, 1), "InvalidSignatureException", MISMATCH);
    }
    let secret = Caller { secret: "alice-secret-alice-secret-alicE", ..ALICE };
    let exchanged = check_refused(&get(secret, "/prod/pets/7"), "InvalidSignatureException", MISMATCH);
    assert_eq!(exchanged.logged, format!("{ID} 403 INVALID_SIGNATURE - 403 -\n"));
}

/// A field that decides which method or API is called must be signed, though the client may leave it away.
#[test]
fn what_decides_about_the_method_is_signed() {
    let signed = get(ALICE, "/prod/pets/7");
    let message = "'x-http-method-override' and 'x-apigw-api-id' must be a 'SignedHeader' in the AWS Authorization when sent.";
    for field in ["X-HTTP-Method-Override: PUT", "x-apigw-api-id: api"] {
        check_refused(&format!("{signed}{field}\n"), "InvalidSignatureException", message);
    }
    let fields = [("X-HTTP-Method-Override", "PUT"), ("x-apigw-api-id", "api")];
    serve(&request(ALICE, "GET", "/prod/pets/7", &fields, &empty()));
}

#[test]
fn a_body_is_what_was_signed() {
    let fields = [("Content-Length", "5")];
    let signed = request(ALICE, "PUT", "/prod/pets/7", &fields, &PayloadHash::of(b"hello"));
    let exchanged = serve(&format!("{signed}\nhello"));
    assert!(exchanged.sent.ends_with("\r\nContent-Length: 5\r\n\r\nhello"), "{}", exchanged.sent);
    assert_eq!(exchanged.call.map(|call| call.upload), Some(BodyFraming::None));
    check_refused(&format!("{signed}\nhellO"), "InvalidSignatureException", MISMATCH);

    let chunked = request(
        ALICE,
        "PUT",
        "/prod/pets/7",
        &[("Transfer-Encoding", "chunked")],
        &PayloadHash::of(b"hello"),
    );
    let exchanged = serve(&format!("{chunked}\n2\nhe\n3\nllo\n0\n\n"));
    assert!(exchanged.sent.ends_with("\r\nContent-Length: 5\r\n\r\nhello"), "{}", exchanged.sent);

    let nothing = request(ALICE, "PUT", "/prod/pets/7", &[], &empty());
    assert!(serve(&nothing).sent.ends_with("\r\nContent-Length: 0\r\n\r\n"));
    check_refused(
        &nothing.replacen("Host: a\n", "Host: a\nContent-Length: 1\n", 1).replace("\n\n", "\n\nx"),
        "InvalidSignatureException",
        MISMATCH,
    );
}

/// A hash in the request is checked before its body is asked for; `UNSIGNED-PAYLOAD` streams.
#[test]
fn a_hash_may_stand_in_the_request() {
    let hash = String::from_utf8(PayloadHash::of(b"hello").as_bytes().to_vec()).expect("ASCII");
    let fields = [("Content-Length", "5"), ("x-amz-content-sha256", hash.as_str())];
    let signed = request(ALICE, "PUT", "/prod/pets/7", &fields, &PayloadHash::of(b"hello"));
    serve(&format!("{signed}\nhello"));
    check_refused(&format!("{signed}\nhellO"), "InvalidSignatureException", MISMATCH);

    let fields = [("Content-Length", "5"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    let unsigned = request(ALICE, "PUT", "/prod/pets/7", &fields, &PayloadHash::Unsigned);
    let exchanged = serve(&format!("{unsigned}\nhello"));
    assert_eq!(exchanged.call.map(|call| call.upload), Some(BodyFraming::Length(5)), "nothing is kept back");

    let streaming = unsigned.replace("UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, or a valid sha256 value.";
    check_refused(&format!("{streaming}\nhello"), "InvalidSignatureException", message);
}

#[test]
fn a_mock_reads_the_body_that_was_signed() {
    let body = b"{\"statusCode\": 418}";
    let length = body.len().to_string();
    let signed = request(ALICE, "POST", "/prod/mock", &[("Content-Length", &length)], &PayloadHash::of(body));
    let text = format!("{signed}\n{{\"statusCode\": 418}}");
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(&text, Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 418 "), "{}", exchanged.answered);
}

#[test]
fn a_function_is_told_who_has_signed() {
    let signed =
        request(ALICE, "POST", "/prod/function", &[("Content-Length", "5")], &PayloadHash::of(b"hello"));
    let result = Origin::Function(Ok("{\"statusCode\": 200}"));
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(&format!("{signed}\nhello"), result);
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK\r\n"), "{}", exchanged.answered);
    for member in [
        r#""accountId":"123456789012","cognitoIdentityId":null,"caller":"AIDAALICE","principalOrgId":"o-1","accessKey":"AKIDALICEALICEALICE""#,
        r#""userArn":"arn:aws:iam::123456789012:user/alice","user":"AIDAALICE""#,
        r#""body":"hello""#,
    ] {
        assert!(exchanged.sent.contains(member), "{member}: {}", exchanged.sent);
    }
    assert!(!exchanged.sent.contains("AWS4-HMAC-SHA256"), "{}", exchanged.sent);
}

#[test]
fn policies_decide() {
    let arn = "arn:aws:execute-api:us-east-1:********9012:api/prod";
    let user = "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: execute-api:Invoke on resource:";
    serve(&get(BOB, "/prod/pets/7"));
    let exchanged = check_refused(
        &get(BOB, "/prod/pets/13"),
        "AccessDeniedException",
        &format!("{user} {arn}/GET/pets/13 with an explicit deny in an identity-based policy"),
    );
    assert_eq!(exchanged.logged, format!("{ID} 403 ACCESS_DENIED AKIDBOBBOBBOBBOBBOB 200 403\n"));
    assert_eq!(
        exchanged.denial,
        format!(
            "request_id={ID} source_ip=192.0.2.7 api=api stage=prod method=GET path=\"/prod/pets/13\" \
             caller=\"arn:aws:iam::123456789012:user/bob\" rule=\"statement 2 (Thirteen) of the caller's policy denies\"\n"
        )
    );
    let exchanged = check_refused(
        &request(BOB, "PUT", "/prod/pets/7", &[], &empty()),
        "AccessDeniedException",
        &format!(
            "{user} {arn}/PUT/pets/7 because no identity-based policy allows the execute-api:Invoke action"
        ),
    );
    assert!(
        exchanged.denial.ends_with("rule=\"no statement of the caller's policy allows\"\n"),
        "{}",
        exchanged.denial
    );
}

/// Table B: without a resource policy nobody of another account gets in.
#[test]
fn another_account_needs_the_resource_policy() {
    check_refused(
        &get(CAROL, "/prod/pets/7"),
        "AccessDeniedException",
        "User: arn:aws:iam::210987654321:user/carol is not authorized to perform: execute-api:Invoke on resource: \
         arn:aws:execute-api:us-east-1:********9012:api/prod/GET/pets/7 because no resource-based policy allows the \
         execute-api:Invoke action",
    );
}

/// Libraries sign the path with its dots resolved. That is good where both spellings lead to the same method.
#[test]
fn a_path_with_dots_is_signed_as_it_is_resolved() {
    serve(&get(ALICE, "/prod//pets/7"));
    serve(&get(ALICE, "/prod/x//y/../z"));
    let stage = "[api.stage.canary]\npercent_traffic = 100.0\n";
    let mut canary = Gateway::with(DOCUMENT, FORMAT, Settings { stage, ..Settings::default() });
    let answered = canary.exchange(&get(ALICE, "/prod//pets/7"), OK).answered;
    assert!(answered.starts_with("HTTP/1.1 200 "), "{answered}");
    let resolved = get(ALICE, "/prod/pets/7");
    for spelling in ["/prod/x/../pets/7", "/prod/pets//7", "/prod/pets/./7", "/x/../prod/pets/7"] {
        let exchanged =
            Gateway::logging(DOCUMENT, FORMAT).exchange(&resolved.replacen("/prod/pets/7", spelling, 1), OK);
        assert!(exchanged.answered.starts_with("HTTP/1.1 403 "), "{spelling}: {}", exchanged.answered);
        assert!(exchanged.call.is_none(), "{spelling}");
    }
    // Escapes are not resolved: the path is signed as it is sent.
    serve(&get(ALICE, "/prod/pets/%37"));
    check_refused(&resolved.replacen("/pets/7", "/pets/%37", 1), "InvalidSignatureException", MISMATCH);
}

/// Bob may call nothing but `/pets/…`, and never number 13, however it is spelt.
#[test]
fn no_spelling_gets_around_a_policy() {
    for target in
        ["/prod/pets/%31%33", "/prod/pets/1%33", "/prod/pets/13/", "/prod//pets/13", "/prod/%70ets/13"]
    {
        let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(&get(BOB, target), Origin::Uncalled);
        assert!(exchanged.answered.contains("with an explicit deny"), "{target}: {}", exchanged.answered);
    }
    for target in ["/prod/pets/%2e%2e%2fadmin", "/prod/pets/x/%2e%2e/%2e%2e/admin", "/prod/pets/..%2fadmin"] {
        let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(&get(BOB, target), Origin::Uncalled);
        assert!(
            exchanged.denial.contains("allows for the path decoded and resolved"),
            "{target}: {}",
            exchanged.answered
        );
    }
    serve(&get(BOB, "/prod/pets/%37"));
}

#[test]
fn a_long_arn_is_not_judged() {
    let target = format!("/prod/pets/{}", "x".repeat(1_600));
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(&get(ALICE, &target), Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 414 "), "{}", exchanged.answered);
    assert!(exchanged.answered.ends_with("{\"message\":\"Request URI too long\"}"), "{}", exchanged.answered);
}

#[test]
fn other_methods_pass_what_is_no_signature() {
    let exchanged = serve("GET /prod/open HTTP/1.1\nHost: a\nAuthorization: Bearer abc");
    assert!(exchanged.sent.contains("\r\nAuthorization: Bearer abc\r\n"), "{}", exchanged.sent);
    assert_eq!(exchanged.logged, format!("{ID} 200 - - - -\n"));
    assert!(!serve(&get(ALICE, "/prod/open")).sent.contains("Authorization"));
}

#[test]
fn an_api_words_its_denials() {
    let custom = r#"
x-amazon-apigateway-gateway-responses:
  ACCESS_DENIED: { statusCode: 404, responseTemplates: { text/plain: "no: $context.error.messageString" } }
"#;
    let exchanged =
        Gateway::new(&format!("{DOCUMENT}{custom}")).exchange(&get(BOB, "/prod/pets/13"), Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 404 "), "{}", exchanged.answered);
    assert!(
        exchanged.answered.contains("\r\n\r\nno: \"User: arn:aws:iam::123456789012:user/bob is not"),
        "{}",
        exchanged.answered
    );
}

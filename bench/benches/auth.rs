//! Who may call: a signature over a request with a body of 1 KiB, policies of 50 statements, tokens, and what authorizers
//! have answered.

use std::collections::HashMap;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidegate_config::policy_document;
use tidegate_core::auth::authorizer::{Grant, Grants, Known};
use tidegate_core::auth::cognito::Tokens;
use tidegate_core::auth::jwt::{KeySet, Token};
use tidegate_core::auth::policy::{Action, Decision, Facts, OwnArn, Policy};
use tidegate_core::auth::sigv4::{
    Claim, Credentials, Headers, PathStyle, PayloadHash, Scope, Secret, Signable, Signer, SigningKey,
    Verifier, check_scope, check_time,
};
use tidegate_core::aws::{CredentialsSource, Issued, Signers, Signing};
use tidegate_core::clock::Now;
use tidegate_core::http1::{HeadLimits, RequestHead};

const SCOPE: Scope<'_> = Scope { region: "us-east-1", service: "execute-api" };
const NOW_S: u64 = 1_440_938_160;
const BODY: [u8; 1024] = [b'x'; 1024];

fn secret() -> Secret {
    Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

/// As botocore sends it.
fn signed() -> RequestHead {
    let credentials =
        Credentials { access_key_id: "AKIDEXAMPLE".into(), secret_access_key: secret(), session_token: None };
    let fields: [(&[u8], &[u8]); 2] =
        [(b"host", b"petstore.execute-api.us-east-1.amazonaws.com"), (b"content-type", b"application/json")];
    let request = Signable {
        method: b"POST",
        path: b"/prod/pets/42",
        query: b"limit=10&kind=dog",
        headers: Headers::List(&fields),
    };
    let mut lines = Vec::new();
    Signer::new(credentials, SCOPE, PathStyle::Normalized).sign(
        &request,
        &PayloadHash::of(&BODY),
        NOW_S,
        &mut lines,
    );
    let mut head = RequestHead::new();
    let start = "POST /prod/pets/42?limit=10&kind=dog HTTP/1.1\r\nHost: petstore.execute-api.us-east-1.amazonaws.com\r\n\
                 Content-Type: application/json\r\nUser-Agent: Boto3/1.40\r\nAccept: */*\r\nContent-Length: 1024\r\n";
    head.buffer_mut().extend_from_slice(&[start.as_bytes(), &lines, b"\r\n"].concat());
    assert!(matches!(head.parse(&HeadLimits::default()), Ok(Some(_))));
    head
}

fn verify(head: &RequestHead, key: &SigningKey, verifier: &mut Verifier, body: &[u8]) -> bool {
    let claim = Claim::read(head).expect("a claim");
    let in_scope = check_scope(&claim, SCOPE).is_ok() && check_time(&claim, NOW_S).is_ok();
    let payload = PayloadHash::of(body);
    in_scope
        && verifier.verify(&Signable::of(head), PathStyle::Normalized, &claim, (key, SCOPE), &payload).is_ok()
}

/// A call to a service as an integration writes it.
const UNSIGNED: &[u8] = b"POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nContent-Type: application/x-amz-json-1.0\r\n\
    X-Amz-Target: DynamoDB_20120810.PutItem\r\nAccept: application/json\r\nUser-Agent: AmazonAPIGateway_petstore\r\n\
    X-Amzn-Apigateway-Api-Id: petstore\r\nX-Amzn-Trace-Id: Root=1-2ebc98a1-000000000000000200000003;Parent=0000000000000004;Sampled=0\r\n";
const NOW: Now = Now { unix_ms: NOW_S * 1000, monotonic_ns: 0 };

fn signers() -> (Signers, Signing) {
    let source = CredentialsSource::Default;
    let credentials =
        Credentials { access_key_id: "AKIDEXAMPLE".into(), secret_access_key: secret(), session_token: None };
    let mut signers = Signers::default();
    signers.install(Arc::new(HashMap::from([(source.clone(), Issued { credentials, expires_s: None })])));
    (signers, Signing { region: "us-east-1".into(), service: "dynamodb".into(), by: source.into() })
}

fn signature(criterion: &mut Criterion) {
    let (head, key) = (signed(), SigningKey::derive(&secret(), b"20150830", SCOPE));
    let mut verifier = Verifier::default();
    let mut group = criterion.benchmark_group("sigv4");
    group.bench_function("verify, body of 1 KiB", |bencher| {
        bencher.iter(|| assert!(verify(black_box(&head), &key, &mut verifier, black_box(&BODY))));
    });
    group.bench_function("verify, no body", |bencher| {
        bencher.iter(|| assert!(!verify(black_box(&head), &key, &mut verifier, black_box(b""))));
    });
    let (mut signers, signing) = signers();
    let mut out = Vec::with_capacity(1024);
    // What the verifier takes is what each signature has to be.
    let signed = |body: &[u8], signers: &mut Signers| {
        let mut head = RequestHead::new();
        head.buffer_mut().extend_from_slice(UNSIGNED);
        signers.sign(&signing, body, NOW, head.buffer_mut()).expect("credentials");
        let lines = head.buffer_mut().clone();
        head.buffer_mut().extend_from_slice(b"\r\n");
        assert!(matches!(head.parse(&HeadLimits::default()), Ok(Some(_))));
        let scope = Scope { service: "dynamodb", ..SCOPE };
        let key = SigningKey::derive(&secret(), b"20150830", scope);
        let claim = Claim::read(&head).expect("a claim");
        let (payload, signable) = (PayloadHash::of(body), Signable::of(&head));
        let verified =
            Verifier::default().verify(&signable, PathStyle::Normalized, &claim, (&key, scope), &payload);
        assert!(verified.is_ok());
        lines
    };
    for (name, body) in [("sign, body of 1 KiB", &BODY[..]), ("sign, no body", b"")] {
        let want = signed(body, &mut signers);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                out.extend_from_slice(UNSIGNED);
                let signed = signers.sign(black_box(&signing), black_box(body), NOW, &mut out);
                assert!(signed.is_ok() && out == want);
            });
        });
    }
    group.bench_function("derive a key", |bencher| {
        bencher.iter(|| SigningKey::derive(black_box(&secret()), black_box(b"20150830"), SCOPE));
    });
    group.throughput(Throughput::Bytes(1 << 20));
    let body = vec![b'x'; 1 << 20];
    group.bench_function("hash a body of 1 MiB", |bencher| {
        bencher.iter(|| assert_ne!(PayloadHash::of(black_box(&body)), PayloadHash::Unsigned));
    });
    group.finish();
}

const STATEMENTS: usize = 50;

fn policy(statement: impl Fn(usize) -> String) -> Policy {
    let statements: Vec<String> = (0..STATEMENTS).map(statement).collect();
    let json = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    let own = OwnArn { region: "us-east-1", account: "123456789012" };
    policy_document(&json, own, Some("petstore")).unwrap_or_else(|findings| panic!("{findings}"))
}

fn facts(head: &RequestHead) -> Facts<'_> {
    Facts {
        request: head,
        source_ip: "203.0.113.7".parse().expect("an address"),
        network: None,
        is_secure: false,
        now_s: NOW_S,
        region: "us-east-1",
        principal: None,
    }
}

/// Each statement is looked at: the last one alone is about the method.
fn policies(criterion: &mut Criterion) {
    let head = signed();
    let facts = facts(&head);
    let resources = policy(|number| {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/*/pets/{}"}}"#,
            number + 42 - (STATEMENTS - 1)
        )
    });
    let conditions = policy(|number| {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"execute-api:*","Resource":"execute-api:/prod/*","Condition":{{"IpAddress":{{"aws:SourceIp":["203.0.{0}.0/24","2001:db8:{0}::/48"]}}}}}}"#,
            number + 113 - (STATEMENTS - 1)
        )
    });
    let both = policy(|number| {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/*/pets/{}","Condition":{{"IpAddress":{{"aws:SourceIp":["2001:db8::/32","203.0.113.0/24"]}}}}}}"#,
            number + 42 - (STATEMENTS - 1)
        )
    });
    let mut group = criterion.benchmark_group("policy of 50 statements");
    for (name, policy) in [
        ("resources with wildcards", &resources),
        ("and ranges of addresses", &conditions),
        ("ranges that all fit, and resources", &both),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let decision = black_box(policy).decide(
                    Action::Invoke,
                    black_box(b"petstore/prod/POST/pets/42"),
                    &facts,
                );
                assert!(matches!(decision, Decision::Allow { statement: 49, .. }));
            });
        });
    }
    group.finish();
}

/// RFC 7515, appendix A.2: a key of 2,048 bits.
const KEYS: &str = r#"{"keys":[{"kty":"RSA","kid":"","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]}"#;
const TOKEN: &[u8] = b"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
/// When that token was good.
const THEN_S: u64 = 1_300_819_000;

fn tokens(criterion: &mut Criterion) {
    let keys = KeySet::read(KEYS.as_bytes()).expect("a key set");
    let prove = |text: &[u8]| {
        let token = Token::read(text).ok()?;
        let claims = token.prove(keys.find("")?).ok()?;
        claims.check_time(THEN_S).ok().map(|()| claims)
    };
    let mut group = criterion.benchmark_group("token");
    group.bench_function("RS256, not known", |bencher| {
        bencher.iter(|| assert!(prove(black_box(TOKEN)).is_some()));
    });
    let mut known = Tokens::default();
    let claims = Rc::new(prove(TOKEN).expect("a good token"));
    let key = |number: u32| [&number.to_ne_bytes()[..], TOKEN].concat();
    for number in 0..1_000 {
        known.keep(&key(number), &claims);
    }
    let wanted = key(700);
    group.bench_function("known, among 1,000", |bencher| {
        bencher.iter(|| assert!(known.get(black_box(&wanted), THEN_S).is_some()));
    });
    group.finish();
}

/// What an authorizer has answered is found, and its policy judges the method.
fn authorizer(criterion: &mut Criterion) {
    let head = signed();
    let facts = facts(&head);
    let own = OwnArn { region: "us-east-1", account: "123456789012" };
    let answer = br#"{"principalId":"user","policyDocument":{"Version":"2012-10-17","Statement":[
        {"Action":"execute-api:Invoke","Effect":"Allow","Resource":"arn:aws:execute-api:us-east-1:123456789012:petstore/prod/*/pets/*"}]},
        "context":{"tier":"gold","number":7}}"#;
    let grant = Rc::new(Grant::read(answer, own).expect("an answer"));
    let now = Now { unix_ms: NOW_S * 1000, monotonic_ns: 1 };
    let mut grants = Grants::default();
    let key = |number: u32| [&number.to_ne_bytes()[..], TOKEN].concat();
    for number in 0..1_000 {
        grants.keep(&key(number), &grant, 300_000, now);
    }
    let wanted = key(700);
    let mut group = criterion.benchmark_group("Lambda authorizer");
    group.bench_function("answer known, among 1,000, and judged", |bencher| {
        bencher.iter(|| {
            let Known::Granted(grant) = grants.look(black_box(&wanted), now) else { panic!("known") };
            let method = black_box(b"petstore/prod/POST/pets/42");
            let decision = grant.policy.decide(Action::Invoke, method, &facts);
            assert!(matches!(decision, Decision::Allow { statement: 0, .. }));
        });
    });
    group.bench_function("answer read", |bencher| {
        bencher.iter(|| assert!(Grant::read(black_box(answer), own).is_ok()));
    });
    group.finish();
}

criterion_group!(benches, signature, policies, tokens, authorizer);
criterion_main!(benches);

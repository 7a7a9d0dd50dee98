//! Who may call: a signature over a request with a body of 1 KiB, and policies of 50 statements.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidegate_config::policy_document;
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
    (signers, Signing { region: "us-east-1".into(), service: "dynamodb".into(), credentials: source })
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
    for (name, body) in [("sign, body of 1 KiB", &BODY[..]), ("sign, no body", b"")] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                out.extend_from_slice(UNSIGNED);
                let signed = signers.sign(black_box(&signing), black_box(body), NOW, &mut out);
                assert!(signed.is_ok() && out.len() > UNSIGNED.len() + 200);
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

/// Each statement is looked at: the last one alone is about the method.
fn policies(criterion: &mut Criterion) {
    let head = signed();
    let facts = Facts {
        request: &head,
        source_ip: "203.0.113.7".parse().expect("an address"),
        network: None,
        is_secure: false,
        now_s: NOW_S,
        region: "us-east-1",
        principal: None,
    };
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
    let mut group = criterion.benchmark_group("policy of 50 statements");
    for (name, policy) in [("resources with wildcards", &resources), ("and ranges of addresses", &conditions)]
    {
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

criterion_group!(benches, signature, policies);
criterion_main!(benches);

//! Signatures: whatever a request claims, reading it never panics, nobody without the secret is believed, and what the
//! owner of the secret signs is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::auth::sigv4::{
    Claim, Credentials, Headers, PathStyle, PayloadHash, Scope, Secret, Signable, SignatureError, Signer,
    SigningKey, Verifier, canonical, check_scope, check_time,
};
use tidegate_core::http1::{HeadLimits, RequestHead};

const SCOPE: Scope<'_> = Scope { region: "us-east-1", service: "execute-api" };
const NOW_S: u64 = 1_440_938_160;

fn head(bytes: &[u8]) -> Option<RequestHead> {
    let mut head = RequestHead::new();
    head.buffer_mut().extend_from_slice(bytes);
    head.parse(&HeadLimits::default()).ok().flatten().map(|_| head)
}

fn check(head: &RequestHead) -> Result<(), SignatureError> {
    let claim = Claim::read(head)?;
    let in_time = check_scope(&claim, SCOPE).and_then(|()| check_time(&claim, NOW_S));
    let key = SigningKey::derive(&Secret::new("secret"), claim.time.day(), SCOPE);
    let signable = Signable::of(head);
    let signed = Verifier::default().verify(
        &signable,
        PathStyle::Normalized,
        &claim,
        (&key, SCOPE),
        &PayloadHash::of(b""),
    );
    in_time.and(signed)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(request) = head(bytes) else { return };
    if let Err(error) = check(&request) {
        let mut message = String::new();
        error.write_message(&request, SCOPE, &mut message);
        assert!(!message.is_empty() && !message.contains("secret"));
    } else {
        panic!("a signature was made without the secret");
    }
    let mut resolved = Vec::new();
    canonical::normalize(request.path(), &mut resolved);
    assert!(canonical::is_normal(&resolved), "what is resolved is resolved");
    sign_and_check(&request);
});

/// Signs the request as its sender should have.
fn sign_and_check(request: &RequestHead) {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: Secret::new("secret"),
        session_token: None,
    };
    let others = [&b"authorization"[..], b"x-amz-date", b"date", b"x-amz-security-token", b"host"];
    let is_other = |name: &[u8]| others.iter().any(|other| other.eq_ignore_ascii_case(name));
    let mut fields: Vec<(&[u8], &[u8])> = vec![(b"host", request.host())];
    for field in request.fields().iter().filter(|field| !is_other(request.name(field))) {
        fields.push((request.name(field), request.value(field)));
    }
    if request.host().is_empty() {
        return;
    }
    let unsigned = Signable { headers: Headers::List(&fields), ..Signable::of(request) };
    let mut lines = Vec::new();
    Signer::new(credentials, SCOPE, PathStyle::Normalized).sign(
        &unsigned,
        &PayloadHash::of(b""),
        NOW_S,
        &mut lines,
    );
    let mut text = [request.method(), b" ", request.path()].concat();
    if let Some(query) = request.query() {
        text.extend_from_slice(&[b"?", query].concat());
    }
    text.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in &fields {
        text.extend_from_slice(&[name, &b": "[..], value, b"\r\n"].concat());
    }
    text.extend_from_slice(&lines);
    text.extend_from_slice(b"\r\n");
    // More fields or another framing may be more than a request can have.
    let Some(signed) = head(&text) else { return };
    assert_eq!(check(&signed), Ok(()), "{}", String::from_utf8_lossy(&text));
}

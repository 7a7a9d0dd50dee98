//! Signs requests of tests as the callers that `plan.rs` knows. `../allocations.rs` uses it too.

use tidegate_core::auth::sigv4::{
    Credentials, Headers, PathStyle, PayloadHash, Scope, Secret, Signable, Signer,
};

/// 1994-11-06T08:49:37Z, when all exchanges of tests happen.
pub(crate) const NOW_S: u64 = 784_111_777;
pub(crate) const HOST: &str = "a";
const SCOPE: Scope<'_> = Scope { region: "us-east-1", service: "execute-api" };

/// Who signs, for what, when.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) key: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) scope: Scope<'a>,
    pub(crate) now_s: u64,
}

/// May call everything of the API.
pub(crate) const ALICE: Caller<'_> = Caller {
    key: "AKIDALICEALICEALICE",
    secret: "alice-secret-alice-secret-alice",
    token: None,
    scope: SCOPE,
    now_s: NOW_S,
};

/// A request line and header fields with bare LFs, all of them but `unsigned` signed.
pub(crate) fn request(
    caller: Caller<'_>,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    payload: &PayloadHash,
) -> String {
    let lines = sign_as(caller, method, target, fields, payload);
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{method} {target} HTTP/1.1\nHost: {HOST}\n{fields}{}", lines.replace("\r\n", "\n"))
}

fn sign_as(
    caller: Caller<'_>,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    payload: &PayloadHash,
) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut list: Vec<(&[u8], &[u8])> = vec![(b"host", HOST.as_bytes())];
    list.extend(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let request = Signable {
        method: method.as_bytes(),
        path: path.as_bytes(),
        query: query.as_bytes(),
        headers: Headers::List(&list),
    };
    let mut lines = Vec::new();
    signer(caller).sign(&request, payload, caller.now_s, &mut lines);
    String::from_utf8(lines).expect("ASCII")
}

/// Signs as the caller.
pub(crate) fn signer(caller: Caller<'_>) -> Signer {
    let credentials = Credentials {
        access_key_id: caller.key.into(),
        secret_access_key: Secret::new(caller.secret),
        session_token: caller.token.map(Secret::new),
    };
    Signer::new(credentials, caller.scope, PathStyle::Normalized)
}

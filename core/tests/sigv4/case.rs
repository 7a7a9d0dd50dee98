//! A case of AWS's test suite: a request, its canonical forms and signatures, read from the files of a folder.

use std::path::Path;

use serde::Deserialize;
use tidegate_core::auth::sigv4::{
    Claim, Credentials, PathStyle, PayloadHash, Scope, Secret, Signable, SignatureError, SigningKey,
    Verifier, check_scope, check_time,
};
use tidegate_core::http1::{HeadLimits, RequestHead};

use crate::sources::crate_folder;

/// When all of them are signed: 2015-08-30T12:36:00Z.
pub(crate) const NOW_S: u64 = 1_440_938_160;
pub(crate) const SCOPE: Scope<'_> = Scope { region: "us-east-1", service: "service" };

#[derive(Deserialize)]
struct Context {
    credentials: Keys,
    expiration_in_seconds: u64,
    normalize: bool,
    sign_body: bool,
    #[serde(default)]
    omit_session_token: bool,
}

#[derive(Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) credentials: Credentials,
    pub(crate) style: PathStyle,
    pub(crate) expires_s: u64,
    pub(crate) sign_body: bool,
    pub(crate) header: Expected,
    pub(crate) query: Expected,
}

/// What must come of a request.
pub(crate) struct Expected {
    pub(crate) canonical: String,
    pub(crate) signature: String,
    pub(crate) signed: String,
}

/// A request as text, taken apart without any of our code.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

/// All cases that say how they are signed; two older ones do not, and the other tests have their like.
pub(crate) fn cases() -> Vec<Case> {
    let folder = crate_folder("aws-sigv4").join("aws-signing-test-suite/v4");
    let folders = std::fs::read_dir(folder).expect("the crate has the suite");
    let mut cases: Vec<Case> =
        folders.filter_map(|folder| Case::read(&folder.expect("a folder").path())).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(cases.len(), 38);
    cases
}

impl Case {
    fn read(folder: &Path) -> Option<Self> {
        let file = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of the suite");
        let context = std::fs::read_to_string(folder.join("context.json")).ok()?;
        let context: Context = serde_json::from_str(&context).expect("a context");
        let expected = |kind: &str| Expected {
            canonical: file(&format!("{kind}-canonical-request.txt")),
            signature: file(&format!("{kind}-signature.txt")).trim().to_owned(),
            signed: file(&format!("{kind}-signed-request.txt")),
        };
        let token = context.credentials.token.filter(|_| !context.omit_session_token);
        let style = match (context.normalize, folder.ends_with("get-space-normalized")) {
            (true, false) => PathStyle::Normalized,
            (false, false) => PathStyle::Verbatim,
            // The one case whose path has an escape is not encoded once more, as for S3.
            (_, true) => PathStyle::EncodedOnce,
        };
        Some(Self {
            name: folder.file_name().expect("a name").to_string_lossy().into_owned(),
            request: Request::read(&file("request.txt")),
            credentials: Credentials {
                access_key_id: context.credentials.access_key_id.into(),
                secret_access_key: Secret::new(context.credentials.secret_access_key),
                session_token: token.map(Secret::new),
            },
            style,
            expires_s: context.expiration_in_seconds,
            sign_body: context.sign_body,
            header: expected("header"),
            query: expected("query"),
        })
    }

    pub(crate) fn payload(&self) -> PayloadHash {
        PayloadHash::of(self.request.body.as_bytes())
    }

    /// Reads a signed request and checks its signature, as the gateway would.
    pub(crate) fn verify(&self, head: &RequestHead) -> Result<(), SignatureError> {
        let claim = Claim::read(head)?;
        check_scope(&claim, SCOPE)?;
        check_time(&claim, NOW_S)?;
        if claim.access_key_id() != self.credentials.access_key_id.as_bytes() {
            return Err(SignatureError::UnknownKey);
        }
        let key = SigningKey::derive(&self.credentials.secret_access_key, claim.time.day(), SCOPE);
        let signable = Signable::of(head);
        Verifier::default().verify(&signable, self.style, &claim, (&key, SCOPE), &self.payload())
    }
}

impl Request {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let (line, fields) = head.split_once('\n').expect("a request line");
        let (method, rest) = line.split_once(' ').expect("a method");
        let (target, _) = rest.rsplit_once(' ').expect("a version");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut list: Vec<(String, String)> = Vec::new();
        for field in fields.lines() {
            match field.split_once(':') {
                Some((name, value)) => list.push((name.to_owned(), value.to_owned())),
                // An obsolete line folding (RFC 9112 section 5.2).
                None => list.last_mut().expect("a field before").1.push_str(field),
            }
        }
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            fields: list,
            body: body.to_owned(),
        }
    }

    pub(crate) fn fields(&self) -> Vec<(&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
    }
}

/// The head of a request whose lines end with a bare LF. `None` when our HTTP/1 refuses it.
pub(crate) fn head(text: &[u8]) -> Option<RequestHead> {
    let text = String::from_utf8_lossy(text).into_owned();
    let (lines, _) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    head_of(&(lines.replace('\n', "\r\n") + "\r\n\r\n").into_bytes())
}

pub(crate) fn head_of(bytes: &[u8]) -> Option<RequestHead> {
    let mut head = RequestHead::new();
    head.buffer_mut().extend_from_slice(bytes);
    head.parse(&HeadLimits::default()).ok().flatten().map(|_| head)
}

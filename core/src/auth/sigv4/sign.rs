//! Signs requests to AWS.

use super::ALGORITHM;
use super::canonical::{self, Canonical, Headers, PathStyle, Signable};
use super::credentials::Credentials;
use super::key::{Scope, SigningKey, write_string_to_sign};
use super::payload::PayloadHash;
use super::time::AmzTime;

/// Signs requests with one pair of credentials for one service in one region. Keeps the day's key.
#[derive(Debug)]
pub struct Signer {
    credentials: Credentials,
    region: Box<str>,
    service: Box<str>,
    style: PathStyle,
    key: Option<SigningKey>,
    canonical: Canonical,
    string_to_sign: Vec<u8>,
}

impl Signer {
    /// A signer for `scope`. S3 needs [`PathStyle::EncodedOnce`], all else [`PathStyle::Normalized`].
    pub fn new(credentials: Credentials, scope: Scope<'_>, style: PathStyle) -> Self {
        Self {
            credentials,
            region: scope.region.into(),
            service: scope.service.into(),
            style,
            key: None,
            canonical: Canonical::default(),
            string_to_sign: Vec::new(),
        }
    }

    /// Appends the field lines that sign `request`: `X-Amz-Date`, `X-Amz-Security-Token` in a session, `Authorization`.
    ///
    /// All header fields of `request` are signed, so it names those that arrive as they are sent, `host` among them. A
    /// body that is not covered ([`PayloadHash::Unsigned`]), and S3, want `x-amz-content-sha256` among them too.
    pub fn sign(&mut self, request: &Signable<'_>, payload: &PayloadHash, unix_s: u64, out: &mut Vec<u8>) {
        let time = AmzTime::new(unix_s);
        let token = self.credentials.session_token.clone();
        let mut fields = listed(request.headers);
        fields.push((b"X-Amz-Date", time.as_bytes()));
        if let Some(token) = &token {
            fields.push((b"X-Amz-Security-Token", token.reveal()));
        }
        let names = signed_headers(&fields);
        let request = Signable { headers: Headers::List(&fields), ..*request };
        let signature = self.signature(&request, &names, &time, payload);
        for (name, value) in &fields[fields.len() - 1 - usize::from(token.is_some())..] {
            for part in [*name, b": ", value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
        for part in [b"Authorization: ", ALGORITHM.as_bytes(), b" Credential="] {
            out.extend_from_slice(part);
        }
        self.write_credential(&time, out);
        for part in [b", SignedHeaders=".as_slice(), &names, b", Signature=", &signature, b"\r\n"] {
            out.extend_from_slice(part);
        }
    }

    /// Appends the query of a presigned URL: that of `request`, and what signs it for `expires_s` seconds. The header
    /// fields of `request` must be sent with it; `host` alone will do.
    pub fn presign(
        &mut self,
        request: &Signable<'_>,
        payload: &PayloadHash,
        (unix_s, expires_s): (u64, u64),
        out: &mut Vec<u8>,
    ) {
        let time = AmzTime::new(unix_s);
        let names = signed_headers(&listed(request.headers));
        let start = out.len();
        out.extend_from_slice(request.query);
        if !request.query.is_empty() {
            out.push(b'&');
        }
        let mut credential = Vec::new();
        self.write_credential(&time, &mut credential);
        let mut expires = itoa::Buffer::new();
        let parameters: [(&[u8], &[u8]); 5] = [
            (b"X-Amz-Algorithm=", ALGORITHM.as_bytes()),
            (b"&X-Amz-Credential=", &credential),
            (b"&X-Amz-Date=", time.as_bytes()),
            (b"&X-Amz-SignedHeaders=", &names),
            (b"&X-Amz-Expires=", expires.format(expires_s).as_bytes()),
        ];
        let token = self.credentials.session_token.as_ref();
        let token = token.map(|token| (b"&X-Amz-Security-Token=".as_slice(), token.reveal()));
        for (name, value) in parameters.into_iter().chain(token) {
            out.extend_from_slice(name);
            canonical::encode(value, b"", out);
        }
        let signed = Signable { query: &out[start..], ..*request };
        let signature = self.signature(&signed, &names, &time, payload);
        out.extend_from_slice(b"&X-Amz-Signature=");
        out.extend_from_slice(&signature);
    }

    fn signature(
        &mut self,
        request: &Signable<'_>,
        names: &[u8],
        time: &AmzTime,
        payload: &PayloadHash,
    ) -> [u8; 64] {
        let scope = Scope { region: &self.region, service: &self.service };
        let key = match self.key.take().filter(|key| key.day() == time.day()) {
            Some(key) => key,
            None => SigningKey::derive(&self.credentials.secret_access_key, time.day(), scope),
        };
        let canonical = self.canonical.write(request, self.style, names, None, payload);
        let canonical = canonical.expect("every signed name is one of the fields");
        self.string_to_sign.clear();
        write_string_to_sign(time, scope, canonical, &mut self.string_to_sign);
        self.key.insert(key).sign(&self.string_to_sign)
    }

    fn write_credential(&self, time: &AmzTime, out: &mut Vec<u8>) {
        out.extend_from_slice(self.credentials.access_key_id.as_bytes());
        out.push(b'/');
        Scope { region: &self.region, service: &self.service }.write(time.day(), out);
    }
}

fn listed<'a>(headers: Headers<'a>) -> Vec<(&'a [u8], &'a [u8])> {
    match headers {
        Headers::List(list) => list.to_vec(),
        Headers::Head(head) => {
            head.fields().iter().map(|field| (head.name(field), head.value(field))).collect()
        }
    }
}

/// The names in lower case and in order, each once, with `;` between.
fn signed_headers(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut names: Vec<Vec<u8>> = fields.iter().map(|field| field.0.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(b";".as_slice())
}

//! A shard's credentials, and what it signs calls to AWS services with.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use super::service::{CredentialsSource, Signatory, Signing};
use crate::auth::sigv4::{Credentials, Headers, PayloadHash, Scope, Signable, Signer};
use crate::clock::Now;
use crate::http1::encode;

/// Credentials as they were issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What signs.
    pub credentials: Credentials,
    /// When they end, in seconds since 1970; `None`: never.
    pub expires_s: Option<u64>,
}

impl Issued {
    /// Whether they can be signed with.
    pub fn is_valid(&self, unix_s: u64) -> bool {
        self.expires_s.is_none_or(|end| unix_s < end)
    }
}

/// What is there of every source; a source without credentials is not in it.
pub type IssuedTable = HashMap<CredentialsSource, Issued>;

/// There are no credentials, or they have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCredentials;

/// What one shard signs with. Signers are made when they are first needed; there are no more than the plan has pairs of
/// credentials and services.
#[derive(Debug, Default)]
pub struct Signers {
    issued: Arc<IssuedTable>,
    signers: HashMap<Signing, Signer, RandomState>,
}

/// Fields that the signer writes itself; a mapping cannot set them.
const OWN: [&[u8]; 4] = [b"authorization", b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256"];

impl Signers {
    /// Signs with these credentials from now on.
    pub fn install(&mut self, issued: Arc<IssuedTable>) {
        self.signers.clear();
        self.issued = issued;
    }

    /// As [`Signers::sign`], where the caller may have to sign by itself. Its key is made anew each time: callers are many.
    pub fn sign_for(
        &mut self,
        signing: &Signing,
        caller: Option<&Credentials>,
        content: &[u8],
        now: Now,
        head: &mut Vec<u8>,
    ) -> Result<(), NoCredentials> {
        match &signing.by {
            Signatory::Gateway(_) => self.sign(signing, content, now, head),
            Signatory::Caller => {
                let mut signer = signer(caller.ok_or(NoCredentials)?, signing);
                write_signature(&mut signer, signing, content, now, head);
                Ok(())
            }
        }
    }

    /// Appends the fields that sign the request whose start line and fields stand in `head`, without the empty line.
    ///
    /// What is signed is what no proxy changes: `Host`, `Content-Type`, `Content-MD5` and `X-Amz-…`. The content is always
    /// signed, so it must be there whole: only S3 over TLS would take a content that is not (`UNSIGNED-PAYLOAD`), and its
    /// 10 MB at most are not worth a second way.
    pub fn sign(
        &mut self,
        signing: &Signing,
        content: &[u8],
        now: Now,
        head: &mut Vec<u8>,
    ) -> Result<(), NoCredentials> {
        let unix_s = now.unix_ms / 1000;
        let Signatory::Gateway(source) = &signing.by else { return Err(NoCredentials) };
        let issued = self.issued.get(source).filter(|issued| issued.is_valid(unix_s));
        let issued = issued.ok_or(NoCredentials)?;
        if !self.signers.contains_key(signing) {
            self.signers.insert(signing.clone(), signer(&issued.credentials, signing));
        }
        let signer = self.signers.get_mut(signing).ok_or(NoCredentials)?;
        write_signature(signer, signing, content, now, head);
        Ok(())
    }
}

fn signer(credentials: &Credentials, signing: &Signing) -> Signer {
    let scope = Scope { region: &signing.region, service: &signing.service };
    Signer::new(credentials.clone(), scope, signing.path_style())
}

fn write_signature(signer: &mut Signer, signing: &Signing, content: &[u8], now: Now, head: &mut Vec<u8>) {
    let payload = PayloadHash::of(content);
    drop_own_fields(head);
    if signing.signs_content() {
        encode::field(b"X-Amz-Content-Sha256", payload.as_bytes(), head);
    }
    let mut fields = Vec::with_capacity(8);
    let (method, path, query) = read_head(head, &mut fields);
    let request = Signable { method, path, query, headers: Headers::List(&fields) };
    let mut signature = Vec::with_capacity(512);
    signer.sign(&request, &payload, now.unix_ms / 1000, &mut signature);
    head.extend_from_slice(&signature);
}

/// Method, path and query of a head that we have written, and its fields that are signed.
fn read_head<'a>(head: &'a [u8], fields: &mut Vec<(&'a [u8], &'a [u8])>) -> (&'a [u8], &'a [u8], &'a [u8]) {
    let mut lines = lines(head);
    let start = lines.next().unwrap_or_default();
    for line in lines {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        if is_signed(name) {
            fields.push((name, value.trim_ascii()));
        }
    }
    let mut words = start.split(|&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let end = memchr::memchr(b'?', target).unwrap_or(target.len());
    (method, &target[..end], target.get(end + 1..).unwrap_or_default())
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn is_signed(name: &[u8]) -> bool {
    let starts = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-"));
    starts
        || [&b"host"[..], b"content-type", b"content-md5"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

/// Takes away the fields of [`OWN`] that a mapping or a template has set.
fn drop_own_fields(head: &mut Vec<u8>) {
    let is_own = |line: &[u8]| {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        OWN.iter().any(|own| line[..colon].eq_ignore_ascii_case(own))
    };
    if !lines(head).skip(1).any(is_own) {
        return;
    }
    let kept = head.split_inclusive(|&byte| byte == b'\n').enumerate();
    *head = kept
        .filter(|(position, line)| *position == 0 || !is_own(line))
        .flat_map(|(_, line)| line)
        .copied()
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::sigv4::Secret;

    const NOW: Now = Now { unix_ms: 1_440_938_160_999, monotonic_ns: 0 };

    fn signing(service: &str) -> Signing {
        Signing { region: "us-east-1".into(), service: service.into(), by: CredentialsSource::Default.into() }
    }

    fn signers(expires_s: Option<u64>) -> Signers {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
        };
        let mut signers = Signers::default();
        let table = HashMap::from([(CredentialsSource::Default, Issued { credentials, expires_s })]);
        signers.install(Arc::new(table));
        signers
    }

    #[track_caller]
    fn signed(service: &str, head: &str) -> String {
        let mut head = head.replace('\n', "\r\n").into_bytes();
        signers(None).sign(&signing(service), b"{}", NOW, &mut head).expect("credentials");
        String::from_utf8(head).expect("text")
    }

    #[test]
    fn what_no_proxy_changes_is_signed() {
        let head = signed(
            "sqs",
            "POST /1/q?a=b HTTP/1.1\nHost: sqs.test\nContent-Type: x\nUser-Agent: y\nX-Amz-Target: T\nX-Amzn-Trace-Id: z\n",
        );
        assert!(head.contains("\r\nX-Amz-Date: 20150830T123600Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="), "{head}");
        assert!(head.ends_with("\r\n") && !head.contains("\r\n\r\n"));
        let s3 = signed("s3", "PUT /b/k HTTP/1.1\nHost: s3.test\n");
        let digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert!(s3.contains(&format!("\r\nX-Amz-Content-Sha256: {digest}\r\n")), "{s3}");
        assert!(s3.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date,"), "{s3}");
    }

    #[test]
    fn no_mapping_sets_what_the_signer_writes() {
        let plain = signed("sqs", "GET / HTTP/1.1\nHost: a\n");
        let mapped = signed(
            "sqs",
            "GET / HTTP/1.1\nAUTHORIZATION: b\nHost: a\nx-amz-date: c\nX-Amz-Security-Token: d\n",
        );
        assert_eq!(plain, mapped);
    }

    #[test]
    fn without_credentials_nothing_is_signed() {
        let mut head = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
        let before = head.clone();
        let mut none = Signers::default();
        assert_eq!(none.sign(&signing("sqs"), b"", NOW, &mut head), Err(NoCredentials));
        assert_eq!(
            signers(Some(1_440_938_160)).sign(&signing("sqs"), b"", NOW, &mut head),
            Err(NoCredentials)
        );
        assert_eq!(head, before);
        assert_eq!(signers(Some(1_440_938_161)).sign(&signing("sqs"), b"", NOW, &mut head), Ok(()));
        let role = Signing { by: CredentialsSource::Role("r".into()).into(), ..signing("sqs") };
        assert_eq!(signers(None).sign(&role, b"", NOW, &mut head), Err(NoCredentials));
    }

    /// With its own keys, and with those of nobody else.
    #[test]
    fn a_caller_signs_by_itself() {
        let caller = Credentials {
            access_key_id: "AKIDCALLER".into(),
            secret_access_key: Secret::new("its own"),
            session_token: Some(Secret::new("token")),
        };
        let by_caller = Signing { by: Signatory::Caller, ..signing("sqs") };
        let mut head = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
        let mut signers = signers(None);
        assert_eq!(signers.sign(&by_caller, b"", NOW, &mut head), Err(NoCredentials));
        assert_eq!(signers.sign_for(&by_caller, None, b"", NOW, &mut head), Err(NoCredentials));
        assert_eq!(signers.sign_for(&by_caller, Some(&caller), b"", NOW, &mut head), Ok(()));
        let head = String::from_utf8(head).expect("text");
        assert!(head.contains("Credential=AKIDCALLER/20150830/us-east-1/sqs/aws4_request"), "{head}");
        assert!(head.contains("\r\nX-Amz-Security-Token: token\r\n"), "{head}");
    }
}

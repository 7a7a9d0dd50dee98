//! AWS's signer for Rust beside ours, on random requests: the same signature, and it is taken.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use tidegate_core::auth::sigv4::{
    Claim, Credentials, Headers, PathStyle, PayloadHash, Scope, Secret, Signable, Signer, SigningKey,
    Verifier, check_scope, check_time,
};

use crate::case::head_of;

pub(crate) const SCOPE: Scope<'_> = Scope { region: "eu-west-3", service: "execute-api" };
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) token: Option<String>,
    pub(crate) unix_s: u64,
    pub(crate) in_query: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let segment = "[a-zA-Z0-9._~:@,=!$&'()*+;-]{0,4}|%[2-7][0-9A-F]|\\.|\\.\\.";
    let path =
        proptest::collection::vec(segment, 0..6).prop_map(|segments| format!("/{}", segments.join("/")));
    let parameter = "[a-zA-Z0-9._~-]{1,4}(=([a-zA-Z0-9._~:@/-]|%[2-7][0-9A-F]){0,6})?";
    let query = proptest::collection::vec(parameter, 0..6).prop_map(|parameters| parameters.join("&"));
    let fields =
        proptest::collection::vec(("x-[a-z0-9]{1,6}", " {0,2}[!-~]{1,5}( {1,3}[!-~]{1,5}){0,2} {0,2}"), 0..5);
    let body = proptest::collection::vec(any::<u8>(), 0..40);
    let token = proptest::option::of("[A-Za-z0-9+/]{1,30}={0,2}");
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"]);
    (method, path, query, fields, body, token, 1_000_000_000..3_000_000_000_u64, any::<bool>()).prop_map(
        |(method, path, query, fields, body, token, unix_s, in_query)| Sent {
            method,
            path,
            query,
            fields,
            body,
            token,
            unix_s,
            in_query,
        },
    )
}

impl Sent {
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [("host", "api.example.com")].into_iter().chain(fields).collect()
    }

    fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// The query and the additional fields of the request that AWS's signer makes of it.
    fn signed_by_aws(&self) -> (String, Vec<(String, String)>) {
        let credentials = AwsCredentials::new("AKIDEXAMPLE", SECRET, self.token.clone(), None, "test").into();
        let mut settings = SigningSettings::default();
        if self.in_query {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(600));
        }
        let parameters = v4::SigningParams::builder()
            .identity(&credentials)
            .region(SCOPE.region)
            .name(SCOPE.service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(self.unix_s))
            .settings(settings)
            .build()
            .expect("all parts")
            .into();
        let uri = format!("https://api.example.com{}", self.target());
        let fields = self.fields();
        let request = SignableRequest::new(
            self.method,
            uri.as_str(),
            fields.into_iter(),
            SignableBody::Bytes(&self.body),
        );
        let (instructions, _) = sign(request.expect("a request"), &parameters).expect("signed").into_parts();
        let (headers, parameters) = instructions.into_parts();
        let headers =
            headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect();
        let mut query = self.query.clone();
        for (name, value) in parameters {
            let separator = if query.is_empty() { "" } else { "&" };
            let value = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            query.push_str(&format!("{separator}{name}={value}"));
        }
        (query, headers)
    }

    pub(crate) fn signed_by_us(&self) -> (String, Vec<(String, String)>) {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new(SECRET),
            session_token: self.token.clone().map(Secret::new),
        };
        let mut signer = Signer::new(credentials, SCOPE, PathStyle::Normalized);
        let fields = self.fields();
        let fields: Vec<(&[u8], &[u8])> =
            fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let request = Signable {
            method: self.method.as_bytes(),
            path: self.path.as_bytes(),
            query: self.query.as_bytes(),
            headers: Headers::List(&fields),
        };
        let (payload, mut out) = (PayloadHash::of(&self.body), Vec::new());
        if self.in_query {
            signer.presign(&request, &payload, (self.unix_s, 600), &mut out);
            (String::from_utf8(out).expect("ASCII"), Vec::new())
        } else {
            signer.sign(&request, &payload, self.unix_s, &mut out);
            let text = String::from_utf8(out).expect("ASCII");
            let fields = text.lines().map(|line| line.split_once(": ").expect("a field"));
            (self.query.clone(), fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        }
    }

    /// The request as sent, verified.
    fn check(&self, (query, signed): &(String, Vec<(String, String)>)) {
        let mark = if query.is_empty() { "" } else { "?" };
        let mut text = format!("{} {}{mark}{query} HTTP/1.1\r\n", self.method, self.path);
        let fields = self.fields().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (name, value) in fields.chain(signed.iter().cloned()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let head = head_of(text.as_bytes()).unwrap_or_else(|| panic!("a head: {text}"));
        let claim = Claim::read(&head).unwrap_or_else(|error| panic!("{error:?}: {text}"));
        assert_eq!(check_scope(&claim, SCOPE), Ok(()), "{text}");
        assert_eq!(check_time(&claim, self.unix_s + 200), Ok(()), "{text}");
        assert_eq!(claim.session_token.as_deref(), self.token.as_deref().map(str::as_bytes));
        let key = SigningKey::derive(&Secret::new(SECRET), claim.time.day(), SCOPE);
        let payload = PayloadHash::of(&self.body);
        let signable = Signable::of(&head);
        let verified =
            Verifier::default().verify(&signable, PathStyle::Normalized, &claim, (&key, SCOPE), &payload);
        assert_eq!(verified, Ok(()), "{text}");
        let other = PayloadHash::of(b"another body");
        let forged =
            Verifier::default().verify(&signable, PathStyle::Normalized, &claim, (&key, SCOPE), &other);
        assert!(forged.is_err(), "{text}");
    }
}

fn signature((query, fields): &(String, Vec<(String, String)>)) -> String {
    let field = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let text = field.map_or(query.as_str(), |(_, value)| value.as_str());
    let at = text.find("Signature=").expect("signed") + "Signature=".len();
    text[at..at + 64].to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn aws_and_we_sign_alike(sent in sent()) {
        let (aws, ours) = (sent.signed_by_aws(), sent.signed_by_us());
        sent.check(&ours);
        sent.check(&aws);
        prop_assert_eq!(signature(&ours), signature(&aws), "{:?}", (ours, aws));
    }
}

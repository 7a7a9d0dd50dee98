//! Another verifier (the crate scratchstack-aws-signature) beside ours: what we sign it takes, and what was changed on the
//! way both refuse.
//!
//! Left out is where that one differs from AWS: it encodes paths once and not twice, sorts parameters together with their
//! values, takes the credential of a presigned request without decoding it, and refuses paths that climb above the root.

use std::error::Error;
use std::pin::pin;
use std::str::FromStr as _;
use std::task::{Context, Poll, Waker};

use chrono::DateTime;
use proptest::prelude::*;
use scratchstack_aws_signature::principal::User;
use scratchstack_aws_signature::{
    GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, NO_ADDITIONAL_SIGNED_HEADERS, SignatureOptions,
    service_for_signing_key_fn, sigv4_validate_request,
};
use tidegate_core::auth::sigv4::{
    Claim, PathStyle, PayloadHash, Secret, Signable, SigningKey, Verifier, check_scope, check_time,
};

use crate::case::head_of;
use crate::oracle::{SCOPE, SECRET, Sent};

const KEY: &str = "AKIDEXAMPLE";

fn sent() -> impl Strategy<Value = Sent> {
    let path = "(/[a-zA-Z0-9_~-]{1,4}|/|/\\./[a-z]{1,2}){1,5}";
    let parameter = "[a-z]{3}=([a-zA-Z0-9._~:@/-]|%[2-7][0-9A-F]){0,6}";
    let query = prop::collection::vec(parameter, 0..6).prop_map(|parameters| parameters.join("&"));
    let field = ("x-[a-z0-9]{1,6}", " {0,2}[!-~]{1,5}( {1,3}[!-~]{1,5}){0,2} {0,2}");
    let fields = prop::collection::vec(field, 0..5);
    let body = prop::collection::vec(any::<u8>(), 0..40);
    let token = prop::option::of("[A-Za-z0-9+/]{1,30}={0,2}");
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"]);
    let head = (method, path, query, fields);
    (head, body, token, 1_000_000_000..3_000_000_000_u64).prop_map(
        |((method, path, query, fields), body, token, unix_s)| Sent {
            method,
            path,
            query,
            fields,
            body,
            token,
            unix_s,
            in_query: false,
        },
    )
}

/// A signed request as it arrives.
#[derive(Clone, Debug)]
struct Arrived {
    method: &'static str,
    path: String,
    query: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    now_s: u64,
}

impl Arrived {
    fn of(sent: &Sent) -> Self {
        let (query, signed) = sent.signed_by_us();
        let fields = sent.fields().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = fields.chain(signed).collect();
        let Sent { method, path, body, unix_s: now_s, .. } = sent.clone();
        Self { method, path, query, fields, body, now_s }
    }

    /// With one thing changed, or nothing where there is nothing of the kind.
    fn changed(mut self, what: prop::sample::Index, place: prop::sample::Index) -> Self {
        match what.index(6) {
            0 => self.method = if self.method == "GET" { "PUT" } else { "GET" },
            1 => change_letter(&mut self.path, place),
            2 => change_letter(&mut self.query, place),
            3 => self.body.push(b'x'),
            4 => self.now_s += 1_000_000,
            _ => {
                let field = place.index(self.fields.len());
                change_letter(&mut self.fields[field].1, place);
            }
        }
        self
    }

    fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    fn ours(&self) -> Result<(), String> {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = format!("{} {} HTTP/1.1\r\n{fields}\r\n", self.method, self.target());
        let head = head_of(text.as_bytes()).ok_or("no head")?;
        let said = |error| format!("{error:?}");
        let claim = Claim::read(&head).map_err(said)?;
        check_scope(&claim, SCOPE).map_err(said)?;
        check_time(&claim, self.now_s).map_err(said)?;
        if claim.access_key_id() != KEY.as_bytes() {
            return Err("an unknown key".to_owned());
        }
        let key = SigningKey::derive(&Secret::new(SECRET), claim.time.day(), SCOPE);
        let (signable, payload) = (Signable::of(&head), PayloadHash::of(&self.body));
        let mut verifier = Verifier::default();
        verifier.verify(&signable, PathStyle::Normalized, &claim, (&key, SCOPE), &payload).map_err(said)
    }

    fn theirs(&self) -> Result<(), String> {
        let mut request = http::Request::builder().method(self.method).uri(self.target());
        for (name, value) in &self.fields {
            // Blanks around a value are not part of it (RFC 9110 section 5.5).
            request = request.header(name, value.trim_matches(' '));
        }
        let request = request.body(self.body.clone()).map_err(|error| error.to_string())?;
        let now = DateTime::from_timestamp(self.now_s as i64, 0).expect("a time");
        let mut keys = service_for_signing_key_fn(signing_key);
        let verified = sigv4_validate_request(
            request,
            SCOPE.region,
            SCOPE.service,
            &mut keys,
            now,
            &NO_ADDITIONAL_SIGNED_HEADERS,
            SignatureOptions::default(),
        );
        at_once(verified).map(|_| ()).map_err(|error| error.to_string())
    }
}

fn change_letter(text: &mut String, place: prop::sample::Index) {
    let letters = text.char_indices().filter(|(_, letter)| letter.is_ascii_lowercase());
    let places: Vec<usize> = letters.map(|(at, _)| at).collect();
    if !places.is_empty() {
        let at = places[place.index(places.len())];
        let other = if text.as_bytes()[at] == b'q' { "w" } else { "q" };
        text.replace_range(at..=at, other);
    }
}

async fn signing_key(
    request: GetSigningKeyRequest,
) -> Result<GetSigningKeyResponse, Box<dyn Error + Send + Sync>> {
    if request.access_key() != KEY {
        return Err("an unknown key".into());
    }
    let secret = KSecretKey::from_str(SECRET)?;
    let key = secret.to_ksigning(request.request_date(), SCOPE.region, SCOPE.service);
    let user = User::new("aws", "123456789012", "/", "alice")?;
    Ok(GetSigningKeyResponse::builder().principal(user).signing_key(key).build()?)
}

/// The value of a future that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_we_sign_another_takes(sent in sent()) {
        let arrived = Arrived::of(&sent);
        prop_assert_eq!(arrived.ours(), Ok(()), "{:?}", arrived);
        prop_assert_eq!(arrived.theirs(), Ok(()), "{:?}", arrived);
    }

    #[test]
    fn of_what_was_changed_both_say_the_same(
        sent in sent(),
        what: prop::sample::Index,
        place: prop::sample::Index,
    ) {
        let changed = Arrived::of(&sent).changed(what, place);
        let (ours, theirs) = (changed.ours(), changed.theirs());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?}, {:?}", changed, ours, theirs);
    }
}

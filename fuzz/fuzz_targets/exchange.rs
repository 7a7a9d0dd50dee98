//! A whole exchange: whatever the client and the backend send, each side gets one well-formed message.
//!
//! The input is the client's bytes, a NUL, and the backend's. What the gateway would send to either is read again by
//! the same strict parsers: it must be a single head that says about its body what the gateway goes on to send. Then the
//! client asks again: what comes from the cache is what came before.

#![no_main]

use std::collections::HashMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use tidegate_core::arrival::{AddressText, Peer};
use tidegate_core::auth::sigv4::{
    Claim, Credentials, PathStyle, PayloadHash, Scope, Secret, Signable, SigningKey, Verifier, check_scope,
};
use tidegate_core::aws::{CredentialsSource, Issued};
use tidegate_core::clock::Now;
use tidegate_core::exchange::{Answer, Call, CallFailure, Event, Exchange, InvokeFailure, More, Step};
use tidegate_core::http1::{
    BodyFraming, FIELDS_MAX, HeadError, HeadLimits, KnownField, RequestHead, ResponseHead,
};
use tidegate_core::limits::EXECUTION_LOG_LINE_BYTES_MAX;
use tidegate_core::plan::Plan;
use tidegate_core::reject::Reject;
use tidegate_core::shard::Shard;
use tidegate_fuzz::Folder;

const TOML: &str = r#"
[[listener]]
address = "127.0.0.1:0"
[[api]]
id = "a"
definition = "api.yaml"
[[api.stage]]
name = "prod"
variables = { host = "origin.test:8080" }
cache = { size = "4 MiB", require_authorization_for_cache_control = false, conditional = true }
access_log = { format = "$context.requestId $context.httpMethod $context.path $context.status $context.identity.userAgent $context.xrayTraceId $context.domainName $context.domainPrefix $context.error.messageString $context.integration.status $context.responseLength" }
[[api.stage]]
name = "rfc"
variables = { host = "origin.test:8080" }
cache = { size = "4 MiB", require_authorization_for_cache_control = false, callers = "TOGETHER", vary = true, origin_freshness = "HEURISTIC", stale_on_error = 60 }
[[api.stage]]
name = "log"
variables = { host = "origin.test:8080" }
execution_log = { data_trace = true }
[[function]]
name = "f"
command = ["f"]
[aws]
endpoint_url = "http://aws.test:4566"
[[domain]]
name = "mapped.test"
mapping = [ { path = "v1", api = "a", stage = "prod" } ]
"#;

/// Every way of an integration, with mappings from all that a client or a backend can fill.
const DOCUMENT: &str = include_str!("../documents/exchange.yaml");

/// Fields that the gateway adds to a client's at most; a client may send as many as the parser's table holds.
const FIELDS_ADDED: usize = 16;

/// Whatever a request that was let in becomes, it fits.
const ROOMY: HeadLimits =
    HeadLimits { fields_bytes_max: 1 << 24, target_bytes_max: 1 << 24, fields_max: FIELDS_MAX };

thread_local! {
    static PLAN: Arc<Plan> = {
        let folder = Folder::new(&[("tidegate.toml", TOML), ("api.yaml", DOCUMENT)]);
        let loaded = tidegate_config::load(&folder.path().join("tidegate.toml"), "node");
        Arc::new(loaded.unwrap_or_else(|findings| panic!("{findings}")).plan)
    };
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW: Now = Now { unix_ms: 1_700_000_000_123, monotonic_ns: 5_000_000_000 };

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let (sent, behind) = input.split_at(end);
    let answered = behind.get(1..).unwrap_or_default();
    PLAN.with(|plan| {
        let shard = &mut Shard::new(Arc::clone(plan), 1);
        shard.signers.install(Arc::new(HashMap::from([(CredentialsSource::Default, issued())])));
        let first = run(shard, sent, answered);
        let again = run(shard, sent, answered);
        if let (Some(first), Some(again)) = (first, again)
            && first.is_called
            && !again.is_called
            && !again.out.starts_with(b"HTTP/1.1 304 ")
            && !again.out.windows(7).any(|window| window == b"\r\nAge: ")
        {
            assert_eq!(first.out.escape_ascii().to_string(), again.out.escape_ascii().to_string());
        }
        // And once more, when the backend is gone.
        run(shard, sent, b"");
        assert!(shard.caches.fills().is_empty(), "nobody is left who fills or waits");
    });
});

fn issued() -> Issued {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: Secret::new(SECRET),
        session_token: Some(Secret::new("token")),
    };
    Issued { credentials, expires_s: None }
}

/// How an exchange went.
struct Exchanged {
    /// Whether the backend or the function was called.
    is_called: bool,
    /// What the client was sent, without what follows of the backend.
    out: Vec<u8>,
}

/// `None`: the request is not whole.
fn run(shard: &mut Shard, sent: &[u8], answered: &[u8]) -> Option<Exchanged> {
    let mut is_called = false;
    let source_ip = AddressText::new([192, 0, 2, 1].into());
    let peer = Peer { source_ip, listener_port: 8080, listener: 0, tls: None };
    let mut exchange = Exchange::default();
    exchange.request.buffer_mut().extend_from_slice(sent);
    let parsed = exchange.request.parse(&shard.plan.limits.request_head());
    let entropy = [1, 2, 3, 4];
    let mut step = match parsed {
        Ok(None) => return None,
        Ok(Some(_)) => exchange.advance(shard, NOW, Event::Request(&peer, entropy)),
        Err(error) => exchange.advance(shard, NOW, Event::Refused(&peer, entropy, Reject::Head(error))),
    };
    loop {
        step = match step {
            // The plan has no quota, and a shard that is alone asks nobody about throttles.
            Step::AskLedger(meter) => panic!("{meter:?}"),
            Step::ReadBody { bytes_max } => {
                assert_ne!(exchange.request.framing(), BodyFraming::None, "there is no body to read");
                assert_eq!(bytes_max, shard.plan.limits.payload_bytes_max);
                let body = exchange.request.surplus().to_vec();
                exchange.advance(shard, NOW, Event::Body(&body))
            }
            Step::Call(call) => {
                is_called = true;
                check_call(&exchange, call, shard);
                let event = answer_call(&mut exchange, call, answered);
                exchange.advance(shard, NOW, event)
            }
            Step::ReadResponse { bytes_max, more } => {
                assert_ne!(exchange.response.framing(), BodyFraming::None, "there is no content to read");
                assert_eq!(bytes_max == shard.plan.limits.payload_bytes_max, more == More::Fails);
                exchange.advance(shard, NOW, Event::ResponseBody(answered))
            }
            Step::AwaitFill { .. } => panic!("nobody else is there"),
            Step::Invoke(_) => {
                is_called = true;
                check_event(&exchange);
                exchange.advance(shard, NOW, answer_invocation(answered))
            }
            Step::AwaitKeys(_) => exchange.advance(shard, NOW, Event::KeysEnded),
            Step::AwaitAuthorizer(_) => unreachable!("only one exchange runs"),
            Step::Answer(answer) => {
                check_answer(&exchange, answer, answered);
                finish(&mut exchange, shard);
                let mut out = std::mem::take(&mut exchange.out);
                out.extend_from_slice(exchange.content.as_deref().unwrap_or_default());
                return Some(Exchanged { is_called, out });
            }
        };
    }
}

/// The backend gets one request, for one host, with the body that is going to be sent and no field of another hop.
fn check_call(exchange: &Exchange, call: Call, shard: &Shard) {
    let mut head = RequestHead::new();
    head.buffer_mut().extend_from_slice(&exchange.out);
    let parsed = match head.parse(&ROOMY) {
        Err(HeadError::TooManyFields) if exchange.request.fields().len() > FIELDS_MAX - FIELDS_ADDED => {
            return;
        }
        parsed => parsed,
    };
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {}", exchange.out.escape_ascii()));
    assert!(parsed.is_some(), "no whole head: {}", exchange.out.escape_ascii());
    let origin = &shard.plan.origins[call.origin.0 as usize];
    assert_eq!(head.host(), format!("{}:{}", origin.host, origin.port).as_bytes());
    assert_eq!(call.is_head, head.method() == b"HEAD");
    if origin.host == "aws.test" {
        check_signature(&head);
    }
    let declared = match head.framing() {
        BodyFraming::Length(length) if call.upload == BodyFraming::None => {
            assert_eq!(length, head.surplus().len() as u64, "the length of what stands behind the head");
            BodyFraming::None
        }
        declared => {
            assert!(head.surplus().is_empty(), "bytes behind the head");
            declared
        }
    };
    assert_eq!(declared, call.upload, "{}", exchange.out.escape_ascii());
    assert!(head.keeps_alive() && !head.expects_continue());
    for own in [
        KnownField::Connection,
        KnownField::KeepAlive,
        KnownField::Te,
        KnownField::Upgrade,
        KnownField::Trailer,
    ] {
        assert!(head.first(own).is_none(), "{own:?} passed");
    }
    for once in [&b"x-amzn-trace-id"[..], b"x-amzn-apigateway-api-id", b"host", b"user-agent", b"accept"] {
        assert_eq!(head.find(once).count(), 1, "{}", once.escape_ascii());
    }
}

/// An AWS service gets a signature that is good for what it gets, and no other.
fn check_signature(head: &RequestHead) {
    let is_function = head.path().starts_with(b"/2015-03-31/");
    let (service, style) =
        if is_function { ("lambda", PathStyle::Normalized) } else { ("s3", PathStyle::EncodedOnce) };
    let scope = Scope { region: "us-east-1", service };
    let claim = Claim::read(head).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(check_scope(&claim, scope), Ok(()));
    let key = SigningKey::derive(&Secret::new(SECRET), b"20231114", scope);
    let payload = PayloadHash::of(head.surplus());
    let checked = Verifier::default().verify(&Signable::of(head), style, &claim, (&key, scope), &payload);
    assert_eq!(checked, Ok(()));
    for once in [&b"x-amz-date"[..], b"x-amz-security-token", b"authorization"] {
        assert_eq!(head.find(once).count(), 1, "{}", once.escape_ascii());
    }
}

/// The function gets JSON, whatever the client has sent.
fn check_event(exchange: &Exchange) {
    let event = serde_json::from_slice::<IgnoredAny>(&exchange.out);
    assert!(event.is_ok(), "{event:?}: {}", exchange.out.escape_ascii());
    let mut fields = Vec::new();
    exchange.write_invocation_fields(&mut fields);
    assert_eq!(fields.iter().filter(|byte| byte.is_ascii_control()).count(), 4, "{}", fields.escape_ascii());
}

fn answer_invocation(answered: &[u8]) -> Event<'_> {
    match answered {
        b"throttled" => Event::InvokeFailed(InvokeFailure::Throttled),
        document if document.starts_with(b"{\"error") => Event::FunctionFailed(document),
        b"late" => Event::InvokeFailed(InvokeFailure::Timeout),
        payload => Event::Invoked(payload),
    }
}

fn answer_call(exchange: &mut Exchange, call: Call, answered: &[u8]) -> Event<'static> {
    let response = &mut exchange.response;
    response.clear();
    response.buffer_mut().extend_from_slice(answered);
    loop {
        match response.parse(&ROOMY, call.is_head) {
            Ok(Some(_)) if response.is_interim() => response.advance(),
            Ok(Some(_)) => {
                response.drop_surplus();
                return Event::Response;
            }
            Ok(None) => return Event::CallFailed(CallFailure::Timeout),
            Err(_) => return Event::CallFailed(CallFailure::Network),
        }
    }
}

/// The client gets one answer, framed as its content is going to be sent, and without content if it asked for none.
fn check_answer(exchange: &Exchange, answer: Answer, answered: &[u8]) {
    let out = exchange.out.escape_ascii();
    let is_head = exchange.request.method() == b"HEAD";
    let mut head = ResponseHead::new();
    head.buffer_mut().extend_from_slice(&exchange.out);
    let parsed = match head.parse(&ROOMY, is_head) {
        Err(HeadError::TooManyFields) if exchange.response.fields().len() > FIELDS_MAX - FIELDS_ADDED => {
            return;
        }
        // A function may answer with more fields than a backend.
        Err(HeadError::TooManyFields) if answered.starts_with(b"{") => return,
        parsed => parsed,
    };
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {out}"));
    assert!(parsed.is_some(), "no whole head: {out}");
    assert!(!head.is_interim(), "{out}");
    let content_bytes = exchange.content.as_deref().unwrap_or_default().len();
    assert_eq!((head.surplus().len() + content_bytes) as u64, answer.inline_bytes, "{out}");
    assert_eq!(head.keeps_alive(), answer.keep_alive, "{out}");
    if is_head {
        assert_eq!((answer.download, answer.inline_bytes), (BodyFraming::None, 0), "content for HEAD: {out}");
    }
    let declared = match head.framing() {
        BodyFraming::Length(length) if answer.download == BodyFraming::None => {
            assert_eq!(length, answer.inline_bytes, "{out}");
            BodyFraming::None
        }
        declared => declared,
    };
    assert_eq!(declared, answer.download, "{out}");
}

/// One line in the access log, and short ones in the execution log, whatever the client sent.
fn finish(exchange: &mut Exchange, shard: &mut Shard) {
    let mut log = Vec::new();
    exchange.leave_cache(&mut shard.caches);
    let steps = exchange.take_execution_log().map_or_else(Vec::new, |(_, lines)| lines);
    for line in String::from_utf8(steps).expect("UTF-8").split_terminator('\n') {
        assert!(line.starts_with('(') && line.len() <= EXECUTION_LOG_LINE_BYTES_MAX, "{line}");
        assert!(!line.contains(char::is_control), "{line}");
    }
    exchange.finish(&mut shard.meters, NOW, 0, |_| &mut log);
    let controls = log.iter().filter(|byte| byte.is_ascii_control()).count();
    assert_eq!(controls, usize::from(!log.is_empty()), "{}", log.escape_ascii());
    assert!(log.is_empty() || log.ends_with(b"\n"));
}

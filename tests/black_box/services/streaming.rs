//! Functions at AWS that stream: the Lambda API's event stream, played by an origin, becomes an answer that comes in pieces.

use serde_json::json;

use super::lambda::integration;
use crate::support::client::get;
use crate::support::document::Document;
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::origin::{Origin, Peer, ok};
use crate::support::setup::Setup;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret")];
const NETWORK: &str = r#"{"message": "Network error communicating with endpoint"}"#;
const INTERNAL: &str = r#"{"message": "Internal server error"}"#;

/// Bit by bit, unlike the gateway's.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut sum = !0u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    (!sum).to_be_bytes()
}

/// A frame of an event stream.
fn event(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [(":message-type", "event"), (":event-type", kind)] {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.extend_from_slice(&[7, 0, value.len() as u8]);
        headers.extend_from_slice(value.as_bytes());
    }
    let mut frame = ((16 + headers.len() + payload.len()) as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    frame.extend_from_slice(&checksum(&frame));
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&checksum(&frame));
    frame
}

fn content(text: &str) -> Vec<u8> {
    event("PayloadChunk", text.as_bytes())
}

const BEGINNING: &str = "{\"statusCode\":203,\"cookies\":[\"a=1\"]}\0\0\0\0\0\0\0\0first ";
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Sends bytes as one chunk; false when nobody takes them.
fn send(peer: &mut Peer, bytes: &[u8]) -> bool {
    let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    peer.send(chunk).is_ok()
}

/// The Lambda API: the function does what the query of its event says.
fn stream(peer: &mut Peer, request: &Message, gate: &Gate) -> bool {
    let event_of: serde_json::Value = serde_json::from_slice(&request.body).expect("an event");
    let complete = event("InvokeComplete", br#"{"ErrorCode":null,"ErrorDetails":null,"LogResult":""}"#);
    let failed = event("InvokeComplete", br#"{"ErrorCode":"Unhandled","ErrorDetails":"it broke"}"#);
    let goes_on = |peer: &mut Peer, frames: &[&[u8]]| {
        let sent = peer.send(HEAD).is_ok() && frames.iter().all(|frame| send(peer, frame));
        sent && peer.send("0\r\n\r\n").is_ok()
    };
    match event_of["queryStringParameters"]["do"].as_str().unwrap_or_default() {
        "at-once" => goes_on(peer, &[&content(BEGINNING), &complete]),
        "in-pieces" => {
            let all =
                [content(BEGINNING), content(""), content("middle "), content("last"), complete].concat();
            let pieces: Vec<&[u8]> = all.chunks(5).collect();
            goes_on(peer, &pieces)
        }
        "fail" => goes_on(peer, &[&failed]),
        "fail-later" => {
            let begun = peer.send(HEAD).is_ok() && send(peer, &content(BEGINNING));
            gate.wait();
            begun && send(peer, &failed) && peer.send("0\r\n\r\n").is_ok()
        }
        "nonsense" => goes_on(peer, &[b"not an event stream at all"]),
        "no-end" => goes_on(peer, &[&content(BEGINNING)[..40]]),
        "malformed" => goes_on(peer, &[&content("{}"), &complete]),
        "throttled" => peer.send("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}").is_ok(),
        _ => peer.send(ok("{}")).is_ok(),
    }
}

#[test]
fn a_function_at_aws_streams() {
    let gate = Gate::default();
    let held = gate.clone();
    let lambda = Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            if !stream(peer, &request, &held) {
                break;
            }
        }
    });
    let mut streamed = integration("aws_proxy", "far:prod");
    let uri = streamed["uri"].as_str().expect("a text").replace("2015-03-31", "2021-11-15");
    streamed["uri"] = json!(uri.replace("/invocations", "/response-streaming-invocations"));
    streamed["responseTransferMode"] = json!("STREAM");
    let document = Document::new().method("GET", "/s", streamed);
    let more = format!("[aws]\nendpoint_url = \"http://{}\"\n", lambda.address);
    let gateway = Gateway::run_with(Setup::new(&document).more(&more).write().into(), &KEYS);
    let mut client = gateway.client();
    let whole = client.exchange(get("/test/s?do=at-once"));
    assert_eq!((whole.status(), whole.field("set-cookie")), (203, Some("a=1")), "{whole:?}");
    assert_eq!(whole.text(), "first ");
    let seen = lambda.request().message;
    let path = "/2021-11-15/functions/arn:aws:lambda:us-east-1:123456789012:function:far:prod/response-streaming-invocations";
    assert_eq!(seen.target(), path);
    let pieces = client.exchange(get("/test/s?do=in-pieces"));
    assert_eq!((pieces.status(), &*pieces.text()), (203, "first middle last"));
    for (how, want) in [
        ("fail", (502, INTERNAL)),
        ("nonsense", (504, NETWORK)),
        ("no-end", (504, NETWORK)),
        ("malformed", (502, INTERNAL)),
        ("throttled", (500, INTERNAL)),
    ] {
        let response = gateway.get(&format!("/test/s?do={how}"));
        assert_eq!((response.status(), &*response.text()), want, "{how}");
    }
    // The head has been sent, so that the failure can only be told by the end that is missing.
    client.send(get("/test/s?do=fail-later"));
    let head = Message::of_head(client.wire.head().expect("an answer").expect("a head"));
    assert_eq!(head.status(), 203);
    gate.open();
    assert!(client.wire.chunked().is_err());
    gateway.stderr.wait_for("a function at AWS failed while it streamed its answer");
}

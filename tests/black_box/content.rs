//! Codings and conversions in the running gateway, with curl, and Python's gzip and zlib, on the other side.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::document::{Document, http, http_proxy};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

/// What a line of Python makes of bytes; it reads `data`.
#[track_caller]
fn python(expression: &str, data: &[u8]) -> Vec<u8> {
    let program = format!(
        "import base64, gzip, sys, zlib\ndata = sys.stdin.buffer.read()\nsys.stdout.buffer.write({expression})"
    );
    fed("python3", &["-c", &program], data)
}

/// What a program prints when it is fed this.
#[track_caller]
fn fed(program: &str, arguments: &[&str], data: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; .ci/run installs it"));
    let mut input = child.stdin.take().expect("piped");
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(data).expect("it reads"));
        let output = child.wait_with_output().expect("its output");
        assert!(output.status.success(), "{program} {arguments:?}");
        output.stdout
    })
}

/// `/proxy` by HTTP_PROXY, `/custom` by HTTP; answers from 1 KiB on are compressed.
fn serving(origin: &Origin) -> Gateway {
    let uri = format!("http://{}/y", origin.address);
    let document = Document::new()
        .method("POST", "/proxy", http_proxy("POST", uri.clone()))
        .method("POST", "/custom", http("POST", uri))
        .root("x-amazon-apigateway-minimum-compression-size", json!(1024))
        .root("x-amazon-apigateway-binary-media-types", json!(["image/png"]));
    Setup::new(&document).start()
}

fn head(path: &str, fields: &str, bytes: usize) -> String {
    format!("POST /test{path} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {bytes}\r\n\r\n")
}

#[test]
fn both_directions() {
    let text = "a text that repeats, ".repeat(20_000);
    let origin = Origin::answering(ok(&text));
    let gateway = serving(&origin);
    let mut client = gateway.client();
    for (coding, compress, decompress) in [
        ("gzip", "gzip.compress(data)", "gzip.decompress(data)"),
        ("deflate", "zlib.compress(data)", "zlib.decompress(data)"),
    ] {
        let small = python(compress, text.as_bytes());
        for path in ["/proxy", "/custom"] {
            let fields = format!("Content-Encoding: {coding}\r\nAccept-Encoding: {coding}\r\n");
            client.send(head(path, &fields, small.len()));
            let (first, rest) = small.split_at(small.len() / 2);
            client.send(first);
            client.send(rest);
            let answer = client.response();
            assert_eq!((answer.status(), answer.field("content-encoding")), (200, Some(coding)));
            assert!(answer.body.len() * 10 < text.len(), "{}", answer.body.len());
            assert_eq!(python(decompress, &answer.body), text.as_bytes());
            let sent = origin.request().message;
            assert_eq!((sent.text(), sent.field("content-encoding")), (text.clone(), None));
        }
    }
}

#[test]
fn a_bomb_and_broken_data() {
    let origin = Origin::answering(ok("never"));
    let gateway = serving(&origin);
    let mut client = gateway.client();
    client.send(head("/proxy", "Content-Encoding: gzip\r\n", 3));
    client.send("abc");
    let answer = client.response();
    assert_eq!(
        (answer.status(), answer.text()),
        (415, r#"{"message": "Unsupported Media Type"}"#.to_owned())
    );
    let bomb = python("gzip.compress(bytes(200 << 20))", b"");
    client.send(head("/proxy", "Content-Encoding: gzip\r\n", bomb.len()));
    client.send(&bomb);
    let answer = client.response();
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.text(), "HTTP content length exceeded 10485760 bytes.");
    assert_eq!(origin.heads(), 0);
}

/// curl asks for codings, decompresses what it gets, and says how many bytes that were on the wire.
#[test]
fn curl_compressed() {
    let text = "a text that repeats, ".repeat(20_000);
    let origin = Origin::answering(ok(&text));
    let gateway = serving(&origin);
    let small = python("gzip.compress(data)", text.as_bytes());
    for path in ["/proxy", "/custom"] {
        let url = format!("http://{}/test{path}", gateway.address);
        let arguments = [
            "--silent",
            "--compressed",
            "--data-binary",
            "@-",
            "--header",
            "Content-Encoding: gzip",
            "--write-out",
            "\n%{http_code} %{size_download} %header{content-encoding}",
            &url,
        ];
        let printed = fed("curl", &arguments, &small);
        let printed = String::from_utf8(printed).expect("text");
        let (content, facts) = printed.rsplit_once('\n').expect("facts");
        assert_eq!(content, text, "{path}");
        let facts: Vec<&str> = facts.split(' ').collect();
        let [status, bytes, ..] = facts[..] else { panic!("{facts:?}") };
        assert_eq!(status, "200");
        assert!(bytes.parse::<usize>().expect("a number") * 10 < text.len(), "{path}: {bytes} bytes");
        let sent = origin.request().message;
        assert_eq!((sent.text(), sent.field("content-encoding")), (text.clone(), None), "{path}");
        // What does not ask for a coding gets none.
        let plain = fed("curl", &["--silent", "--data-binary", "@-", &url], b"x");
        assert_eq!(plain, text.as_bytes(), "{path}");
        drop(origin.request());
    }
}

/// Facts 157, 158 and 162, for the type `http`.
#[test]
fn text_and_binary() {
    let bytes = [0x89, b'P', 0xff, b'G'];
    let mut png = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\n".to_vec();
    png.extend_from_slice(&bytes);
    let origin = Origin::answering(png);
    let gateway = serving(&origin);
    let mut client = gateway.client();
    let lossy = "\u{fffd}P\u{fffd}G".as_bytes();
    for (path, kind, sent, answered) in [
        ("/custom", "Content-Type: text/x\r\nAccept: image/png\r\n", lossy, &bytes[..]),
        ("/custom", "Content-Type: image/png\r\nAccept: text/x\r\n", &bytes, b"iVD/Rw=="),
        ("/proxy", "Content-Type: text/x\r\nAccept: text/x\r\n", &bytes, &bytes),
    ] {
        client.send(head(path, kind, bytes.len()));
        client.send(bytes);
        let answer = client.response();
        assert_eq!(origin.request().message.body, sent, "{path} {kind}");
        assert_eq!(answer.body, answered, "{path} {kind}");
        if answered.len() > bytes.len() {
            assert_eq!(python("base64.b64decode(data)", &answer.body), bytes, "{path} {kind}");
        }
    }
}

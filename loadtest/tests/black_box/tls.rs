//! Targets by https: whom to believe, sessions resumed or not, answers that come in many records.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::support::load;

/// A server that answers every request with so many bytes.
pub(crate) struct Server {
    url: String,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start(body_bytes: usize) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("ca.pem"), certificate.pem()).expect("a file");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .expect("a certificate and its key");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://localhost:{}/", listener.local_addr().expect("an address").port());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let config = Arc::clone(&config);
                thread::spawn(move || {
                    let session = ServerConnection::new(config).expect("a session");
                    serve(StreamOwned::new(session, stream.expect("a connection")), body_bytes);
                });
            }
        });
        Self { url, folder }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn ca_file(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }
}

/// Until the peer goes.
fn serve(mut stream: impl Read + Write, body_bytes: usize) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    let answer = [
        format!("HTTP/1.1 200 OK\r\nContent-Length: {body_bytes}\r\n\r\n").into_bytes(),
        vec![b'x'; body_bytes],
    ]
    .concat();
    while let Ok(1) = stream.read(&mut byte) {
        head.push(byte[0]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            if stream.write_all(&answer).and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    }
}

#[test]
fn sessions_are_resumed_unless_told_otherwise() {
    let server = Server::start(5);
    let ca_file = server.ca_file();
    for version in ["1.2", "1.3"] {
        let begin = [
            "-c",
            "1",
            "-n",
            "20",
            "--requests-per-connection",
            "1",
            "--quiet",
            "--json",
            "--ca-file",
            &ca_file,
        ];
        let run = load(&[&begin[..], &["--tls", version, &server.url]].concat());
        let report = run.json();
        assert_eq!((run.code, &report["answered"], &report["handshakes"]), (0, &20.into(), &20.into()));
        assert_eq!(report["handshakes_resumed"], 19, "{version}");
        let run = load(&[&begin[..], &["--tls", version, "--no-resumption", &server.url]].concat());
        let report = run.json();
        assert_eq!(
            (&report["handshakes"], &report["handshakes_resumed"]),
            (&20.into(), &0.into()),
            "{version}"
        );
        assert!(report["handshake_rate"].as_f64() > Some(0.0));
    }
}

#[test]
fn handshakes_ahead_are_not_counted() {
    let server = Server::start(5);
    let run = load(&["-c", "4", "-n", "40", "--quiet", "--json", "--insecure", &server.url]);
    let report = run.json();
    assert_eq!((run.code, &report["answered"], &report["handshakes"]), (0, &40.into(), &0.into()));
}

#[test]
fn long_answers_are_read_whole() {
    let server = Server::start(1_000_000);
    let run =
        load(&["-c", "3", "-n", "30", "--quiet", "--json", "--ca-file", &server.ca_file(), &server.url]);
    let report = run.json();
    assert_eq!((run.code, &report["answered"]), (0, &30.into()), "{}", run.stdout);
    assert!(report["bytes"].as_u64() >= Some(30_000_000));
}

#[test]
fn who_is_not_believed_is_a_failure() {
    let server = Server::start(5);
    let run = load(&["-c", "1", "-n", "3", "--quiet", "--json", &server.url]);
    let report = run.json();
    assert_eq!((run.code, &report["answered"]), (1, &0.into()));
    assert_eq!(report["errors"][0]["kind"], "handshake", "{}", run.stdout);
    let named = [
        "-c",
        "1",
        "-n",
        "3",
        "--quiet",
        "--json",
        "--ca-file",
        &server.ca_file(),
        "--server-name",
        "other.test",
    ];
    assert_eq!(load(&[&named[..], &[&server.url]].concat()).code, 1);
}

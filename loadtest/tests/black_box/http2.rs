//! HTTP/2, against nghttp2's server and against servers that misbehave.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use tidegate_loadtest::http2::frame;

use crate::support::{errors, load_json};

/// A running `nghttpd`, which serves a folder with `index.html`.
struct Nghttpd {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Nghttpd {
    fn start(content: &[u8], options: &[&str]) -> Self {
        Self::run(
            "http",
            tempfile::tempdir().expect("a folder"),
            content,
            &[],
            &[&["--no-tls"], options].concat(),
        )
    }

    /// The same by https, with a certificate for `localhost` in `certificate.pem`.
    fn secure(content: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let (certificate_file, key_file) =
            (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate_file, certificate.pem()).expect("write");
        std::fs::write(&key_file, key.serialize_pem()).expect("write");
        let files = [key_file, certificate_file].map(|file| file.display().to_string());
        Self::run("https", folder, content, &files, &[])
    }

    fn run(
        scheme: &str,
        folder: tempfile::TempDir,
        content: &[u8],
        files: &[String],
        options: &[&str],
    ) -> Self {
        std::fs::write(folder.path().join("index.html"), content).expect("write");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut command = Command::new("nghttpd");
        command.args(["-a", "127.0.0.1", "-d"]).arg(folder.path()).args(options);
        let child =
            command.arg(port.to_string()).args(files).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("nghttpd: {error}; .ci/prepare installs it"));
        let host = if scheme == "https" { "localhost" } else { "127.0.0.1" };
        let (url, start) = (format!("{scheme}://{host}:{port}/"), Instant::now());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "nghttpd listens");
            thread::sleep(Duration::from_millis(2));
        }
        Self { child, url, folder }
    }
}

impl Drop for Nghttpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_closed_loop_sends_exactly_the_requests() {
    let server = Nghttpd::start(b"hello", &[]);
    let options = ["--http2", "--streams", "20", "-c", "3", "-n", "5000", &server.url];
    let (code, report) = load_json(&options);
    assert_eq!((code, &report["answered"]), (0, &5000.into()), "{report}");
    assert_eq!(report["statuses"][0], serde_json::json!([200, 5000]));
    assert_eq!(report["connections_made"], 3, "{report}");
}

#[test]
fn an_open_loop_and_large_answers() {
    let server = Nghttpd::start(&vec![b'x'; 300_000], &[]);
    let (code, report) = load_json(&["--http2", "--rate", "200", "-n", "100", "-c", "2", &server.url]);
    assert_eq!((code, &report["answered"]), (0, &100.into()), "{report}");
    assert!(report["bytes"].as_u64().is_some_and(|bytes| bytes > 30_000_000), "{report}");
}

#[test]
fn bodies_are_sent_as_windows_allow() {
    let server = Nghttpd::start(b"hello", &["--echo-upload"]);
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("body");
    std::fs::write(&body, vec![b'y'; 200_000]).expect("write");
    let body = body.display().to_string();
    let (code, report) =
        load_json(&["--http2", "-c", "1", "-n", "50", "--streams", "5", "--body-file", &body, &server.url]);
    assert_eq!((code, &report["answered"]), (0, &50.into()), "{report}");
    assert!(report["bytes"].as_u64().is_some_and(|bytes| bytes > 10_000_000), "{report}");
}

#[test]
fn fewer_streams_than_asked_for_are_no_failure() {
    let server = Nghttpd::start(b"hello", &["-m", "4"]);
    let (code, report) = load_json(&["--http2", "-c", "1", "--streams", "50", "-n", "1000", &server.url]);
    assert_eq!((code, &report["answered"]), (0, &1000.into()), "{report}");
}

#[test]
fn connections_end_after_their_requests() {
    let server = Nghttpd::start(b"hello", &[]);
    let options =
        ["--http2", "--streams", "10", "-c", "1", "-n", "95", "--requests-per-connection", "10", &server.url];
    let (code, report) = load_json(&options);
    assert_eq!((code, &report["answered"]), (0, &95.into()), "{report}");
}

/// A server that greets each connection with the one, answers its first request with the other, and closes.
fn serve(greeting: Vec<u8>, answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let (greeting, answer) = (greeting.clone(), answer.clone());
            thread::spawn(move || {
                // The preface with its frames; then an acknowledgement, and the request.
                let mut begin = [0; 58];
                let _ = stream.read_exact(&mut begin);
                let _ = stream.write_all(&greeting);
                if !answer.is_empty() {
                    let _ = stream.read_exact(&mut begin[..20]);
                    let _ = stream.write_all(&answer);
                }
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    url
}

#[test]
fn failures_by_kind() {
    let settings = || vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
    let (mut reset, mut content) = (Vec::new(), Vec::new());
    frame::write_cancel(1, &mut reset);
    frame::write_data(1, b"x", true, &mut content);
    for (greeting, answer, kind) in [
        (Vec::new(), Vec::new(), "closed"),
        (settings(), Vec::new(), "closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(), Vec::new(), "malformed"),
        (settings(), content, "malformed"),
        (settings(), reset, "reset"),
    ] {
        let url = serve(greeting, answer);
        let (code, report) = load_json(&["--http2", "--streams", "1", "-c", "1", "-n", "1", &url]);
        assert_eq!((code, errors(&report)), (1, vec![(kind.to_owned(), 1)]), "{report}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    let (code, report) = load_json(&["--http2", "-c", "1", "-n", "1", &format!("http://{nobody}")]);
    assert_eq!((code, errors(&report)), (1, vec![("refused".to_owned(), 1)]), "{report}");
}

#[test]
fn over_tls_by_alpn() {
    let server = Nghttpd::secure(&vec![b'x'; 50_000]);
    let ca_file = server.folder.path().join("certificate.pem").display().to_string();
    let believed = ["--http2", "--ca-file", &ca_file];
    let options = ["--streams", "20", "-c", "3", "-n", "2000", &server.url];
    let (code, report) = load_json(&[&believed[..], &options].concat());
    assert_eq!((code, &report["answered"]), (0, &2000.into()), "{report}");
    assert!(report["bytes"].as_u64().is_some_and(|bytes| bytes > 2000 * 50_000), "{report}");
    assert_eq!((&report["connections_made"], &report["handshakes"]), (&3.into(), &0.into()), "{report}");

    // Sessions that begin while requests are sent are counted. nghttpd resumes none.
    let options = ["--streams", "1", "-c", "1", "-n", "10", "--requests-per-connection", "1", &server.url];
    let (code, report) = load_json(&[&believed[..], &options].concat());
    assert_eq!((code, &report["answered"], &report["handshakes"]), (0, &10.into(), &10.into()), "{report}");
    assert!(report["handshake_rate"].as_f64() > Some(0.0), "{report}");

    let options = ["--http2", "-c", "1", "-n", "2", "--streams", "1", &server.url];
    let (code, report) = load_json(&options);
    assert_eq!(
        (code, errors(&report)),
        (1, vec![("handshake".to_owned(), 2)]),
        "who is not believed: {report}"
    );
}

/// Whoever can only speak HTTP/1.1 is not sent HTTP/2.
#[test]
fn a_target_that_does_not_agree() {
    let server = crate::tls::Server::start(5);
    let (code, report) =
        load_json(&["--http2", "--insecure", "-c", "1", "--streams", "1", "-n", "2", server.url()]);
    assert_eq!((code, errors(&report)), (1, vec![("handshake".to_owned(), 2)]), "{report}");
}

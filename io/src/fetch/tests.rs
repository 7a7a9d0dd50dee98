use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use ureq::tls::{Certificate, RootCerts};

use super::{Client, FetchError, Fetcher, Request};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

/// A server on a thread of its own that hands its first connections to `serve`.
fn origin(connections: usize, serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for _ in 0..connections {
            serve(listener.accept().expect("a connection").0);
        }
    });
    address
}

/// Reads a head and as much content as it announces.
fn read_request(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).expect("text");
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut content = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut content).expect("content");
    head + &String::from_utf8(content).expect("text")
}

fn answering(answer: &'static str) -> SocketAddr {
    origin(1, move |mut stream| {
        read_request(&mut stream);
        // The client may have stopped listening.
        let _ = stream.write_all(answer.as_bytes());
    })
}

fn plain() -> Client {
    Client::trusting(RootCerts::WebPki)
}

#[test]
fn what_is_sent_and_what_comes_back() {
    let (sender, seen) = crossbeam_channel::bounded(2);
    let address = origin(2, move |mut stream| {
        sender.send(read_request(&mut stream)).expect("a listener");
        let answer = b"HTTP/1.1 403 Forbidden\r\nX-Why: no\r\nContent-Length: 4\r\n\r\nbody";
        stream.write_all(answer).expect("sent");
    });
    let url = format!("http://{address}/path?query");
    let response = plain().fetch(&Request::get(&url).field("X-Name", "value")).expect("an answer");
    assert_eq!((response.status, &*response.content), (403, &b"body"[..]));
    assert_eq!((response.field("x-why"), response.field("x-other")), (Some("no"), None));
    let request = seen.recv().expect("a request").to_ascii_lowercase();
    assert!(request.starts_with("get /path?query http/1.1\r\n"), "{request}");
    assert!(
        request.contains(&format!("\r\nhost: {address}\r\n")) && request.contains("\r\nx-name: value\r\n")
    );

    plain().fetch(&Request::post(&url, "Action=Do").field("Content-Type", "text/x")).expect("an answer");
    let request = seen.recv().expect("a request");
    assert!(
        request.starts_with("POST /path?query HTTP/1.1\r\n") && request.ends_with("\r\n\r\nAction=Do"),
        "{request}"
    );
}

#[test]
fn answers_that_are_none() {
    let rows: [(&str, &'static str, &str); 4] = [
        ("not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "protocol"),
        ("nothing", "", "io: "),
        ("cut short", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "io: "),
        ("a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "protocol"),
    ];
    for (what, answer, want) in rows {
        let error = plain().fetch(&Request::get(format!("http://{}/", answering(answer)))).expect_err(what);
        let text = error.to_string();
        assert!(matches!(error, FetchError::Failed(_)) && text.contains(want), "{what}: {error:?}");
    }
    for url in ["", "/path", "ftp://127.0.0.1/", "http://", "http://nobody.invalid/"] {
        assert!(matches!(plain().fetch(&Request::get(url)), Err(FetchError::Failed(_))), "{url:?}");
    }
}

#[test]
fn a_redirect_is_an_answer() {
    let there = answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    let response = plain().fetch(&Request::get(format!("http://{there}/"))).expect("an answer");
    assert_eq!(response.status, 302);
}

#[test]
fn silence_and_drips_end_in_time() {
    let silent = origin(1, |stream| {
        thread::sleep(LONG);
        drop(stream);
    });
    let dripping = origin(1, |mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    for address in [silent, dripping] {
        let before = Instant::now();
        let request = Request::get(format!("http://{address}/")).within(SHORT);
        assert_eq!(plain().fetch(&request).expect_err("no answer"), FetchError::Timeout);
        assert!(before.elapsed() < LONG / 2);
    }
}

#[test]
fn a_flood_is_cut_off() {
    let flood = |head: &'static [u8]| {
        origin(1, move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(head);
            let piece = [b'x'; 65_536];
            for _ in 0..64 {
                if stream.write_all(&piece).is_err() {
                    return;
                }
            }
        })
    };
    let content = flood(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    let error = plain().fetch(&Request::get(format!("http://{content}/"))).expect_err("too much");
    assert_eq!(error, FetchError::TooLarge);
    let head = flood(b"HTTP/1.1 200 OK\r\nX-Long: ");
    let error = plain().fetch(&Request::get(format!("http://{head}/"))).expect_err("too much");
    assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
}

#[test]
fn https_is_verified() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = key.cert.der().clone();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], secret)
        .expect("a configuration");
    let config = Arc::new(config);
    let address = origin(3, move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        let mut byte = [0];
        // Whoever does not trust the certificate says so and goes.
        if stream.read_exact(&mut byte).is_ok() {
            read_request(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("sent");
        }
    });
    let url = |host: &str| format!("https://{host}:{}/", address.port());
    let trusting = Client::trusting(vec![Certificate::from_der(&certificate).to_owned()].into());
    assert_eq!(trusting.fetch(&Request::get(url("localhost"))).expect("an answer").content, b"ok");
    for (client, host) in [(&trusting, "127.0.0.1"), (&plain(), "localhost")] {
        let error = client.fetch(&Request::get(url(host))).expect_err("a certificate that is not trusted");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[test]
fn jobs_give_results_whatever_happens() {
    let fetcher: Fetcher<&str, u16> = Fetcher::start("test", 2).expect("threads");
    let address = answering("HTTP/1.1 204 No Content\r\n\r\n");
    let url = format!("http://{address}/");
    fetcher.order("fetches", move |client| Ok(client.fetch(&Request::get(url))?.status)).expect("room");
    fetcher.order("panics", |_| panic!("a bug")).expect("room");
    fetcher.order("refuses", |_| Err(FetchError::Unexpected("no".to_owned()))).expect("room");
    let mut results: Vec<_> =
        (0..3).map(|_| fetcher.results().recv_timeout(LONG).expect("a result")).collect();
    results.sort_by_key(|&(key, _)| key);
    let refused = FetchError::Unexpected("no".to_owned());
    assert_eq!(
        results,
        [("fetches", Ok(204)), ("panics", Err(FetchError::Panicked)), ("refuses", Err(refused))]
    );
}

#[test]
fn one_job_too_many_is_refused_and_nothing_waits() {
    let fetcher: Fetcher<usize, ()> = Fetcher::start("test", 1).expect("threads");
    let (release, held) = crossbeam_channel::bounded::<()>(0);
    let mut taken = 0;
    let refused = loop {
        let held = held.clone();
        match fetcher.order(taken, move |_| held.recv().map_err(|_| FetchError::Busy)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, FetchError::Busy);
    assert!((super::QUEUED_JOBS_MAX..=super::QUEUED_JOBS_MAX + 1).contains(&taken), "{taken}");
    drop(release);
    for key in 0..taken {
        assert_eq!(fetcher.results().recv_timeout(LONG), Ok((key, Err(FetchError::Busy))));
    }
}

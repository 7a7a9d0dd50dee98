//! The admin server: `/health`, `/metrics`, and flushes of caches. Blocking, on threads of its own, for few and trusted callers.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use tidegate_core::http1::{HeadLimits, RequestHead};

use crate::caches::{Caches, Flush, lock};

/// Connections served at the same time; a further one is closed at once.
const CONNECTIONS_MAX: usize = 32;
/// Time for a request to arrive, and for an answer to leave.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What `/health` tells.
#[derive(Default)]
pub(crate) struct Health {
    draining: AtomicBool,
}

impl Health {
    /// From now on `/health` answers 503, so that load balancers look elsewhere.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

/// What the server asks, and whom.
pub(crate) struct Desk {
    /// How the gateway is.
    pub(crate) health: Arc<Health>,
    /// What is counted.
    pub(crate) caches: Arc<Mutex<Caches>>,
    /// Flushes, to the control thread.
    pub(crate) flushes: Sender<Flush>,
}

/// A bound admin server.
pub(crate) struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

impl Admin {
    /// Listens on `address`.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address, with its real port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves from a thread, until the process ends.
    pub(crate) fn start(self, desk: Desk) -> io::Result<()> {
        let desk = Arc::new(desk);
        let open = Arc::new(AtomicUsize::new(0));
        std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            for connection in self.listener.incoming().flatten() {
                accept(connection, &desk, &open);
            }
        })?;
        Ok(())
    }
}

/// One connection, on a thread of its own.
fn accept(connection: TcpStream, desk: &Arc<Desk>, open: &Arc<AtomicUsize>) {
    if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
        open.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let (desk, counter) = (Arc::clone(desk), Arc::clone(open));
    let serve = move || {
        if let Err(error) = serve(connection, &desk) {
            tracing::debug!(%error, "admin connection");
        }
        counter.fetch_sub(1, Ordering::Relaxed);
    };
    if std::thread::Builder::new().name("admin-connection".to_owned()).spawn(serve).is_err() {
        open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer: status, media type, content.
type Answer = (&'static str, &'static str, Cow<'static, str>);

const JSON: &str = "application/json";

fn serve(mut connection: TcpStream, desk: &Desk) -> io::Result<()> {
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    let mut head = RequestHead::new();
    let (status, media_type, body) = match read(&mut connection, &mut head)? {
        true => answer(&head, desk),
        false => message("400 Bad Request", "Bad Request"),
    };
    let length = body.len();
    // Nothing follows the head of an answer to HEAD (RFC 9110 section 9.3.2).
    let content = if head.method() == b"HEAD" { "" } else { &body };
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n{content}"
    )
}

/// Reads a head. False: it is none.
fn read(connection: &mut TcpStream, head: &mut RequestHead) -> io::Result<bool> {
    let deadline = Instant::now() + TIMEOUT;
    let mut buffer = [0; 1024];
    loop {
        match head.parse(&HeadLimits::default()) {
            Ok(Some(_)) => return Ok(true),
            Err(_) => return Ok(false),
            Ok(None) if Instant::now() > deadline => return Err(io::ErrorKind::TimedOut.into()),
            Ok(None) => {}
        }
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.buffer_mut().extend_from_slice(&buffer[..count]);
    }
}

fn answer(head: &RequestHead, desk: &Desk) -> Answer {
    match (head.method(), head.path()) {
        (b"GET" | b"HEAD", b"/health") if desk.health.draining.load(Ordering::Relaxed) => {
            ("503 Service Unavailable", JSON, r#"{"status":"draining"}"#.into())
        }
        (b"GET" | b"HEAD", b"/health") => ("200 OK", JSON, r#"{"status":"ok"}"#.into()),
        (b"GET" | b"HEAD", b"/metrics") => {
            let mut text = String::new();
            lock(&desk.caches).write_metrics(&mut text);
            ("200 OK", "text/plain; version=0.0.4", text.into())
        }
        (_, b"/health" | b"/metrics") => message("405 Method Not Allowed", "Method Not Allowed"),
        (method, path) => match stage_of_cache(path) {
            Some((api, stage)) if method == b"DELETE" => flush(desk, api, stage),
            Some(_) => message("405 Method Not Allowed", "Method Not Allowed"),
            None => message("404 Not Found", "Not Found"),
        },
    }
}

/// AWS: `DELETE /restapis/{id}/stages/{name}/cache/data`.
fn stage_of_cache(path: &[u8]) -> Option<(&str, &str)> {
    let path = std::str::from_utf8(path).ok()?.strip_prefix("/restapis/")?.strip_suffix("/cache/data")?;
    path.split_once("/stages/")
}

/// Answers when all shards have forgotten, or soon after.
fn flush(desk: &Desk, api: &str, stage: &str) -> Answer {
    let caches = match lock(&desk.caches).find(api, stage) {
        Ok(caches) => caches,
        Err(why) => return message("404 Not Found", why),
    };
    let (done, forgotten) = bounded(0);
    if desk.flushes.try_send(Flush { caches, done }).is_err() {
        return message("503 Service Unavailable", "the gateway is busy");
    }
    match forgotten.recv_timeout(TIMEOUT) {
        Err(RecvTimeoutError::Disconnected) | Ok(()) => ("202 Accepted", JSON, "{}".into()),
        Err(RecvTimeoutError::Timeout) => message("503 Service Unavailable", "not all shards answer"),
    }
}

fn message(status: &'static str, text: &str) -> Answer {
    (status, JSON, format!("{{\"message\":\"{text}\"}}").into())
}

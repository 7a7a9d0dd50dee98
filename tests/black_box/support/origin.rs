//! A backend that does what a test tells it.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};

use super::PATIENCE;
use super::message::{Framing, Message};
use super::wire::Wire;

/// A listening backend; its script runs in a thread for each connection.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
}

/// What the gateway did so far.
#[derive(Debug, Default)]
struct Log {
    requests: Mutex<VecDeque<Request>>,
    grown: Condvar,
    connections: AtomicUsize,
    heads: AtomicUsize,
    whole: AtomicUsize,
    ends: AtomicUsize,
    stopped: AtomicBool,
}

/// A request as the origin received it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) message: Message,
    /// On which connection, counted from 0.
    pub(crate) connection: usize,
}

/// The origin's end of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) wire: Wire,
    /// Which connection this is, counted from 0.
    pub(crate) number: usize,
    log: Arc<Log>,
}

/// A 200 with this body.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

impl Origin {
    /// Runs `script` for each connection.
    pub(crate) fn scripted(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1:0".parse().expect("address"), script)
    }

    /// Runs `script` for each connection, over TLS.
    pub(crate) fn secure(config: ServerConfig, script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        let config = Arc::new(config);
        Self::wired(
            "127.0.0.1:0".parse().expect("address"),
            move |stream| {
                Wire::secure(stream, ServerConnection::new(Arc::clone(&config)).expect("a session"))
            },
            script,
        )
    }

    pub(crate) fn on(address: SocketAddr, script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::wired(address, Wire::new, script)
    }

    fn wired(
        address: SocketAddr,
        wire: impl Fn(TcpStream) -> Wire + Send + 'static,
        script: impl Fn(&mut Peer) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("listen");
        let address = listener.local_addr().expect("address");
        let log = Arc::<Log>::default();
        let (script, shared) = (Arc::new(script), Arc::clone(&log));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (script, log) = (Arc::clone(&script), Arc::clone(&shared));
                let number = log.connections.fetch_add(1, Ordering::SeqCst);
                let wire = wire(stream.expect("accept"));
                std::thread::spawn(move || script(&mut Peer { wire, number, log }));
            }
        });
        Self { address, log }
    }

    /// Answers every request with these bytes, on connections that stay open.
    pub(crate) fn answering(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::scripted(move |peer| while peer.request().is_some() && peer.send(&response).is_ok() {})
    }

    /// Answers with a function of the request.
    pub(crate) fn replying(reply: impl Fn(&Message) -> String + Send + Sync + 'static) -> Self {
        Self::scripted(move |peer| {
            while let Some(request) = peer.request() {
                if peer.send(reply(&request)).is_err() {
                    break;
                }
            }
        })
    }

    /// The next request that was received whole.
    #[track_caller]
    pub(crate) fn request(&self) -> Request {
        let requests = self.log.requests.lock().expect("log");
        let (mut requests, _) = self
            .log
            .grown
            .wait_timeout_while(requests, PATIENCE, |requests| requests.is_empty())
            .expect("log");
        requests.pop_front().expect("the origin got a request")
    }

    /// How many request heads were received.
    pub(crate) fn heads(&self) -> usize {
        self.log.heads.load(Ordering::SeqCst)
    }

    /// How many requests were received whole.
    pub(crate) fn whole(&self) -> usize {
        self.log.whole.load(Ordering::SeqCst)
    }

    /// How many scripts have said that they saw the end of their connection.
    pub(crate) fn ends(&self) -> usize {
        self.log.ends.load(Ordering::SeqCst)
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.log.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Peer {
    /// Reads a request head; `None` when the gateway closes first.
    pub(crate) fn head(&mut self) -> Option<Message> {
        let head = Message::of_head(self.wire.head().ok()??);
        self.log.heads.fetch_add(1, Ordering::SeqCst);
        Some(head)
    }

    /// Reads the body behind `head`, and counts and logs the request when it is whole.
    pub(crate) fn body(&mut self, mut head: Message) -> io::Result<Message> {
        (head.body, head.trailers) = match head.framing() {
            Framing::Silent => Default::default(),
            Framing::Length(length) => (self.wire.exactly(length)?, Vec::new()),
            Framing::Chunked => self.wire.chunked()?,
        };
        self.log.whole.fetch_add(1, Ordering::SeqCst);
        let request = Request { message: head.clone(), connection: self.number };
        self.log.requests.lock().expect("log").push_back(request);
        self.log.grown.notify_all();
        Ok(head)
    }

    /// Reads a whole request.
    pub(crate) fn request(&mut self) -> Option<Message> {
        let head = self.head()?;
        self.body(head).ok()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes)
    }

    /// Waits until the gateway closes; false when it sends something or nothing happens.
    pub(crate) fn is_closed(&mut self) -> bool {
        let read = self.wire.fill();
        matches!(read, Ok(0)) || read.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
    }

    /// Counts an end of a connection that the script has seen; see [`Origin::ends`].
    pub(crate) fn log_end(&self) {
        self.log.ends.fetch_add(1, Ordering::SeqCst);
    }

    /// Has the connection end with a reset instead of a FIN.
    pub(crate) fn reset_on_close(&self) {
        socket2::SockRef::from(&self.wire.stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

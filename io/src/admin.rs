//! The admin server: `/health`. Blocking, on threads of its own, for few and trusted callers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tidegate_core::http1::{HeadLimits, RequestHead};

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
    pub(crate) fn start(self, health: Arc<Health>) -> io::Result<()> {
        let open = Arc::new(AtomicUsize::new(0));
        std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            for connection in self.listener.incoming().flatten() {
                accept(connection, &health, &open);
            }
        })?;
        Ok(())
    }
}

/// One connection, on a thread of its own.
fn accept(connection: TcpStream, health: &Arc<Health>, open: &Arc<AtomicUsize>) {
    if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
        open.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let (health, counter) = (Arc::clone(health), Arc::clone(open));
    let serve = move || {
        if let Err(error) = serve(connection, &health) {
            tracing::debug!(%error, "admin connection");
        }
        counter.fetch_sub(1, Ordering::Relaxed);
    };
    if std::thread::Builder::new().name("admin-connection".to_owned()).spawn(serve).is_err() {
        open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn serve(mut connection: TcpStream, health: &Health) -> io::Result<()> {
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    let mut head = RequestHead::new();
    let (status, body) = answer(&mut connection, &mut head, health)?;
    let length = body.len();
    // Nothing follows the head of an answer to HEAD (RFC 9110 section 9.3.2).
    let content = if head.method() == b"HEAD" { "" } else { body };
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n{content}"
    )
}

fn answer(
    connection: &mut TcpStream,
    head: &mut RequestHead,
    health: &Health,
) -> io::Result<(&'static str, &'static str)> {
    let deadline = Instant::now() + TIMEOUT;
    let mut buffer = [0; 1024];
    loop {
        match head.parse(&HeadLimits::default()) {
            Ok(Some(_)) => break,
            Err(_) => return Ok(("400 Bad Request", r#"{"message":"Bad Request"}"#)),
            Ok(None) if Instant::now() > deadline => return Err(io::ErrorKind::TimedOut.into()),
            Ok(None) => {}
        }
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.buffer_mut().extend_from_slice(&buffer[..count]);
    }
    Ok(match (head.method(), head.path()) {
        (b"GET" | b"HEAD", b"/health") if health.draining.load(Ordering::Relaxed) => {
            ("503 Service Unavailable", r#"{"status":"draining"}"#)
        }
        (b"GET" | b"HEAD", b"/health") => ("200 OK", r#"{"status":"ok"}"#),
        (_, b"/health") => ("405 Method Not Allowed", r#"{"message":"Method Not Allowed"}"#),
        (_, _) => ("404 Not Found", r#"{"message":"Not Found"}"#),
    })
}

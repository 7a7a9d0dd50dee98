//! How a TLS session begins: with a client that has connected, or with a backend that we have.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::server::{Accepted, Acceptor, ClientHello};
use rustls::{ClientConfig, ClientConnection, Connection};
use tidegate_core::exchange::CallFailure;
use tidegate_core::limits::CLIENT_HELLO_BYTES_MAX;

use super::session::Session;
use crate::ring::{Chunk, Socket};
use crate::tls::Chosen;

/// What a client is told that speaks HTTP without TLS where TLS is spoken.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 48\r\n\
    Connection: close\r\n\r\n{\"message\":\"This port is https, this was http\"}\n";

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    /// The socket failed, ended, or the time was over.
    Socket(io::Error),
    /// Both sides do not agree, or what came is not TLS.
    Tls(rustls::Error),
    /// The client's first message is too long.
    HelloTooLong,
    /// No domain has a certificate.
    NoCertificate,
    /// What came is HTTP.
    PlainHttp,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::HelloTooLong => {
                write!(f, "the first message is longer than {CLIENT_HELLO_BYTES_MAX} bytes")
            }
            Self::NoCertificate => f.write_str("no domain has a certificate"),
            Self::PlainHttp => f.write_str("plain HTTP on a port for https"),
        }
    }
}

impl HandshakeError {
    /// What a call to a backend becomes that has failed so.
    pub(crate) fn call_failure(&self) -> CallFailure {
        match self {
            Self::Socket(error) if error.kind() == io::ErrorKind::TimedOut => CallFailure::Timeout,
            _ => CallFailure::Network,
        }
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

/// Begins a session with a client, as the configuration says that `choose` takes by what the client asks for. All of it
/// has to happen within `timeout_ms`, the receive deadline.
pub(crate) async fn accept(
    socket: Socket,
    choose: impl Fn(&ClientHello<'_>) -> Option<Chosen>,
    timeout_ms: u64,
) -> Result<(Rc<Session>, Chosen), HandshakeError> {
    socket.receive_within(timeout_ms);
    let (accepted, rest) = match read_hello(&socket).await {
        Ok(read) => read,
        Err((error, last_words)) => {
            if !last_words.is_empty() {
                socket.send(last_words, false, timeout_ms).await?;
                socket.flush().await?;
            }
            return Err(error);
        }
    };
    let chosen = choose(&accepted.client_hello()).ok_or(HandshakeError::NoCertificate)?;
    let tls = match accepted.into_connection(Arc::clone(&chosen.config)) {
        Ok(tls) => tls,
        Err((error, mut alert)) => {
            let mut bytes = socket.ring().buffer();
            alert.write_all(&mut bytes)?;
            socket.send(bytes, false, timeout_ms).await?;
            socket.flush().await?;
            return Err(HandshakeError::Tls(error));
        }
    };
    let session = begin(socket, Connection::Server(tls), rest, timeout_ms).await?;
    Ok((session, chosen))
}

/// Begins a session with a backend that must prove to be `name`.
pub(crate) async fn connect(
    socket: Socket,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    timeout_ms: u64,
) -> Result<Rc<Session>, HandshakeError> {
    socket.receive_within(timeout_ms);
    let tls = ClientConnection::new(config, name).map_err(HandshakeError::Tls)?;
    begin(socket, Connection::Client(tls), None, timeout_ms).await
}

async fn begin(
    socket: Socket,
    tls: Connection,
    rest: Option<Chunk>,
    timeout_ms: u64,
) -> Result<Rc<Session>, HandshakeError> {
    let session = Session::new(socket, tls, rest);
    session.shake_hands(timeout_ms).await?;
    Ok(session)
}

/// An error, and what the client is to be told.
type Refusal = (HandshakeError, Vec<u8>);

/// Reads the client's first message. Returns it with what came behind it.
async fn read_hello(socket: &Socket) -> Result<(Accepted, Option<Chunk>), Refusal> {
    let silent = |error: io::Error| (HandshakeError::Socket(error), Vec::new());
    let mut acceptor = Acceptor::default();
    let mut bytes = 0;
    loop {
        let chunk = socket.receive().await.map_err(silent)?;
        let mut chunk = chunk.ok_or_else(|| silent(io::ErrorKind::UnexpectedEof.into()))?;
        if bytes == 0 && chunk[0].is_ascii_uppercase() {
            return Err((HandshakeError::PlainHttp, PLAIN_HTTP.to_vec()));
        }
        while !chunk.is_empty() {
            if bytes > CLIENT_HELLO_BYTES_MAX {
                return Err((HandshakeError::HelloTooLong, Vec::new()));
            }
            let read = acceptor.read_tls(&mut &chunk[..]).map_err(silent)?;
            chunk.consume(read);
            bytes += read;
            match acceptor.accept() {
                Ok(Some(accepted)) => return Ok((accepted, Some(chunk))),
                Ok(None) => {}
                Err((error, mut alert)) => {
                    let mut last_words = Vec::new();
                    alert.write_all(&mut last_words).map_err(silent)?;
                    return Err((HandshakeError::Tls(error), last_words));
                }
            }
        }
    }
}

//! A client just good enough to ask one thing at a time over a connection that it may keep: it finds out whether a proxy
//! is ready and answers right, and holds idle connections.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::security::{self, Identity};

/// How long connecting, and each read and write, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A kept connection.
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    host: SocketAddr,
}

/// With TLS or without.
#[derive(Debug)]
enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its content.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { socket: Socket::Plain(connect(address)?), host: address })
    }

    /// Connects, with TLS.
    ///
    /// # Errors
    /// When nobody listens there; a wrong certificate shows later.
    pub fn open_secure(address: SocketAddr, identity: &Identity) -> io::Result<Self> {
        let name = ServerName::try_from(security::NAME).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(&identity.client), name).map_err(io::Error::other)?;
        let socket = Socket::Tls(Box::new(StreamOwned::new(session, connect(address)?)));
        Ok(Self { socket, host: address })
    }

    /// Sends a GET with these fields, each with its line end, and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not one with a `Content-Length`.
    pub fn get(&mut self, path: &str, fields: &str) -> io::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{fields}\r\n", self.host);
        self.socket.write_all(request.as_bytes())?;
        let mut received = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = self.socket.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            received.extend_from_slice(&buffer[..count]);
            if received.len() > ANSWER_BYTES_MAX {
                return Err(malformed("an answer that is too long"));
            }
            if let Some(answer) = parse(&received)? {
                return Ok(answer);
            }
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

impl Socket {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(socket) => socket.write_all(bytes).and_then(|()| socket.flush()),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(socket) => socket.read(buffer),
        }
    }
}

/// The answer, once it is complete.
fn parse(received: &[u8]) -> io::Result<Option<Answer>> {
    let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&received[..end]);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let (Some(status), Some(length)) = (status, length) else {
        return Err(malformed("an answer without status or length"));
    };
    let body = &received[end + 4..];
    Ok((body.len() >= length).then(|| Answer { status, body: body[..length].to_vec() }))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-length: 2\r\n\r\nok";
        assert_eq!(parse(whole).unwrap(), Some(Answer { status: 200, body: b"ok".to_vec() }));
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]).unwrap(), None, "{cut}");
        }
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(parse(b"nonsense\r\n\r\n").is_err());
    }
}

//! A client that sends exactly the bytes it is given.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, Socket, Type};

use super::PATIENCE;
use super::certificates::server_name;
use super::message::{Framing, Message};
use super::wire::Wire;

/// A connection to the gateway.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) wire: Wire,
}

/// A plain GET request.
pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: gateway\r\n\r\n")
}

/// A POST request with a length.
pub(crate) fn post(target: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: gateway\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

impl Client {
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .unwrap_or_else(|error| panic!("{address}: {error}"));
        Self { wire: Wire::new(stream) }
    }

    /// A client that speaks TLS and asks for this name.
    #[track_caller]
    pub(crate) fn secure(address: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .unwrap_or_else(|error| panic!("{address}: {error}"));
        let tls = ClientConnection::new(Arc::clone(config), server_name(name)).expect("a session");
        Self { wire: Wire::secure(stream, tls) }
    }

    /// A client whose kernel takes in only a few bytes before the application reads.
    pub(crate) fn with_small_window(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("socket");
        socket.set_recv_buffer_size(16 * 1024).expect("SO_RCVBUF");
        socket.connect_timeout(&address.into(), PATIENCE).expect("connect");
        Self { wire: Wire::new(socket.into()) }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes).expect("send");
    }

    /// The next message, interim or final, to a request that was not HEAD.
    #[track_caller]
    pub(crate) fn response(&mut self) -> Message {
        self.read("GET").expect("a whole response")
    }

    /// The next message, to a HEAD request.
    #[track_caller]
    pub(crate) fn response_to_head(&mut self) -> Message {
        self.read("HEAD").expect("a whole response")
    }

    /// The next message that is not interim.
    #[track_caller]
    pub(crate) fn final_response(&mut self) -> Message {
        loop {
            let response = self.response();
            if response.status() >= 200 {
                return response;
            }
        }
    }

    #[track_caller]
    pub(crate) fn exchange(&mut self, request: impl AsRef<[u8]>) -> Message {
        self.send(request);
        self.response()
    }

    /// A response, if it arrives whole. A body without framing reaches to the end of the connection.
    #[track_caller]
    pub(crate) fn read(&mut self, method: &str) -> io::Result<Message> {
        let head = self.wire.head()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut response = Message::of_head(head);
        let status = response.status();
        response.body = match response.framing() {
            framing if matches!(status, 100..=199 | 204) => {
                assert_eq!(framing, Framing::Silent, "RFC 9110 section 8.6: {response:?}");
                Vec::new()
            }
            _ if method == "HEAD" || status == 304 => Vec::new(),
            Framing::Length(length) => self.wire.exactly(length)?,
            Framing::Chunked => {
                let (content, trailers) = self.wire.chunked()?;
                response.trailers = trailers;
                content
            }
            Framing::Silent => {
                assert_eq!(response.field("connection"), Some("close"), "{response:?}");
                self.wire.rest()?
            }
        };
        Ok(response)
    }

    /// Fails unless the gateway closes without sending another byte. A reset counts: the gateway may have unread bytes.
    #[track_caller]
    pub(crate) fn expect_closed(&mut self) {
        assert_eq!(self.wire.buffer.escape_ascii().to_string(), "", "bytes behind the last response");
        match self.wire.fill() {
            Ok(0) => {}
            Ok(_) => panic!("more bytes: {}", self.wire.buffer.escape_ascii()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("not closed: {error}"),
        }
    }

    /// Whether the gateway closes within `wait`. Fails on further bytes.
    #[track_caller]
    pub(crate) fn is_closed_within(&mut self, wait: Duration) -> bool {
        self.wire.stream.set_read_timeout(Some(wait)).expect("read deadline");
        let read = self.wire.fill();
        self.wire.stream.set_read_timeout(Some(PATIENCE)).expect("read deadline");
        match read {
            Ok(0) => true,
            Ok(_) => panic!("unexpected bytes: {}", self.wire.buffer.escape_ascii()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => true,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                false
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Says that nothing more is to come.
    pub(crate) fn finish_sending(&self) {
        self.wire.stream.shutdown(Shutdown::Write).expect("shutdown");
    }

    /// Closes with a reset instead of a FIN.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.wire.stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }
}

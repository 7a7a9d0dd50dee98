//! A TCP stream, or TLS over one, with a buffer, read by the framing of HTTP/1.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustls::Connection;

use super::PATIENCE;
use super::message::{Fields, read_field};

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    /// The session over it, if there is one.
    pub(crate) tls: Option<Box<Connection>>,
    /// Received and not yet consumed.
    pub(crate) buffer: Vec<u8>,
}

/// Bytes asked of the kernel at once.
const PIECE: usize = 64 * 1024;

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("read deadline");
        stream.set_write_timeout(Some(PATIENCE)).expect("write deadline");
        Self { stream, tls: None, buffer: Vec::new() }
    }

    /// The same with TLS; the handshake is part of the first sending or reading.
    pub(crate) fn secure(stream: TcpStream, tls: impl Into<Connection>) -> Self {
        Self { tls: Some(Box::new(tls.into())), ..Self::new(stream) }
    }

    /// Carries a handshake to its end.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.is_handshaking() {
            tls.complete_io(&mut self.stream)?;
        }
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.shake_hands()?;
        let Some(tls) = &mut self.tls else { return self.stream.write_all(bytes.as_ref()) };
        for piece in bytes.as_ref().chunks(PIECE / 2) {
            tls.writer().write_all(piece)?;
            while tls.wants_write() {
                tls.write_tls(&mut self.stream)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, start: usize) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.stream.read(&mut self.buffer[start..]) };
        loop {
            match tls.reader().read(&mut self.buffer[start..]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tls.complete_io(&mut self.stream)?
                }
                read => return read,
            };
        }
    }

    /// Waits for more bytes; 0 when the peer has closed.
    pub(crate) fn fill(&mut self) -> io::Result<usize> {
        let start = self.buffer.len();
        self.buffer.resize(start + PIECE, 0);
        let mut read = self.read(start);
        while read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            read = self.read(start);
        }
        self.buffer.truncate(start + *read.as_ref().unwrap_or(&0));
        read
    }

    /// The bytes up to and with the empty line; `None` when the peer closes before the first byte.
    pub(crate) fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.until(b"\r\n\r\n")
    }

    /// The bytes up to and with these.
    pub(crate) fn until(&mut self, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut from = 0;
        loop {
            if let Some(found) = find(&self.buffer[from..], end) {
                return Ok(Some(self.buffer.drain(..from + found + end.len()).collect()));
            }
            from = self.buffer.len().saturating_sub(end.len() - 1);
            match self.fill()? {
                0 if self.buffer.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
    }

    pub(crate) fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// The content of a chunked body without extensions, and its trailers.
    pub(crate) fn chunked(&mut self) -> io::Result<(Vec<u8>, Fields)> {
        let mut content = Vec::new();
        while let Some(mut chunk) = self.chunk()? {
            content.append(&mut chunk);
        }
        Ok((content, self.trailers()?))
    }

    /// The content of the next chunk; `None` for the last, behind which the trailers are.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = chunk_size(&self.line()?)?;
        if size == 0 {
            return Ok(None);
        }
        let content = self.exactly(size)?;
        if self.exactly(2)? != b"\r\n" {
            return Err(io::Error::other("a chunk does not end with CR LF"));
        }
        Ok(Some(content))
    }

    /// The trailers behind the last chunk.
    pub(crate) fn trailers(&mut self) -> io::Result<Fields> {
        let mut trailers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(trailers);
            }
            trailers.push(read_field(std::str::from_utf8(&line).map_err(io::Error::other)?));
        }
    }

    /// The next line, without its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = self.until(b"\r\n")?.ok_or(io::ErrorKind::UnexpectedEof)?;
        line.truncate(line.len() - 2);
        Ok(line)
    }
}

/// Digits only: `from_str_radix` would take a sign.
fn chunk_size(text: &[u8]) -> io::Result<usize> {
    let text = std::str::from_utf8(text).map_err(io::Error::other)?;
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(io::Error::other(format!("chunk size {text:?}")));
    }
    usize::from_str_radix(text, 16).map_err(io::Error::other)
}

pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

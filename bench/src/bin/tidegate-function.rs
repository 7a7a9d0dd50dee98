//! A function that does nothing: the least that a program can do to speak the Lambda Runtime API. What an invocation
//! costs with it is the gateway's and the kernel's part. It answers `ANSWER`, which needs no escapes in JSON, or if there is a
//! `RESULT`, that.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Larger than any event of a bench.
const BUFFER_BYTES: usize = 65_536;

fn main() -> io::Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let answer = std::env::var("ANSWER").unwrap_or_else(|_| "Hello, world!".to_owned());
    let answered =
        format!(r#"{{"statusCode":200,"headers":{{"Content-Type":"text/plain"}},"body":"{answer}"}}"#);
    let result = std::env::var("RESULT").unwrap_or(answered);
    let (address, folder) = address_and_folder(&api);
    let mut api = TcpStream::connect(address)?;
    api.set_nodelay(true)?;
    let next = format!("GET {folder}/2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        api.write_all(next.as_bytes())?;
        let head = receive(&mut api, &mut buffer)?;
        let id = field(head, "lambda-runtime-aws-request-id: ").ok_or_else(broken)?;
        let head = format!(
            "POST {folder}/2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            result.len()
        );
        api.write_all((head + &result).as_bytes())?;
        receive(&mut api, &mut buffer)?;
    }
}

/// Of the value of `AWS_LAMBDA_RUNTIME_API`: Lambda names a host and a port, cargo lambda a URL with a path.
fn address_and_folder(api: &str) -> (&str, &str) {
    let api = api.strip_prefix("http://").unwrap_or(api);
    api.split_at(api.find('/').unwrap_or(api.len()))
}

/// Reads a whole message; returns its head.
fn receive<'b>(api: &mut TcpStream, buffer: &'b mut [u8]) -> io::Result<&'b str> {
    let mut bytes = 0;
    loop {
        let read = api.read(&mut buffer[bytes..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes += read;
        if let Some(end) = buffer[..bytes].windows(4).position(|window| window == b"\r\n\r\n") {
            let head = std::str::from_utf8(&buffer[..end + 2]).map_err(io::Error::other)?;
            let length: usize =
                field(head, "content-length: ").and_then(|text| text.parse().ok()).unwrap_or(0);
            if bytes >= end + 4 + length {
                return std::str::from_utf8(&buffer[..end + 2]).map_err(io::Error::other);
            }
        }
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let line =
        head.lines().find(|line| line.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)))?;
    Some(&line[name.len()..])
}

fn broken() -> io::Error {
    io::Error::other("no request id")
}

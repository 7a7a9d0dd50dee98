//! The octets of a message that Tidegate writes itself.

/// What a chunk ends with.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The chunk that ends a body, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends a field line. The caller knows that neither part holds a line break. Inlined, so that constant names and
/// values of constant size are copied by moves.
#[inline]
pub fn field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends a field line whose value comes from outside: control bytes, which no field may hold, become blanks.
pub fn field_value(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let start = out.len() + name.len() + 2;
    field(name, value, out);
    for byte in &mut out[start..start + value.len()] {
        if byte.is_ascii_control() && *byte != b'\t' {
            *byte = b' ';
        }
    }
}

/// Appends the line before a chunk of `length` bytes, which is not 0: that would end the body
/// (RFC 9112 section 7.1).
pub fn chunk_head(length: usize, out: &mut Vec<u8>) {
    debug_assert!(length > 0, "an empty chunk ends the body");
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    out.extend((0..digits).rev().map(|digit| b"0123456789abcdef"[length >> (4 * digit) & 0xf]));
    out.extend_from_slice(b"\r\n");
}

/// Appends `HTTP/1.1 status reason CR LF` (RFC 9112 section 4).
pub fn status_line(status: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase of a registered status (IANA HTTP Status Code Registry); empty for others.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        208 => "Already Reported",
        226 => "IM Used",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        511 => "Network Authentication Required",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_chunk_head(length: usize, want: &str) {
        let mut out = b"before".to_vec();
        chunk_head(length, &mut out);
        assert_eq!(out.escape_ascii().to_string(), format!("before{want}\\r\\n"));
    }

    #[test]
    fn chunk_heads() {
        check_chunk_head(1, "1");
        check_chunk_head(15, "f");
        check_chunk_head(16, "10");
        check_chunk_head(255, "ff");
        check_chunk_head(256, "100");
        check_chunk_head(65_536, "10000");
        check_chunk_head(0xdead_beef, "deadbeef");
        check_chunk_head(usize::MAX, "ffffffffffffffff");
    }

    #[track_caller]
    fn check_status_line(status: u16, want: &str) {
        let mut out = Vec::new();
        status_line(status, &mut out);
        assert_eq!(out, want.as_bytes());
    }

    #[test]
    fn status_lines() {
        check_status_line(200, "HTTP/1.1 200 OK\r\n");
        check_status_line(429, "HTTP/1.1 429 Too Many Requests\r\n");
        check_status_line(444, "HTTP/1.1 444 \r\n");
        check_status_line(504, "HTTP/1.1 504 Gateway Timeout\r\n");
    }
}

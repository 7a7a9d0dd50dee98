//! Response heads of origins.

use tidegate_core::http1::{BodyFraming, HeadError, HeadLimits, KnownField, ResponseHead, Version};

fn parse(bytes: &[u8], request_was_head: bool) -> Result<Option<ResponseHead>, HeadError> {
    let mut head = ResponseHead::new();
    head.buffer_mut().extend_from_slice(bytes);
    Ok(head.parse(&HeadLimits::default(), request_was_head)?.map(|_| head))
}

#[test]
fn parts() {
    let head =
        parse(b"HTTP/1.1 404 Not There\r\nServer: x\r\nA: 1\r\na: 2\r\n\r\nbody", false).unwrap().unwrap();
    assert_eq!((head.status(), head.version(), head.is_interim()), (404, Version::Http11, false));
    assert_eq!(head.first(KnownField::Server), Some(&b"x"[..]));
    assert_eq!(head.find(b"A").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(head.fields().len(), 3);
    assert_eq!(head.surplus(), b"body");
}

#[test]
fn interim_responses_are_passed_over() {
    let mut head = ResponseHead::new();
    head.buffer_mut()
        .extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    assert!(head.parse(&HeadLimits::default(), false).unwrap().is_some());
    assert!(head.is_interim() && head.framing() == BodyFraming::None);
    head.advance();
    assert!(head.parse(&HeadLimits::default(), false).unwrap().is_some());
    assert_eq!((head.status(), head.fields().len()), (200, 0));
    head.drop_surplus();
    head.clear();
    assert_eq!(head.parse(&HeadLimits::default(), false), Ok(None));
}

#[track_caller]
fn check_status(line: &str, want: Result<u16, HeadError>) {
    let head = parse(format!("{line}\r\nContent-Length: 0\r\n\r\n").as_bytes(), false);
    assert_eq!(head.map(|head| head.expect("complete").status()), want, "{line:?}");
}

#[test]
fn status_lines() {
    use HeadError::{BareLf, LeadingEmptyLines, LoneCr, StatusLine, SwitchingProtocols};
    use HeadError::{VersionMalformed, VersionUnsupported};
    check_status("HTTP/1.1 200 OK", Ok(200));
    check_status("HTTP/1.1 200 ", Ok(200));
    check_status("HTTP/1.1 200", Ok(200));
    check_status("HTTP/1.0 200 OK", Ok(200));
    check_status("HTTP/1.1 599 What \u{e4}\t?", Ok(599));
    check_status("HTTP/1.1 444 ", Ok(444));
    check_status("HTTP/1.1 101 Switching Protocols", Err(SwitchingProtocols));
    check_status("HTTP/1.1 099 Low", Err(StatusLine));
    check_status("HTTP/1.1 600 High", Err(StatusLine));
    check_status("HTTP/1.1 999 High", Err(StatusLine));
    check_status("HTTP/1.1 20 OK", Err(StatusLine));
    check_status("HTTP/1.1 2000 OK", Err(StatusLine));
    check_status("HTTP/1.1 2x0 OK", Err(StatusLine));
    check_status("HTTP/1.1  200 OK", Err(StatusLine));
    check_status("HTTP/1.1 200\tOK", Err(StatusLine));
    check_status("HTTP/1.1 200 O\0K", Err(StatusLine));
    check_status("HTTP/1.1 200 O\rK", Err(LoneCr));
    check_status("HTTP/1.1 200 OK\nX: y", Err(BareLf));
    check_status("HTTP/1.1", Err(VersionMalformed));
    check_status("", Err(LeadingEmptyLines));
    check_status("\r\nHTTP/1.1 200 OK", Err(LeadingEmptyLines));
    check_status(" HTTP/1.1 200 OK", Err(VersionMalformed));
    check_status("HTTP/2.0 200 OK", Err(VersionUnsupported));
    check_status("HTTP/1.2 200 OK", Err(VersionUnsupported));
    check_status("http/1.1 200 OK", Err(VersionMalformed));
    check_status("ICY 200 OK", Err(VersionMalformed));
    check_status("SSH-2.0-x", Err(VersionMalformed));
    check_status(&format!("HTTP/1.1 200 {}", "x".repeat(10_240)), Err(StatusLine));
}

#[track_caller]
fn check(status: &str, fields: &str, want: BodyFraming, keeps_alive: bool) {
    let head = parse(format!("HTTP/{status} x\r\n{fields}\r\n").as_bytes(), false).unwrap().unwrap();
    assert_eq!((head.framing(), head.keeps_alive()), (want, keeps_alive), "{status} {fields:?}");
}

#[test]
fn framing() {
    use BodyFraming::{Chunked, Length, None, UntilClose};
    check("1.1 200", "Content-Length: 5\r\n", Length(5), true);
    check("1.1 200", "Content-Length: 0\r\n", Length(0), true);
    check("1.1 200", "Transfer-Encoding: chunked\r\n", Chunked, true);
    check("1.1 200", "", UntilClose, false);
    check("1.1 200", "Connection: keep-alive\r\n", UntilClose, false);
    check("1.1 200", "Content-Length: 5\r\nConnection: close\r\n", Length(5), false);
    check("1.1 500", "Content-Length: 5\r\n", Length(5), true);
    check("1.0 200", "Content-Length: 5\r\n", Length(5), false);
    check("1.0 200", "Content-Length: 5\r\nConnection: keep-alive\r\n", Length(5), true);
    check("1.0 200", "Connection: keep-alive\r\n", UntilClose, false);
    check("1.1 204", "", None, true);
    check("1.1 304", "", None, true);
    check("1.1 304", "Content-Length: 5\r\n", None, true);
    check("1.1 304", "Transfer-Encoding: chunked\r\n", None, true);
    check("1.1 204", "Content-Length: 0\r\n", None, true);
    check("1.1 204", "Content-Length: 5\r\n", None, false);
    check("1.1 204", "Transfer-Encoding: chunked\r\n", None, false);
    check("1.1 100", "", None, true);
    check("1.1 103", "Content-Length: 5\r\n", None, false);
    check("1.1 205", "", UntilClose, false);
}

#[test]
fn answers_to_head() {
    for fields in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let head = parse(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes(), true).unwrap().unwrap();
        assert_eq!((head.framing(), head.keeps_alive()), (BodyFraming::None, true), "{fields}");
    }
}

#[track_caller]
fn refuse(fields: &str, want: HeadError) {
    for request_was_head in [false, true] {
        for version in ["1.1", "1.0"] {
            let bytes = format!("HTTP/{version} 200 OK\r\n{fields}\r\n");
            let want = match want {
                HeadError::TransferEncoding | HeadError::LengthAndEncoding if version == "1.0" => {
                    HeadError::TransferEncodingVersion
                }
                want => want,
            };
            assert_eq!(parse(bytes.as_bytes(), request_was_head).map(|_| ()), Err(want), "{bytes:?}");
        }
    }
}

#[test]
fn refused_fields() {
    refuse("Content-Length: 5\r\nContent-Length: 5\r\n", HeadError::ContentLengthRepeated);
    refuse("Content-Length: 5\r\nContent-Length: 6\r\n", HeadError::ContentLengthRepeated);
    refuse("Content-Length: 5, 5\r\n", HeadError::ContentLength);
    refuse("Content-Length: -1\r\n", HeadError::ContentLength);
    refuse("Content-Length: \r\n", HeadError::ContentLength);
    refuse("Content-Length: 18446744073709551616\r\n", HeadError::ContentLength);
    refuse("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", HeadError::LengthAndEncoding);
    refuse("Transfer-Encoding: gzip, chunked\r\n", HeadError::TransferEncoding);
    refuse("Transfer-Encoding: identity\r\n", HeadError::TransferEncoding);
    refuse("Transfer-Encoding: x\r\n", HeadError::TransferEncoding);
    refuse("Transfer-Encoding: chunked;\r\n", HeadError::TransferEncoding);
    refuse("Transfer-Encoding: chunked, chunked\r\n", HeadError::TransferEncoding);
    refuse("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", HeadError::TransferEncoding);
    refuse("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", HeadError::TransferEncoding);
    refuse("Transfer_Encoding: chunked\r\n", HeadError::FieldNameLookalike);
    refuse("X : y\r\n", HeadError::SpaceBeforeColon);
    refuse(" X: y\r\n", HeadError::ObsFold);
    refuse("X: y\r\n z\r\n", HeadError::ObsFold);
    refuse("X: y\nZ: a\r\n", HeadError::BareLf);
    refuse("X: y\rz\r\n", HeadError::LoneCr);
    refuse("X: y\0\r\n", HeadError::FieldValue);
    refuse(": y\r\n", HeadError::FieldNameEmpty);
    refuse("y\r\n", HeadError::FieldName);
    refuse(&format!("X: {}\r\n", "y".repeat(10_240)), HeadError::FieldsTooLarge);
    refuse(&"X: y\r\n".repeat(129), HeadError::TooManyFields);
    let error = parse(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false).map(|_| ());
    assert_eq!(error, Err(HeadError::TransferEncodingVersion));
}

//! Access log lines: the `$context` format string of a stage, compiled.
//!
//! AWS: "Set up access logging"; the documented CLF, JSON, XML and CSV formats are all plain substitution.

use std::fmt;

use crate::context::{Variable, View};
use crate::gateway_response::{Template, TemplatePiece};
use crate::mapping::Source;

/// A compiled format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFormat {
    template: Template,
}

/// Why a format is refused, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// A line break before the end.
    NotSingleLine(String),
    /// Neither `$context.requestId` nor `$context.extendedRequestId`.
    NoRequestId(String),
    /// A `$stageVariables` or `$method.request` reference; only `$context` may stand in a format.
    NotContext(String),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSingleLine(format) => write!(
                f,
                "Access Log format must be single line, new line character is allowed only at end of the format: '{format}'"
            ),
            Self::NoRequestId(format) => write!(
                f,
                "Access Log format must include either $context.requestId or $context.extendedRequestId : '{format}'"
            ),
            Self::NotContext(name) => {
                write!(f, "only $context variables may stand in an access log format, not ${name}")
            }
        }
    }
}

impl LogFormat {
    /// Compiles a format. Unknown variables are allowed and print `-`.
    pub fn parse(format: &str) -> Result<Self, FormatError> {
        let line = format.trim_end_matches(['\r', '\n']);
        if line.contains(['\r', '\n']) {
            return Err(FormatError::NotSingleLine(format.to_owned()));
        }
        let template = Template::parse_with(line, |name, _| {
            let variable =
                name.strip_prefix("context.").ok_or_else(|| FormatError::NotContext(name.to_owned()))?;
            Ok(Source::Context(match Variable::parse(variable) {
                Some(Variable::Protocol) => Variable::LoggedProtocol,
                parsed => parsed.unwrap_or(Variable::Absent),
            }))
        })?;
        let names_request = |piece: &TemplatePiece| {
            matches!(
                piece,
                TemplatePiece::Source(Source::Context(Variable::RequestId | Variable::ExtendedRequestId))
            )
        };
        if !template.pieces.iter().any(names_request) {
            return Err(FormatError::NoRequestId(format.to_owned()));
        }
        Ok(Self { template })
    }

    /// Appends the line of one request. A variable without value prints `-`. Control bytes, quotes and backslashes
    /// in what a client sent are escaped as `\u00NN`, so that a client can forge neither a line nor a field, and a
    /// line of a JSON format stays JSON.
    pub fn write(&self, view: &View<'_>, out: &mut Vec<u8>) {
        for piece in &self.template.pieces {
            match piece {
                TemplatePiece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                TemplatePiece::Source(Source::Context(variable)) => write_variable(variable, view, out),
                TemplatePiece::Source(_) => debug_assert!(false, "parse admits only $context"),
            }
        }
        out.push(b'\n');
    }
}

fn write_variable(variable: &Variable, view: &View<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    if !view.write(variable, out) {
        out.push(b'-');
    }
    match variable {
        Variable::ErrorMessageString => {}
        Variable::ApiKey => mask(&mut out[start..]),
        _ => escape(out, start),
    }
}

/// How much of a secret a log line shows, in bytes; as much as AWS's execution logs do.
const SHOWN_BYTES: usize = 6;

/// Leaves the end of a secret, by which its owner knows it.
fn mask(secret: &mut [u8]) {
    let hidden = secret.len().saturating_sub(SHOWN_BYTES);
    secret[..hidden].fill(b'*');
}

/// Rewrites what stands behind `start` with control bytes, `"` and `\` as `\u00NN`, and what is not UTF-8 likewise.
pub(crate) fn escape(out: &mut Vec<u8>, start: usize) {
    // Nearly every value is plain. Without a way out of the loop many bytes are compared at once.
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\');
    if out[start..].iter().fold(true, |all, &byte| all & plain(byte)) {
        return;
    }
    let is_utf8 = std::str::from_utf8(&out[start..]).is_ok();
    let unsafe_byte =
        |byte: &u8| byte.is_ascii_control() || matches!(byte, b'"' | b'\\') || !(is_utf8 || byte.is_ascii());
    if !out[start..].iter().any(unsafe_byte) {
        return;
    }
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let raw = out.split_off(start);
    for byte in raw {
        if unsafe_byte(&byte) {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_formats() {
        let refused = |format: &str| LogFormat::parse(format).expect_err("refused").to_string();
        assert!(
            refused("$context.requestId\n$context.status")
                .starts_with("Access Log format must be single line")
        );
        assert!(refused("$context.status").starts_with("Access Log format must include either"));
        assert!(refused("$context.requestId $stageVariables.a").contains("stageVariables.a"));
        assert!(LogFormat::parse("$context.extendedRequestId $context.nonsense\n").is_ok());
    }

    #[test]
    fn a_client_cannot_forge_a_line() {
        let mut out = b"a \"".to_vec();
        let start = out.len();
        out.extend_from_slice("x\"\n\\\x7f yä".as_bytes());
        escape(&mut out, start);
        assert_eq!(out, "a \"x\\u0022\\u000a\\u005c\\u007f yä".as_bytes());
        let start = out.len();
        out.extend_from_slice(b"\xffy");
        escape(&mut out, start);
        assert_eq!(&out[start..], b"\\u00ffy");
    }
}

//! `$input` and `$util`.

use std::fmt::Write;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::super::fault::Halt;
use super::super::path::{Missing, Path, Search};
use super::super::print::{self, Slash};
use super::super::program::Call;
use super::super::render::Renderer;
use super::super::value::Value;
use crate::limits;

/// What `URLEncoder` leaves as it is, beside letters and digits.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_');

/// Java's decoder: padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What reading a path takes that has patterns in it: compiling the largest takes as long as some steps.
const PATTERN_STEPS: usize = limits::RENDER_STEPS_MAX as usize / 4;

impl<'a> Renderer<'a> {
    pub(super) fn call_input(
        &mut self,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        match (&*call.name, arguments) {
            ("body" | "getBody", []) => Ok(Value::Text(self.body())),
            ("params", []) => self.parameter_map(),
            ("params", [Value::Text(name)]) => self.any_parameter(name),
            ("path" | "json", [Value::Null]) => Err(Halt::failed("the path is null")),
            ("path", [path @ Value::Text(_)]) => Ok(self.find_path(call, *path)?.unwrap_or(Value::Null)),
            ("json", [path @ Value::Text(_)]) => match self.find_path(call, *path)? {
                None => Ok(Value::Text("\"\"")),
                Some(found) => {
                    let mut text = Vec::new();
                    print::json(found, Slash::Plain, &mut text)?;
                    Ok(self.heap.text(&String::from_utf8_lossy(&text))?)
                }
            },
            _ => Ok(Value::Null),
        }
    }

    /// What a path means in the body; none if it leads nowhere.
    pub(in super::super) fn find_path(
        &mut self,
        call: &'a Call,
        path: Value<'a>,
    ) -> Result<Option<Value<'a>>, Halt<'a>> {
        let made;
        let path = match (&call.path, path) {
            (Some(path), _) => path,
            (None, Value::Text(text)) => {
                self.charge(if text.contains("=~") { PATTERN_STEPS } else { text.len() })?;
                made = Path::parse(text)
                    .map_err(|why| Halt::failed(format!("not a JSONPath expression: {why}")))?;
                &made
            }
            _ => return Ok(None),
        };
        let document = self.document()?;
        match Search::new(self.heap, document, &mut self.steps).find(path) {
            Ok(value) => Ok(Some(value)),
            Err(Missing::NotFound) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    pub(super) fn call_util(
        &mut self,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        let [Value::Text(text)] = arguments else { return Ok(Value::Null) };
        self.charge(text.len() / 64)?;
        Ok(match &*call.name {
            "escapeJavaScript" => match text.bytes().all(is_plain) {
                true => Value::Text(text),
                false => self.heap.text(&escape_java_script(text))?,
            },
            "parseJson" => self.parse_json(text)?,
            "urlEncode" => {
                let encoded = percent_encode(text.as_bytes(), FORM).to_string();
                self.heap.text(&encoded.replace("%20", "+"))?
            }
            "urlDecode" => self.heap.text(&url_decode(text)?)?,
            "base64Encode" => self.heap.text(&BASE64.encode(text))?,
            "base64Decode" => {
                let bytes = BASE64.decode(text).map_err(|_| Halt::failed("this is not base64"))?;
                self.heap.text(&String::from_utf8_lossy(&bytes))?
            }
            _ => Value::Null,
        })
    }
}

fn url_decode<'a>(text: &str) -> Result<String, Halt<'a>> {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let digits = rest.as_bytes().get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(Halt::failed("a % is not followed by two hexadecimal digits"));
        }
        rest = &rest[at + 3..];
    }
    let spaced = text.replace('+', " ");
    Ok(percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned())
}

/// Whether a byte stays as it is in a JavaScript text.
fn is_plain(byte: u8) -> bool {
    (b' '..=0x7f).contains(&byte) && !b"'\"\\/".contains(&byte)
}

/// As commons-lang has it: `'`, `"`, `/` and `\` get a backslash, what is not ASCII an escape.
fn escape_java_script(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' | '/' => out.extend(['\\', character]),
            '\u{8}' => out.push_str("\\b"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            ' '..='\u{7f}' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
    out
}

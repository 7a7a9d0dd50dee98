//! What a scalar is, by the core schema of YAML 1.2 (section 10.3.2).

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Tag};

use crate::tree::Value;

/// The value of a scalar that stands in the source as `written`. What is quoted or tagged as text is text, and so is a
/// number with a zero before it, as account ids have, or one that is not finite.
pub(super) fn value(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>, written: &str) -> Value {
    let is_text = match tag.and_then(Tag::core_suffix) {
        Some("null" | "bool" | "int" | "float") => false,
        Some(_) => true,
        None => style != ScalarStyle::Plain,
    };
    if is_text {
        return Value::Text(text.into());
    }
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Boolean(true),
        "false" | "False" | "FALSE" => Value::Boolean(false),
        digits if is_integer(digits) => Value::Number(written.into(), integer(digits)),
        digits if is_number(digits) => Value::Number(written.into(), None),
        _ => Value::Text(text.into()),
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    match digits {
        [b'0', b'x', hex @ ..] => !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit),
        [b'0', b'o', octal @ ..] => !octal.is_empty() && octal.iter().all(|it| (b'0'..=b'7').contains(it)),
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Its value, unless it is too large.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        _ => (digits, 10),
    };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

fn is_number(text: &str) -> bool {
    let begins = |byte: &u8| byte.is_ascii_digit() || b"+-.".contains(byte);
    let is_decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    // Digits alone are an integer, or have a zero before them.
    let is_digits = || text.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
    text.as_bytes().first().is_some_and(begins)
        && text.bytes().all(is_decimal)
        && !is_digits()
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars() {
        let check = |text: &str, want: Value| {
            let value = value(text.into(), ScalarStyle::Plain, None, text);
            assert_eq!(value, want, "{text}");
        };
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, Value::Null);
        }
        for (text, want) in [("true", true), ("True", true), ("FALSE", false)] {
            check(text, Value::Boolean(want));
        }
        for (text, want) in [
            ("0", Some(0)),
            ("-12", Some(-12)),
            ("+7", Some(7)),
            ("0x1F", Some(31)),
            ("0o17", Some(15)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("2.0", None),
            (".5", None),
            ("1.", None),
            ("-1e-3", None),
        ] {
            check(text, Value::Number(text.into(), want));
        }
        for text in [
            "yes",
            "nULL",
            "012345678901",
            "-01",
            "1_000",
            "0x",
            "0xg",
            "0o8",
            "1e999",
            ".inf",
            ".nan",
            "inf",
            "nan",
            "e5",
            "-",
            "+",
            ".",
            "1.2.3",
            "10.0.0.1",
            "--1",
            "2026-11-26",
            "1e",
            "12:30",
        ] {
            check(text, Value::Text(text.into()));
        }
    }

    #[test]
    fn styles_and_tags() {
        let core = |suffix: &str| Tag::new("tag:yaml.org,2002:", suffix);
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(value("1".into(), ScalarStyle::DoubleQuoted, None, "\"1\""), text("1"));
        assert_eq!(value("null".into(), ScalarStyle::Literal, None, "|\n null"), text("null"));
        assert_eq!(value("1".into(), ScalarStyle::Plain, Some(&core("str")), "1"), text("1"));
        let one = Value::Number("\"1\"".into(), Some(1));
        assert_eq!(value("1".into(), ScalarStyle::SingleQuoted, Some(&core("int")), "\"1\""), one);
        assert_eq!(value("1".into(), ScalarStyle::Plain, Some(&Tag::new("!", "Ref")), "1"), {
            Value::Number("1".into(), Some(1))
        });
    }
}

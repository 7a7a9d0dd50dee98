//! A file of credentials in AWS's own format, for groups of machines: a profile for each.
//!
//! AWS: "Configuration and credential file settings". Of a profile only what signs is read; no finding shows a value.

use tidegate_core::span::Span;

use crate::report::Report;

/// Most profiles of a file.
const PROFILES_MAX: usize = 100_000;

/// One profile that is whole.
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    pub(super) session_token: Option<String>,
}

/// A profile that is being read: its name, where it stands, and its three values.
type Begun = (String, Span, [Option<String>; 3]);

const KEYS: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/// Reads the report's source.
pub(super) fn read(report: &mut Report) -> Vec<Profile> {
    let source = std::sync::Arc::clone(&report.source);
    let mut values = Vec::new();
    let mut offset = 0;
    for line in source.text.split_inclusive('\n') {
        let at = line.find('=').map_or(0, |at| at + 1);
        if !line.trim_start().starts_with('[') {
            values.push(Span::new(offset + at, offset + line.trim_end().len().max(at)));
        }
        offset += line.len();
    }
    report.mask(&values);
    let (mut profiles, mut begun): (Vec<Profile>, Option<Begun>) = (Vec::new(), None);
    offset = 0;
    for line in source.text.split_inclusive('\n') {
        let (span, text) = (Span::new(offset, offset + line.trim_end().len()), line.trim());
        offset += line.len();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            profiles.extend(begun.take().and_then(|begun| finish(begun, report)));
            begun = Some((name.trim().to_owned(), span, [None, None, None]));
            continue;
        }
        read_value(text, span, begun.as_mut(), report);
    }
    profiles.extend(begun.and_then(|begun| finish(begun, report)));
    if profiles.len() > PROFILES_MAX {
        report.error(Span::new(0, 0), format!("a file has at most {PROFILES_MAX} profiles"));
    }
    profiles
}

fn read_value(text: &str, span: Span, begun: Option<&mut Begun>, report: &mut Report) {
    let Some((name, _, values)) = begun else {
        report.error(span, "expected a profile before this line").help("for example [machine-1]");
        return;
    };
    let Some((key, value)) = text.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
        report.error(span, "expected `key = value`");
        return;
    };
    match KEYS.iter().position(|known| *known == key) {
        Some(position) if values[position].is_some() => {
            report.error(span, format!("`{key}` of the profile `{name}` stands twice"));
        }
        Some(position) => values[position] = Some(value.to_owned()),
        // AWS's tools keep more in this file: regions, roles.
        None => {}
    }
}

fn finish((name, span, [key, secret, token]): Begun, report: &mut Report) -> Option<Profile> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
        report.error(
            span,
            "the name of a profile is that of a user: 1 to 64 of the characters A-Z a-z 0-9 + = , . @ _ -",
        );
        return None;
    }
    for (value, name) in [&key, &secret].into_iter().zip(KEYS) {
        if value.as_ref().is_none_or(String::is_empty) {
            report.error(span, format!("`{name}` is missing"));
        }
    }
    Some(Profile {
        name,
        span,
        access_key_id: key.filter(|key| !key.is_empty())?,
        secret_access_key: secret.filter(|secret| !secret.is_empty())?,
        session_token: token,
    })
}

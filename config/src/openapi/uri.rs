//! The URI of an integration: a template with stage variables, import variables and `{name}` placeholders.
//!
//! A [`Template`] is read once; a stage's variables then make it an [`Endpoint`], or fail to.

use std::fmt;
use std::net::Ipv6Addr;

use tidegate_core::integration::{Pattern, Target};
use tidegate_core::mapping::{Mapped, Source};
use tidegate_core::plan::{Node as PlanNode, Origin};
use tidegate_core::tls::OriginTls;

use crate::file::stage::is_variable_name;

/// A URI as the document has it, import variables filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    scheme: Scheme,
    parts: Vec<Part>,
}

/// How the backend is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// As written, with its `{name}` placeholders.
    Text(String),
    /// `${stageVariables.name}`
    Variable(String),
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) origin: Origin,
    /// Value of the `Host` field.
    pub(crate) host: Box<str>,
    pub(crate) target: Target,
}

/// Why a URI cannot be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UriError {
    NotHttp,
    Unclosed,
    UnknownReference(String),
    MissingVariable(String),
    UserInformation,
    Fragment,
    PlaceholderInHost,
    Placeholder(String),
    Host(String),
    Port(String),
    Character(char),
    Percent,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("Invalid HTTP endpoint specified for URI"),
            Self::Unclosed => f.write_str("a brace of the URI is not closed"),
            Self::UnknownReference(name) => write!(f, "`${{{name}}}` cannot stand in a URI"),
            Self::MissingVariable(name) => write!(f, "there is no stage variable `{name}`"),
            Self::UserInformation => f.write_str("a URI with user information cannot be called"),
            Self::Fragment => f.write_str("a URI with a fragment cannot be called"),
            Self::PlaceholderInHost => f.write_str("a placeholder cannot stand in the host of a URI"),
            Self::Placeholder(name) => write!(f, "`{{{name}}}` is not a placeholder"),
            Self::Host(host) => write!(f, "`{host}` is not a host"),
            Self::Port(port) => write!(f, "port `{port}` is not allowed"),
            Self::Character(character) => write!(f, "a URI cannot hold the character {character:?}"),
            Self::Percent => f.write_str("a % of a URI needs two hexadecimal digits behind it"),
        }
    }
}

impl UriError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotHttp => "it must start with http:// or https://",
            Self::UnknownReference(_) => {
                "known are ${stageVariables.name}, ${AWS::Region}, ${AWS::AccountId} and ${AWS::Partition}"
            }
            Self::MissingVariable(_) => "add it to the stage's variables in tidegate.toml",
            Self::PlaceholderInHost => "use a stage variable: ${stageVariables.name}",
            Self::Port(_) => "AWS allows 80, 443 and 1024 to 65535",
            Self::Character(_) => "percent-encode it",
            Self::Percent => "a % itself is written %25",
            Self::Unclosed
            | Self::UserInformation
            | Self::Fragment
            | Self::Placeholder(_)
            | Self::Host(_) => return None,
        })
    }
}

impl Template {
    /// Reads a URI.
    pub(crate) fn parse(text: &str, node: &PlanNode) -> Result<Self, UriError> {
        let scheme =
            |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        if scheme("https://") {
            return Ok(Self { scheme: Scheme::Https, ..Self::of(&text["https://".len()..], node)? });
        }
        if !scheme("http://") {
            return Err(UriError::NotHttp);
        }
        Self::of(&text["http://".len()..], node)
    }

    /// Reads a text with stage variables and import variables, whatever it is.
    pub(crate) fn of(text: &str, node: &PlanNode) -> Result<Self, UriError> {
        let mut parts = vec![Part::Text(String::new())];
        let mut rest = text;
        while let Some((before, reference)) = rest.split_once("${") {
            let (name, after) = reference.split_once('}').ok_or(UriError::Unclosed)?;
            push_text(&mut parts, before);
            push_reference(&mut parts, name, node)?;
            rest = after;
        }
        push_text(&mut parts, rest);
        Ok(Self { scheme: Scheme::Http, parts })
    }

    /// True when stage variables decide what it is.
    pub(crate) fn has_variables(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Variable(_)))
    }

    /// The names of its placeholders, as far as they are well formed.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &str> {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Variable(_) => None,
        });
        texts.flat_map(|text| text.split('{').skip(1)).filter_map(|rest| Some(rest.split_once('}')?.0))
    }

    /// Where a call goes in a stage with these variables; `mapped` fills the placeholders, and one that it does not
    /// name stays as it is.
    pub(crate) fn endpoint<'v>(
        &self,
        variable: impl Fn(&str) -> Option<&'v str>,
        mapped: &[Mapped],
    ) -> Result<Endpoint, UriError> {
        read_endpoint(self.scheme, &self.text(variable)?, mapped)
    }

    /// The text in a stage with these variables.
    pub(crate) fn text<'v>(&self, variable: impl Fn(&str) -> Option<&'v str>) -> Result<String, UriError> {
        let mut text = String::new();
        for part in &self.parts {
            text.push_str(match part {
                Part::Text(text) => text,
                Part::Variable(name) => {
                    variable(name).ok_or_else(|| UriError::MissingVariable(name.clone()))?
                }
            });
        }
        Ok(text)
    }
}

fn push_text(parts: &mut Vec<Part>, more: &str) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push_str(more),
        _ => parts.push(Part::Text(more.to_owned())),
    }
}

fn push_reference(parts: &mut Vec<Part>, name: &str, node: &PlanNode) -> Result<(), UriError> {
    match name {
        "AWS::Region" => push_text(parts, &node.region),
        "AWS::AccountId" => push_text(parts, &node.account),
        "AWS::Partition" => push_text(parts, "aws"),
        _ => {
            let variable = name.strip_prefix("stageVariables.").filter(|name| is_variable_name(name));
            let variable = variable.ok_or_else(|| UriError::UnknownReference(name.to_owned()))?;
            parts.push(Part::Variable(variable.to_owned()));
        }
    }
    Ok(())
}

/// Reads what stands behind `http://`, or `https://`.
fn read_endpoint(scheme: Scheme, uri: &str, mapped: &[Mapped]) -> Result<Endpoint, UriError> {
    let (authority, rest) = uri.split_at(uri.find(['/', '?', '#']).unwrap_or(uri.len()));
    if authority.contains(['{', '}']) {
        return Err(UriError::PlaceholderInHost);
    }
    if authority.contains('@') {
        return Err(UriError::UserInformation);
    }
    if rest.contains('#') {
        return Err(UriError::Fragment);
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = if path.is_empty() { "/" } else { path };
    let (host, port) = read_authority(authority, scheme.port())?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host).to_owned();
    Ok(Endpoint {
        host: if port == scheme.port() { host.into() } else { format!("{host}:{port}").into() },
        origin: Origin { tls: tls(scheme, &bare), host: bare, port },
        target: Target::new(pattern(path, mapped)?, pattern(query, mapped)?),
    })
}

/// What a backend must prove, unless its integration says otherwise. A dot at the end is not part of a name.
fn tls(scheme: Scheme, host: &str) -> Option<OriginTls> {
    let name = host.strip_suffix('.').unwrap_or(host).to_owned();
    (scheme == Scheme::Https).then_some(OriginTls { name, verify_issuer: true, client: None })
}

/// Host (an IPv6 literal in its brackets) and port.
fn read_authority(authority: &str, default: u16) -> Result<(String, u16), UriError> {
    let host_end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').map_or(authority.len(), |end| end + 1),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_end);
    if !is_host(host) {
        return Err(UriError::Host(host.to_owned()));
    }
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => default,
        None => return Err(UriError::Host(authority.to_owned())),
        Some("") => default,
        Some(digits) => read_port(digits)?,
    };
    Ok((host.to_ascii_lowercase(), port))
}

fn is_host(host: &str) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        return literal.strip_suffix(']').is_some_and(|literal| literal.parse::<Ipv6Addr>().is_ok());
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(fits);
    // A last label of digits only is an IPv4 literal or nothing (WHATWG URL, "ends in a number").
    let name = host.strip_suffix('.').unwrap_or(host);
    let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    host.len() <= 253
        && name.split('.').all(label)
        && (!numeric || name.parse::<std::net::Ipv4Addr>().is_ok())
}

fn read_port(digits: &str) -> Result<u16, UriError> {
    let error = || UriError::Port(digits.to_owned());
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error());
    }
    let port = digits.parse().map_err(|_| error())?;
    if matches!(port, 80 | 443 | 1024..) { Ok(port) } else { Err(error()) }
}

/// Splits at placeholders. One that nothing fills stays literal (recorded fact 152).
fn pattern(text: &str, mapped: &[Mapped]) -> Result<Pattern, UriError> {
    let mut pattern = Pattern::default();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').ok_or(UriError::Unclosed)?;
        check_characters(before)?;
        pattern.push_literal(before);
        match filling(name, mapped)? {
            None => pattern.push_literal(&format!("{{{name}}}")),
            Some(source) => pattern.push_placeholder(name, source),
        }
        rest = after;
    }
    check_characters(rest)?;
    pattern.push_literal(rest);
    Ok(pattern)
}

fn filling(name: &str, mapped: &[Mapped]) -> Result<Option<Source>, UriError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._$-+".contains(&byte);
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(UriError::Placeholder(name.to_owned()));
    }
    Ok(mapped.iter().find(|mapped| &*mapped.name == name).map(|mapped| mapped.source.clone()))
}

/// RFC 3986: what may stand unencoded in path and query; `|` and `^` are what backends see as sent by browsers, but
/// the Java URI class that AWS reads endpoints with refuses them.
fn check_characters(text: &str) -> Result<(), UriError> {
    let fits = |character: char| character.is_ascii_graphic() && !"\"<>\\^`|}".contains(character);
    if let Some(wrong) = text.chars().find(|&character| !fits(character)) {
        return Err(if wrong == '}' { UriError::Unclosed } else { UriError::Character(wrong) });
    }
    let encoded = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if text.split('%').skip(1).all(encoded) { Ok(()) } else { Err(UriError::Percent) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::integration::Piece;

    const VARIABLES: [(&str, &str); 4] =
        [("host", "a.test:8080"), ("url", "a.test/x?y=z"), ("bad", "a.test:81"), ("p", "v1")];

    fn read(uri: &str) -> Result<Endpoint, UriError> {
        let node = PlanNode { name: "n".into(), region: "eu-west-1".into(), account: "123456789012".into() };
        let mapped = [Mapped { name: "id".into(), source: Source::Path(0) }];
        let variable =
            |name: &str| VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Template::parse(uri, &node)?.endpoint(variable, &mapped)
    }

    fn text(piece: Piece<'_>) -> &str {
        match piece {
            Piece::Literal(text) => text,
            Piece::Placeholder(_) => "<>",
        }
    }

    /// Rows of URI, `Host` value, port, path and query with placeholders as `<>`.
    #[track_caller]
    fn check(rows: &[(&str, &str, u16, &str, &str)]) {
        for (uri, host, port, path, query) in rows {
            let read = read(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
            assert_eq!((&*read.host, read.origin.port), (*host, *port), "{uri}");
            let (got_path, got_query) =
                (read.target.path().map(text).collect(), read.target.query().map(text).collect());
            assert_eq!((path.to_string(), query.to_string()), (got_path, got_query), "{uri}");
            let first = read.target.path().next();
            assert!(matches!(first, Some(Piece::Literal(text)) if text.starts_with('/')), "{uri}");
        }
    }

    #[test]
    fn endpoints() {
        check(&[
            ("http://a.test", "a.test", 80, "/", ""),
            ("HTTP://A.test:80/", "a.test", 80, "/", ""),
            ("http://a.test:/x", "a.test", 80, "/x", ""),
            ("http://a.test?q=1", "a.test", 80, "/", "q=1"),
            (
                "http://127.0.0.1:1024/a/{id}/b?c={id}&d={other}",
                "127.0.0.1:1024",
                1024,
                "/a/<>/b",
                "c=<>&d={other}",
            ),
            ("http://[::1]:443/%7B", "[::1]:443", 443, "/%7B", ""),
            ("http://${stageVariables.host}/${stageVariables.p}/{id}", "a.test:8080", 8080, "/v1/<>", ""),
            ("http://${stageVariables.url}", "a.test", 80, "/x", "y=z"),
            ("http://x.${AWS::Region}.test/${AWS::AccountId}", "x.eu-west-1.test", 80, "/123456789012", ""),
            ("https://a.test", "a.test", 443, "/", ""),
            ("HTTPS://A.test:443/x", "a.test", 443, "/x", ""),
            ("https://${stageVariables.host}/", "a.test:8080", 8080, "/", ""),
            ("https://a.test:80/", "a.test:80", 80, "/", ""),
            ("http://a.test/${AWS::Partition}/{proxy+}", "a.test", 80, "/aws/{proxy+}", ""),
        ]);
    }

    #[test]
    fn an_ipv6_origin_has_no_brackets() {
        assert_eq!(read("http://[::1]/").unwrap().origin.host, "::1");
    }

    #[test]
    fn a_backend_by_https_must_prove_its_name() {
        let name = |uri: &str| read(uri).unwrap().origin.tls.map(|tls| (tls.name, tls.verify_issuer));
        assert_eq!(name("https://A.test./"), Some(("a.test".to_owned(), true)));
        assert_eq!(name("https://[::1]:8443/"), Some(("::1".to_owned(), true)));
        assert_eq!(name("http://a.test/"), None);
    }

    #[test]
    fn refused() {
        let rows = [
            ("ftp://a.test/", UriError::NotHttp),
            ("", UriError::NotHttp),
            ("${stageVariables.url}", UriError::NotHttp),
            ("http://", UriError::Host(String::new())),
            ("http:///x", UriError::Host(String::new())),
            ("http://a..b/", UriError::Host("a..b".into())),
            ("http://a b/", UriError::Host("a b".into())),
            ("http://1.2.3/", UriError::Host("1.2.3".into())),
            ("http://256.1.1.1/", UriError::Host("256.1.1.1".into())),
            ("http://[::1/", UriError::Host("[::1".into())),
            ("http://[::1]x/", UriError::Host("[::1]x".into())),
            ("http://a:81/", UriError::Port("81".into())),
            ("http://a:+80/", UriError::Port("+80".into())),
            ("http://a:99999/", UriError::Port("99999".into())),
            ("http://u:p@a/", UriError::UserInformation),
            ("http://a/#f", UriError::Fragment),
            ("http://{id}.test/", UriError::PlaceholderInHost),
            ("http://a/{id", UriError::Unclosed),
            ("http://a/id}", UriError::Unclosed),
            ("http://a/${stageVariables.x", UriError::Unclosed),
            ("http://a/{}", UriError::Placeholder(String::new())),
            ("http://a/{a b}", UriError::Placeholder("a b".into())),
            ("http://a/b c", UriError::Character(' ')),
            ("http://a/é", UriError::Character('é')),
            ("http://a/%zz", UriError::Percent),
            ("http://a/%1", UriError::Percent),
            ("http://a/${stageVariables.none}", UriError::MissingVariable("none".into())),
            ("http://${stageVariables.bad}/", UriError::Port("81".into())),
            ("http://a/${env.x}", UriError::UnknownReference("env.x".into())),
            ("http://a/${stageVariables.a-b}", UriError::UnknownReference("stageVariables.a-b".into())),
        ];
        for (uri, want) in rows {
            assert_eq!(read(uri), Err(want), "{uri}");
        }
    }
}

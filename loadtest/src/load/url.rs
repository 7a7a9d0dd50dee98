//! `http://host:port/path?query`, or `https://`, strictly.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A URL in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether it is https.
    pub secure: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// Port; 80, or 443 of https, if not written.
    pub port: u16,
    /// What `Host` says: as written.
    pub authority: String,
    /// Path and query as written, `/` if there is none.
    pub path: String,
}

impl Url {
    /// Reads it.
    ///
    /// # Errors
    /// In words, with the URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not a URL to load: {why}");
        if let Some(place) = text.find(|c: char| !c.is_ascii_graphic()) {
            return Err(wrong(&format!("character {} must be percent-encoded", place + 1)));
        }
        let (secure, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err(wrong("only http:// and https:// are known")),
            None => return Err(wrong("it does not begin with http://")),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (host, port) = split_authority(authority, if secure { 443 } else { 80 }).map_err(wrong)?;
        Ok(Self { secure, host, port, authority: authority.to_owned(), path })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The address to connect to: the first that accepts a connection if the name has several, else the first.
    ///
    /// # Errors
    /// In words, when the name has none.
    pub fn resolve(&self) -> Result<SocketAddr, String> {
        let addresses: Vec<SocketAddr> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| format!("unknown host `{}`: {error}", self.host))?
            .collect();
        let first = *addresses.first().ok_or_else(|| format!("host `{}` has no address", self.host))?;
        if addresses.len() == 1 {
            return Ok(first);
        }
        let answers =
            |address: &&SocketAddr| TcpStream::connect_timeout(address, Duration::from_secs(1)).is_ok();
        Ok(addresses.iter().find(answers).copied().unwrap_or(first))
    }
}

fn split_authority(authority: &str, default: u16) -> Result<(String, u16), &'static str> {
    if authority.contains('@') {
        return Err("it has a user name; send `-H 'Authorization: …'` instead");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("`[` without `]`")?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| "what is in brackets is not an IPv6 address")?;
            (
                host,
                if rest.is_empty() {
                    None
                } else {
                    Some(rest.strip_prefix(':').ok_or("no `:` before the port")?)
                },
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("it has no host");
    }
    let port = match port {
        Some(port) => {
            port.parse().ok().filter(|port| *port != 0).ok_or("its port is not between 1 and 65535")?
        }
        None => default,
    };
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let rows = [
            ("http://a", Some(("a", 80, "a", "/"))),
            ("HTTP://a:81/x?y=z#w", Some(("a", 81, "a:81", "/x?y=z"))),
            ("http://a?y", Some(("a", 80, "a", "/?y"))),
            ("http://[::1]:8080/", Some(("::1", 8080, "[::1]:8080", "/"))),
            ("http://[::1]", Some(("::1", 80, "[::1]", "/"))),
            ("https://a/", Some(("a", 443, "a", "/"))),
            ("https://a:8443/x", Some(("a", 8443, "a:8443", "/x"))),
            ("ftp://a/", None),
            ("a/b", None),
            ("http://", None),
            ("http://:80/", None),
            ("http://a:0/", None),
            ("http://a:70000/", None),
            ("http://a:/", None),
            ("http://u@a/", None),
            ("http://[::1/", None),
            ("http://[no]/", None),
            ("http://a/b c", None),
            ("http://a/ü", None),
        ];
        for (text, want) in rows {
            let got = Url::parse(text).ok();
            let got = got
                .as_ref()
                .map(|url| (url.host.as_str(), url.port, url.authority.as_str(), url.path.as_str()));
            assert_eq!(got, want, "{text}");
        }
    }
}

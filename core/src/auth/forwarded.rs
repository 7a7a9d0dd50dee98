//! `X-Forwarded-For`: whose request a proxy passes on.

use std::net::{IpAddr, SocketAddr};

use super::cidr::Cidr;

/// The client's address. `values` are those of all `X-Forwarded-For` fields, in the order received.
///
/// Read from the end, where our own proxies write: the last address that is not of a trusted proxy. What stands before it
/// may be made up by the client. An entry that is no address ends the search, and then the proxy that wrote it is as far
/// as we know.
pub fn client<'a>(
    peer: IpAddr,
    trusted: &[Cidr],
    values: impl DoubleEndedIterator<Item = &'a [u8]>,
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut client = peer;
    for entry in values.rev().flat_map(|value| value.rsplit(|&byte| byte == b',')) {
        if !is_trusted(client) {
            break;
        }
        match address(entry.trim_ascii()) {
            Some(address) => client = address,
            None => break,
        }
    }
    client.to_canonical()
}

/// An address, perhaps with a port, an IPv6 one perhaps in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(text) = bracketed {
        return text.parse().ok().map(IpAddr::V6);
    }
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, values: &[&str], want: &str) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|range| Cidr::parse(range).expect("a range"));
        let values = values.iter().map(|value| value.as_bytes());
        let client = client(peer.parse().expect("an address"), &trusted, values);
        assert_eq!(client.to_string(), want);
    }

    #[test]
    fn clients() {
        check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.1, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.1, 198.51.100.1,10.0.0.2 , 10.0.0.3"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3");
        check("::ffff:10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        check("fd00::1", &["2001:db8::1"], "2001:db8::1");
        check("fd00::1", &["[2001:db8::1]:443"], "2001:db8::1");
        check("fd00::1", &["[2001:db8::1]"], "2001:db8::1");
        check("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_is_not_believed() {
        for value in [
            "unknown",
            "",
            ",",
            "198.51.100.1,",
            "198.51.100.1, _hidden",
            "198.51.100.256",
            "1",
            "010.0.0.1",
            "[1.2.3.4]",
        ] {
            check("10.0.0.1", &[value], "10.0.0.1");
        }
        check("10.0.0.1", &["198.51.100.1, x, 10.0.0.2"], "10.0.0.2");
    }
}

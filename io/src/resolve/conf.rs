//! The name servers that `/etc/resolv.conf` names. Never fails: what cannot be read is as if it were not there.

use std::net::{Ipv4Addr, SocketAddr};

/// Name servers that count; more are ignored, as the C library does (resolv.conf(5), `MAXNS`).
const NAMESERVERS_MAX: usize = 3;
/// RFC 1035 section 4.2.1.
const DNS_PORT: u16 = 53;

/// The name servers as of now: the file changes when the network does.
pub(super) fn nameservers() -> Vec<SocketAddr> {
    parse(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
}

/// The one on this machine if none is named (resolv.conf(5)).
fn parse(text: &str) -> Vec<SocketAddr> {
    let named: Vec<SocketAddr> = text.lines().filter_map(nameserver).take(NAMESERVERS_MAX).collect();
    if named.is_empty() { vec![(Ipv4Addr::LOCALHOST, DNS_PORT).into()] } else { named }
}

/// The keyword begins its line; what follows the address does not count. A zone (`fe80::1%2`) must be a number: a name
/// server with an interface's name is asked for addresses by the C library, but not for times to live by us.
fn nameserver(line: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix("nameserver")?;
    let address = rest.strip_prefix([' ', '\t'])?.split_ascii_whitespace().next()?;
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    format!("{host}:{DNS_PORT}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameservers_of_resolv_conf() {
        let rows: &[(&str, &[&str])] = &[
            ("", &["127.0.0.1:53"]),
            ("nameserver 10.0.0.2", &["10.0.0.2:53"]),
            ("nameserver\t10.0.0.2 \r\n", &["10.0.0.2:53"]),
            ("nameserver  10.0.0.2 # the router\n", &["10.0.0.2:53"]),
            ("search a.test b.test\nnameserver 10.0.0.2\noptions ndots:5\n", &["10.0.0.2:53"]),
            ("nameserver 10.0.0.2\nnameserver 10.0.0.3\n", &["10.0.0.2:53", "10.0.0.3:53"]),
            (
                "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4",
                &["1.1.1.1:53", "2.2.2.2:53", "3.3.3.3:53"],
            ),
            ("nameserver ::1\nnameserver 2001:db8::53", &["[::1]:53", "[2001:db8::53]:53"]),
            ("nameserver fe80::1%2", &["[fe80::1%2]:53"]),
            ("nameserver fe80::1%eth0\nnameserver 10.0.0.2", &["10.0.0.2:53"]),
            ("# nameserver 1.1.1.1\n;nameserver 2.2.2.2\nnameserver 10.0.0.2", &["10.0.0.2:53"]),
            (" nameserver 1.1.1.1", &["127.0.0.1:53"]),
            ("nameservers 1.1.1.1\nnameserver1.1.1.1\nNameserver 1.1.1.1", &["127.0.0.1:53"]),
            ("nameserver", &["127.0.0.1:53"]),
            ("nameserver \nnameserver dns.test\nnameserver 1.2.3\nnameserver 1.1.1.1:54", &["127.0.0.1:53"]),
        ];
        for (text, want) in rows {
            let found: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
            assert_eq!(found, *want, "{text:?}");
        }
    }
}

//! Ranges of addresses: `203.0.113.0/24`, `2001:db8::/32`.

use std::net::{IpAddr, Ipv6Addr};

/// A range. IPv4 is kept as it is mapped into IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    bits: u128,
    mask: u128,
}

impl Cidr {
    /// Reads a range, or one address. Bits behind the prefix do not count, as in AWS.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(text) if text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok()?
            }
            Some(_) => return None,
            None => bits_max,
        };
        if prefix > bits_max {
            return None;
        }
        let host_bits: u32 = bits_max - prefix;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or_default();
        Some(Self { bits: mapped(address).to_bits() & mask, mask })
    }

    /// Whether the address is in the range. An IPv4 address mapped into IPv6 is that IPv4 address.
    pub fn contains(self, address: IpAddr) -> bool {
        mapped(address).to_bits() & self.mask == self.bits
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, inside: &[&str], outside: &[&str]) {
        let cidr = Cidr::parse(range).expect("a range");
        for address in inside {
            assert!(cidr.contains(address.parse().expect("an address")), "{address} in {range}");
        }
        for address in outside {
            assert!(!cidr.contains(address.parse().expect("an address")), "{address} not in {range}");
        }
    }

    #[test]
    fn ranges() {
        check(
            "203.0.113.0/24",
            &["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.7"],
            &["203.0.112.255", "203.0.114.0", "::1"],
        );
        check("203.0.113.7/24", &["203.0.113.0"], &[]);
        check("203.0.113.7", &["203.0.113.7"], &["203.0.113.6"]);
        check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1", "2001:db8::1"]);
        check("::/0", &["::1", "203.0.113.7"], &[]);
        check("2001:db8::/32", &["2001:db8::1", "2001:db8:ffff::"], &["2001:db9::", "203.0.113.7"]);
        check("2001:db8::1/128", &["2001:db8::1"], &["2001:db8::2"]);
    }

    #[test]
    fn what_is_no_range() {
        for text in [
            "",
            "203.0.113.0/33",
            "203.0.113.0/",
            "203.0.113/24",
            "203.0.113.0/+8",
            "::/129",
            "a",
            "203.0.113.0/24/8",
            "1.2.3.4 ",
        ] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }
}

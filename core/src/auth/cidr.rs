//! Ranges of addresses: `203.0.113.0/24`, `2001:db8::/32`.

use std::net::IpAddr;

/// A range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    first: Bits,
    mask: u128,
}

/// An address as ranges compare it; where many ranges are asked, it is worked out once. An IPv4 address that is mapped into
/// IPv6 is that IPv4 address, and no range of the one family has addresses of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    bits: u128,
    is_ipv4: bool,
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
        let Bits { bits, is_ipv4 } = Bits::of(address);
        // Of mapped addresses and of others: nobody means that.
        if is_ipv4 && host_bits > 32 {
            return None;
        }
        Some(Self { first: Bits { bits: bits & mask, is_ipv4 }, mask })
    }

    /// Whether the address is in the range.
    pub fn contains(self, address: IpAddr) -> bool {
        self.has(Bits::of(address))
    }

    /// Whether the address of these bits is.
    pub fn has(self, Bits { bits, is_ipv4 }: Bits) -> bool {
        bits & self.mask == self.first.bits && is_ipv4 == self.first.is_ipv4
    }
}

impl Bits {
    /// Those of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self { bits: address.to_ipv6_mapped().to_bits(), is_ipv4: true },
            IpAddr::V6(address) => Self { bits: address.to_bits(), is_ipv4: false },
        }
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
        check("::/0", &["::1", "2001:db8::1"], &["203.0.113.7", "::ffff:203.0.113.7"]);
        check("::ffff:0:0/96", &["203.0.113.7"], &["::1", "::"]);
        check("::ffff:203.0.113.0/120", &["203.0.113.7", "::ffff:203.0.113.7"], &["203.0.114.7"]);
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
            "::ffff:203.0.113.0/95",
            "a",
            "203.0.113.0/24/8",
            "1.2.3.4 ",
        ] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }
}

//! `X-Forwarded-For`: whatever it says, the client is the peer or an address that stands in it, and what stands before the
//! first proxy that is not ours does not matter.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use tidegate_core::auth::cidr::Cidr;
use tidegate_core::auth::forwarded::client;

fuzz_target!(|input: &[u8]| {
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|range| Cidr::parse(range).expect("a range"));
    let peers: [IpAddr; 3] =
        [[10, 0, 0, 1].into(), [203, 0, 113, 7].into(), [0xfd00, 0, 0, 0, 0, 0, 0, 1].into()];
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    for peer in peers {
        let values: Vec<&[u8]> = input.split(|&byte| byte == b'\n').collect();
        let found = client(peer, &trusted, values.iter().copied());
        if !is_trusted(peer) {
            assert_eq!(found, peer, "nobody else is believed");
        }
        let forged: Vec<&[u8]> = [&b"198.51.100.99"[..]].into_iter().chain(values.iter().copied()).collect();
        if !is_trusted(found) {
            assert_eq!(
                client(peer, &trusted, forged.into_iter()),
                found,
                "what clients write in front does not matter"
            );
        }
        let joined = values.join(&b","[..]);
        assert_eq!(client(peer, &trusted, [&joined[..]].into_iter()), found, "fields are joined by commas");
    }
    if let Ok(text) = std::str::from_utf8(input) {
        if let Some(range) = Cidr::parse(text) {
            let address =
                text.split('/').next().unwrap_or_default().parse().expect("a range begins with an address");
            assert!(range.contains(address));
        }
    }
});

//! A content coding: what is decompressed is never more than the limit, and what is compressed comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::compression::{Coding, decompress};

const BYTES_MAX: u64 = 1 << 16;

fuzz_target!(|data: &[u8]| {
    let _ = Coding::preferred(data);
    let _ = Coding::of_content(std::iter::once(data));
    for coding in [Coding::Gzip, Coding::Deflate] {
        if let Ok(decoded) = coding.decompress(data, BYTES_MAX) {
            assert!(decoded.len() as u64 <= BYTES_MAX);
        }
        let coded = coding.compress(data);
        assert_eq!(coding.decompress(&coded, data.len() as u64).as_deref(), Ok(data));
        assert_eq!(
            decompress(&[coding, coding], &coding.compress(&coded), data.len().max(coded.len()) as u64)
                .as_deref(),
            Ok(data)
        );
    }
});

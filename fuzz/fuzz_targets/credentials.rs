//! Credentials from outside: whatever STS, metadata and files say, what is read can be sent in a header field, and what is
//! wrong is said in one line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::aws::profiles::{Chain, Profiles};
use tidegate_core::aws::{Issued, documents};

fn check(read: Result<Issued, String>) {
    match read {
        Ok(issued) => {
            let credentials = issued.credentials;
            assert!(
                !credentials.access_key_id.is_empty() && !credentials.secret_access_key.reveal().is_empty()
            );
            let token = credentials.session_token.as_ref().map_or(&b""[..], |token| token.reveal());
            let fits = |byte: &u8| byte.is_ascii_graphic();
            assert!(credentials.access_key_id.bytes().all(|byte| fits(&byte)) && token.iter().all(fits));
        }
        Err(error) => assert!(!error.contains(['\r', '\n']), "{error}"),
    }
}

fn depth(chain: &Chain) -> usize {
    match chain {
        Chain::Role { by, .. } => 1 + depth(by),
        Chain::Keys(_) | Chain::Environment | Chain::Container | Chain::Instance => 0,
    }
}

fuzz_target!(|input: &[u8]| {
    check(documents::metadata(input));
    let Ok(text) = std::str::from_utf8(input) else { return };
    check(documents::assumed_role(text));
    let _ = documents::error_message(text);
    let (config, credentials) = text.split_once('\0').unwrap_or((text, ""));
    let profiles = Profiles::read(config, credentials);
    for name in ["default", "a", "b"] {
        if let Ok(Some(chain)) = profiles.chain(name) {
            assert!(depth(&chain) <= 8);
        }
    }
});

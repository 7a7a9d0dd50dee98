//! Tokens and key sets: no panic on anything, and no token is proved by a key that has not signed it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::auth::cognito::bare_token;
use tidegate_core::auth::jwt::{KeySet, Token};

/// RFC 7515, appendix A.3.
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
const TOKEN: &[u8] = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fuzz_target!(|input: &[u8]| {
    let _ = KeySet::read(input);
    let keys = KeySet::read(KEYS.as_bytes()).expect("a key set");
    let text = bare_token(input);
    let Ok(token) = Token::read(text) else { return };
    let _ = token.issuer();
    let Some(key) = keys.find(&token.key_id) else { return };
    if let Ok(claims) = token.prove(key) {
        assert_eq!(text, TOKEN, "only one token is of this key");
        let _ = claims.check_time(0);
    }
});

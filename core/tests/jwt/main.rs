//! Signatures of tokens: the examples of the RFCs, and Wycheproof's vectors, which look for what implementations of these
//! algorithms get wrong.

#[path = "../support/sources.rs"]
mod sources;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tidegate_core::auth::jwt::{KeySet, KeySetError, Token, TokenError};
use tidegate_core::limits::{KEY_SET_BYTES_MAX, KEYS_MAX};

fn read(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::read(json!({"keys": keys}).to_string().as_bytes())
}

/// Whether a token is of the key, once that has the id that the token names.
#[track_caller]
fn check(mut key: Value, token: &str, want: Result<(), TokenError>) {
    key["kid"] = "".into();
    let keys = read(&[key]).expect("a key set");
    let token = Token::read(token.as_bytes()).expect("a token");
    assert_eq!(token.prove(keys.find("").expect("a key")).map(|_| ()), want);
}

/// RFC 7515, appendixes A.2 and A.3, and RFC 8037, appendix A.4, whose payload is text here made an object.
#[test]
fn examples_of_the_rfcs() {
    let payload =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
    let rs256 = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let rs256 = format!("eyJhbGciOiJSUzI1NiJ9.{payload}.{rs256}");
    check(rsa.clone(), &rs256, Ok(()));
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let es256 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{payload}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    check(ec.clone(), &es256, Ok(()));
    check(ec.clone(), &es256.replace("IjqbI", "x").replace(".DtEh", ".DtEg"), Err(TokenError::Signature));
    // A key is for one algorithm, whatever the token says.
    check(ec, &rs256, Err(TokenError::Algorithm));
    check(rsa.clone(), &es256, Err(TokenError::Algorithm));
    let mut other = rsa;
    other["alg"] = "PS256".into();
    check(other, &rs256, Err(TokenError::Algorithm));
    let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": ""});
    let keys = read(&[okp]).expect("a key set");
    let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = keys.find("").expect("a key");
    assert!(key.has_signed(signed, signature) && !key.has_signed(&signed[1..], signature));
}

fn from_hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("hexadecimal");
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len() / 2).map(|at| byte(at * 2)).collect()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A big-endian number without zeros before it.
fn number(text: &Value) -> String {
    let bytes = from_hex(text);
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    encode(&bytes[zeros..])
}

/// Runs the cases of a file of Wycheproof; `jwk` makes a key of a group. Returns how many there were.
fn wycheproof(file: &str, jwk: impl Fn(&Value) -> Value) -> usize {
    let path = sources::crate_folder("wycheproof").join("src/data").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tests: Value = serde_json::from_str(&text).expect("JSON");
    let mut count = 0;
    for group in tests["testGroups"].as_array().expect("groups") {
        let mut key = jwk(group);
        key["kid"] = "k".into();
        let keys = read(&[key]);
        for case in group["tests"].as_array().expect("cases") {
            let signature = encode(&from_hex(&case["sig"]));
            let key = keys.as_ref().ok().and_then(|keys| keys.find("k"));
            let good = key.is_some_and(|key| key.has_signed(&from_hex(&case["msg"]), &signature));
            let want = case["result"] == "valid";
            // What is merely acceptable (odd keys, above all) may be refused.
            assert!(
                good == want || (case["result"] == "acceptable" && !good),
                "{file} {}: {}",
                case["tcId"],
                case["comment"]
            );
            count += 1;
        }
    }
    count
}

#[test]
fn wycheproof_rsa() {
    let jwk = |algorithm: &'static str| {
        move |group: &Value| {
            let key = &group["publicKey"];
            json!({"kty": "RSA", "alg": algorithm, "n": number(&key["modulus"]), "e": number(&key["publicExponent"])})
        }
    };
    let mut count = 0;
    for (file, algorithm) in [
        ("rsa_signature_2048_sha256_test.json", "RS256"),
        ("rsa_signature_3072_sha384_test.json", "RS384"),
        ("rsa_signature_4096_sha512_test.json", "RS512"),
        ("rsa_pss_2048_sha256_mgf1_32_test.json", "PS256"),
        ("rsa_pss_4096_sha384_mgf1_48_test.json", "PS384"),
        ("rsa_pss_4096_sha512_mgf1_64_test.json", "PS512"),
    ] {
        count += wycheproof(file, jwk(algorithm));
    }
    assert!(count > 900, "{count} cases");
}

#[test]
fn wycheproof_ecdsa() {
    let jwk = |curve: &'static str, bytes: usize| {
        move |group: &Value| {
            let point = from_hex(&group["publicKey"]["uncompressed"]);
            let (x, y) = point[1..].split_at(bytes);
            json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
        }
    };
    let count = wycheproof("ecdsa_secp256r1_sha256_p1363_test.json", jwk("P-256", 32))
        + wycheproof("ecdsa_secp384r1_sha384_p1363_test.json", jwk("P-384", 48));
    assert!(count > 400, "{count} cases");
}

#[test]
fn wycheproof_eddsa() {
    let count = wycheproof(
        "ed25519_test.json",
        |group| json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&from_hex(&group["publicKey"]["pk"]))}),
    );
    assert!(count > 100, "{count} cases");
}

#[test]
fn what_is_no_key() {
    let ec = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let with = |name: &str, value: Value| {
        let mut key = ec.clone();
        key[name] = value;
        key
    };
    assert!(read(std::slice::from_ref(&ec)).is_ok());
    assert!(read(&[with("use", "sig".into())]).is_ok());
    for key in [
        with("use", "enc".into()),
        with("alg", "ES384".into()),
        with("alg", "RS256".into()),
        with("alg", "HS256".into()),
        with("crv", "P-521".into()),
        json!({"kty": "oct", "kid": "k", "k": "c2VjcmV0"}),
        json!({"kty": "oct", "kid": "k", "k": "c2VjcmV0", "alg": "HS256"}),
        json!({"kty": "AKP", "kid": "k", "pub": "x"}),
    ] {
        assert_eq!(read(std::slice::from_ref(&key)).map(|_| ()), Err(KeySetError::Empty), "{key}");
        assert!(read(&[key.clone(), ec.clone()]).is_ok(), "others are as good beside {key}");
    }
    assert_eq!(read(&[]).map(|_| ()), Err(KeySetError::Empty));
    assert_eq!(read(&vec![ec.clone(); KEYS_MAX + 1]).map(|_| ()), Err(KeySetError::TooMany));
    assert!(read(&vec![ec; KEYS_MAX]).is_ok());
    let large = format!("{{\"keys\":[]{}}}", " ".repeat(KEY_SET_BYTES_MAX));
    assert_eq!(KeySet::read(large.as_bytes()).map(|_| ()), Err(KeySetError::TooLarge));
    for text in ["", "{}", "[]", "<html>", r#"{"keys":{}}"#, r#"{"keys":[7]}"#] {
        assert_eq!(KeySet::read(text.as_bytes()).map(|_| ()), Err(KeySetError::Malformed), "{text}");
    }
}

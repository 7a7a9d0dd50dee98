//! Callers who say who they are: tokens of a Cognito user pool with the keys that prove them, signed requests, and tokens
//! for a Lambda authorizer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::{digest, hmac};

use super::date::Date;
use super::trouble::Trouble;

/// How many there are. Each comes as often as the others.
const CALLERS: usize = 1_000;
/// How long a token is good.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// How long whoever asks for the keys may take.
const PATIENCE: Duration = Duration::from_secs(5);
const KEY_ID: &str = "bench";
/// What all tokens have in common; it makes them as long as Cognito's.
const PADDING: &str =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How callers say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the token of a user pool.
    Token,
    /// By a signature of each request (Signature Version 4).
    Signature,
    /// By something that a Lambda authorizer knows.
    Authorizer,
}

/// The callers of a scenario, and what a proxy has to know of them.
#[derive(Clone, Debug)]
pub struct Callers {
    /// How they say who they are.
    pub proof: Proof,
    /// Where the keys of their tokens are.
    pub keys_at: SocketAddr,
    /// Those keys.
    pub key_set: String,
    /// The program of a function that lets everybody in.
    pub function: PathBuf,
}

/// The user pool of a run: a key pair, and a server that tells the public one.
#[derive(Debug)]
pub struct Pool {
    pair: EcdsaKeyPair,
    /// Where it is told.
    pub keys_at: SocketAddr,
    /// What is told.
    pub key_set: String,
}

impl Callers {
    /// The issuer of tokens.
    pub const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_bench";
    /// The user pool.
    pub const POOL: &str = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_bench";
    /// The key that signs requests.
    pub const ACCESS_KEY: &str = "AKIDBENCHBENCHBENCH";
    /// Its secret.
    pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// Whether tokens are asked for.
    pub fn have_tokens(&self) -> bool {
        self.proof == Proof::Token
    }

    /// Whether signatures are.
    pub fn sign(&self) -> bool {
        self.proof == Proof::Signature
    }
}

impl Pool {
    /// Makes a key and serves it, as long as the process lives.
    ///
    /// # Errors
    /// When there are no random numbers, or no port.
    pub fn make() -> Result<Self, Trouble> {
        let random = SystemRandom::new();
        let failed = |_| Trouble::World("no key for tokens could be made".to_owned());
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
            .map_err(|error| Trouble::World(format!("a key for tokens: {error}")))?;
        // An uncompressed point: 4, then both coordinates.
        let point = pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        let key_set = format!(
            r#"{{"keys":[{{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"{KEY_ID}","x":"{x}","y":"{y}"}}]}}"#
        );
        let keys_at =
            serve(key_set.clone()).map_err(|error| Trouble::doing("serving the keys of tokens", &error))?;
        Ok(Self { pair, keys_at, key_set })
    }

    /// The fields by which a caller says who it is, each with its line end.
    pub fn fields(
        &self,
        proof: Proof,
        caller: usize,
        method: &str,
        path: &str,
        host: SocketAddr,
        body: &[u8],
    ) -> String {
        match proof {
            Proof::Token => format!("Authorization: Bearer {}\r\n", self.token(caller)),
            Proof::Authorizer => format!("Authorization: caller-{caller}-{PADDING}\r\n"),
            Proof::Signature => signature(caller, method, path, host, body),
        }
    }

    /// A request of each, in tidegate-load's format, the body in a file.
    pub fn requests(
        &self,
        proof: Proof,
        path: &str,
        host: SocketAddr,
        body: Option<(&str, &[u8])>,
    ) -> String {
        let (method, content) = body.map_or(("GET", &b""[..]), |(_, content)| ("POST", content));
        let body = body.map(|(file, _)| format!("@{file}\n")).unwrap_or_default();
        let request = |caller| {
            let fields = self.fields(proof, caller, method, path, host, content).replace("\r\n", "\n");
            format!("{method} {path}\n{fields}{body}\n")
        };
        (0..CALLERS).map(request).collect()
    }

    /// An ID token as Cognito makes them.
    fn token(&self, caller: usize) -> String {
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        let (issuer, now_s) = (Callers::ISSUER, now_s());
        let header = encode(format!(r#"{{"kid":"{KEY_ID}","alg":"ES256"}}"#));
        let claims = encode(format!(
            r#"{{"sub":"user-{caller}","email_verified":true,"iss":"{issuer}","cognito:username":"user-{caller}","aud":"bench","event_id":"{PADDING}","token_use":"id","auth_time":{now_s},"exp":{},"iat":{now_s},"jti":"{PADDING}","email":"user-{caller}@example.com"}}"#,
            now_s + TOKEN_LIFE.as_secs()
        ));
        let signed = format!("{header}.{claims}");
        // It fails without random numbers, of which the key was made.
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map(|signature| URL_SAFE_NO_PAD.encode(signature)).unwrap_or_default();
        format!("{signed}.{signature}")
    }
}

/// AWS: "Create a signed AWS API request".
fn signature(caller: usize, method: &str, path: &str, host: SocketAddr, body: &[u8]) -> String {
    let time = format!("{}Z", Date::now().folder().replace('-', "T"));
    let day = &time[..8];
    let scope = format!("{day}/us-east-1/execute-api/aws4_request");
    let signed = "host;x-amz-date;x-caller";
    let canonical = format!(
        "{method}\n{path}\n\nhost:{host}\nx-amz-date:{time}\nx-caller:{caller}\n\n{signed}\n{}",
        hex(digest::digest(&digest::SHA256, body).as_ref())
    );
    let digest = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
    let mut key = format!("AWS4{}", Callers::SECRET).into_bytes();
    for part in [day, "us-east-1", "execute-api", "aws4_request", text.as_str()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes());
        key = tag.as_ref().to_vec();
    }
    format!(
        "X-Amz-Date: {time}\r\nX-Caller: {caller}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={}\r\n",
        Callers::ACCESS_KEY,
        hex(&key)
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Answers whatever is asked with this text.
fn serve(text: String) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away asks again.
            let _ = tell(stream, &answer);
        }
    });
    Ok(address)
}

fn tell(mut stream: TcpStream, answer: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") && request.len() < 65_536 {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    stream.write_all(answer.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_differ() {
        let pool = Pool::make().unwrap();
        let host = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        for proof in [Proof::Token, Proof::Signature, Proof::Authorizer] {
            let text = pool.requests(proof, "/a", host, Some(("body", b"x")));
            let mut who: Vec<&str> =
                text.lines().filter(|line| line.starts_with("Authorization: ")).collect();
            assert_eq!((who.len(), text.matches("POST /a\n").count()), (CALLERS, CALLERS));
            who.sort_unstable();
            who.dedup();
            assert_eq!(who.len(), CALLERS, "{proof:?}");
        }
        let mut stream = TcpStream::connect(pool.keys_at).unwrap();
        stream.write_all(b"GET /jwks.json HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        assert!(told.ends_with(&pool.key_set), "{told}");
    }
}

//! The sources of credentials, against servers of our own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tidegate_core::aws::{CredentialsSource, Issued};
use tidegate_core::plan::Aws;
use ureq::tls::RootCerts;

use super::environment::Environment;
use super::source::ask;
use super::{Issuer, now_s};
use crate::fetch::Client;

const LONG: Duration = Duration::from_secs(30);

/// A server that answers by method and target; others get 404. It remembers what it was asked, whole.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let request = read_request(&mut stream);
                let answer = answers.iter().find(|(start, _)| request.starts_with(start));
                heard.lock().expect("a lock").push(request);
                let (status, body) = answer.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", body));
                let length = body.len();
                let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }
}

fn read_request(stream: &mut impl Read) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        text.push(char::from(byte[0]));
    }
    let length = text
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut content = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut content).expect("content");
    text + &String::from_utf8(content).expect("text")
}

fn sts_answer(id: &str, expires: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t</SessionToken><Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

fn json(id: &str) -> String {
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"s","Token":"t","Expiration":"2100-01-01T00:00:00Z"}}"#
    )
}

fn aws(sts: &str) -> Aws {
    Aws { sources: Vec::new(), sts: sts.into(), region: "us-east-1".into() }
}

#[track_caller]
fn check(environment: &Environment, sts: &str, want: Result<&str, &str>) -> Option<Issued> {
    let client = Client::trusting(RootCerts::WebPki);
    let issued = ask(&CredentialsSource::Default, &client, environment, &aws(sts));
    match (&issued, want) {
        (Ok(issued), Ok(id)) => assert_eq!(&*issued.credentials.access_key_id, id),
        (Err(error), Err(want)) => assert!(error.contains(want), "{error}"),
        _ => panic!("{issued:?} is not {want:?}"),
    }
    issued.ok()
}

/// No source but those that a test names.
const NOTHING: [(&str, &str); 4] = [
    ("AWS_CONFIG_FILE", "/nonexistent"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("HOME", "/nonexistent"),
];

#[test]
fn the_environment_comes_first() {
    let [a, b, c, d] = NOTHING;
    let keys = [
        ("AWS_ACCESS_KEY_ID", "ENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", "t"),
        a,
        b,
        c,
        d,
    ];
    let issued = check(&keys.into(), "", Ok("ENV")).expect("credentials");
    assert!(issued.credentials.session_token.is_some() && issued.expires_s.is_none());
    check(&[("AWS_ACCESS_KEY_ID", "ENV"), a, b, c, d].into(), "", Err("only one of"));
    check(&[a, b, c, d].into(), "", Err("the instance: its metadata is switched off"));
}

#[test]
fn shared_files_and_their_profiles() {
    let folder = std::env::temp_dir().join(format!("tidegate-profiles-{}", std::process::id()));
    std::fs::create_dir_all(folder.join(".aws")).expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.join(".aws").join(name);
        std::fs::write(&path, text).expect("a file");
    };
    file("credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n");
    file(
        "config",
        "[profile ci]\nrole_arn = arn:aws:iam::123456789012:role/ci\nsource_profile = default\nexternal_id = a b\n",
    );
    let home = folder.to_str().expect("text");
    check(&[("HOME", home)].into(), "", Ok("FILE"));
    check(&[("HOME", home), ("AWS_PROFILE", "nobody")].into(), "", Err("there is no profile `nobody`"));
    let sts = Server::start(vec![("POST / ", sts_answer("ROLE", "2100-01-01T00:00:00Z"))]);
    let issued =
        check(&[("HOME", home), ("AWS_PROFILE", "ci")].into(), &sts.url, Ok("ROLE")).expect("credentials");
    assert_eq!(issued.expires_s, Some(4_102_444_800));
    let asked = sts.asked().remove(0);
    assert!(asked.ends_with("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fci&RoleSessionName=tidegate&DurationSeconds=3600&ExternalId=a%20b"), "{asked}");
    let lower = asked.to_ascii_lowercase();
    assert!(
        lower.contains("authorization: aws4-hmac-sha256 credential=file/")
            && lower.contains("/us-east-1/sts/aws4_request"),
        "{asked}"
    );
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_container_shows_its_token() {
    let server = Server::start(vec![("GET /creds?x ", json("CONTAINER"))]);
    let url = format!("{}/creds?x", server.url);
    let [a, b, c, d] = NOTHING;
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer x"),
        a,
        b,
        c,
        d,
    ];
    check(&variables.into(), "", Ok("CONTAINER"));
    assert!(server.asked()[0].to_ascii_lowercase().contains("\r\nauthorization: bearer x\r\n"));
    check(
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://a.test/"), a, b, c, d].into(),
        "",
        Err("neither https nor on this machine"),
    );
}

#[test]
fn an_instance_is_asked_by_version_2() {
    let [a, b, _, d] = NOTHING;
    let check_instance = |answers: Vec<(&'static str, String)>, want| {
        let server = Server::start(answers);
        let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*server.url), a, b, d];
        check(&variables.into(), "", want);
        server.asked()
    };
    let token = || ("PUT /latest/api/token ", "T0KEN".to_owned());
    let role = || ("GET /latest/meta-data/iam/security-credentials/ ", "gateway\n".to_owned());
    let keys = ("GET /latest/meta-data/iam/security-credentials/gateway ", json("INSTANCE"));
    let asked = check_instance(vec![token(), role(), keys.clone()], Ok("INSTANCE"));
    assert!(asked[0].to_ascii_lowercase().contains("\r\nx-aws-ec2-metadata-token-ttl-seconds: "));
    assert!(
        asked[1..]
            .iter()
            .all(|asked| asked.to_ascii_lowercase().contains("\r\nx-aws-ec2-metadata-token: t0ken\r\n"))
    );
    // Without a token nothing more is asked.
    assert_eq!(check_instance(vec![role(), keys], Err("has status 404")).len(), 1);
    check_instance(
        vec![token(), ("GET /latest/meta-data/iam/security-credentials/ ", String::new())],
        Err("it has no role"),
    );
}

#[test]
fn a_token_proves_a_pod() {
    let file = std::env::temp_dir().join(format!("tidegate-token-{}", std::process::id()));
    std::fs::write(&file, "ey.J.x\n").expect("a file");
    let sts = Server::start(vec![("POST / ", sts_answer("POD", "2100-01-01T00:00:00Z"))]);
    let variables =
        [("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().expect("text")), ("AWS_ROLE_ARN", "arn:r")];
    check(&variables.into(), &sts.url, Ok("POD"));
    let asked = sts.asked().remove(0);
    assert!(
        asked.contains("Action=AssumeRoleWithWebIdentity&") && asked.ends_with("&WebIdentityToken=ey.J.x"),
        "{asked}"
    );
    assert!(!asked.to_ascii_lowercase().contains("authorization:"));
    std::fs::remove_file(&file).expect("removed");
}

/// From order to news, with a role that is renewed because its credentials end soon.
#[test]
fn news_comes_and_comes_again() {
    let soon = tidegate_core::clock::iso_8601(now_s() + 4);
    let soon = std::str::from_utf8(&soon).expect("text");
    let sts = Server::start(vec![("POST / ", sts_answer("ROLE", soon))]);
    let [a, b, c, d] = NOTHING;
    let variables = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s"), a, b, c, d];
    let issuer = Issuer::start_in(variables.into()).expect("a thread");
    let role = CredentialsSource::Role("arn:aws:iam::123456789012:role/r".into());
    issuer.watch(Aws { sources: vec![CredentialsSource::Default, role.clone()], ..aws(&sts.url) });
    let table = issuer.news().recv_timeout(LONG).expect("news").table;
    assert_eq!(&*table[&CredentialsSource::Default].credentials.access_key_id, "ENV");
    assert_eq!(&*table[&role].credentials.access_key_id, "ROLE");
    // Asked again before they end, though the same come and are no news; and gone when the role is not watched any more.
    while sts.asked().len() < 2 {
        thread::sleep(Duration::from_millis(10));
    }
    issuer.watch(Aws { sources: vec![CredentialsSource::Default], ..aws(&sts.url) });
    let news = issuer.news().recv_timeout(LONG).expect("news");
    assert_eq!((news.of, news.table.len()), (2, 1));
}

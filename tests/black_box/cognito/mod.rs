//! Cognito user pools, which moto plays: sign-up, log-in, calls, expiry, and keys that change.

use serde_json::{Value, json};

use crate::support::document::{Document, mock};
use crate::support::driver::Driver;
use crate::support::eventually;
use crate::support::gateway::Gateway;
use crate::support::setup::Setup;

const PASSWORD: &str = "Passw0rd!x";
const UNAUTHORIZED: (u16, &str) = (401, r#"{"message":"Unauthorized"}"#);

/// moto, running, with a user pool; ends when dropped.
struct Pool {
    driver: Driver,
    url: String,
    arn: String,
}

impl Pool {
    #[track_caller]
    fn start() -> Self {
        let driver = Driver::start("cognito/moto_driver.py");
        Self { url: driver.text("url"), arn: driver.text("arn"), driver }
    }

    #[track_caller]
    fn order(&mut self, order: Value) -> Value {
        self.driver.order(&order)
    }

    fn sign_up(&mut self, name: &str) {
        self.order(json!({"do": "sign_up", "name": name, "password": PASSWORD}));
    }

    /// An ID and an access token, good for so many seconds.
    fn log_in(&mut self, name: &str, lifetime: Option<i64>) -> [String; 2] {
        let tokens =
            self.order(json!({"do": "log_in", "name": name, "password": PASSWORD, "lifetime": lifetime}));
        ["id", "access"].map(|kind| tokens[kind].as_str().expect("a token").to_owned())
    }

    fn rotate(&mut self, id: &str, keep: bool) {
        self.order(json!({"do": "rotate", "id": id, "keep": keep}));
    }

    fn fetches(&mut self) -> u64 {
        self.order(json!({"do": "fetches"}))["fetches"].as_u64().expect("a number")
    }

    fn fail(&mut self, down: bool) {
        self.order(json!({"do": "fail", "down": down}));
    }

    /// A gateway that lets callers of this pool in.
    #[track_caller]
    fn gateway(&self) -> Gateway {
        let authorizer = json!({"type": "cognito_user_pools", "providerARNs": [self.arn]});
        let document = Document::new()
            .authorizer("pool", authorizer)
            .method("GET", "/mine", mock("$context.authorizer.claims.get('cognito:username')"))
            .secured("GET", "/mine", "pool", &[])
            .method("GET", "/scoped", mock("$context.authorizer.claims.username"))
            .secured("GET", "/scoped", "pool", &["aws.cognito.signin.user.admin", "other"]);
        Setup::new(&document).more(&format!("[aws.endpoint]\ncognito-idp = \"{}\"\n", self.url)).start()
    }
}

fn call(gateway: &Gateway, path: &str, token: &str) -> (u16, String) {
    let request = format!("GET /test{path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: {token}\r\n\r\n");
    let response = gateway.client().exchange(request);
    (response.status(), response.text().to_string())
}

#[track_caller]
fn check(gateway: &Gateway, path: &str, token: &str, want: (u16, &str)) {
    let (status, text) = call(gateway, path, token);
    assert_eq!((status, &*text), want, "{path}");
}

#[test]
fn who_has_signed_up_and_logged_in_may_call() {
    let mut pool = Pool::start();
    pool.sign_up("alice");
    let [id, access] = pool.log_in("alice", None);
    let gateway = pool.gateway();
    check(&gateway, "/mine", &id, (200, "alice"));
    check(&gateway, "/mine", &format!("Bearer {id}"), (200, "alice"));
    check(&gateway, "/mine", &access, UNAUTHORIZED);
    check(&gateway, "/scoped", &access, (200, "alice"));
    check(&gateway, "/scoped", &id, UNAUTHORIZED);
    check(&gateway, "/mine", "", UNAUTHORIZED);
    check(&gateway, "/mine", &id[..id.len() - 2], UNAUTHORIZED);
    let [expired, _] = pool.log_in("alice", Some(-1));
    check(&gateway, "/mine", &expired, (401, r#"{"message":"The incoming token has expired"}"#));
    let line = gateway.stderr.wait_for("the token has expired (authorizer pool)");
    assert!(!line.contains(&id[..20]), "{line}");
    assert_eq!(pool.fetches(), 1);
}

#[test]
fn a_token_that_is_known_expires() {
    let mut pool = Pool::start();
    pool.sign_up("alice");
    let [id, _] = pool.log_in("alice", Some(2));
    let gateway = pool.gateway();
    check(&gateway, "/mine", &id, (200, "alice"));
    eventually("it expires", || call(&gateway, "/mine", &id).1.contains("The incoming token has expired"));
}

#[test]
fn keys_that_change_are_fetched_anew() {
    let mut pool = Pool::start();
    pool.sign_up("alice");
    let [old, _] = pool.log_in("alice", None);
    let gateway = pool.gateway();
    check(&gateway, "/mine", &old, (200, "alice"));
    pool.rotate("second", true);
    let [new, _] = pool.log_in("alice", None);
    check(&gateway, "/mine", &new, (200, "alice"));
    check(&gateway, "/mine", &old, (200, "alice"));
    assert_eq!(pool.fetches(), 2);
    // Not again at once, whatever keys tokens say to have.
    pool.rotate("third", false);
    let [newest, _] = pool.log_in("alice", None);
    for _ in 0..20 {
        check(&gateway, "/mine", &newest, UNAUTHORIZED);
    }
    assert_eq!(pool.fetches(), 2);
}

#[test]
fn keys_stay_when_they_cannot_be_fetched() {
    let mut pool = Pool::start();
    pool.sign_up("alice");
    let [id, _] = pool.log_in("alice", None);
    let gateway = pool.gateway();
    check(&gateway, "/mine", &id, (200, "alice"));
    pool.fail(true);
    pool.rotate("second", true);
    let [new, _] = pool.log_in("alice", None);
    check(&gateway, "/mine", &new, UNAUTHORIZED);
    gateway.stderr.wait_for("the keys of an issuer could not be fetched");
    check(&gateway, "/mine", &id, (200, "alice"));
}

#[test]
fn without_keys_it_is_500_until_they_come() {
    let mut pool = Pool::start();
    pool.sign_up("alice");
    let [id, _] = pool.log_in("alice", None);
    pool.fail(true);
    let gateway = pool.gateway();
    check(&gateway, "/mine", &id, (500, r#"{"message":null}"#));
    pool.fail(false);
    eventually("they come", || call(&gateway, "/mine", &id).0 == 200);
}

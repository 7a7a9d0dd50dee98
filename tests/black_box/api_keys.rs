//! API keys: which requests pass, and what a reload changes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::document::{Document, mock};
use crate::support::gateway::{Gateway, command};
use crate::support::setup::Setup;

const ALICE: &str = "alice-0123456789abcdef";
const BOB: &str = "bob-0123456789abcdefgh";

const PLANS: &str = "
[[api_key]]
name = \"alice\"
value_file = \"alice.key\"

[[api_key]]
name = \"bob\"
value = \"bob-0123456789abcdefgh\"
enabled = false

[[usage_plan]]
name = \"basic\"
keys = [\"alice\", \"bob\"]
stage = [{ api = \"api\", stage = \"test\" }]
";

fn start() -> Gateway {
    let document = Document::new().method("GET", "/keyed", mock("served")).api_key_required("GET", "/keyed");
    let folder = Setup::new(&document).more(PLANS).write();
    folder.replace("alice.key", &format!("{ALICE}\n"));
    Gateway::run(folder)
}

fn status(gateway: &Gateway, key: &str) -> u16 {
    let request = format!("GET /test/keyed HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n");
    gateway.client().exchange(request).status()
}

#[test]
fn a_key_opens_a_method() {
    let gateway = start();
    assert_eq!(status(&gateway, ALICE), 200);
    assert_eq!(status(&gateway, BOB), 403);
    let refused = gateway.get("/test/keyed");
    assert_eq!((refused.status(), &*refused.text()), (403, r#"{"message":"Forbidden"}"#));
    assert_eq!(refused.field("x-amzn-errortype"), Some("ForbiddenException"));
}

#[test]
fn a_reload_takes_other_keys() {
    let gateway = start();
    gateway.folder.replace("alice.key", "alice-is-somebody-else-now");
    gateway.signal("HUP");
    gateway.stderr.wait_for("reloaded");
    assert_eq!(status(&gateway, "alice-is-somebody-else-now"), 200);
    assert_eq!(status(&gateway, ALICE), 403);
}

#[test]
fn values_are_shown_nowhere() {
    let mut gateway = start();
    assert_eq!(status(&gateway, ALICE), 200);
    assert_eq!(status(&gateway, BOB), 403);
    gateway.stop();
    let (out, errors) = (gateway.stdout.text(), gateway.stderr.text());
    for value in [ALICE, BOB] {
        assert!(!out.contains(value) && !errors.contains(value), "{out}\n{errors}");
    }
}

#[test]
fn a_value_may_come_from_the_environment() {
    let plans = PLANS.replace("value_file = \"alice.key\"", "value_env = \"ALICE_KEY\"");
    let folder = Setup::new(&Document::new().method("GET", "/open", mock("served"))).more(&plans).write();
    let check = |value: Option<&OsStr>| {
        let mut command = command();
        command.arg("check").arg(folder.main_file()).env_remove("ALICE_KEY");
        command.envs(value.map(|value| ("ALICE_KEY", value))).output().expect("runs")
    };
    assert_eq!(check(Some(ALICE.as_ref())).status.code(), Some(0));
    let not_unicode = check(Some(OsStr::from_bytes(b"sesame-0123456789-\xff")));
    assert_eq!(not_unicode.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&not_unicode.stderr).contains("sesame"));
    assert!(!String::from_utf8_lossy(&not_unicode.stdout).contains("sesame"));
    let missing = check(None);
    assert_eq!(missing.status.code(), Some(1));
    let text =
        String::from_utf8_lossy(&missing.stderr).into_owned() + &String::from_utf8_lossy(&missing.stdout);
    assert!(text.contains("the environment variable `ALICE_KEY`: environment variable not found"), "{text}");
}

//! The processes of functions: their sessions, users, limits, and that none outlives the gateway.

use serde_json::Value;

use super::{invoke_well, is_alive, process, setup, start, wait_until_gone};
use crate::support::client::get;
use crate::support::gateway::{health, wait_until_draining};
use crate::support::setup::Setup;

#[track_caller]
fn told(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_process_has_a_session_of_its_own_and_no_files_of_the_gateway() {
    let gateway = start("");
    let process = told(&invoke_well(&gateway, "process"));
    assert_eq!(process["pid"], process["session"]);
    // Standard input, output and error, its connection, and the folder that it lists.
    assert_eq!(process["files"].as_array().map(Vec::len), Some(5), "{process}");
}

#[test]
fn limits() {
    let gateway = start("memory = \"256 MiB\"\nfiles = 77");
    let limits = told(&invoke_well(&gateway, "limits"));
    assert_eq!(limits["files"], serde_json::json!([77, 77]));
    assert_eq!(limits["data"], serde_json::json!([256 << 20, 256 << 20]));
    assert_eq!(invoke_well(&gateway, "allocate&bytes=1000000"), "1000000");
    assert_eq!(invoke_well(&gateway, "allocate&bytes=300000000"), "no memory");
    let defaults = told(&invoke_well(&start(""), "limits"));
    assert_eq!(defaults["files"], serde_json::json!([1024, 1024]));
}

/// Changing users needs root, which tests have in CI's container; without it the start is refused, and that is told.
#[test]
fn another_user() {
    let gateway = start("user = \"65534:65533\"");
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    if is_root {
        let user = told(&invoke_well(&gateway, "user"));
        assert_eq!(user, serde_json::json!({"user": 65534, "group": 65533, "groups": []}));
    } else {
        gateway.stderr.wait_for("cannot be started: Operation not permitted");
    }
}

#[test]
fn a_stop_takes_them_along_and_lets_invocations_finish() {
    let mut gateway = Setup::new(&super::document())
        .more(&format!("[admin]\naddress = \"127.0.0.1:0\"\n{}", super::behaving("f", "", "")))
        .start();
    let process = process(&gateway);
    let child = invoke_well(&gateway, "child").parse().expect("a number");
    let mut client = gateway.client();
    client.send(get("/test/x?do=sleep&s=0.5"));
    let admin = gateway.admin();
    assert_eq!(health(admin).status(), 200);
    gateway.signal("TERM");
    wait_until_draining(admin);
    let response = client.response();
    assert_eq!((response.status(), &*response.text()), (200, &*process.to_string()));
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(!is_alive(process), "buried before the gateway ends");
    wait_until_gone(child);
}

/// Nobody can clean up then, but the kernel does.
#[test]
fn a_killed_gateway_takes_them_along() {
    let mut gateway = setup("concurrency = 3").shards(2).start();
    let process = process(&gateway);
    gateway.signal("KILL");
    gateway.wait();
    wait_until_gone(process);
}

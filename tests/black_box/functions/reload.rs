//! A reload keeps the processes of functions that did not change, and nothing is lost by it.

use super::{behaving, document, is_alive, process, setup, wait_until_gone};
use crate::support::client::get;
use crate::support::eventually;
use crate::support::gateway::Gateway;

#[track_caller]
fn reload(gateway: &Gateway, toml: &str) {
    let before = gateway.stderr.text().matches("reloaded").count();
    gateway.folder.replace("tidegate.toml", toml);
    gateway.signal("HUP");
    eventually("reloaded", || gateway.stderr.text().matches("reloaded").count() > before);
}

#[test]
fn an_unchanged_function_keeps_its_process_and_a_changed_one_gets_a_new_one() {
    let gateway = setup("").start();
    let first = process(&gateway);
    reload(&gateway, &setup("").limits("head_timeout_ms = 5000").text());
    assert_eq!(process(&gateway), first);
    reload(&gateway, &setup("environment = { A = \"1\" }").text());
    let second = process(&gateway);
    assert_ne!(second, first);
    wait_until_gone(first);
    assert!(is_alive(second));
}

#[test]
fn what_is_under_way_is_finished_by_the_old_process() {
    let gateway = setup("timeout = 10").start();
    let first = process(&gateway);
    let mut client = gateway.client();
    client.send(get("/test/x?do=sleep&s=1"));
    // One whose body is still on its way when the functions change.
    let mut slow = gateway.client();
    slow.send("POST /test/x?do=process HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
    // The only shard has seen both when it answers another one.
    assert_eq!(gateway.get("/nowhere").status(), 403);
    let more = behaving("g", "", "");
    let with_another = document().method("GET", "/g", super::aws_proxy("g"));
    gateway.folder.replace("api.json", &with_another.text());
    // Another function stands first now, so that numbers change.
    let toml = setup("").text();
    let (head, function) = toml.split_once("[[function]]").expect("a function");
    reload(&gateway, &format!("{head}{more}[[function]]{}", function.replace("timeout = 10", "timeout = 9")));
    assert_eq!(client.response().text(), first.to_string());
    slow.send("2");
    assert!(slow.response().text().contains(&format!("\"pid\": {first}")));
    assert_ne!(process(&gateway), first);
    wait_until_gone(first);
    assert_eq!(gateway.get("/test/g?do=echo").status(), 200);
}

#[test]
fn a_function_that_is_gone_is_stopped() {
    let gateway = setup("").start();
    let first = process(&gateway);
    let mock = crate::support::document::mock("{}");
    gateway
        .folder
        .replace("api.json", &crate::support::document::Document::new().method("GET", "/m", mock).text());
    let toml = setup("").text();
    let (head, _) = toml.split_once("[[function]]").expect("a function");
    reload(&gateway, head);
    wait_until_gone(first);
    assert_eq!(gateway.get("/test/m").status(), 200);
    reload_fails_without(&gateway);
}

/// A reload that does not compile changes nothing.
#[track_caller]
fn reload_fails_without(gateway: &Gateway) {
    gateway.folder.replace("tidegate.toml", "[[function]]\n");
    gateway.signal("HUP");
    gateway.stderr.wait_for("reload refused");
    assert_eq!(gateway.get("/test/m").status(), 200);
}

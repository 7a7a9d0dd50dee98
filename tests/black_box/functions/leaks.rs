//! Nothing leaks: processes, files, memory, over many invocations of every kind.

use super::{check_fails, process, start};
use crate::support::client::get;
use crate::support::eventually;

/// Invocations in this form of the test; `TIDEGATE_INVOCATIONS=100000` runs the long one.
fn invocations() -> usize {
    std::env::var("TIDEGATE_INVOCATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

#[test]
fn over_many_invocations() {
    let gateway = start("concurrency = 2\ntimeout = 1");
    let run = |count: usize| {
        let mut client = gateway.client();
        for _ in 0..count {
            assert_eq!(client.exchange(get("/test/x?do=big&bytes=100")).status(), 200);
        }
    };
    run(500);
    process(&gateway);
    let (files, memory) = (gateway.open_files(), gateway.resident_bytes());
    let total = invocations();
    for _ in 0..10 {
        run(total / 10);
        check_fails(&gateway, "fail");
        check_fails(&gateway, "exit");
        check_fails(&gateway, "skip");
        eventually("it works again", || super::invoke(&gateway, "big&bytes=1").0 == 200);
    }
    eventually("files are closed", || gateway.open_files() <= files);
    let grown = gateway.resident_bytes().saturating_sub(memory);
    assert!(grown < 8 << 20, "{grown} bytes more");
    eventually("each place has its process and no other", || gateway.children().len() == 2);
}

//! Nothing leaks: processes, files, memory, over many invocations of every kind.

use super::streaming::streamed;
use super::{behaving, check_fails, document, process};
use crate::support::client::get;
use crate::support::eventually;
use crate::support::setup::Setup;

/// Invocations in this form of the test; `TIDEGATE_INVOCATIONS=100000` runs the long one.
fn invocations() -> usize {
    std::env::var("TIDEGATE_INVOCATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

#[test]
fn over_many_invocations() {
    let document = document().method("ANY", "/stream", streamed("f"));
    let function = behaving("f", "", "concurrency = 2\ntimeout = 1");
    let gateway = Setup::new(&document).more(&function).start();
    let run = |count: usize| {
        let mut client = gateway.client();
        for number in 0..count {
            let target =
                if number % 4 == 0 { "/test/stream?do=stream&pieces=3" } else { "/test/x?do=big&bytes=100" };
            assert!(matches!(client.exchange(get(target)).status(), 200 | 201), "{target}");
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
        for end in ["fail", "die"] {
            let mut client = gateway.client();
            client.send(get(&format!("/test/stream?do=stream&pieces=9&bytes=9999&end={end}")));
            // Cut short, or refused while all places pause.
            assert!(client.read("GET").map_or(true, |response| response.status() == 502), "{end}");
        }
        eventually("it works again", || super::invoke(&gateway, "big&bytes=1").0 == 200);
    }
    eventually("files are closed", || gateway.open_files() <= files);
    let grown = gateway.resident_bytes().saturating_sub(memory);
    assert!(grown < 8 << 20, "{grown} bytes more");
    eventually("each place has its process and no other", || gateway.children().len() == 2);
}

//! A stall must show in an open loop, for every request that it held up.

use crate::support::{Origin, load_json, milliseconds};

#[test]
fn a_stall_shows_in_the_open_loop_only() {
    // One thread, one stall of a second in about five seconds of traffic.
    let stall = ["--stall", "1000:1s"];
    let origin = Origin::start(&stall);
    let (code, open) = load_json(&["--rate", "1000", "-c", "4", "--duration", "4s", origin.url()]);
    assert_eq!(code, 0, "{open}");
    let origin = Origin::start(&stall);
    let (code, closed) = load_json(&["-c", "4", "-n", "20000", origin.url()]);
    assert_eq!(code, 0, "{closed}");

    // A thousand of four thousand requests became due while the origin stood still; each waited half a second on
    // average. Four of twenty thousand were on their way in the closed loop.
    assert!(milliseconds(&open, "latency", "p90") > 300.0, "{open}");
    assert!(milliseconds(&open, "latency", "p99") > 800.0, "{open}");
    assert!(milliseconds(&closed, "latency", "p99") < 300.0, "{closed}");
    assert!(milliseconds(&closed, "latency", "max") > 900.0, "{closed}");
    // Counted from sending, the open loop hides it just as well: that is the omission.
    assert!(milliseconds(&open, "service", "p99") < 300.0, "{open}");
}

#[test]
fn requests_that_were_never_sent_count() {
    // One connection, 100 ms per answer: ten a second of a hundred asked for.
    let origin = Origin::start(&["--delay", "100ms"]);
    let (_, report) = load_json(&["--rate", "100", "-c", "1", "--duration", "1s", origin.url()]);
    let unsent = report["unsent"].as_u64().unwrap();
    assert_eq!(unsent + report["answered"].as_u64().unwrap(), 100);
    assert!(unsent > 80, "{report}");
    assert!(milliseconds(&report, "latency", "p50") > 200.0, "{report}");
    let about: Vec<&str> =
        report["notes"].as_array().unwrap().iter().map(|note| note["about"].as_str().unwrap()).collect();
    assert!(about.contains(&"target"), "{report}");
}

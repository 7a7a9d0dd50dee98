//! Functions that fail, die, hang, lie and do not start: each invocation has its answer, and the next one is served.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    BAD_GATEWAY, aws_proxy, behaving, check_fails, document, invoke, invoke_well, process, setup, start,
    wait_until_gone,
};
use crate::support::client::get;
use crate::support::document::Document;
use crate::support::eventually;
use crate::support::setup::Setup;

const TIMED_OUT: (u16, &str) = (504, r#"{"message": "Endpoint request timed out"}"#);

#[test]
fn an_error_of_the_function_is_502_and_its_process_goes_on() {
    let gateway = start("");
    let before = process(&gateway);
    check_fails(&gateway, "fail");
    assert_eq!(process(&gateway), before);
    assert!(gateway.stderr.wait_for("the function failed").contains("so it is"));
}

/// Death in every way: the client gets 502, and the next invocation a new process.
#[test]
fn a_process_that_dies_is_replaced() {
    let gateway = start("");
    let mut before = process(&gateway);
    for query in ["exit", "exit&code=0", "signal", "nonsense"] {
        check_fails(&gateway, query);
        let now = process(&gateway);
        assert_ne!(now, before, "{query}");
        before = now;
    }
}

#[test]
fn one_that_takes_too_long_is_killed_with_its_children() {
    let gateway = start("timeout = 1");
    let before = process(&gateway);
    let began = Instant::now();
    check_fails(&gateway, "child-and-hang");
    // A shard reads the clock once a turn, so its second may begin a little before the request came.
    assert!(began.elapsed() >= Duration::from_millis(990), "{:?}", began.elapsed());
    let line = gateway.stderr.wait_for("child ");
    let mut words = line.split(' ').skip_while(|word| *word != "child").skip(1);
    let child = words.next().and_then(|number| number.parse().ok()).expect("a number");
    wait_until_gone(before);
    wait_until_gone(child);
    assert_ne!(process(&gateway), before);
    gateway.stderr.wait_for("Task timed out after 1.00 seconds");
}

/// The client gives up, the function does not: it answers later, to nobody, and is used again.
#[test]
fn the_integrations_timeout_is_504_and_leaves_the_process_alone() {
    let mut integration = aws_proxy("f");
    integration["timeoutInMillis"] = serde_json::json!(200);
    let document = Document::new().method("ANY", "/{proxy+}", integration);
    let gateway = Setup::new(&document).more(&behaving("f", "", "timeout = 10\nqueue = 10")).start();
    // The first one may have to wait for the process to start.
    eventually("it answers", || invoke(&gateway, "big&bytes=1").0 == 200);
    let before = process(&gateway);
    let (status, body) = invoke(&gateway, "sleep&s=0.5");
    assert_eq!((status, &*body), TIMED_OUT);
    // One that waits in the queue for too long has the same answer.
    let (status, body) = invoke(&gateway, "sleep&s=0");
    assert_eq!((status, &*body), TIMED_OUT);
    eventually("it answers again", || invoke(&gateway, "sleep&s=0").0 == 200);
    assert_eq!(process(&gateway), before);
}

#[test]
fn more_than_may_wait_is_throttled() {
    let gateway = start("concurrency = 1\nqueue = 1");
    invoke_well(&gateway, "sleep&s=0");
    let mut clients: Vec<_> = (0..3).map(|_| gateway.client()).collect();
    clients[0].send(get("/test/x?do=sleep&s=0.5&tell=begun"));
    gateway.stderr.wait_for("begun");
    clients[1..].iter_mut().for_each(|client| client.send(get("/test/x?do=sleep&s=0")));
    let mut statuses: Vec<_> = clients.iter_mut().map(|client| client.response().status()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 500]);
    invoke_well(&gateway, "sleep&s=0");
}

#[test]
fn a_lying_runtime_has_no_say() {
    let gateway = start("timeout = 1");
    let before = process(&gateway);
    for query in ["wrong-id", "wrong-invocation"] {
        let told: Value = serde_json::from_str(&invoke_well(&gateway, query)).expect("JSON");
        assert_eq!(
            (&told["status"], &told["body"]["errorType"]),
            (&400.into(), &"InvalidRequestID".into()),
            "{query}"
        );
    }
    assert_eq!(invoke_well(&gateway, "unknown"), "404");
    assert_eq!(invoke_well(&gateway, "twice"), "first");
    gateway.stderr.wait_for("second answer: 400");
    // It asks for another invocation without an answer.
    check_fails(&gateway, "skip");
    assert_eq!(process(&gateway), before);
    for query in ["half", "garbage"] {
        check_fails(&gateway, query);
        assert_ne!(process(&gateway), before, "{query}");
    }
}

/// An answer without end is cut off.
#[test]
fn a_flooding_answer_is_502() {
    let gateway = start("timeout = 20");
    check_fails(&gateway, "endless");
    assert_eq!(invoke_well(&gateway, "big&bytes=1"), "x");
}

/// Starts that fail are told, invocations fail at once while the gateway pauses, and a function beside it is not harmed.
#[test]
fn functions_that_do_not_start() {
    let document = ["init-error", "init-crash", "missing", "f"]
        .iter()
        .fold(Document::new(), |document, name| document.method("GET", &format!("/{name}"), aws_proxy(name)));
    let functions = [
        behaving("init-error", "init-error", ""),
        behaving("init-crash", "init-crash", ""),
        "[[function]]\nname = \"missing\"\ncommand = [\"no-such-program\"]\n".to_owned(),
        behaving("f", "", ""),
    ];
    let gateway = Setup::new(&document).more(&functions.concat()).start();
    gateway.stderr.wait_for("there is no such module");
    gateway.stderr.wait_for("it cannot start");
    gateway.stderr.wait_for("`no-such-program` cannot be started: No such file or directory");
    for name in ["init-error", "init-crash", "missing"] {
        let response = gateway.get(&format!("/test/{name}"));
        assert_eq!((response.status(), &*response.text()), BAD_GATEWAY, "{name}");
    }
    assert_eq!(gateway.get("/test/f?do=echo").status(), 200);
}

/// It keeps dying, but the gateway does not start it all the time, and when it works again, it is used again.
#[test]
fn a_process_that_keeps_dying_is_started_with_pauses() {
    let gateway = start("");
    for _ in 0..5 {
        check_fails(&gateway, "exit");
    }
    assert!(gateway.stderr.wait_for("pause_ms=100").contains("exit status: 3"));
    eventually("it works again", || invoke(&gateway, "big&bytes=1").0 == 200);
}

#[test]
fn a_client_that_goes_away_harms_nobody() {
    let gateway = start("");
    let before = process(&gateway);
    for _ in 0..3 {
        let mut client = gateway.client();
        client.send(get("/test/x?do=sleep&s=0.1"));
        client.reset();
    }
    assert_eq!(process(&gateway), before);
}

/// A hanging start is given up (after ten seconds); until then invocations wait.
#[test]
fn a_start_that_hangs() {
    let gateway = Setup::new(&document()).more(&behaving("f", "init-hang", "")).start();
    let began = Instant::now();
    check_fails(&gateway, "echo");
    assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
    gateway.stderr.wait_for("it asked for no invocation within 10000 ms");
}

/// Two processes on each of two shards.
#[test]
fn a_process_has_one_invocation_at_a_time() {
    let gateway = setup("concurrency = 2\ntimeout = 10").shards(2).start();
    invoke_well(&gateway, "sleep&s=0");
    let mut clients: Vec<_> = (0..16).map(|_| gateway.client()).collect();
    for client in &mut clients {
        client.send(get("/test/x?do=sleep&s=0.05"));
    }
    let answers: Vec<_> = clients.iter_mut().map(|client| client.response()).collect();
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let mut processes: Vec<_> = answers.iter().map(|answer| answer.text().to_string()).collect();
    processes.sort();
    processes.dedup();
    assert!((2..=4).contains(&processes.len()), "{processes:?}");
}

//! What was sent is what arrived.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Origin, load_json};

#[test]
fn a_closed_loop_sends_exactly_the_requests() {
    let origin = Origin::start(&[]);
    let (code, report) = load_json(&["-c", "7", "-t", "2", "--requests", "1234", origin.url()]);
    assert_eq!(code, 0, "{report}");
    assert_eq!((&report["requests"], &report["answered"]), (&1234.into(), &1234.into()));
    assert_eq!(report["statuses"][0], serde_json::json!([200, 1234]));
    assert_eq!(origin.stop(), (1234, 7));
}

#[test]
fn an_open_loop_sends_exactly_the_schedule() {
    let origin = Origin::start(&["--threads", "2"]);
    let (code, report) = load_json(&["--rate", "500:500ms,1000:500ms", "-t", "2", "-c", "8", origin.url()]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["answered"], 750);
    assert_eq!(report["rate_asked"], 750.0);
    assert_eq!(origin.stop().0, 750);
}

#[test]
fn an_open_loop_stops_at_the_number_of_requests() {
    let origin = Origin::start(&[]);
    let (_, report) = load_json(&["--rate", "10000", "-n", "321", origin.url()]);
    assert_eq!(report["answered"], 321);
    assert_eq!(origin.stop().0, 321);
}

#[test]
fn connections_end_after_their_requests() {
    let origin = Origin::start(&[]);
    let (code, report) = load_json(&["-c", "2", "-n", "100", "--requests-per-connection", "1", origin.url()]);
    assert_eq!((code, &report["answered"]), (0, &100.into()), "{report}");
    assert_eq!(origin.stop(), (100, 100));
    let origin = Origin::start(&[]);
    let (code, report) = load_json(&["-c", "1", "-n", "10", "--requests-per-connection", "4", origin.url()]);
    assert_eq!((code, &report["answered"]), (0, &10.into()), "{report}");
    assert_eq!(origin.stop(), (10, 3));
}

#[test]
fn targets_share_the_load() {
    let origins = [Origin::start(&[]), Origin::start(&[])];
    let (code, report) = load_json(&["--rate", "1000", "-n", "500", origins[0].url(), origins[1].url()]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(origins.map(|origin| origin.stop().0), [250, 250]);
}

#[test]
fn request_files_are_sent_in_proportion() {
    let folder = tempfile::tempdir().unwrap();
    let origins = [Origin::start(&[]), Origin::start(&[])];
    let [first, second] = [origins[0].url(), origins[1].url()];
    let path = folder.path().join("requests");
    std::fs::write(
        &path,
        format!(
            "GET {first}/a\nAccept: x/y\n\nGET {first}/b\n\nGET {first}/c\n\nPOST {second}/d\n@{}\n",
            path.display()
        ),
    )
    .unwrap();
    let (code, report) =
        load_json(&["--rate", "1000", "-n", "400", "--request-file", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(origins.map(|origin| origin.stop().0), [300, 100]);
}

#[test]
fn an_early_end_still_gives_a_result() {
    let origin = Origin::start(&[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate-load"))
        .args(["-c", "1", "--duration", "1h", origin.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A line of progress means that requests flow and signals are handled.
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("/s"), "{line}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("Requests/sec"), "{text}");
}

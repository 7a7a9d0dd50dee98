//! What is said about a run.

use std::fs;

use crate::support::{Origin, load, load_json};

#[test]
fn the_summary_has_what_people_look_for() {
    let origin = Origin::start(&[]);
    let run = load(&["--rate", "1000", "--duration", "1500ms", origin.url()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for part in [
        "Requests/sec:",
        "(asked 1,000)",
        "p99.9",
        "own lateness",
        "Own CPU:",
        "1,500 of 1,500 requests answered",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    assert!(run.stderr.contains("asked   1,000 got"), "a plain line of progress: {}", run.stderr);
}

#[test]
fn says_when_it_is_the_bottleneck_itself() {
    let origin = Origin::start(&[]);
    // No thread sends three million requests a second.
    let (_, report) = load_json(&["--rate", "3M", "-c", "64", "--duration", "400ms", origin.url()]);
    let notes = report["notes"].as_array().unwrap();
    let own = |note: &&serde_json::Value| note["about"].as_str().unwrap().starts_with("own_");
    assert!(notes.iter().any(|note| own(&note)), "{report}");
    assert!(report["rate"].as_f64() < Some(2e6));
}

#[test]
fn the_page_has_the_data_and_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let origin = Origin::start(&[]);
    let options = [
        "-q",
        "--rate",
        "500",
        "-n",
        "250",
        "--title",
        "A </script><b>title",
        "--html",
        path.to_str().unwrap(),
        origin.url(),
    ];
    let run = load(&options);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let page = fs::read_to_string(&path).unwrap();
    let data = page
        .split(r#"<script type="application/json" id="data">"#)
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["answered"], 250);
    assert!(
        !data["curve"].as_array().unwrap().is_empty() && !data["timeline"].as_array().unwrap().is_empty()
    );
    assert!(!page.contains("<b>title"), "markup in a title is text");
    let own = format!("{}/", origin.url());
    for (place, _) in page.match_indices("://") {
        let around = &page[place.saturating_sub(10)..(place + 30).min(page.len())];
        assert!(around.contains("127.0.0.1"), "an external address: {around} (besides {own})");
    }
    for fetching in [" src=", "<link", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(fetching), "{fetching}");
    }
}

#[test]
fn json_goes_to_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let origin = Origin::start(&[]);
    let run = load(&["-q", "-c", "1", "-n", "5", &format!("--json={}", path.display()), origin.url()]);
    assert!(run.stdout.contains("Requests/sec"));
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(report["answered"], 5);
}

#[test]
fn objectives_fail_the_run() {
    let origin = Origin::start(&["--delay", "20ms"]);
    let (code, report) = load_json(&["-c", "1", "-n", "5", "--slo", "p50=1ms", origin.url()]);
    assert_eq!(code, 1, "{report}");
    assert_eq!(report["objectives"][0]["held"], false);
    let (code, report) =
        load_json(&["-c", "1", "-n", "5", "--slo", "p50=10s", "--slo", "max=10s", origin.url()]);
    assert_eq!(code, 0, "{report}");
}

#[test]
fn finds_the_highest_rate() {
    // Two connections at 20 ms an answer: a hundred a second.
    let origin = Origin::start(&["--delay", "20ms"]);
    let options =
        ["--find-max", "--slo", "p50=200ms", "-c", "2", "--duration", "500ms", "--json", "-q", origin.url()];
    let run = load(&options);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let rate = run.json()["rate_asked"].as_f64().unwrap();
    assert!((60.0..=112.0).contains(&rate), "{rate}");
    let run = load(&["--find-max", "--slo", "p50=1ms", "-c", "2", "--duration", "100ms", "-q", origin.url()]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("no rate holds p50=1ms"), "{}", run.stdout);
}

//! A tiny real run of `tidegate-bench`: one round of a fifth of a second, against nobody.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_run_leaves_a_report() {
    let binaries = binaries();
    let out = tempfile::tempdir().unwrap();
    let output =
        bench(&["run", "keep-alive-1", "--against", "none", "--rounds", "1", "--seconds", "0.2", "--anyway"])
            .arg("--bin-dir")
            .arg(&binaries)
            .arg("--out")
            .arg(out.path())
            .output()
            .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let read = |name: &str| {
        fs::read_to_string(out.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let (markdown, csv, html) = (read("report.md"), read("raw.csv"), read("report.html"));
    // A debug build is unfit, whatever the host is like.
    assert!(markdown.contains("**This host did not suit"), "{markdown}");
    assert!(markdown.contains("## keep-alive-1") && markdown.contains("| **tidegate** |"), "{markdown}");
    assert!(markdown.contains("requests/s: at least 1 of nginx | not measured"), "{markdown}");
    assert!(html.contains("<svg ") && html.contains("This host did not suit"), "{html}");
    assert_eq!(column(&csv, "phase"), ["saturation", "fixed-rate"], "{csv}");
    for name in ["requests", "rate_per_s", "cpu_per_request_ns", "p99_ns", "pss_bytes"] {
        let numbers: Vec<f64> = column(&csv, name).iter().map(|number| number.parse().unwrap()).collect();
        assert!(numbers.iter().all(|number| *number > 0.0), "{name}: {csv}");
    }
    assert_eq!(column(&csv, "failed"), ["0", "0"], "{csv}");
    assert!(out.path().join("configs/keep-alive-1/tidegate/tidegate.toml").is_file());
}

#[test]
fn functions_beside_http_proxy() {
    let out = measured("functions");
    let read = |name: &str| fs::read_to_string(out.path().join(name)).unwrap();
    let markdown = read("report.md");
    let goal = "CPU per request with the origin's: at most 2.5 of tidegate, http_proxy |";
    assert!(markdown.contains(goal) && !markdown.contains(&format!("{goal} not measured")), "{markdown}");
    let definition = read("configs/functions/tidegate/definition.yaml");
    assert!(definition.contains("type: aws_proxy"), "{definition}");
}

#[test]
fn transforming_beside_http_proxy() {
    let out = measured("transform");
    let read = |name: &str| fs::read_to_string(out.path().join(name)).unwrap();
    let csv = read("raw.csv");
    assert_eq!(column(&csv, "failed"), ["0", "0"], "{csv}");
    let definition = read("configs/transform/tidegate/definition.yaml");
    assert!(definition.contains("x-amazon-apigateway-request-validator: body"), "{definition}");
}

#[test]
fn answers_from_the_cache() {
    let out = measured("cache-hits-64k");
    let settings =
        fs::read_to_string(out.path().join("configs/cache-hits-64k/tidegate/tidegate.toml")).unwrap();
    assert!(settings.contains("cache = { size"), "{settings}");
}

#[test]
fn http2_over_tls() {
    let out = measured("http2-streams-100");
    let csv = fs::read_to_string(out.path().join("raw.csv")).unwrap();
    assert_eq!(column(&csv, "failed"), ["0", "0"], "{csv}");
    let markdown = fs::read_to_string(out.path().join("report.md")).unwrap();
    assert!(markdown.contains("--http2 --streams=100"), "the load is HTTP/2: {markdown}");
}

#[test]
fn limits_refuse_and_cost() {
    // A proxy that refuses no stranger, or lets all through under a low limit, is a measurement that failed.
    let out = measured("limits-10000");
    let read = |name: &str| fs::read_to_string(out.path().join(name)).unwrap();
    let (markdown, csv) = (read("report.md"), read("raw.csv"));
    assert!(markdown.contains("| tidegate, no limits |"), "{markdown}");
    assert!(markdown.contains("CPU per request: more than without"), "{markdown}");
    assert!(markdown.contains("CPU per request: at most 500 ns above tidegate, no limits |"), "{markdown}");
    assert!(!markdown.contains("above tidegate, no limits | not measured"), "{markdown}");
    assert_eq!(column(&csv, "phase"), ["saturation", "saturation"], "{csv}");
    let requests = read("configs/requests");
    assert_eq!(requests.lines().filter(|line| line.starts_with("x-api-key: ")).count(), 50_000);
    for variant in ["", ", low limit of the caller", ", low limit of the method", ", low quota"] {
        let folder = out.path().join(format!("configs/limits-10000/tidegate{variant}"));
        assert!(folder.join("state/usage.redb").is_file(), "{variant}");
        assert_eq!(fs::read_to_string(folder.join("keys.csv")).unwrap().lines().count(), 10_001);
    }
    assert!(!out.path().join("configs/limits-10000/tidegate, no limits/keys.csv").exists());
}

#[test]
fn callers_are_known_and_cost() {
    // A proxy that lets a stranger in is a measurement that failed.
    for (scenario, most, scheme) in [
        ("tokens", "500 ns", "type: cognito_user_pools"),
        ("signatures", "5.00 µs", "awsSigv4"),
        ("authorizer", "1.00 µs", "function:doorkeeper"),
    ] {
        let out = measured(scenario);
        let read = |name: &str| fs::read_to_string(out.path().join(name)).unwrap();
        let (markdown, csv) = (read("report.md"), read("raw.csv"));
        let goal = format!("CPU per request: at most {most} above tidegate, open |");
        assert!(
            markdown.contains(&goal) && !markdown.contains(&format!("{goal} not measured")),
            "{markdown}"
        );
        assert_eq!(column(&csv, "failed"), ["0", "0"], "{csv}");
        let definition = read(&format!("configs/{scenario}/tidegate/definition.yaml"));
        assert!(definition.contains(scheme), "{definition}");
        let requests = read("configs/requests");
        assert_eq!(requests.lines().filter(|line| line.starts_with("Authorization: ")).count(), 1_000);
    }
}

#[test]
fn an_unfit_host_is_refused() {
    let out = tempfile::tempdir().unwrap();
    let output = bench(&["run", "keep-alive-1", "--against", "none"])
        .arg("--bin-dir")
        .arg(binaries())
        .arg("--out")
        .arg(out.path().join("never"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is a debug build") && said.contains("--anyway"), "{said}");
    assert!(!out.path().join("never").exists());
}

#[test]
fn the_list_has_scenarios_and_rivals() {
    let output = bench(&["list", "--bin-dir"]).arg(binaries()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("idle-10000") && said.contains("haproxy"), "{said}");
}

fn bench(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-bench"));
    command.args(arguments);
    command
}

/// The folder of a short run of a scenario without rivals, which succeeds.
#[track_caller]
fn measured(scenario: &str) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    let output =
        bench(&["run", scenario, "--against", "none", "--rounds", "1", "--seconds", "0.2", "--anyway"])
            .arg("--bin-dir")
            .arg(binaries())
            .arg("--out")
            .arg(out.path())
            .output()
            .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// Values of a column; none of those looked at has a comma, but names in quotes may.
fn column<'a>(csv: &'a str, name: &str) -> Vec<&'a str> {
    let fields = |line: &'a str| {
        let mut quoted = false;
        let is_end = move |character| {
            quoted ^= character == '"';
            character == ',' && !quoted
        };
        line.split(is_end).collect::<Vec<_>>()
    };
    let mut lines = csv.lines().map(fields);
    let head = lines.next().unwrap();
    let index = head.iter().position(|its| *its == name).unwrap_or_else(|| panic!("{name} in {head:?}"));
    lines.map(|fields| fields[index]).collect()
}

/// A folder named `debug` with the gateway and the load generator. A test of the whole workspace has built them; one of
/// this package alone may not have, since cargo builds binaries of other packages only when asked to.
fn binaries() -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_tidegate-bench")).parent().unwrap();
    let folder = own.with_file_name("debug");
    if ["tidegate", "tidegate-load", "tidegate-origin"].iter().all(|name| folder.join(name).is_file()) {
        return folder;
    }
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "tidegate", "--package", "tidegate-loadtest", "--bins"])
        .arg("--target-dir")
        .arg(own.parent().unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    folder
}

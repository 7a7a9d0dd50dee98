//! Wrong usage is explained and exits with 2; a world that is not as hoped with 1.

use std::process::Command;

use crate::support::{Origin, load};

#[track_caller]
fn check(options: &[&str], code: i32, part: &str) {
    let run = load(options);
    assert_eq!(run.code, code, "{options:?}: {}", run.stderr);
    assert!(run.stderr.contains(part), "{options:?}: {}", run.stderr);
}

#[test]
fn load_explains() {
    check(&["http://127.0.0.1:1/"], 2, "say how fast");
    check(&["--rate", "fast", "http://127.0.0.1:1/"], 2, "is not a rate");
    check(&["--rate", "1", "127.0.0.1:1"], 2, "does not begin with http://");
    check(&["--rate", "1", "--request-file", "/does/not/exist"], 2, "cannot read /does/not/exist");
    check(&["--rate", "1", "http://does-not-exist.invalid/"], 1, "unknown host `does-not-exist.invalid`");
    check(&["--nonsense"], 2, "unexpected argument");
}

#[test]
fn origin_explains() {
    let origin = Origin::start(&[]);
    let taken = origin.url().trim_start_matches("http://");
    for (options, code, part) in [
        (["--listen", taken], 1, "the address is in use"),
        (["--delay", "slow"], 2, "is not a duration"),
        (["--size", "normal:3"], 2, "no distribution is called"),
        (["--drop-rate", "2"], 2, "is not a share"),
        (["--stall", "1s"], 2, "is not a stall"),
        (["--header", "content-length: 4"], 2, "own business"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tidegate-origin")).args(options).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{options:?}: {error}");
        assert!(error.contains(part), "{options:?}: {error}");
    }
}

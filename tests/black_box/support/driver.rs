//! A Python program in `.venv` that plays somebody else: a line of JSON to it, a line of JSON back.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The program, running; ends when dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What it has said when it was ready.
    ready: Value,
}

impl Driver {
    /// Starts `program`, below `tests/black_box`.
    #[track_caller]
    pub(crate) fn start(program: &str) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let python = format!("{root}/.venv/bin/python");
        let mut child = Command::new(&python)
            .arg(format!("{root}/tests/black_box/{program}"))
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}; .ci/run installs it"));
        let orders = child.stdin.take().expect("piped");
        let mut answers = BufReader::new(child.stdout.take().expect("piped"));
        let ready = read(&mut answers);
        Self { child, orders, answers, ready }
    }

    /// A text that it has said when it was ready.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        let text = self.ready[name].as_str();
        text.unwrap_or_else(|| panic!("{name}: {}", self.ready)).to_owned()
    }

    /// What it says to this.
    #[track_caller]
    pub(crate) fn order(&mut self, order: &Value) -> Value {
        writeln!(self.orders, "{order}").expect("it reads");
        read(&mut self.answers)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn read(answers: &mut impl BufRead) -> Value {
    let mut line = String::new();
    answers.read_line(&mut line).expect("it answers");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}; .ci/run installs moto"))
}

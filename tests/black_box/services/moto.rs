//! The process that plays AWS: `moto_driver.py`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// moto, running; ends when dropped.
#[derive(Debug)]
pub(super) struct Moto {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub(super) url: String,
    key: String,
    secret: String,
    pub(super) role: String,
    pub(super) powerless: String,
    pub(super) topic: String,
    pub(super) machine: String,
    pub(super) queue: String,
}

impl Moto {
    #[track_caller]
    pub(super) fn start() -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let python = format!("{root}/.venv/bin/python");
        let mut child = Command::new(&python)
            .arg(format!("{root}/tests/black_box/services/moto_driver.py"))
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}; .ci/run installs it"));
        let mut answers = BufReader::new(child.stdout.take().expect("piped"));
        let there = read(&mut answers);
        let text = |name: &str| there[name].as_str().unwrap_or_else(|| panic!("{name}: {there}")).to_owned();
        Self {
            questions: child.stdin.take(),
            child,
            answers,
            url: text("url"),
            key: text("key"),
            secret: text("secret"),
            role: text("role"),
            powerless: text("powerless"),
            topic: text("topic"),
            machine: text("machine"),
            queue: text("queue"),
        }
    }

    /// The credentials that may do everything.
    pub(super) fn environment(&self) -> [(&str, &str); 2] {
        [("AWS_ACCESS_KEY_ID", &self.key), ("AWS_SECRET_ACCESS_KEY", &self.secret)]
    }

    /// Asks what has arrived.
    #[track_caller]
    pub(super) fn ask(&mut self, question: Value) -> Value {
        let pipe = self.questions.as_mut().expect("open");
        writeln!(pipe, "{question}").expect("it reads");
        read(&mut self.answers)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // At the end of its input it ends.
        self.questions.take();
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

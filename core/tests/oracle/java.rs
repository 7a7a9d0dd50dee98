//! The process that renders with Velocity.

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{Outcome, jars};

pub(crate) struct Oracle {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    pub(crate) fn start() -> Self {
        let jars = jars::paths();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/Oracle.java");
        let mut process = Command::new("java")
            .args(["-XX:+UseSerialGC", "-Xss4m", "-cp", &jars.join(":"), source])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("java (JDK 11 or later) starts");
        let input = process.stdin.take().expect("a pipe");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { process, input, output }
    }

    pub(crate) fn render(&mut self, template: &str, body: &str) -> Outcome {
        let mut request = Vec::new();
        for part in [template, body, "{}"] {
            request.extend_from_slice(&(part.len() as u32).to_be_bytes());
            request.extend_from_slice(part.as_bytes());
        }
        self.input.write_all(&request).and_then(|()| self.input.flush()).expect("the oracle takes a request");
        let mut head = [0; 5];
        self.output.read_exact(&mut head).expect("the oracle answers");
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut text = vec![0; length as usize];
        self.output.read_exact(&mut text).expect("the oracle answers whole");
        let text = String::from_utf8(text).expect("UTF-8");
        match head[0] {
            0 => Outcome::Rendered(text),
            1 => Outcome::Refused(text),
            _ => Outcome::Failed(text),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

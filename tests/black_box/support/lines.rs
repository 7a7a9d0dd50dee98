//! The lines that a child process prints, collected while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use super::PATIENCE;

/// What came out of one pipe so far.
#[derive(Debug)]
pub(crate) struct Lines {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<(Vec<String>, Pipe)>,
    grown: Condvar,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Pipe {
    #[default]
    Open,
    Closed,
}

impl Lines {
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let shared = Arc::<Shared>::default();
        let writer = Arc::clone(&shared);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n') {
                let Ok(line) = line else { break };
                writer.lines.lock().expect("lines").0.push(String::from_utf8_lossy(&line).into_owned());
                writer.grown.notify_all();
            }
            writer.lines.lock().expect("lines").1 = Pipe::Closed;
            writer.grown.notify_all();
        });
        Self { shared, reader: Some(reader) }
    }

    /// The first line that `wanted` makes something of; `None` when there is none before the pipe closes or within
    /// the deadline.
    pub(crate) fn find<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let first = |(lines, _): &(Vec<String>, Pipe)| lines.iter().find_map(|line| wanted(line));
        let undecided = |state: &mut (Vec<String>, Pipe)| first(state).is_none() && state.1 == Pipe::Open;
        let lines = self.shared.lines.lock().expect("lines");
        let (lines, _) = self.shared.grown.wait_timeout_while(lines, PATIENCE, undecided).expect("lines");
        first(&lines)
    }

    /// Waits for a line that contains `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let found = self.find(|line| line.contains(text).then(|| line.to_owned()));
        found.unwrap_or_else(|| panic!("no line with {text:?} in:\n{}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        self.shared.lines.lock().expect("lines").0.join("\n")
    }

    /// Waits until the pipe is closed and returns all lines.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reader");
        }
        self.shared.lines.lock().expect("lines").0.clone()
    }
}

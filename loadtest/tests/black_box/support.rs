//! Starting the binaries and small servers that misbehave. Everything listens on a free port of loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

use serde_json::Value;

/// A running `tidegate-origin`.
pub(crate) struct Origin {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// `http://127.0.0.1:port`, one for each `--listen`.
    pub(crate) urls: Vec<String>,
}

impl Origin {
    /// With these options, and one listener on a free port if they name none.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-origin"));
        let own = ["--listen", "127.0.0.1:0"];
        let listens = options.iter().filter(|option| **option == "--listen").count();
        command.args(options).args(if listens == 0 { &own[..] } else { &[] });
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the origin starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let urls = (0..listens.max(1)).map(|_| {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("a line");
            line.trim().strip_prefix("listening on ").expect("a listening line").to_owned()
        });
        let urls = urls.collect();
        Self { child, stdout, urls }
    }

    pub(crate) fn url(&self) -> &str {
        &self.urls[0]
    }

    /// A connection of one's own.
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url().trim_start_matches("http://")).expect("the origin accepts")
    }

    /// Ends it by SIGTERM, and gives how many requests on how many connections it served.
    pub(crate) fn stop(mut self) -> (u64, u64) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        assert!(self.child.wait().expect("it ends").success());
        let mut numbers = rest
            .split(|c: char| !c.is_ascii_digit() && c != ',')
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let mut number = || numbers.next().expect("a number").replace(',', "").parse().expect("a number");
        (number(), number())
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // Already ended after `stop`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run of `tidegate-load` gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// Runs `tidegate-load` to its end.
pub(crate) fn load(options: &[&str]) -> Run {
    let command = Command::new(env!("CARGO_BIN_EXE_tidegate-load")).args(options).output();
    let Output { status, stdout, stderr } = command.expect("it runs");
    Run {
        code: status.code().expect("an exit code"),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text"),
    }
}

/// Runs `tidegate-load --json`.
pub(crate) fn load_json(options: &[&str]) -> (i32, Value) {
    let run = load(&[&["--quiet", "--json"], options].concat());
    (run.code, run.json())
}

/// The failures of a report: kind and count.
pub(crate) fn errors(report: &Value) -> Vec<(String, u64)> {
    let errors = report["errors"].as_array().expect("a list");
    errors
        .iter()
        .map(|each| {
            (each["kind"].as_str().expect("a kind").to_owned(), each["count"].as_u64().expect("a count"))
        })
        .collect()
}

/// A quantile of a report's latency, in milliseconds.
pub(crate) fn milliseconds(report: &Value, what: &str, quantile: &str) -> f64 {
    let quantiles = report[what]["quantiles"].as_array().expect("a list");
    let found = quantiles.iter().find(|each| each[0] == quantile).expect("that quantile");
    found[1].as_f64().expect("a number") / 1e6
}

/// A server that treats every request on every connection alike; it ends with the test's process.
pub(crate) fn serve(each: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        thread::scope(|scope| {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let each = &each;
                scope.spawn(move || {
                    if read_head(&mut stream).is_some() {
                        each(&mut stream);
                    }
                });
            }
        });
    });
    url
}

/// A server that gives each request the same bytes and then closes.
pub(crate) fn serve_bytes(bytes: &'static [u8]) -> String {
    serve(move |stream| {
        // The client may have gone.
        let _ = stream.write_all(bytes);
    })
}

/// A request's head, as text.
pub(crate) fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

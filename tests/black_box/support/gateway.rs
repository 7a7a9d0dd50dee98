//! The real binary, running.

use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{self, Client};
use super::lines::Lines;
use super::message::Message;
use super::setup::Folder;
use super::{PATIENCE, eventually};

/// A running `tidegate run`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    child: Child,
    /// The first listener.
    pub(crate) address: SocketAddr,
    pub(crate) folder: Arc<Folder>,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
    /// Files that it had open when it began to listen.
    pub(crate) open_files_at_rest: usize,
}

/// Runs `tidegate` to its end, which must come soon. What it prints must fit a pipe.
#[track_caller]
pub(crate) fn tidegate(arguments: &[&str]) -> Output {
    let mut command = command();
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start tidegate");
    let start = Instant::now();
    while child.try_wait().expect("wait").is_none() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(2));
    }
    if start.elapsed() >= PATIENCE {
        let _ = child.kill();
        panic!("tidegate {arguments:?} does not end");
    }
    child.wait_with_output().expect("its output")
}

/// The binary, to be run in a way of its own.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.env("RUST_LOG", "info").env_remove("RUST_BACKTRACE");
    // Whatever credentials this machine has are none of the tests'.
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        command.env_remove(name);
    }
    command.env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent").env("AWS_CONFIG_FILE", "/nonexistent");
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

impl Gateway {
    /// Starts on the configuration in `folder` and waits until it listens.
    #[track_caller]
    pub(crate) fn run(folder: Folder) -> Self {
        Self::run_in(Arc::new(folder))
    }

    /// Starts again on the same folder. It must have ended.
    #[track_caller]
    pub(crate) fn restart(&self) -> Self {
        Self::run_in(Arc::clone(&self.folder))
    }

    #[track_caller]
    fn run_in(folder: Arc<Folder>) -> Self {
        Self::run_with(folder, &[])
    }

    /// The same with more environment variables.
    #[track_caller]
    pub(crate) fn run_with(folder: Arc<Folder>, environment: &[(&str, &str)]) -> Self {
        let mut child = command()
            .envs(environment.iter().copied())
            .arg("run")
            .arg(folder.main_file())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start tidegate");
        let stdout = Lines::of(child.stdout.take().expect("piped"));
        let stderr = Lines::of(child.stderr.take().expect("piped"));
        let Some(address) = stdout.find(|line| {
            address_behind(line, "listening on http://")
                .or_else(|| address_behind(line, "listening on https://"))
        }) else {
            let _ = child.kill();
            panic!("tidegate does not listen:\n{}\n{}", stdout.text(), stderr.text());
        };
        let open_files_at_rest = open_files(&child);
        Self { child, address, folder, stdout, stderr, open_files_at_rest }
    }

    #[track_caller]
    pub(crate) fn admin(&self) -> SocketAddr {
        let address = self.stdout.find(|line| address_behind(line, "admin on http://"));
        address.unwrap_or_else(|| panic!("no admin address in:\n{}", self.stdout.text()))
    }

    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// One GET on a connection of its own.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Message {
        self.client().exchange(client::get(target))
    }

    /// Sends a signal: `HUP`, `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh").success(), "{kill}");
    }

    /// Waits for the end of the process.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process ends", || {
            status = self.child.try_wait().expect("wait");
            status.is_some()
        });
        status.expect("just seen")
    }

    /// Stops it as an operator does.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "stderr:\n{}", self.stderr.text());
    }

    /// The processes that it has started and not waited for.
    pub(crate) fn children(&self) -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("its threads");
        let children = tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("children")));
        let children: String = children.map(Result::unwrap_or_default).collect();
        children.split_whitespace().map(|number| number.parse().expect("a number")).collect()
    }

    /// How many files the process has open; connections are files.
    pub(crate) fn open_files(&self) -> usize {
        open_files(&self.child)
    }

    /// CPU time of all its threads so far, to the hundredth of a second.
    pub(crate) fn cpu_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).expect("stat");
        // proc_pid_stat(5): utime and stime are the 12th and 13th behind the name, in ticks of USER_HZ, which is 100.
        let fields = stat.rsplit(") ").next().expect("fields").split(' ').skip(11).take(2);
        let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Memory that the process holds, in bytes.
    pub(crate) fn resident_bytes(&self) -> usize {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("number") * 1024
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let (stdout, stderr) = (self.stdout.finish().join("\n"), self.stderr.finish().join("\n"));
            #[expect(clippy::print_stderr, reason = "what a failed test is explained by")]
            {
                eprintln!("--- tidegate's stdout:\n{stdout}\n--- its stderr:\n{stderr}\n---");
            }
        }
    }
}

fn open_files(process: &Child) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", process.id())).expect("its files").count()
}

fn address_behind(line: &str, prefix: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix(prefix)?;
    rest.split_whitespace().next()?.trim_end_matches('/').parse().ok()
}

/// The health that the admin server reports.
#[track_caller]
pub(crate) fn health(admin: SocketAddr) -> Message {
    let mut client = Client::connect(admin);
    client.exchange("GET /health HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
}

/// Waits until the gateway says that it drains.
#[track_caller]
pub(crate) fn wait_until_draining(admin: SocketAddr) {
    eventually("/health says 503", || health(admin).status() == 503);
}

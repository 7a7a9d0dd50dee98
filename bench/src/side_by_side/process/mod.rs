//! Processes that the runner starts: pinned, in a process group of their own, and gone when the runner is.
//!
//! Reading order: [`Started`], then what is read of it: `family`, `usage`, `memory`.

pub mod family;
pub mod memory;
pub mod usage;

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use self::family::family;
use self::memory::Memory;
use self::usage::CpuTime;
use super::trouble::Trouble;

/// How long a process may take to end when asked to.
const STOP_MAX: Duration = Duration::from_secs(3);
/// Lines of a log that are shown when its process failed.
const LINES_SHOWN: usize = 12;

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its working folder.
    pub folder: PathBuf,
    /// CPUs that it may run on.
    pub cpus: Vec<usize>,
    /// Where standard output and error are appended.
    pub log: PathBuf,
}

/// A running process. Dropping it stops it and all its descendants.
#[derive(Debug)]
pub struct Started {
    child: Child,
    log: PathBuf,
}

impl Launch {
    /// The command line as a person would type it.
    pub fn command(&self) -> String {
        let words: Vec<String> = self.prefixed().iter().map(|word| quoted(word)).collect();
        format!("(cd {} && {})", quoted(&self.folder.display().to_string()), words.join(" "))
    }

    /// Starts it.
    ///
    /// # Errors
    /// When a file cannot be written or the program not be started.
    pub fn start(&self) -> Result<Started, Trouble> {
        let words = self.prefixed();
        let log = || -> std::io::Result<File> {
            fs::create_dir_all(self.log.parent().unwrap_or(Path::new(".")))?;
            OpenOptions::new().create(true).append(true).open(&self.log)
        };
        let (out, error) = (log(), log());
        let child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(out.map_err(|error| Trouble::writing(&self.log, &error))?)
            .stderr(error.map_err(|error| Trouble::writing(&self.log, &error))?)
            .process_group(0)
            .spawn()
            .map_err(|error| Trouble::doing(format!("cannot start {}", words[0]), &error))?;
        Ok(Started { child, log: self.log.clone() })
    }

    /// Both prefixes become the program they start, so the process id stays. They are what `sched_setaffinity` and
    /// `prctl(PR_SET_PDEATHSIG)` between fork and exec would be, without the `unsafe` that these take. SIGTERM, since
    /// the workers of nginx outlive a master that is killed.
    fn prefixed(&self) -> Vec<String> {
        let cpus = self.cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let prefix = ["taskset", "-c", &cpus, "setpriv", "--pdeathsig", "TERM"].map(str::to_owned);
        let program = self.program.display().to_string();
        prefix.into_iter().chain([program]).chain(self.arguments.iter().cloned()).collect()
    }
}

impl Started {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of it and its descendants.
    pub fn cpu_time(&self) -> CpuTime {
        CpuTime::of(&family(self.pid()))
    }

    /// Memory of it and its descendants.
    pub fn memory(&self) -> Memory {
        Memory::of(&family(self.pid()))
    }

    /// Whether it ended, and how.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Trouble> {
        self.child.try_wait().map_err(|error| Trouble::doing("cannot wait for a process", &error))
    }

    /// Sends a signal to it alone.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), Trouble> {
        let gone = |error: rustix::io::Errno| Trouble::World(format!("cannot signal: {error}"));
        self.group().map_or(Ok(()), |pid| kill_process(pid, signal)).map_err(gone)
    }

    /// Whether it and its descendants may run on these CPUs alone.
    ///
    /// # Errors
    /// Names the process that may not.
    pub fn check_pinned(&self, cpus: &[usize]) -> Result<(), Trouble> {
        for pid in family(self.pid()) {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let allowed = super::host::cpus::allowed_of(&status);
            if allowed.iter().any(|cpu| !cpus.contains(cpu)) {
                return Err(Trouble::World(format!(
                    "process {pid} runs on CPUs {allowed:?}, not on {cpus:?}"
                )));
            }
        }
        Ok(())
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }

    fn group(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.pid()).ok()?)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let Some(group) = self.group() else { return };
        // Whoever is already gone needs no signal.
        let _ = kill_process_group(group, Signal::TERM);
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < STOP_MAX {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// As a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

//! What ends a run or a measurement early, and the signal that does.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often something that is waited for is looked at. Long enough to cost the CPUs under measurement nothing.
const LOOK: Duration = Duration::from_millis(10);

/// Why something did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A signal asked to stop.
    Interrupted,
    /// This host does not suit; in words, with what to do.
    Unfit(String),
    /// Something outside failed, in words.
    World(String),
}

impl Trouble {
    /// An I/O error, with what was being done.
    pub fn doing(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::World(format!("{what}: {error}"))
    }

    /// An I/O error of a file.
    pub fn writing(path: &Path, error: &io::Error) -> Self {
        Self::doing(format!("cannot write {}", path.display()), error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("stopped by a signal"),
            Self::Unfit(why) | Self::World(why) => f.write_str(why),
        }
    }
}

/// Whether SIGINT, SIGTERM or SIGHUP came.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on, these signals are noted and nothing else happens.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn install() -> Result<Self, Trouble> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .map_err(|error| Trouble::doing("cannot listen for signals", &error))?;
        }
        Ok(Self(flag))
    }

    /// An error once a signal came.
    ///
    /// # Errors
    /// [`Trouble::Interrupted`].
    pub fn check(&self) -> Result<(), Trouble> {
        if self.0.load(Ordering::Relaxed) { Err(Trouble::Interrupted) } else { Ok(()) }
    }

    /// Waits until there is a value, a signal, or the time is over (`None`).
    ///
    /// # Errors
    /// [`Trouble::Interrupted`], and those of `look`.
    pub fn wait_for<T>(
        &self,
        longest: Duration,
        mut look: impl FnMut() -> Result<Option<T>, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        let begin = Instant::now();
        loop {
            self.check()?;
            if let Some(value) = look()? {
                return Ok(Some(value));
            }
            if begin.elapsed() >= longest {
                return Ok(None);
            }
            thread::sleep(LOOK.min(longest));
        }
    }

    /// Sleeps.
    ///
    /// # Errors
    /// [`Trouble::Interrupted`].
    pub fn sleep(&self, duration: Duration) -> Result<(), Trouble> {
        self.wait_for::<()>(duration, || Ok(None)).map(|_| ())
    }
}

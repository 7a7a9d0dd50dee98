//! The test stand: starts origin, proxy and load generator where they belong, and makes sure that they work before
//! anything is measured.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use super::callers::{Callers, Pool, Proof};
use super::course::transform;
use super::host::cpus::Placement;
use super::http::{Answer, Connection};
use super::limits::{self, Limits};
use super::load::Load;
use super::process::{Launch, Started};
use super::rival::{Found, Function, Places, Setting, path};
use super::scenario::{Course, Scenario};
use super::security::{Identity, Sessions};
use super::trouble::{Interrupt, Trouble};

/// How long a proxy may take to answer for the first time.
const READY_MAX: Duration = Duration::from_secs(15);
/// The longest warm-up.
const WARM_UP_MAX: Duration = Duration::from_millis(500);
/// How long callers come for the first time. Drawn evenly at 30,000 a second, one in 10,000 does not come.
const INTRODUCTION: Duration = Duration::from_secs(3);
/// Listeners take ports below those that the kernel gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 18_000..32_000;

/// The test stand.
#[derive(Debug)]
pub struct Stand {
    /// Where binaries are.
    pub places: Places,
    /// Who runs where.
    pub placement: Placement,
    /// Where everything is written.
    pub out: PathBuf,
    /// How often each proxy is measured.
    pub rounds: u32,
    /// Length of each measurement.
    pub length: Duration,
    /// Share of the reference's saturation rate at which latencies are measured.
    pub rate_share: f64,
    /// Whether to keep the load generator's reports.
    pub keep: bool,
    /// What proxies show clients that come by https.
    pub identity: Identity,
    /// Who has tokens.
    pub pool: Pool,
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// The next port to try.
    pub next_port: AtomicU16,
}

/// A proxy, and how it takes part in a scenario.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// The proxy.
    pub found: Found,
    /// Its name in the results.
    pub name: String,
    /// Its routes.
    pub routes: usize,
    /// Its keys and limits.
    pub limits: Option<Limits>,
    /// How its callers have to say who they are.
    pub proof: Option<Proof>,
    /// Whether a function answers instead of the origin.
    pub function: bool,
    /// Whether bodies are validated and rewritten.
    pub transform: bool,
}

/// A proxy set up for a scenario. It is started anew for each measurement, so that none inherits another's heap, pools
/// or luck with addresses, and nothing but the proxy under test runs on its CPU.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Its name in the results.
    pub name: String,
    /// The proxy.
    pub found: Found,
    /// How it is set up.
    pub setting: Setting,
    /// How it is started.
    pub launch: Launch,
}

/// The origin of a scenario.
#[derive(Debug)]
pub struct Origin {
    /// Where it listens.
    pub address: SocketAddr,
    /// How it was started.
    pub command: String,
    /// What it answers.
    answer: Answer,
    /// Its process.
    pub process: Started,
}

impl Entrant {
    /// One route, no limits.
    pub fn plain(found: &Found) -> Self {
        Self {
            found: found.clone(),
            name: found.proxy.name().to_owned(),
            routes: 1,
            limits: None,
            proof: None,
            function: false,
            transform: false,
        }
    }
}

impl Stand {
    /// Starts the origin of a scenario.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn origin(&self, scenario: &Scenario) -> Result<Origin, Trouble> {
        let address = self.free_address()?;
        let cpus = self.placement.origin.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let launch = Launch {
            program: self.places.binaries.join("tidegate-origin"),
            arguments: vec![
                format!("--listen={address}"),
                format!("--size={}", scenario.answer_bytes),
                format!("--delay={}ms", scenario.origin_delay_ms),
                format!("--cpus={cpus}"),
            ],
            folder: self.out.clone(),
            cpus: self.placement.origin.clone(),
            log: self.log(scenario, "origin"),
        };
        let mut process = launch.start()?;
        let answer = self.first_answer(address, false, "", &mut process)?;
        Ok(Origin { address, command: launch.command(), answer, process })
    }

    /// Sets up a proxy.
    ///
    /// # Errors
    /// When its configuration cannot be written.
    pub fn contender(
        &self,
        scenario: &Scenario,
        entrant: &Entrant,
        origin: &Origin,
    ) -> Result<Contender, Trouble> {
        let Entrant { found, name, routes, limits, proof, function, transform } = entrant;
        let folder = self.out.join("configs").join(scenario.name).join(name);
        fs::create_dir_all(&folder).map_err(|error| Trouble::writing(&folder, &error))?;
        if scenario.tls.is_some() {
            self.identity.write(&folder)?;
        }
        let setting = Setting {
            folder,
            listen: self.free_address()?,
            origin: origin.address,
            cpu: self.placement.proxy,
            large_answers: scenario.answer_bytes > 16 * 1024,
            routes: *routes,
            limits: *limits,
            callers: proof.map(|proof| self.callers(proof)),
            cached: scenario.cached,
            function: function.then(|| Function {
                program: self.places.binaries.join("tidegate-function"),
                answer: String::from_utf8_lossy(&origin.answer.body).into_owned(),
            }),
            transform: *transform,
            tls: scenario.tls.is_some(),
            http2: scenario.streams.is_some(),
            log: self.log(scenario, name),
        };
        let launch = found.configure(&setting)?;
        Ok(Contender { name: name.clone(), found: found.clone(), setting, launch })
    }

    /// Starts a proxy; it answers what the origin answers, and stays on its CPU.
    ///
    /// # Errors
    /// When it does not.
    pub fn start(&self, contender: &Contender, origin: &Origin) -> Result<Started, Trouble> {
        let mut process = contender.launch.start()?;
        let Setting { listen, tls, limits, ref callers, .. } = contender.setting;
        let key = limits.map(|_| limits::field(&limits::key(0)));
        let caller = callers.as_ref().map(|it| self.pool.fields(it.proof, 0, "GET", &path(0), listen, b""));
        let fields = key.or(caller).unwrap_or_default();
        let answer = self.first_answer(listen, tls, &fields, &mut process)?;
        if answer != origin.answer {
            let (status, bytes) = (answer.status, answer.body.len());
            return Err(Trouble::World(format!(
                "it answers {status} with {bytes} bytes, the origin does not"
            )));
        }
        process.check_pinned(&[self.placement.proxy])?;
        Ok(process)
    }

    /// A load of a scenario on a proxy.
    pub fn load(&self, scenario: &Scenario, contender: &Contender) -> Load {
        Load {
            program: self.places.binaries.join("tidegate-load"),
            cpus: self.placement.load.clone(),
            rate: None,
            connections: scenario.connections,
            requests_per_connection: scenario.requests_per_connection,
            duration: self.length,
            may_fail: false,
            requests: self.requests(scenario, contender),
            report: self.out.join("load.json"),
            log: self.log(scenario, "load"),
        }
    }

    /// Lets a proxy fill its pools and caches. What fails here fails in the measurement, too, and counts there.
    ///
    /// # Errors
    /// When the load generator cannot run.
    pub fn warm_up(&self, load: &Load) -> Result<(), Trouble> {
        let duration = (self.length / 2).min(WARM_UP_MAX);
        Load { duration, rate: None, may_fail: true, ..load.clone() }.run(&self.interrupt).map(|_| ())
    }

    /// Lets every caller come, so that what a proxy does for one that it does not know yet is not measured.
    ///
    /// # Errors
    /// When the load generator cannot run.
    pub fn introduce_callers(&self, load: &Load, contender: &Contender) -> Result<(), Trouble> {
        let requests = vec![format!("--request-file={}", self.callers_file().display()), url(contender)];
        let load = Load { requests, duration: INTRODUCTION, rate: None, may_fail: true, ..load.clone() };
        load.run(&self.interrupt).map(|_| ())
    }

    fn callers(&self, proof: Proof) -> Callers {
        let function = self.places.binaries.join("tidegate-function");
        let Pool { keys_at, key_set, .. } = &self.pool;
        Callers { proof, keys_at: *keys_at, key_set: key_set.clone(), function }
    }

    /// Writes the requests of callers who say who they are.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_callers(&self, scenario: &Scenario, contender: &Contender) -> Result<(), Trouble> {
        let Some(callers) = &contender.setting.callers else { return Ok(()) };
        let content = scenario.upload_bytes.map(|bytes| vec![b'x'; bytes]);
        let file = self.body_file().display().to_string();
        let body = content.as_ref().map(|content| (&*file, content.as_slice()));
        let text = self.pool.requests(callers.proof, &path(0), contender.setting.listen, body);
        let path = self.requests_file();
        fs::write(&path, text).map_err(|error| Trouble::writing(&path, &error))
    }

    fn requests(&self, scenario: &Scenario, contender: &Contender) -> Vec<String> {
        let url = url(contender);
        let file = match scenario.course {
            // A file costs the load generator, and so what comes of it the proxy, more than a URL does: so both have one.
            Course::Routes(_) if contender.setting.routes == 1 => Some(self.one_route_file()),
            Course::Routes(_) | Course::Limits(_) => Some(self.requests_file()),
            _ => contender.setting.callers.as_ref().map(|_| self.requests_file()),
        };
        if let Some(file) = file {
            return vec![format!("--request-file={}", file.display()), url];
        }
        let body = scenario.upload_bytes.map(|_| format!("--body-file={}", self.body_file().display()));
        let tls = match scenario.tls {
            None => &[][..],
            Some(Sessions::Resumed) => &["--insecure", "--server-name=bench.test"],
            Some(Sessions::Full) => &["--insecure", "--server-name=bench.test", "--no-resumption"],
        };
        let tls = tls.iter().map(|option| (*option).to_owned());
        let streams = scenario.streams.map(|streams| ["--http2".to_owned(), format!("--streams={streams}")]);
        body.into_iter().chain(tls).chain(streams.into_iter().flatten()).chain([url]).collect()
    }

    /// Writes the files that requests of this scenario are made of.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn prepare(&self, scenario: &Scenario) -> Result<(), Trouble> {
        let write = |path: PathBuf, content: Vec<u8>| {
            fs::write(&path, content).map_err(|error| Trouble::writing(&path, &error))
        };
        if let Some(bytes) = scenario.upload_bytes {
            let body = match scenario.course {
                Course::Transform => transform::body().into_bytes(),
                _ => vec![b'x'; bytes],
            };
            write(self.body_file(), body)?;
        }
        let requests: String = match scenario.course {
            Course::Routes(routes) => {
                write(self.one_route_file(), get(path(0)).repeat(routes).into_bytes())?;
                (0..routes).map(path).map(get).collect()
            }
            Course::Limits(keys) => {
                write(self.callers_file(), limits::each_once(&path(0), keys).into_bytes())?;
                limits::requests(&path(0), keys)
            }
            _ => return Ok(()),
        };
        write(self.requests_file(), requests.into_bytes())
    }

    fn body_file(&self) -> PathBuf {
        self.out.join("configs/body")
    }

    fn requests_file(&self) -> PathBuf {
        self.out.join("configs/requests")
    }

    /// As many requests, all for one route.
    fn one_route_file(&self) -> PathBuf {
        self.out.join("configs/requests-one-route")
    }

    fn callers_file(&self) -> PathBuf {
        self.out.join("configs/callers")
    }

    fn log(&self, scenario: &Scenario, name: &str) -> PathBuf {
        self.out.join("logs").join(scenario.name).join(format!("{name}.log"))
    }

    fn first_answer(
        &self,
        address: SocketAddr,
        tls: bool,
        fields: &str,
        process: &mut Started,
    ) -> Result<Answer, Trouble> {
        let mut last = String::new();
        let answer = self.interrupt.wait_for(READY_MAX, || {
            if let Some(status) = process.ended()? {
                return Err(Trouble::World(format!("it ended with {status}: {}", process.last_words())));
            }
            let connection = if tls {
                Connection::open_secure(address, &self.identity)
            } else {
                Connection::open(address)
            };
            match connection.and_then(|mut connection| connection.get(&path(0), fields)) {
                // Until a proxy has seen its origin it may answer 503.
                Ok(answer) if answer.status == 200 => return Ok(Some(answer)),
                Ok(answer) => last = format!("status {}", answer.status),
                Err(error) => last = error.to_string(),
            }
            Ok(None)
        })?;
        answer.ok_or_else(|| Trouble::World(format!("no answer ({last}): {}", process.last_words())))
    }

    /// An address on which nobody listens.
    fn free_address(&self) -> Result<SocketAddr, Trouble> {
        for _ in PORTS {
            let step = self.next_port.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + step));
            if TcpListener::bind(address).is_ok() {
                return Ok(address);
            }
        }
        Err(Trouble::Unfit(format!(
            "no free port from {} to {}: stop what listens there",
            PORTS.start, PORTS.end
        )))
    }
}

/// A request of a file.
fn get(path: String) -> String {
    format!("GET {path}\n\n")
}

fn url(contender: &Contender) -> String {
    let scheme = if contender.setting.tls { "https" } else { "http" };
    format!("{scheme}://{}{}", contender.setting.listen, path(0))
}

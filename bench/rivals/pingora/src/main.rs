//! A plain HTTP proxy to one origin on [Pingora](https://github.com/cloudflare/pingora), to measure the gateway against.
//!
//! Set up as its documentation advises for one thread: the user guide in its repository (`docs/user_guide/`) and the
//! documentation of its crates. Each choice names its page. No request is looked at, changed, limited or logged beyond
//! what Pingora does by itself.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use clap::Parser;
use pingora::Result;
use pingora::modules::http::HttpModules;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use rustix::thread::{CpuSet, sched_setaffinity};

/// Idle connections to the origin that are kept. More than any run has clients, so that none is ever closed for another.
const UPSTREAM_KEEPALIVE_POOL_SIZE: usize = 4096;
/// Between two tries to connect to ourselves, until Pingora listens.
const UNTIL_NEXT_TRY: Duration = Duration::from_millis(5);

/// Passes HTTP requests on to one origin.
#[derive(Debug, Parser)]
#[command(name = "pingora-rival", version)]
struct Options {
    /// Address to listen on; port 0 takes a free port, which is printed
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where requests go
    #[arg(long, value_name = "ADDRESS")]
    origin: SocketAddr,
    /// CPU to run on
    #[arg(long, value_name = "CPU", value_parser = clap::value_parser!(u16).range(..CpuSet::MAX_CPU as i64))]
    cpu: Option<u16>,
}

fn main() -> ExitCode {
    // clap ends the process with 2 on wrong usage.
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pingora-rival: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    if let Some(cpu) = options.cpu {
        pin(usize::from(cpu))?;
    }
    let address = vacant(options.listen)?;
    // In code rather than by a file: "Server::new_with_opt_and_conf" (docs.rs, pingora_core::server).
    let mut server = Server::new_with_opt_and_conf(None, configuration());
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Proxy { origin: options.origin });
    service.add_tcp(&address.to_string());
    server.add_service(service);
    thread::spawn(move || say_when_listening(address));
    server.run_forever()
}

/// The keys of `docs/user_guide/conf.md` that matter here; the others have no bearing on a proxy without TLS.
fn configuration() -> ServerConf {
    ServerConf {
        // "number of threads per service"
        threads: 1,
        // "Enable work stealing runtime (default true)". With one thread there is nobody to steal from, and the
        // multi-threaded runtime "has some overhead due to its more sophisticated work steal scheduling", while the one
        // without stealing is "as efficient as the single-threaded runtime" (docs.rs, pingora_runtime).
        work_stealing: false,
        // "The number of idle upstream connections to keep per tokio worker"; 128 unless set.
        upstream_keepalive_pool_size: UPSTREAM_KEEPALIVE_POOL_SIZE,
        ..ServerConf::default()
    }
    // Connections of clients are kept without a limit on requests: `keepalive_request_limit` of `HttpServerOptions` is
    // "no limit" unless set (docs.rs, pingora_core::apps). Connections to the origin have no `idle_timeout` unless set
    // (docs/user_guide/pooling.md, peer.md). Nothing is logged: without a logger of the `log` crate its lines go nowhere
    // (docs/user_guide/error_log.md), and the default of `ProxyHttp::logging` writes no access log.
}

struct Proxy {
    origin: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {}

    /// `docs/user_guide/peer.md`. An address takes no lookup.
    async fn upstream_peer(&self, _session: &mut Session, _context: &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.origin, false, String::new())))
    }

    /// None: the default adds a compressing module that is switched off, but is asked for every request (docs.rs,
    /// pingora_proxy::ProxyHttp).
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}
}

/// Puts the process on one CPU: threads inherit it. Pingora's own are the service's worker and a few that sleep.
fn pin(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

/// The address with its real port. Pingora takes an address as text and does not tell which port 0 became.
fn vacant(address: SocketAddr) -> io::Result<SocketAddr> {
    TcpListener::bind(address)?.local_addr()
}

/// Pingora binds after `run_forever`, which does not return, and signals readiness before.
fn say_when_listening(address: SocketAddr) {
    while TcpStream::connect(address).is_err() {
        thread::sleep(UNTIL_NEXT_TRY);
    }
    // Whoever closed our standard output does not want to know.
    let _ = writeln!(io::stdout(), "listening on {address}");
}

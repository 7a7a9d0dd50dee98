//! The floor: a relay of bytes between TCP connections, one to the origin for each client. It parses nothing, keeps no
//! deadlines and has no tasks, and it uses the ring as the gateway does. What it costs is what the kernel asks of any
//! proxy that works this way; the rest of a proxy's cost is its own.
//!
//! In reading order:
//!
//! - `relay`: the loop over completions, accepting and connecting
//! - `pair`: a client's connection and the one to the origin that is its own
//! - `flow`: one direction of a pair
//! - `ring`: submissions and completions; `buffers`: what the kernel receives into. The only modules with `unsafe`
//!
//! It is a measuring tool and no product: peers that read slowly hold receive buffers, and when they hold all of them,
//! everybody waits.

#![deny(unsafe_code)]

mod relay;

mod flow;
mod pair;

#[expect(unsafe_code, reason = "memory lent to the kernel; see the JUSTIFICATION at each block")]
mod buffers;
#[expect(unsafe_code, reason = "submissions; see the JUSTIFICATION at each block")]
mod ring;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use rustix::thread::{CpuSet, sched_setaffinity};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use self::relay::{CONNECTIONS_MAX, Relay};

/// Connections that the kernel completes before they are taken (capped by net.core.somaxconn).
const BACKLOG: i32 = 4096;
/// Files that are not connections: standard streams, listener, ring.
const FILES_BESIDE: u64 = 32;

/// Passes bytes between each client and a connection to the origin of its own.
#[derive(Debug, Parser)]
#[command(name = "tidegate-floor", version)]
struct Options {
    /// Address to listen on; port 0 takes a free port, which is printed
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where the bytes go
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
            let _ = writeln!(io::stderr(), "tidegate-floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    if let Some(cpu) = options.cpu {
        pin(usize::from(cpu)).map_err(|error| format!("CPU {cpu}: {error}"))?;
    }
    let files = rlimit::increase_nofile_limit(u64::MAX).map_err(|error| error.to_string())?;
    let needed = 2 * CONNECTIONS_MAX as u64 + FILES_BESIDE;
    if files < needed {
        return Err(format!(
            "{files} open files are too few for {CONNECTIONS_MAX} clients: ulimit -n {needed}"
        ));
    }
    let listener = listen(options.listen).map_err(|error| format!("{}: {error}", options.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let relay = Relay::open(listener, options.origin).map_err(|error| format!("io_uring: {error}"))?;
    if let Some(address) = address.as_socket() {
        // Whoever closed our standard output does not want to know.
        let _ = writeln!(io::stdout(), "listening on {address}");
    }
    Err(relay.run().to_string())
}

/// Puts this thread, the only one, on one CPU.
fn pin(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

/// Accepted connections inherit TCP_NODELAY.
fn listen(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

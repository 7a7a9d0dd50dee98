//! The command line of `tidegate-origin`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;

use super::behaviour::{ANSWER_BYTES_MAX, Behaviour, Drop, Stall};
use crate::distribution::Distribution;
use crate::{cpus, units};

/// A test origin: fixed or distributed delays, sizes, failures. It costs less CPU per request than what it is to test.
#[derive(Debug, Parser)]
#[command(name = "tidegate-origin", version)]
pub struct Options {
    /// Address to listen on; repeat for several. Port 0 takes a free port, which is printed
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    pub listen: Vec<SocketAddr>,
    /// Threads, each with its own sockets
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// CPUs to pin the threads to, in turn: 0, 0,2 or 0-3
    #[arg(long, value_name = "CPUS", value_parser = cpus)]
    pub cpus: Option<Cpus>,
    /// Delay before the answer: 5ms, exp:5ms or uniform:1ms..9ms
    #[arg(long, value_name = "DELAY", default_value = "0ms", value_parser = delay)]
    pub delay: Distribution,
    /// Bytes of the body: 1KiB, exp:64KiB or uniform:1..64KiB
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = size, conflicts_with = "echo")]
    pub size: Distribution,
    /// Status of answers
    #[arg(long, value_name = "STATUS", default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    pub status: u16,
    /// A field of every answer, as "name: value"; repeat for several
    #[arg(short = 'H', long = "header", value_name = "FIELD", value_parser = field)]
    pub headers: Vec<String>,
    /// Share of requests to be answered with --error-status: 0.01 or 1%
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = units::share)]
    pub error_rate: f64,
    /// Status of these
    #[arg(long, value_name = "STATUS", default_value_t = 500, value_parser = clap::value_parser!(u16).range(200..=599))]
    pub error_status: u16,
    /// Send bodies in chunks instead of with a Content-Length
    #[arg(long)]
    pub chunked: bool,
    /// Bytes of a chunk
    #[arg(long, value_name = "SIZE", default_value = "16KiB", value_parser = chunk_bytes)]
    pub chunk_size: u64,
    /// Share of requests whose connection is dropped instead of answered
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = units::share)]
    pub drop_rate: f64,
    /// How it is dropped
    #[arg(long, value_enum, default_value_t = Drop::Reset)]
    pub drop: Drop,
    /// Bytes per second at which a body is sent
    #[arg(long, value_name = "SIZE", value_parser = bytes_per_second)]
    pub slow: Option<u64>,
    /// Answer with the body of the request (up to 16 MiB)
    #[arg(long)]
    pub echo: bool,
    /// Stop the whole thread once, at its Nth request, for a while: 1000:1s
    #[arg(long, value_name = "N:DURATION", value_parser = stall)]
    pub stall: Option<Stall>,
    /// Connections of a thread; more are closed at once
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,
    /// Seed of everything random; without it, each start differs
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// A list of CPU numbers.
#[derive(Clone, Debug)]
pub struct Cpus(pub Vec<usize>);

impl Options {
    /// What to do with requests.
    pub fn behaviour(&self) -> Behaviour {
        Behaviour {
            delay: self.delay.clone(),
            size: self.size.clone(),
            status: self.status,
            headers: self.headers.clone(),
            error_rate: self.error_rate,
            error_status: self.error_status,
            chunk_bytes: self.chunked.then_some(self.chunk_size as usize),
            drop_rate: self.drop_rate,
            drop: self.drop,
            bytes_per_second: self.slow,
            echo: self.echo,
            stall: self.stall,
        }
    }
}

fn cpus(text: &str) -> Result<Cpus, String> {
    cpus::parse(text).map(Cpus)
}

fn delay(text: &str) -> Result<Distribution, String> {
    Distribution::parse(text, |text| units::duration(text).map(|duration| duration.as_nanos() as u64))
}

fn size(text: &str) -> Result<Distribution, String> {
    let size = Distribution::parse(text, units::size)?;
    if size.most() > ANSWER_BYTES_MAX {
        return Err(format!("`{text}` may be more than {}", units::show_bytes(ANSWER_BYTES_MAX as f64)));
    }
    Ok(size)
}

fn chunk_bytes(text: &str) -> Result<u64, String> {
    units::size(text).and_then(|size| match size {
        1..=65_536 => Ok(size),
        _ => Err(format!("`{text}` is not between 1 byte and 64 KiB")),
    })
}

fn bytes_per_second(text: &str) -> Result<u64, String> {
    let rate = units::size(text.strip_suffix("/s").unwrap_or(text))?;
    if rate == 0 { Err("a body at 0 bytes per second never ends".to_owned()) } else { Ok(rate) }
}

fn field(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a field; write it as \"name: value\"");
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty()
        || !name.bytes().all(is_token)
        || value.bytes().any(|byte| byte < b' ' && byte != b'\t')
    {
        return Err(wrong());
    }
    if ["content-length", "transfer-encoding", "connection"].iter().any(|own| name.eq_ignore_ascii_case(own))
    {
        return Err(format!("`{name}` is the origin's own business"));
    }
    Ok(format!("{name}: {}\r\n", value.trim()))
}

fn stall(text: &str) -> Result<Stall, String> {
    let wrong = || format!("`{text}` is not a stall; write it as 1000:1s, request number and duration");
    let (request, duration) = text.split_once(':').ok_or_else(wrong)?;
    let duration: Duration = units::duration(duration)?;
    Ok(Stall { request: request.parse().map_err(|_| wrong())?, duration })
}

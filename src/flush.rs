//! `tidegate flush`: has a running gateway forget what a stage's cache holds, by its admin server.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How long the gateway may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of its answer that are read.
const ANSWER_BYTES_MAX: u64 = 16_384;

/// What to forget, and where.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration
    #[arg(default_value = "tidegate.toml")]
    file: PathBuf,
    /// The API's id
    #[arg(long)]
    api: String,
    /// The stage's name
    #[arg(long)]
    stage: String,
    /// The admin server, if its address is not in the configuration
    #[arg(long)]
    admin: Option<SocketAddr>,
}

/// `tidegate flush`
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { file, api, stage, admin } = arguments;
    let configured = || crate::command::load(file).map(|loaded| loaded.settings.admin);
    let address = match admin.map_or_else(configured, |address| Some(Some(address))) {
        Some(Some(address)) if address.port() > 0 => address,
        Some(_) => {
            eprintln!("tidegate: {} has no [admin] address with a port", file.display());
            eprintln!("  help: name it by --admin 127.0.0.1:9901, as `tidegate run` printed it");
            return ExitCode::FAILURE;
        }
        None => return ExitCode::FAILURE,
    };
    match ask(address, api, stage) {
        Ok(answer) if answer.starts_with("HTTP/1.1 202 ") => {
            println!("flushed: API {api} stage {stage}");
            ExitCode::SUCCESS
        }
        Ok(answer) => {
            let why = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            eprintln!("tidegate: the gateway at {address} refuses: {why}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidegate: the gateway at {address} does not answer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// AWS's request to flush a stage's cache.
fn ask(address: SocketAddr, api: &str, stage: &str) -> io::Result<String> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !plain(api) || !plain(stage) {
        return Err(io::Error::other("an API id or stage name has other characters than A-Z a-z 0-9 - _"));
    }
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "DELETE /restapis/{api}/stages/{stage}/cache/data HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    Ok(answer)
}

//! TLS: what clients are shown, what they agree on with the gateway, what they can do to it; and backends by https.

mod attacks;
mod backends;
mod certificates;
mod client_certificates;
mod clients;
mod mutual;
mod sessions;

use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use rustls::ClientConfig;

use crate::support::certificates::{Authority, Issued, client_config};
use crate::support::client::Client;
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::setup::{Folder, Setup};

/// A gateway for https whose domain is `api.test`, and who has issued its certificate.
pub(crate) struct Secure {
    pub(crate) gateway: Gateway,
    pub(crate) authority: Authority,
    pub(crate) config: Arc<ClientConfig>,
}

/// A domain's section, with the files `{file}.pem` and `{file}.key`.
pub(crate) fn domain(name: &str, file: &str, more: &str) -> String {
    format!(
        "[[domain]]\nname = \"{name}\"\nmapping = [{{ api = \"api\", stage = \"test\" }}]\n\
         certificate = \"{file}.pem\"\nkey = \"{file}.key\"\n{more}\n"
    )
}

pub(crate) fn put(folder: &Folder, file: &str, issued: &Issued) {
    folder.replace(&format!("{file}.pem"), &issued.certificate);
    folder.replace(&format!("{file}.key"), &issued.key);
}

impl Secure {
    /// Runs it with these settings beside the domain's.
    #[track_caller]
    pub(crate) fn start(setup: Setup, more: &str) -> Self {
        let authority = Authority::new("test authority");
        let folder = setup
            .listener_more("tls = true")
            .more(&format!("{}{more}", domain("api.test", "api", "")))
            .write();
        put(&folder, "api", &authority.issue(&["api.test"]));
        let config = Arc::new(client_config(&authority));
        Self { gateway: Gateway::run(folder), authority, config }
    }

    /// One whose method `GET /x` answers by itself.
    #[track_caller]
    pub(crate) fn answering() -> Self {
        Self::start(Setup::new(&Document::new().method("GET", "/x", mock("hello"))), "")
    }

    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        self.client_for("api.test")
    }

    #[track_caller]
    pub(crate) fn client_for(&self, name: &str) -> Client {
        Client::secure(self.gateway.address, &self.config, name)
    }
}

/// A GET for the domain.
pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: api.test\r\n\r\n")
}

/// Runs a program with this on its standard input.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let sent = child.stdin.take().expect("piped").write_all(input.as_bytes());
    // It may have ended without reading.
    drop(sent);
    child.wait_with_output().expect("its output")
}

/// What `openssl s_client` prints, connected to the gateway for as long as it needs to be shown everything.
#[track_caller]
pub(crate) fn s_client(gateway: &Gateway, arguments: &[&str], input: &str) -> String {
    let address = gateway.address.to_string();
    let arguments = [&["10", "openssl", "s_client", "-connect", &address][..], arguments].concat();
    let output = run("timeout", &arguments, input);
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

//! Clients and scanners that others wrote: Chromium, h2load, testssl.sh. `curl` and `openssl` are in `sessions`.

use std::process::Command;

use super::{Secure, domain, put, run};
use crate::support::certificates::Authority;
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

/// Sends uploads and many requests at once, and says what came of them and by which protocol.
const PAGE: &str = r#"<!DOCTYPE html><p id="outcome">waiting</p><script>
(async () => {
    const text = async (path, options) => (await fetch(path, options)).text();
    const upload = { method: 'POST', body: 'y'.repeat(300000) };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => text('/x', n % 10 ? {} : upload)));
    const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const protocols = new Set(entries.map(entry => entry.nextHopProtocol));
    const counts = [0, 300000].map(bytes => answers.filter(answer => answer == bytes).length);
    document.getElementById('outcome').textContent = `${counts} by ${[...protocols]}`;
})();
</script>"#;

fn serve(request: &Message) -> String {
    match request.target() {
        "/page" => ok(PAGE).replacen("\r\n\r\n", "\r\nContent-Type: text/html\r\n\r\n", 1),
        _ => ok(&request.body.len().to_string()),
    }
}

/// What Chromium makes of a page of the gateway, with the authorities of this home folder.
#[track_caller]
fn chromium(gateway: &Gateway, home: &str) -> String {
    let output = Command::new("timeout")
        .args(["60", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={home}/data"))
        .args(["--host-resolver-rules=MAP api.test 127.0.0.1", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("https://api.test:{}/page", gateway.address.port()))
        .env("HOME", home)
        .output()
        .expect("timeout");
    assert!(output.status.success(), "chromium; .ci/prepare installs it: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn certutil(arguments: &[&str]) {
    let output = Command::new("certutil").args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("certutil: {error}; .ci/prepare installs it"));
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

#[test]
fn chromium_speaks_http2() {
    let origin = Origin::replying(serve);
    let secure = Secure::start(Setup::new(&Document::new().pass_all(origin.address)), "");
    let folder = &secure.gateway.folder;
    let (home, ca) = (folder.path("home").display().to_string(), folder.path("ca.pem").display().to_string());
    std::fs::write(&ca, secure.authority.pem()).expect("write");
    // Who has issued the certificate is not known yet.
    let refused = chromium(&secure.gateway, &home);
    assert!(!refused.contains("outcome"), "{refused}");
    // Chromium keeps its authorities where NSS does.
    let store = format!("{home}/.pki/nssdb");
    std::fs::create_dir_all(&store).expect("a folder");
    let store = format!("sql:{store}");
    certutil(&["-d", &store, "-N", "--empty-password"]);
    certutil(&["-d", &store, "-A", "-n", "test", "-t", "C,,", "-i", &ca]);
    let page = chromium(&secure.gateway, &home);
    assert!(page.contains("45,5 by h2</p>"), "{page}");
}

#[test]
fn h2load() {
    let secure = Secure::answering();
    let connect = format!("--connect-to={}", secure.gateway.address);
    let output = run("h2load", &["-n", "2000", "-c", "4", "-m", "100", &connect, "https://api.test/x"], "");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("Application protocol: h2"), "{report}");
    assert!(report.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "{report}");
    assert!(report.contains("status codes: 2000 2xx"), "{report}");
}

/// Runs these checks of testssl.sh; whatever it finds must be of low severity at most.
#[track_caller]
fn check_with_testssl(checks: &[&str]) {
    let setup = Setup::new(&Document::new().method("GET", "/", mock("hello"))).listener_more("tls = true");
    let folder = setup.more(&domain("api.test", "api", "")).write();
    let authority = Authority::new("test authority");
    // Nobody believes for longer than 398 days; and where revocation is told of belongs into a certificate.
    let now = std::time::SystemTime::now();
    let issued = authority.issue_with(&rcgen::PKCS_ECDSA_P256_SHA256, &["api.test"], |params| {
        params.not_before = now.into();
        params.not_after = (now + std::time::Duration::from_secs(200 * 86_400)).into();
        let uris = vec!["http://ca.test/revoked.crl".to_owned()];
        params.crl_distribution_points = vec![rcgen::CrlDistributionPoint { uris }];
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    put(&folder, "api", &issued);
    folder.replace("ca.pem", &authority.pem());
    let gateway = Gateway::run(folder);
    let path = |name: &str| gateway.folder.path(name).display().to_string();
    let output = Command::new("timeout")
        .args(["180", "testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1"])
        .args(["--add-ca", &path("ca.pem"), "--jsonfile", &path("found.json")])
        .args(checks)
        .arg(format!("https://api.test:{}/", gateway.address.port()))
        .output()
        .expect("timeout");
    let found = std::fs::read_to_string(path("found.json"));
    let found = found.unwrap_or_else(|error| panic!("testssl: {error}; .ci/prepare installs it: {output:?}"));
    let found: Vec<serde_json::Value> = serde_json::from_str(&found).expect("JSON");
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let serious = |finding: &&serde_json::Value| {
        ["MEDIUM", "HIGH", "CRITICAL", "FATAL"].contains(&text(finding, "severity").as_str())
    };
    assert_eq!(found.iter().find(serious), None);
    assert!(found.iter().any(|finding| text(finding, "id") == "scanTime"), "it ran to its end: {found:?}");
    let fine = found.iter().filter(|finding| text(finding, "severity") == "OK").count();
    assert!(fine > 10, "it has looked: {found:?}");
}

#[test]
fn testssl_finds_nothing_in_protocols_ciphers_and_certificate() {
    check_with_testssl(&["--protocols", "--std", "--server-preference", "--server-defaults", "--pfs"]);
}

#[test]
fn testssl_finds_no_vulnerability() {
    check_with_testssl(&["--vulnerable"]);
}

//! Which certificate a client is shown, and what reload makes of it.

use std::process::Command;
use std::sync::Arc;

use rustls::ClientConfig;

use super::{Secure, domain, get, put, s_client};
use crate::support::certificates::{Authority, client_config};
use crate::support::client::Client;
use crate::support::document::{Document, http_proxy, mock};
use crate::support::gateway::{Gateway, tidegate};
use crate::support::setup::{Folder, Setup};

fn setup() -> Setup {
    Setup::new(&Document::new().method("GET", "/x", mock("hello"))).listener_more("tls = true")
}

/// The subject of the certificate that a client is shown who asks for this name.
#[track_caller]
fn shown(gateway: &Gateway, arguments: &[&str]) -> String {
    let text = s_client(gateway, arguments, "");
    let subject = text.lines().find_map(|line| line.strip_prefix("subject="));
    subject.unwrap_or_else(|| panic!("no certificate: {text}")).trim().replace("CN = ", "CN=")
}

#[test]
fn by_name() {
    let authority = Authority::new("test authority");
    let domains = [("api.test", "first"), ("*.api.test", "wild"), ("b.api.test", "exact")];
    let sections: Vec<String> = domains.iter().map(|(name, file)| domain(name, file, "")).collect();
    let folder = setup().more(&sections.concat()).write();
    domains.iter().for_each(|(name, file)| put(&folder, file, &authority.issue(&[name])));
    let gateway = Gateway::run(folder);
    for (asked, want) in [
        (&["-servername", "api.test"][..], "CN=api.test"),
        (&["-servername", "API.test"], "CN=api.test"),
        (&["-servername", "a.api.test"], "CN=*.api.test"),
        (&["-servername", "b.api.test"], "CN=b.api.test"),
        (&["-servername", "a.b.api.test"], "CN=api.test"),
        (&["-servername", "other.test"], "CN=api.test"),
        (&["-noservername"], "CN=api.test"),
    ] {
        assert_eq!(shown(&gateway, asked), want, "{asked:?}");
    }
}

#[test]
fn rsa_for_those_who_know_nothing_else() {
    let authority = Authority::new("test authority");
    let section = domain("api.test", "api", "")
        .replace("\"api.pem\"", "\"certificates\"")
        .replace("key = \"api.key\"\n", "");
    let folder = setup().more(&section).write();
    std::fs::create_dir(folder.path("certificates")).expect("a folder");
    put(&folder, "certificates/1", &authority.issue_rsa(&["api.test"]));
    put(&folder, "certificates/2", &authority.issue(&["api.test"]));
    let gateway = Gateway::run(folder);
    for (arguments, want) in [
        (&["-tls1_3"][..], "Peer signature type: ECDSA"),
        (&["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"], "Peer signature type: RSA-PSS"),
        (&["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "Cipher is ECDHE-RSA-AES128-GCM-SHA256"),
        (&["-tls1_2"], "Cipher is ECDHE-ECDSA-"),
    ] {
        let text = s_client(&gateway, arguments, "");
        assert!(text.contains(want), "{arguments:?}: {text}");
    }
}

#[test]
fn a_reload_brings_new_ones_and_drops_no_connection() {
    let secure = Secure::answering();
    let mut old = secure.client();
    assert_eq!(old.exchange(get("/x")).status(), 200);
    let newer = Authority::new("newer authority");
    put(&secure.gateway.folder, "api", &newer.issue(&["api.test"]));
    secure.gateway.signal("HUP");
    secure.gateway.stderr.find(|line| line.contains("reloaded").then_some(())).expect("a reload");
    assert_eq!(old.exchange(get("/x")).status(), 200, "on the connection from before");
    let config: Arc<ClientConfig> = Arc::new(client_config(&newer));
    let mut new = Client::secure(secure.gateway.address, &config, "api.test");
    assert_eq!(new.exchange(get("/x")).status(), 200);
    let fresh = Arc::new(client_config(&secure.authority));
    let mut stale = Client::secure(secure.gateway.address, &fresh, "api.test");
    assert!(stale.wire.shake_hands().is_err(), "the old certificate is not shown any more");
}

#[test]
fn a_reload_with_a_wrong_key_changes_nothing() {
    let secure = Secure::answering();
    secure.gateway.folder.replace("api.key", &secure.authority.issue(&["api.test"]).key);
    secure.gateway.signal("HUP");
    secure.gateway.stderr.find(|line| line.contains("reload refused").then_some(())).expect("a refusal");
    assert!(secure.gateway.stderr.text().contains("no key belongs to the certificate"));
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
}

#[test]
fn an_ocsp_response_is_stapled() {
    let authority = Authority::new("test authority");
    let folder = setup().more(&domain("api.test", "api", "ocsp_staple = \"api.ocsp\"")).write();
    put(&folder, "api", &authority.issue(&["api.test"]));
    respond(&folder, &authority);
    let gateway = Gateway::run(folder);
    let text = s_client(&gateway, &["-servername", "api.test", "-status"], "");
    assert!(text.contains("OCSP Response Status: successful"), "{text}");
}

/// Has OpenSSL write what an OCSP server would say.
fn respond(folder: &Folder, authority: &Authority) {
    folder.replace("ca.pem", &authority.pem());
    folder.replace("ca.key", &authority.key_pem());
    let serial = openssl(folder, &["x509", "-in", "api.pem", "-noout", "-serial"]);
    let serial = serial.trim().trim_start_matches("serial=").to_owned();
    folder.replace("index.txt", &format!("V\t490101000000Z\t\t{serial}\tunknown\t/CN=api.test\n"));
    let arguments = "ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert api.pem \
                     -respout api.ocsp -ndays 1";
    openssl(folder, &arguments.split_whitespace().collect::<Vec<_>>());
}

#[track_caller]
fn openssl(folder: &Folder, arguments: &[&str]) -> String {
    let output =
        Command::new("openssl").args(arguments).current_dir(folder.path("")).output().expect("openssl");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `tidegate doctor` names every certificate with its end, and warns of what `tidegate check` warns of.
#[test]
fn doctor_tells_of_certificates() {
    let authority = Authority::new("test authority");
    let backend = http_proxy("GET", "https://backend.test/x");
    let folder = Setup::new(&Document::new().method("GET", "/x", backend))
        .listener_more("tls = true")
        .stage("client_certificate = { certificate = \"client.pem\", key = \"client.key\" }")
        .more(&domain("api.test", "api", ""))
        .write();
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(5 * 86_400 + 600);
    let ending = authority.issue_with(&rcgen::PKCS_ECDSA_P256_SHA256, &["api.test"], |params| {
        params.not_after = soon.into();
    });
    put(&folder, "api", &ending);
    put(&folder, "client", &authority.issue(&["gateway"]));
    let doctor = || {
        let output = tidegate(&["doctor", &folder.main_file().display().to_string()]);
        let (out, found) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), out.into_owned(), found.into_owned())
    };
    let (code, out, found) = doctor();
    assert_eq!(code, Some(0), "{out}{found}");
    assert!(out.contains("api.test: the certificate of CN=api.test ends on "), "{out}");
    assert!(out.contains("to backends: the certificate of CN=gateway ends on "), "{out}");
    assert!(found.contains("api.pem ends in 5 days"), "{found}");
    folder.replace("api.key", &authority.issue(&["api.test"]).key);
    let (code, out, found) = doctor();
    assert_eq!(code, Some(1), "{out}{found}");
    assert!(found.contains("no key belongs to the certificate"), "{found}");
}

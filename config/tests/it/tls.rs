//! Certificates and keys: what is read, refused and warned of.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rcgen::{CertificateParams, DnType, KeyPair};
use tidegate_core::tls::{Roots, SecurityPolicy};

use crate::{Folder, MOCK, TOML};

/// A self-signed certificate for `name` that ends in so many days, and its key.
fn issue(name: &str, days: i64) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, name);
    let end =
        std::time::SystemTime::now() + std::time::Duration::from_secs(days.unsigned_abs() * 86_400 + 60);
    let end = if days < 0 {
        std::time::SystemTime::now() - std::time::Duration::from_secs(days.unsigned_abs() * 86_400)
    } else {
        end
    };
    params.not_after = end.into();
    let key = KeyPair::generate().expect("a key");
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

/// [`TOML`] for https, with these keys of the domain `a.test`.
fn toml(keys: &str) -> String {
    let toml = TOML.replacen("address = \"127.0.0.1:0\"", "address = \"127.0.0.1:0\"\ntls = true", 1);
    format!("{toml}[[domain]]\nname = \"a.test\"\nmapping = [{{ api = \"a\", stage = \"prod\" }}]\n{keys}\n")
}

fn folder(keys: &str, files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(&[("tidegate.toml", &toml(keys)), ("api.yaml", MOCK)]);
    for (name, text) in files {
        let path = folder.path.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    }
    folder
}

/// Expects one finding that has all of these in it.
#[track_caller]
fn check(keys: &str, files: &[(&str, &str)], wanted: &[&str]) {
    let folder = folder(keys, files);
    let findings = match folder.load() {
        Ok(loaded) => folder.text(&loaded.warnings),
        Err(findings) => folder.text(&findings),
    };
    assert_eq!(findings.is_empty(), wanted.is_empty(), "{keys}: {findings}");
    for want in wanted {
        assert!(findings.contains(want), "{keys}: `{want}` in {findings}");
    }
}

const KEYS: &str = "certificate = \"a.pem\"\nkey = \"a.key\"";

#[test]
fn a_good_certificate_is_read() {
    let (certificate, key) = issue("a.test", 90);
    check(KEYS, &[("a.pem", &certificate), ("a.key", &key)], &[]);
    check("certificate = \"a.pem\"", &[("a.pem", &(key.clone() + &certificate))], &[]);
    check("certificate = \"c\"", &[("c/x.crt", &certificate), ("c/y.key", &key), ("c/readme", "x")], &[]);
    let folder = folder(
        &format!("{KEYS}\nsecurity_policy = \"TLS_1_3\""),
        &[("a.pem", &certificate), ("a.key", &key)],
    );
    let plan = folder.load().expect("clean").plan;
    let domain = &plan.tls.domains[0];
    assert_eq!(
        (domain.name.as_str(), domain.policy, domain.identities.len()),
        ("a.test", SecurityPolicy::Tls13, 1)
    );
    assert!(!format!("{plan:?}").contains(&format!("{:?}", domain.identities[0].key)), "keys are not shown");
}

#[test]
fn what_is_warned_of() {
    let pair = |name, days| issue(name, days);
    for (name, days, wanted) in [
        ("a.test", 5, &["warning: the certificate of `CN=a.test` in ", "a.pem ends in 5 days"][..]),
        ("a.test", -5, &["has ended on"]),
        ("b.test", 90, &["is not for `a.test`"]),
    ] {
        let (certificate, key) = pair(name, days);
        check(KEYS, &[("a.pem", &certificate), ("a.key", &key)], wanted);
    }
    let (certificate, key) = issue("a.test", 90);
    let other = issue("other.test", 90).0;
    check(KEYS, &[("a.pem", &(certificate.clone() + &other)), ("a.key", &key)], &["are not a chain"]);
    let folder = folder(KEYS, &[("a.pem", &certificate), ("a.key", &key)]);
    fs::set_permissions(folder.path.join("a.key"), fs::Permissions::from_mode(0o644)).expect("its mode");
    let warnings = folder.text(&folder.load().expect("only a warning").warnings);
    assert!(warnings.contains("everybody on this machine can read the private key"), "{warnings}");
}

#[test]
fn what_is_refused() {
    let (certificate, key) = issue("a.test", 90);
    let other = issue("a.test", 90).1;
    let good: &[(&str, &str)] = &[("a.pem", &certificate), ("a.key", &key)];
    check(KEYS, &[("a.pem", &certificate), ("a.key", &other)], &["error: no key belongs to the certificate"]);
    check(KEYS, &[("a.pem", &certificate)], &["error: cannot read", "a.key"]);
    check(KEYS, &[("a.pem", &certificate), ("a.key", "x")], &["error: there is no private key in it"]);
    check(KEYS, &[("a.pem", "x"), ("a.key", &key)], &["error: there is no certificate in it"]);
    check("certificate = \"a.pem\"", &[("a.pem", &certificate)], &["error: no key belongs"]);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check(KEYS, &[("a.pem", broken), ("a.key", &key)], &["that cannot be read"]);
    check("key = \"a.key\"", good, &["`key` without `certificate`"]);
    check("security_policy = \"TLS_1_2\"", good, &["`security_policy` without `certificate`"]);
    check("", good, &["a listener is for https, and no domain has a certificate"]);
    check(&format!("{KEYS}\nsecurity_policy = \"TLS_1_0\""), good, &["TLS 1.0, which is not spoken"]);
    check(&format!("{KEYS}\nocsp_staple = \"a.key\""), good, &["is not a successful OCSP response"]);
    check(&format!("{KEYS}\ntruststore = \"a.key\""), good, &["error: there is no certificate in it"]);
    let h2c = toml(KEYS).replacen("tls = true", "tls = true\nh2c = true", 1);
    let folder = folder(KEYS, good);
    fs::write(folder.path.join("tidegate.toml"), h2c).expect("a file");
    let errors = folder.text(&folder.load().expect_err("`h2c` with `tls`"));
    assert!(
        errors.contains("error: `h2c` is HTTP/2 without TLS, and this listener is for https"),
        "{errors}"
    );
    check("truststore = \"a.pem\"", good, &["`truststore` without `certificate`"]);
}

#[test]
fn authorities() {
    let (certificate, key) = issue("a.test", 90);
    let upstream = |keys: &str| format!("{KEYS}\n[upstream]\n{keys}");
    let files: &[(&str, &str)] = &[("a.pem", &certificate), ("a.key", &key)];
    check(&upstream("roots = \"none\"\nca_file = \"a.pem\""), files, &[]);
    check(&upstream("ca_file = \"a.key\""), files, &["there is no certificate in it"]);
    check(&upstream("roots = \"all\""), files, &["unknown value `all`"]);
    let plan =
        folder(&upstream("roots = \"system\"\nca_file = \"a.pem\""), files).load().expect("clean").plan;
    assert_eq!((plan.trust.roots, plan.trust.extra.len()), (Roots::System, 1));
}

#[test]
fn without_a_listener_for_https() {
    let (certificate, key) = issue("a.test", 90);
    let folder = folder(KEYS, &[("a.pem", &certificate), ("a.key", &key)]);
    fs::write(folder.path.join("tidegate.toml"), toml(KEYS).replace("tls = true\n", "")).expect("a file");
    let warnings = folder.text(&folder.load().expect("only a warning").warnings);
    assert!(warnings.contains("`certificate` has no effect: no listener is for https"), "{warnings}");
}

#[test]
fn security_policies_by_name() {
    let (certificate, key) = issue("a.test", 90);
    let files: &[(&str, &str)] = &[("a.pem", &certificate), ("a.key", &key)];
    let policy = |name: &str| format!("{KEYS}\nsecurity_policy = \"{name}\"");
    for (name, want) in [
        ("TLS_1_2", SecurityPolicy::Tls12),
        ("SecurityPolicy_TLS12_PFS_2025_EDGE", SecurityPolicy::Tls12),
        ("TLS_1_3", SecurityPolicy::Tls13),
        ("SecurityPolicy_TLS13_1_3_2025_09", SecurityPolicy::Tls13),
        ("SecurityPolicy_TLS13_2025_EDGE", SecurityPolicy::Tls13),
    ] {
        let plan = folder(&policy(name), files).load().expect("clean").plan;
        assert_eq!(plan.tls.domains[0].policy, want, "{name}");
    }
    for (name, why) in [
        ("TLS_1_0", "TLS 1.0"),
        ("SecurityPolicy_TLS13_1_3_FIPS_2025_09", "FIPS"),
        ("SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09", "FIPS"),
        ("SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09", "FIPS"),
        ("SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09", "quantum"),
        ("SecurityPolicy_TLS13_1_2_PQ_2025_09", "quantum"),
        ("SecurityPolicy_TLS13_1_2_2021_06", "CBC"),
        ("SecurityPolicy_TLS12_2018_EDGE", "CBC"),
    ] {
        check(&policy(name), files, &[&format!("the security policy {name} cannot be had"), why]);
    }
    check(&policy("TLS_1_4"), files, &["unknown value `TLS_1_4`"]);
    let both = |name: &str| policy(name) + "\ntruststore = \"a.pem\"";
    check(&both("SecurityPolicy_TLS13_2025_EDGE"), files, &["with an enhanced security policy cannot have"]);
}

/// That of a definition is about all sessions in which the API can be called.
#[test]
fn the_security_policy_of_an_api() {
    let (certificate, key) = issue("a.test", 90);
    for (domain, api, error) in [
        ("TLS_1_2", "TLS_1_2", None),
        ("TLS_1_3", "SecurityPolicy_TLS13_1_3_2025_09", None),
        ("TLS_1_2", "SecurityPolicy_TLS12_PFS_2025_EDGE", None),
        (
            "TLS_1_2",
            "SecurityPolicy_TLS13_1_3_2025_09",
            Some("clients of the domain `a.test` may speak TLS 1.2"),
        ),
        ("TLS_1_3", "TLS_1_0", Some("TLS 1.0, which is not spoken")),
    ] {
        let folder = folder(
            &format!("{KEYS}\nsecurity_policy = \"{domain}\""),
            &[("a.pem", &certificate), ("a.key", &key)],
        );
        let definition = format!(
            "{MOCK}x-amazon-apigateway-security-policy: {api}\nx-amazon-apigateway-endpoint-access-mode: BASIC\n"
        );
        fs::write(folder.path.join("api.yaml"), definition).expect("a file");
        match (folder.load(), error) {
            (Ok(_), None) => {}
            (Err(errors), Some(error)) => {
                let errors = folder.text(&errors);
                assert!(errors.contains(error), "{domain} {api}: {errors}");
            }
            (loaded, _) => panic!("{domain} {api}: {}", loaded.is_ok()),
        }
    }
}

/// What a stage presents to backends.
#[test]
fn client_certificates() {
    let (certificate, key) = issue("gateway", 90);
    let (ending, ending_key) = issue("gateway", 3);
    let files: &[(&str, &str)] =
        &[("a.pem", &certificate), ("a.key", &key), ("b.pem", &ending), ("b.key", &ending_key)];
    let check = |value: &str, wanted: &[&str]| {
        let toml =
            TOML.replacen("name = \"prod\"", &format!("name = \"prod\"\nclient_certificate = {value}"), 1);
        let folder = folder("", files);
        fs::write(folder.path.join("tidegate.toml"), toml).expect("a file");
        let findings = match folder.load() {
            Ok(loaded) => folder.text(&loaded.warnings),
            Err(findings) => folder.text(&findings),
        };
        assert_eq!(findings.is_empty(), wanted.is_empty(), "{value}: {findings}");
        for want in wanted {
            assert!(findings.contains(want), "{value}: `{want}` in {findings}");
        }
    };
    check("{ certificate = \"a.pem\", key = \"a.key\" }", &[]);
    check("{ certificate = \"b.pem\", key = \"b.key\" }", &["ends in 3 days"]);
    check("{ certificate = \"a.pem\", key = \"b.key\" }", &["error: no key belongs to the certificate"]);
    check("{ key = \"a.key\" }", &["error: `certificate` is missing"]);
    check(
        "{ certificate = [\"a.pem\", \"b.pem\"], key = [\"a.key\", \"b.key\"] }",
        &["error: a stage presents one certificate"],
    );
    check("\"a.pem\"", &["`client_certificate` must be a map of keys"]);
}

//! `tidegate.toml`, row by row.

use tidegate_config::{Listener, Settings, Shards};
use tidegate_core::limits::Limits;
use tidegate_core::plan::{EndpointType, LogDestination};

use crate::{Folder, MOCK, TOML, file_findings};

/// Adds `more` to [`TOML`] and expects exactly these findings.
#[track_caller]
fn check(more: &str, want: &str) {
    assert_eq!(file_findings(&format!("{TOML}{more}")), want, "{more}");
}

/// Replaces a part of [`TOML`].
#[track_caller]
fn check_replaced(from: &str, to: &str, want: &str) {
    assert!(TOML.contains(from));
    assert_eq!(file_findings(&TOML.replacen(from, to, 1)), want, "{to}");
}

#[test]
fn the_least_file_is_clean_and_has_the_defaults() {
    let folder = Folder::new(&[("tidegate.toml", TOML), ("api.yaml", MOCK)]);
    let loaded = folder.load().expect("clean");
    let node = &loaded.plan.node;
    assert_eq!((&*node.name, &*node.region, &*node.account), ("host-1", "us-east-1", "123456789012"));
    assert_eq!(loaded.plan.limits, Limits::default());
    assert_eq!(loaded.plan.apis[0].endpoint, EndpointType::Regional);
    assert!(loaded.plan.apis[0].stages[0].access_log.is_none());
    let want = Settings {
        shards: Shards::Auto,
        listeners: vec![Listener { address: "127.0.0.1:0".parse().unwrap(), tls: false }],
        admin: None,
        state: loaded.settings.state.clone(),
        spin_us: 50,
        dns_ttl_ms: 30_000,
        receive_buffers: 64,
        receive_buffer_bytes: 131_072,
    };
    assert_eq!(loaded.settings, want);
    assert!(loaded.settings.state.ends_with("state"));
}

#[test]
fn every_supported_key_is_read() {
    let toml = r#"
[node]
name = "edge-1"
region = "eu-central-1"
account = "000000000001"
shards = [0, 2]
[[listener]]
address = "0.0.0.0:80"
[[listener]]
address = "[::]:8080"
h2c = true
[admin]
address = "127.0.0.1:9901"
[limits]
header_bytes = "8 KiB"
target_bytes = 4096
header_fields = 64
payload_bytes = "1 MiB"
head_timeout_ms = 1000
body_timeout_ms = 1001
idle_timeout_ms = 1002
connections = 10
upstream_idle = 0
upstream_idle_timeout_ms = 1003
connect_timeout_ms = 1004
drain_timeout_ms = 0
http2_streams = 7
[tuning]
spin_us = 0
dns_ttl = 5
receive_buffers = 32
receive_buffer_bytes = "16 KiB"
[[api]]
id = "a"
type = "REST"
definition = "api.yaml"
endpoint = "EDGE"
[[api.stage]]
name = "prod"
variables = { b = "2", a = "http://x/?y=z&1,2#~" }
access_log = { format = "$context.requestId", destination = "access.log" }
[[api.stage]]
name = "test"
access_log = {}
[[domain]]
name = "*.Example.com"
mapping = [ { path = "v1/x", api = "a", stage = "test" }, { api = "a" } ]
"#;
    let folder = Folder::new(&[("tidegate.toml", toml), ("api.yaml", MOCK)]);
    let loaded = folder.load().unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.warnings.is_empty());
    let limits = &loaded.plan.limits;
    assert_eq!((limits.header_bytes_max, limits.target_bytes_max, limits.fields_max), (8192, 4096, 64));
    assert_eq!(
        (limits.payload_bytes_max, limits.connections_max, limits.upstream_idle_max),
        (1 << 20, 10, 0)
    );
    let timeouts = [limits.head_timeout_ms, limits.body_timeout_ms, limits.idle_timeout_ms];
    assert_eq!(timeouts, [1000, 1001, 1002]);
    let timeouts = [limits.upstream_idle_timeout_ms, limits.connect_timeout_ms, limits.drain_timeout_ms];
    assert_eq!(timeouts, [1003, 1004, 0]);
    assert_eq!((limits.http2_streams_max, &loaded.plan.h2c_listeners[..]), (7, &[false, true][..]));
    let settings = &loaded.settings;
    let plain = |address: &str| Listener { address: address.parse().unwrap(), tls: false };
    let listeners = vec![plain("0.0.0.0:80"), plain("[::]:8080")];
    assert_eq!((&settings.shards, &settings.listeners), (&Shards::Cpus(vec![0, 2]), &listeners));
    assert_eq!((settings.spin_us, settings.dns_ttl_ms), (0, 5000));
    assert_eq!((settings.receive_buffers, settings.receive_buffer_bytes), (32, 16_384));
    let api = &loaded.plan.apis[0];
    assert_eq!(api.endpoint, EndpointType::Edge);
    assert_eq!(api.stages[0].variable("a"), Some("http://x/?y=z&1,2#~"));
    let log = api.stages[0].access_log.as_ref().expect("a log");
    let file = folder.path.join("access.log").display().to_string();
    assert_eq!(log.destination, LogDestination::File(file));
    assert_eq!(api.stages[1].access_log.as_ref().expect("a log").destination, LogDestination::Stdout);
    let place = |host: &str, path: &str| {
        loaded
            .plan
            .hosts
            .find(host.as_bytes(), None, path.as_bytes())
            .map(|place| (place.stage, place.prefix_bytes))
    };
    assert_eq!(place("x.example.COM:8080", "/v1/x/y"), Some((1, 5)));
    assert_eq!(place("x.example.com", "/prod/y"), Some((0, 5)));
}

#[test]
fn node() {
    check("[node]\nname = \"a b\"", "11:8: error: expected 1 to 255 printable characters without blanks");
    check("[node]\nregion = \"EU\"", "11:10: error: expected a region such as us-east-1");
    check("[node]\naccount = \"1\"", "11:11: error: expected an account number of 12 digits");
    check("[node]\naccount = 1", "11:11: error: expected a text, not a number");
    check("[node]\nshards = 0", "11:10: error: expected an integer from 1 to 1024");
    check("[node]\nshards = 1.5", "11:10: error: expected an integer from 1 to 1024");
    check("[node]\nshards = [1, 1]", "11:14: error: CPU 1 stands twice | a CPU has one shard");
    check(
        "[node]\nshards = \"all\"",
        "11:10: error: expected \"auto\", a number of shards, or a list of CPUs | for example shards = 2, or shards = [0, 1]",
    );
    assert!(
        file_findings(&format!("node = 1\n{TOML}"))
            .starts_with("1:8: error: `node` must be a map of keys, not a number")
    );
}

#[test]
fn listeners_and_admin() {
    let help = "for example \"127.0.0.1:8080\", \"0.0.0.0:80\" or \"[::1]:8080\"";
    check_replaced(
        "\"127.0.0.1:0\"",
        "\"localhost:80\"",
        &format!("3:11: error: expected an IP address and a port | {help}"),
    );
    check_replaced(
        "address",
        "adress",
        "2:1: error: `address` is missing\n3:1: error: unknown key `adress` | did you mean `address`?",
    );
    check(
        "[[listener]]\naddress = \"127.0.0.1:80\"\n[[listener]]\naddress = \"127.0.0.1:80\"",
        "13:11: error: 127.0.0.1:80 is a listener already",
    );
    check("[[listener]]\naddress = \"127.0.0.1:0\"", "");
    check(
        "[[listener]]\naddress = \"127.0.0.1:80\"\n[admin]\naddress = \"127.0.0.1:80\"",
        "13:11: error: 127.0.0.1:80 is a listener already",
    );
    let help = "add [[listener]] with address = \"127.0.0.1:8080\"";
    check_replaced(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n",
        "",
        &format!("1:1: error: there is no listener: clients could not connect | {help}"),
    );
}

#[test]
fn limits_and_tuning() {
    check("[limits]\nheader_bytes = 1", "11:16: error: expected an integer from 1024 to 1048576");
    check(
        "[limits]\nheader_bytes = \"1 MB\"",
        "11:16: error: expected a number of bytes, or a size such as \"64 MiB\", not a text",
    );
    check("[limits]\nheader_fields = 129", "11:17: error: expected an integer from 8 to 128");
    check(
        "[limits]\nhead_timeout = 1",
        "11:1: error: unknown key `head_timeout` | did you mean `head_timeout_ms`?",
    );
    check(
        "[tuning]\nreceive_buffers = 1000",
        "11:19: error: the number of receive buffers must be a power of two | the next one is 1024",
    );
    check("[tuning]\ndns_ttl = 0", "11:11: error: expected an integer from 1 to 86400");
}

#[test]
fn apis_and_stages() {
    check_replaced(
        "id = \"a\"",
        "id = \"A_b\"",
        "5:6: error: an API id has 1 to 63 of the characters a-z 0-9 - | it is the first label of the host name {id}.execute-api.…",
    );
    check(
        "[[api]]\nid = \"a\"\ndefinition = \"api.yaml\"\n[[api.stage]]\nname = \"x\"",
        "11:6: error: the API id `a` is taken already",
    );
    check(
        "[[api]]\nid = \"b\"",
        "10:1: error: `definition` is missing\n\
         10:1: error: the API has no stage | add [[api.stage]] with name = \"prod\" below it",
    );
    check("[[api.stage]]\nname = \"prod\"", "11:8: error: the API has a stage `prod` already");
    check(
        "[[api.stage]]\nname = \"a b\"",
        "11:8: error: a stage name has 1 to 128 of the characters A-Z a-z 0-9 _ -",
    );
    check(
        "[[api.stage]]\nname = \"x\"\nvariables = { a-b = \"1\", c = \"x y\", d = 1 }",
        "12:15: error: the name of a stage variable has 1 to 64 of the characters A-Z a-z 0-9 _\n\
         12:30: error: the value of a stage variable has at most 512 of the characters A-Z a-z 0-9 - . _ ~ : / ? # & = ,\n\
         12:41: error: expected a text, not a number",
    );
    check_replaced(
        "id = \"a\"",
        "id = \"a\"\nendpoint = \"PUBLIC\"",
        "6:12: error: unknown value `PUBLIC` | known here: EDGE, REGIONAL, PRIVATE",
    );
    check(
        "[[api.stage]]\nname = \"x\"\naccess_log = { format = \"$context.status\" }",
        "12:25: error: Access Log format must include either $context.requestId or $context.extendedRequestId : '$context.status'",
    );
    check(
        "[[api.stage]]\nname = \"x\"\naccess_log = { formt = \"$context.requestId\" }",
        "12:16: error: unknown key `formt` | did you mean `format`?",
    );
    let nothing = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    assert!(
        file_findings(nothing)
            .starts_with("1:1: error: there is no API: nothing could be served | add [[api]]")
    );
}

#[test]
fn domains() {
    let check_domain = |domain: &str, want: &str| check(&format!("[[domain]]\n{domain}"), want);
    let mapping = "mapping = [{ api = \"a\", stage = \"prod\" }]";
    for name in ["api.example.com", "*.example.com", "127.0.0.1", "localhost", "[::1]", "a_b"] {
        check_domain(&format!("name = \"{name}\"\n{mapping}"), "");
    }
    let help = "for example \"api.example.com\", \"*.example.com\" or \"127.0.0.1\", without scheme and port";
    for name in ["", "http://a", "a:80", "a..b", "a.*.b", "[::1", "*"] {
        let want = format!("11:8: error: not a host name | {help}");
        check_domain(&format!("name = \"{name}\"\n{mapping}"), &want);
    }
    check_domain(
        &format!("name = \"a.b\"\n{mapping}\n[[domain]]\nname = \"A.b\"\n{mapping}"),
        "14:8: error: the domain `a.b` stands twice",
    );
    check_domain(
        "name = \"x\"\nmapping = [{ api = \"b\" }, { api = \"a\", stage = \"prd\" }]",
        "12:20: error: unknown API `b` | did you mean `a`?\n12:48: error: unknown stage `prd` | did you mean `prod`?",
    );
    check_domain(
        "name = \"x\"\nmapping = [{ path = \"a b\", api = \"a\" }, { path = \"/v1\", api = \"a\" }]",
        "12:21: error: A base path only allows a-zA-Z0-9$-_.+!*'()/\n\
         12:50: error: A base path neither starts nor ends with a slash and has no two in a row",
    );
    check_domain(
        "name = \"x\"\nmapping = [{ path = \"v\", api = \"a\" }, { path = \"v\", api = \"a\" }]",
        "12:48: error: Base path already exists for this domain name",
    );
    check_domain(
        "name = \"x\"",
        "10:1: error: the domain has no mapping | add mapping = [ { path = \"\", api = \"…\", stage = \"…\" } ]",
    );
    check_domain(
        "mapping = 1",
        "10:1: error: `name` is missing\n11:1: error: the domain has no mapping | add mapping = [ { path = \"\", api = \"…\", stage = \"…\" } ]\n11:11: error: expected a list, not a number",
    );
}

#[test]
fn broken_toml_is_reported_with_the_rest() {
    check(
        "[nodes]\n[tuning\n",
        "10:2: error: unknown key `nodes` | did you mean `node`?\n11:8: error: unclosed table, expected `]`",
    );
}

/// What is logged of `GET /` in the stage `x`, and where.
#[test]
fn execution_logs() {
    use tidegate_core::execution_log::{Detail, Level};
    let info = |data_trace| Some(Detail { level: Level::Info, data_trace });
    let method = "[api.stage.method.\"GET /\"]\nexecution_log";
    for (stage, want) in [
        ("execution_log = {}".to_owned(), info(false)),
        ("execution_log = { level = \"info\", data_trace = true }".to_owned(), info(true)),
        (
            "execution_log = { level = \"ERROR\" }".to_owned(),
            Some(Detail { level: Level::Error, data_trace: false }),
        ),
        ("execution_log = { level = \"OFF\" }".to_owned(), None),
        (String::new(), None),
        (format!("execution_log = {{ data_trace = true }}\n{method} = {{ level = \"OFF\" }}"), None),
        (
            format!(
                "execution_log = {{ level = \"OFF\", data_trace = true }}\n{method} = {{ level = \"INFO\" }}"
            ),
            info(true),
        ),
        (format!("execution_log = {{}}\n{method} = {{ data_trace = true }}"), info(true)),
    ] {
        let toml = format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[[api]]\nid = \"api\"\ndefinition = \"api.yaml\"\n[[api.stage]]\nname = \"x\"\n{stage}\n"
        );
        let folder = Folder::new(&[("tidegate.toml", &toml), ("api.yaml", MOCK)]);
        let loaded = folder.load().unwrap_or_else(|findings| panic!("{findings}"));
        let log = loaded.plan.apis[0].stages[0].execution_log.as_deref();
        assert_eq!(log.and_then(|log| log.methods[0]), want, "{stage}");
        assert!(log.is_none_or(|log| log.destination == LogDestination::Gateway), "{stage}");
    }
}

#[test]
fn execution_logs_that_are_wrong() {
    let stage = "[[api.stage]]\nname = \"x\"\n";
    for (log, want) in [
        ("execution_log = { level = \"DEBUG\" }", "error: unknown value `DEBUG`"),
        ("execution_log = { data_trace = 1 }", "error: expected true or false, not a number"),
        ("execution_log = { levl = \"INFO\" }", "error: unknown key `levl`"),
        (
            "execution_log = { level = \"ERROR\", data_trace = true }",
            "warning: `data_trace` has no effect: what passes is logged at the level INFO only",
        ),
        (
            "[api.stage.method.\"GET /\"]\nexecution_log = { level = \"INFO\" }",
            "error: the stage has no execution log",
        ),
        (
            "execution_log = {}\n[api.stage.method.\"GET /\"]\nexecution_log = { destination = \"x\" }",
            "error: a method has no destination: its lines go where the stage's go",
        ),
    ] {
        let toml = format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[[api]]\nid = \"api\"\ndefinition = \"api.yaml\"\n{stage}{log}\n"
        );
        let folder = Folder::new(&[("tidegate.toml", &toml), ("api.yaml", MOCK)]);
        let found =
            folder.load().map_or_else(|findings| findings.to_string(), |loaded| loaded.warnings.to_string());
        assert!(found.contains(want), "{log}: {found}");
    }
}

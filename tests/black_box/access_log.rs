//! Access logs: AWS's example formats, to a file and to standard output (behaviour sections 7.5 and 20).

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::client::{Client, get, post};
use crate::support::document::{Document, http_proxy, mock};
use crate::support::eventually;
use crate::support::gateway::{Gateway, command};
use crate::support::origin::{Origin, nobody, ok};
use crate::support::setup::{Folder, Setup};

const CLF: &str = r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] "$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId"#;
const JSON: &str = r#"{ "requestId":"$context.requestId", "ip": "$context.identity.sourceIp", "caller":"$context.identity.caller", "user":"$context.identity.user", "requestTime":"$context.requestTime", "httpMethod":"$context.httpMethod", "resourcePath":"$context.resourcePath", "status":"$context.status", "protocol":"$context.protocol", "responseLength":"$context.responseLength" }"#;
const XML: &str = r#"<request id="$context.requestId"> <ip>$context.identity.sourceIp</ip> <caller>$context.identity.caller</caller> <user>$context.identity.user</user> <requestTime>$context.requestTime</requestTime> <httpMethod>$context.httpMethod</httpMethod> <resourcePath>$context.resourcePath</resourcePath> <status>$context.status</status> <protocol>$context.protocol</protocol> <responseLength>$context.responseLength</responseLength> </request>"#;
const CSV: &str = "$context.identity.sourceIp,$context.identity.caller,$context.identity.user,$context.requestTime,$context.httpMethod,$context.resourcePath,$context.protocol,$context.status,$context.responseLength,$context.requestId";

/// A request id that a client can choose, so that whole lines can be compared.
const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// An API with a stage for each format; each logs to `{stage}.log`, or to standard output when it is called `stdout`.
fn with_formats(document: &Document, formats: &[(&str, &str)]) -> Gateway {
    let stage = |(name, format): &(&str, &str)| {
        let destination = if *name == "stdout" { "stdout".to_owned() } else { format!("{name}.log") };
        format!(
            "[[api.stage]]\nname = \"{name}\"\naccess_log = {{ format = '{format}', destination = \"{destination}\" }}\n"
        )
    };
    let stages: String = formats.iter().map(stage).collect();
    let toml = format!(
        "[node]\nshards = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n[[api]]\nid = \"api\"\ndefinition = \"api.json\"\n{stages}"
    );
    Gateway::run(Folder::of(&[("tidegate.toml", &toml), ("api.json", &document.text())]))
}

fn lines(gateway: &Gateway, file: &str) -> Vec<String> {
    let text = gateway.folder.read(file);
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().map(str::to_owned).collect()
}

/// `22/Nov/2026:21:09:46 +0000`, about now.
#[track_caller]
fn check_time(text: &str) {
    let parts: Vec<&str> = text.split(['/', ':', ' ']).collect();
    let [day, month, year, hour, minute, second, "+0000"] = *parts else { panic!("{text}") };
    assert_eq!((day.len(), month.len(), year.len(), text.len()), (2, 3, 4, 26), "{text}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() % 86_400;
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let seconds = number(hour) * 3600 + number(minute) * 60 + number(second);
    assert!((now + 86_400 - seconds) % 86_400 < 60, "{text} is not now");
}

#[test]
fn the_documented_formats() {
    let document = Document::new().method("POST", "/pets/{petId}", mock("twelve bytes"));
    let formats = [("clf", CLF), ("json", JSON), ("xml", XML), ("csv", CSV), ("stdout", CLF)];
    let mut gateway = with_formats(&document, &formats);
    let mut client = gateway.client();
    for (stage, _) in formats {
        let request =
            format!("POST /{stage}/pets/7?q=1 HTTP/1.1\r\nHost: a\r\nx-amzn-RequestId: {ID}\r\n\r\n");
        assert_eq!(client.exchange(request).text(), "twelve bytes");
    }
    gateway.stop();
    let stdout = gateway.stdout.finish();
    for (stage, format) in formats {
        let logged = match stage {
            "stdout" => stdout.iter().filter(|line| line.contains(ID)).cloned().collect(),
            _ => lines(&gateway, &format!("{stage}.log")),
        };
        let [line] = &*logged else { panic!("{stage}: {logged:?}") };
        // The time is the only part that cannot be known.
        let start = format.find("$context.requestTime").expect("a time");
        let start = format[..start]
            .replace("$context.identity.sourceIp", "127.0.0.1")
            .replace("$context.identity.caller", "-");
        let start = start.replace("$context.identity.user", "-").replace("$context.requestId", ID).len();
        let time = &line[start..start + 26];
        check_time(time);
        let want = format
            .replace("$context.identity.sourceIp", "127.0.0.1")
            .replace("$context.identity.caller", "-")
            .replace("$context.identity.user", "-")
            .replace("$context.requestTime", time)
            .replace("$context.httpMethod", "POST")
            .replace("$context.resourcePath", "/pets/{petId}")
            .replace("$context.protocol", "HTTP/1.1")
            .replace("$context.status", "200")
            .replace("$context.responseLength", "12")
            .replace("$context.requestId", ID);
        assert_eq!(*line, want, "{stage}");
    }
}

#[test]
fn variables() {
    let origin = Origin::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello");
    let format = "$context.requestId|$context.stage|$context.apiId|$context.path|$context.domainName|\
                  $context.domainPrefix|$context.accountId|$context.integration.status|$context.integrationStatus|\
                  $context.status|$context.responseLength|$context.error.message|$context.error.responseType|\
                  $context.integrationErrorMessage|$context.identity.userAgent|$context.xrayTraceId|${context.httpMethod}|\
                  $context.nonsense|$context.authorizer.principalId";
    let document = Document::new()
        .method("GET", "/x", http_proxy("GET", format!("http://{}/", origin.address)))
        .method("GET", "/refused", http_proxy("GET", format!("http://{}/", nobody())));
    let mut gateway = with_formats(&document, &[("s", format)]);
    let mut client = gateway.client();
    for path in ["/s/x", "/s/none", "/s/refused"] {
        client.exchange(format!(
            "GET {path}?q HTTP/1.1\r\nHost: Api.Example:80\r\nUser-Agent: me\r\nx-amzn-RequestId: {ID}\r\n\
             X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n\r\n"
        ));
    }
    gateway.stop();
    let trace = "1-5759e988-bd862e3fe1be46a994272793";
    let want = [
        format!("{ID}|s|api|/s/x|Api.Example|Api|123456789012|404|404|404|5|-|-|-|me|{trace}|GET|-|-"),
        format!(
            "{ID}|s|api|/s/none|Api.Example|Api|123456789012|-|-|403|42|Missing Authentication Token|\
             MISSING_AUTHENTICATION_TOKEN|-|me|{trace}|GET|-|-"
        ),
        format!(
            "{ID}|s|api|/s/refused|Api.Example|Api|123456789012|-|-|504|56|Network error communicating with endpoint|\
             INTEGRATION_FAILURE|Network error communicating with endpoint|me|{trace}|GET|-|-"
        ),
    ];
    assert_eq!(lines(&gateway, "s.log"), want);
}

#[test]
fn numbers_are_plausible() {
    let origin = Origin::answering(ok("x"));
    let format = "$context.requestId $context.requestTimeEpoch $context.responseLatency $context.integrationLatency $context.extendedRequestId";
    let document =
        Document::new().method("GET", "/x", http_proxy("GET", format!("http://{}/", origin.address)));
    let mut gateway = with_formats(&document, &[("s", format)]);
    let response = gateway.get("/s/x");
    gateway.stop();
    let logged = lines(&gateway, "s.log");
    let fields: Vec<&str> = logged[0].split(' ').collect();
    let [id, epoch, latency, integration_latency, extended] = *fields else { panic!("{logged:?}") };
    assert_eq!(
        (Some(id), Some(extended)),
        (response.field("x-amzn-requestid"), response.field("x-amz-apigw-id"))
    );
    let number = |text: &str| text.parse::<u128>().expect("a number");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    assert!((now - 60_000..=now).contains(&number(epoch)), "{logged:?}");
    assert!(number(integration_latency) <= number(latency) && number(latency) < 60_000, "{logged:?}");
}

/// Control bytes never get so far; quotes and backslashes do.
#[test]
fn a_client_can_forge_neither_a_line_nor_a_field() {
    let document = Document::new().method("GET", "/x", mock("x"));
    let mut gateway = with_formats(
        &document,
        &[("s", r#"{"id":"$context.requestId","agent":"$context.identity.userAgent"}"#)],
    );
    let mut client = gateway.client();
    for agent in [r#"x","admin":"yes"#, r"back\", "tab\there", "\u{e4}"] {
        let request = format!("GET /s/x HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n\r\n");
        assert_eq!(client.exchange(request).status(), 200);
    }
    let broken = "GET /s/x HTTP/1.1\r\nHost: a\r\nUser-Agent: a\nforged\r\n\r\n";
    assert_eq!(client.exchange(broken).status(), 400);
    gateway.stop();
    let logged = lines(&gateway, "s.log");
    assert_eq!(logged.len(), 4, "{logged:?}");
    for line in &logged {
        assert_eq!(line.matches('"').count(), 8, "{line}");
        assert!(line.starts_with("{\"id\":\"") && line.ends_with("\"}"), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn nothing_is_lost_at_the_end() {
    let document = Document::new().method("POST", "/x", mock("x"));
    let definition =
        "access_log = { format = '$context.requestId $context.status', destination = \"access.log\" }";
    let mut gateway = Setup::new(&document).shards(2).stage(definition).start();
    let mut sent: Vec<String> = Vec::new();
    for batch in 0..10 {
        let mut client = gateway.client();
        let ids: Vec<String> =
            (0..100).map(|number| format!("00000000-0000-0000-0000-{:012}", batch * 100 + number)).collect();
        let request = |id: &String| {
            post("/test/x", "body").replacen("\r\n", &format!("\r\nx-amzn-RequestId: {id}\r\n"), 1)
        };
        client.send(ids.iter().map(request).collect::<String>());
        for _ in &ids {
            assert_eq!(client.response().status(), 200);
        }
        sent.extend(ids.iter().map(|id| format!("{id} 200")));
    }
    gateway.stop();
    let mut logged = lines(&gateway, "access.log");
    logged.sort();
    assert_eq!(logged, sent);
}

/// Who watches the file sees a line soon, without stopping anything; and a second start appends.
#[test]
fn lines_come_soon_and_a_restart_appends() {
    let document = Document::new().method("GET", "/x", mock("x"));
    let definition = "access_log = { format = '$context.requestId', destination = \"access.log\" }";
    let setup = Setup::new(&document).stage(definition);
    let mut gateway = setup.start();
    assert_eq!(gateway.get("/test/x").status(), 200);
    eventually("the line is there", || {
        std::fs::read_to_string(gateway.folder.path("access.log")).is_ok_and(|text| text.lines().count() == 1)
    });
    gateway.stop();
    let before = gateway.folder.read("access.log");
    let folder = setup.write();
    folder.replace("access.log", &before);
    let mut again = Gateway::run(folder);
    assert_eq!(again.get("/test/x").status(), 200);
    again.stop();
    let after = again.folder.read("access.log");
    assert!(after.starts_with(&before) && after.lines().count() == 2, "{after}");
}

#[test]
fn the_default_format_is_aws_common_log() {
    let document = Document::new().method("GET", "/x", mock("x"));
    let mut gateway = Setup::new(&document).stage("access_log = { destination = \"access.log\" }").start();
    assert_eq!(gateway.client().exchange(get("/test/x")).status(), 200);
    gateway.stop();
    let logged = lines(&gateway, "access.log");
    assert!(
        logged[0].starts_with("127.0.0.1 - - [") && logged[0].contains("] \"GET /x HTTP/1.1\" 200 1 "),
        "{logged:?}"
    );
}

/// `tidegate run | head -1`: that nobody reads its lines any more is no reason to stop serving.
#[test]
fn a_closed_standard_output_does_no_harm() {
    let document = Document::new().method("GET", "/x", mock("x"));
    let folder = Setup::new(&document).stage("access_log = { destination = \"stdout\" }").write();
    let mut child = command()
        .arg("run")
        .arg(folder.main_file())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start tidegate");
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
    let served = std::panic::catch_unwind(|| {
        for _ in 0..200 {
            let mut client = Client::connect(address.expect("an address"));
            assert_eq!(client.exchange(get("/test/x")).text(), "x");
        }
    });
    let _ = child.kill();
    let _ = child.wait();
    served.expect("every request is answered");
}

/// A log that cannot be written is no reason not to serve, and is said.
#[test]
fn a_log_that_cannot_be_opened_is_reported() {
    let document = Document::new().method("GET", "/x", mock("x"));
    let gateway =
        Setup::new(&document).stage("access_log = { destination = \"no/such/folder.log\" }").start();
    for _ in 0..3 {
        assert_eq!(gateway.get("/test/x").text(), "x");
    }
    gateway.stderr.wait_for("no/such/folder.log");
    assert_eq!(gateway.get("/test/x").text(), "x");
}

//! The exact form of the gateway's own answers (behaviour sections 2 and 3; recorded facts 1, 16, 17, 105).

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::client::get;
use crate::support::document::{Document, http_proxy, mock};
use crate::support::message::Message;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

/// The fields of an error answer, in their exact spelling; no `X-Amzn-Trace-Id`.
const ERROR_FIELDS: [&str; 7] = [
    "Connection",
    "Content-Length",
    "Content-Type",
    "Date",
    "x-amz-apigw-id",
    "x-amzn-ErrorType",
    "x-amzn-RequestId",
];

#[track_caller]
fn check_error(response: &Message, status: u16, error_type: &str, body: &str) {
    assert_eq!((response.status(), &*response.text()), (status, body));
    assert_eq!(response.names(), ERROR_FIELDS, "{response:?}");
    assert_eq!(response.field("x-amzn-errortype"), Some(error_type));
    assert_eq!(response.field("content-type"), Some("application/json"));
    assert_eq!(response.field("content-length"), Some(&*body.len().to_string()));
    check_identity(response);
}

#[track_caller]
fn check_identity(response: &Message) {
    let id = response.field("x-amzn-requestid").expect("a request id");
    let dashes: Vec<usize> = id.match_indices('-').map(|(place, _)| place).collect();
    assert_eq!((id.len(), &*dashes), (36, [8, 13, 18, 23].as_slice()), "not a UUID: {id}");
    assert!(id.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c)), "{id}");
    let extended = response.field("x-amz-apigw-id").expect("an extended id");
    assert!(extended.len() == 16 && extended.ends_with('=') && !extended.ends_with("=="), "{extended}");
    check_date(response.field("date").expect("a date"));
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, now.
#[track_caller]
fn check_date(date: &str) {
    let parts: Vec<&str> = date.split([' ', ':']).collect();
    let [weekday, day, month, year, hour, minute, second, "GMT"] = *parts else { panic!("{date}") };
    assert!(["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"].contains(&weekday), "{date}");
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|known| *known == month).expect("a month") as i64 + 1;
    assert_eq!((date.len(), day.len(), year.len()), (29, 2, 4), "{date}");
    let number = |text: &str| text.parse::<i64>().expect("a number");
    // Days since 1970 of a civil date, by Howard Hinnant's algorithm.
    let shifted = number(year) - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + number(day) - 1;
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    let time = days * 86_400 + number(hour) * 3600 + number(minute) * 60 + number(second);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    assert!((now - 5..=now + 1).contains(&time), "{date} is not now");
    assert_eq!(
        ["Thu,", "Fri,", "Sat,", "Sun,", "Mon,", "Tue,", "Wed,"][(days % 7) as usize],
        weekday,
        "{date}"
    );
}

#[test]
fn front_door_errors_have_no_space() {
    let gateway = Setup::new(&Document::new().method("GET", "/x", mock("x"))).start();
    let mut client = gateway.client();
    let unknown_stage = client.exchange(get("/none/x"));
    check_error(&unknown_stage, 403, "ForbiddenException", r#"{"message":"Forbidden"}"#);
    for request in [get("/test/y"), get("/test/x").replace("GET", "POST"), get("/test/x/y")] {
        let response = client.exchange(request);
        let body = r#"{"message":"Missing Authentication Token"}"#;
        check_error(&response, 403, "MissingAuthenticationTokenException", body);
        assert_eq!(body.len(), 42);
    }
}

#[test]
fn execution_errors_have_a_space() {
    let mut without_status = mock("x");
    without_status["requestTemplates"]["application/json"] = "{}".into();
    let document = Document::new().method("GET", "/x", without_status);
    let response = Setup::new(&document).start().get("/test/x");
    check_error(&response, 500, "InternalServerErrorException", r#"{"message": "Internal server error"}"#);
}

#[test]
fn refusals_of_malformed_requests_look_like_errors() {
    let gateway = Setup::new(&Document::new()).start();
    let mut client = gateway.client();
    let response = client.exchange("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(response.names(), ERROR_FIELDS, "{response:?}");
    let body: serde_json::Value = serde_json::from_slice(&response.body).expect("JSON");
    assert!(body["message"].is_string(), "{body}");
    assert_eq!(response.field("connection"), Some("close"));
    check_identity(&response);
}

/// Plain text without ids, as its counterpart about payloads (behaviour section 17).
#[test]
fn too_large_headers_are_answered_in_plain_text() {
    let gateway = Setup::new(&Document::new()).start();
    let mut client = gateway.client();
    let response = client.exchange(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(10_240)));
    assert_eq!((response.status(), &*response.text()), (431, "HTTP header is larger than 10240 bytes."));
    assert_eq!(response.names(), ["Connection", "Content-Length", "Content-Type", "Date"]);
    client.expect_closed();
}

#[test]
fn limits_are_named_in_the_text() {
    let limits = "header_bytes = 2000\ntarget_bytes = 500\nheader_fields = 10";
    let gateway = Setup::new(&Document::new()).limits(limits).start();
    let many = (0..10).map(|number| format!("x{number}: y\r\n")).collect::<String>();
    let rows = [
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(2000)), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
        (get(&format!("/{}", "x".repeat(500))), 414),
        (get(&format!("/{}", "x".repeat(499))), 403),
    ];
    for (request, status) in rows {
        let response = gateway.client().exchange(&request);
        assert_eq!(response.status(), status, "{request}");
        if request.contains("X: yyy") {
            assert_eq!(response.text(), "HTTP header is larger than 2000 bytes.");
        }
    }
}

#[test]
fn a_client_may_choose_the_request_id() {
    let gateway = Setup::new(&Document::new().method("GET", "/x", mock("x"))).start();
    let mut client = gateway.client();
    let mut id_for = |path: &str, sent: &str| {
        let response =
            client.exchange(format!("GET {path} HTTP/1.1\r\nHost: a\r\nx-amzn-RequestId: {sent}\r\n\r\n"));
        response.field("x-amzn-requestid").expect("an id").to_owned()
    };
    let chosen = "01234567-89ab-cdef-0123-456789abcdef";
    for path in ["/test/x", "/test/y", "/none"] {
        assert_eq!(id_for(path, chosen), chosen);
        for bad in ["", "x", "01234567-89ab-cdef-0123-456789abcdeg", "0123456789abcdef0123456789abcdef0123"] {
            let id = id_for(path, bad);
            assert!(id != bad && id.len() == 36, "{id}");
        }
    }
}

#[test]
fn ids_never_repeat() {
    let gateway = Setup::new(&Document::new().method("GET", "/x", mock("x"))).shards(2).start();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let mut client = gateway.client();
        for _ in 0..20 {
            let response = client.exchange(get("/test/x"));
            for name in ["x-amzn-requestid", "x-amz-apigw-id"] {
                assert!(seen.insert(response.field(name).expect("an id").to_owned()), "{response:?}");
            }
        }
    }
}

#[test]
fn good_answers_carry_the_ids_too() {
    let origin = Origin::answering(ok("x"));
    let proxied = http_proxy("GET", format!("http://{}/", origin.address));
    let document = Document::new().method("GET", "/mock", mock("x")).method("GET", "/proxy", proxied);
    let gateway = Setup::new(&document).start();
    let mut client = gateway.client();
    let fields =
        ["Connection", "Content-Length", "Content-Type", "Date", "x-amz-apigw-id", "x-amzn-RequestId"];
    let mocked = client.exchange(get("/test/mock"));
    check_identity(&mocked);
    assert_eq!(mocked.names(), fields);
    let proxied = client.exchange(get("/test/proxy"));
    check_identity(&proxied);
    let names: Vec<&str> = proxied.names().into_iter().filter(|name| !name.contains("Remapped")).collect();
    assert_eq!(names, fields);
}

//! Requests of callers, and how it is checked what they are answered.

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, wire};

pub(crate) const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n");

pub(crate) fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\nHost: api.execute-api.us-east-1.amazonaws.com\n{fields}")
}

/// The request reaches the backend, and nothing says that it was denied.
#[track_caller]
pub(crate) fn served(gateway: &mut Gateway, request: &str) -> Exchanged {
    let exchanged = gateway.exchange(request, OK);
    let Exchanged { answered, denial, .. } = &exchanged;
    assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{request}\n{answered}{denial}");
    assert_eq!(denial, "");
    exchanged
}

/// The whole answer.
#[track_caller]
pub(crate) fn check_refused(exchanged: &Exchanged, status: &str, error_type: &str, body: &str) {
    let want = wire(&format!(
        "HTTP/1.1 {status}\n{DATE}\nContent-Type: application/json\nContent-Length: {}\nConnection: keep-alive\n\
         x-amzn-RequestId: {ID}\nx-amzn-ErrorType: {error_type}\nx-amz-apigw-id: {EXTENDED_ID}\n\n{body}",
        body.len()
    ));
    assert_eq!(exchanged.answered, want, "{}", exchanged.denial);
}

/// A denial is one line that says which rule denied.
#[track_caller]
pub(crate) fn check_denial(exchanged: &Exchanged, what: &str) {
    let denial = &exchanged.denial;
    assert!(denial.ends_with("\"\n") && denial.matches('\n').count() == 1, "{what}: {denial:?}");
    let rule = denial.split_once(" rule=\"").map(|(_, rule)| rule.trim_end_matches("\"\n"));
    assert!(rule.is_some_and(|rule| !rule.is_empty()), "{what}: {denial}");
    assert!(denial.starts_with("request_id=") && denial.contains(" source_ip="), "{what}: {denial}");
}

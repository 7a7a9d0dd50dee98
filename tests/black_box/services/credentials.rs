//! Credentials of roles, from an STS of the test's own: renewed in time, kept while STS is away, asked for on reload.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::aws;
use crate::support::client::post;
use crate::support::document::Document;
use crate::support::eventually;
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret")];
const ROLE: &str = "arn:aws:iam::123456789012:role/orders";

/// Gives the keys `ROLE0`, `ROLE1`, … for so many seconds each.
fn sts(life_s: u64, count: &Arc<AtomicUsize>) -> Origin {
    let count = Arc::clone(count);
    Origin::replying(move |_: &Message| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970") + Duration::from_secs(life_s);
        let end = tidegate_core::clock::iso_8601(now.as_secs());
        let end = String::from_utf8_lossy(&end).into_owned();
        ok(&format!(
            "<A><Credentials><AccessKeyId>ROLE{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>token{number}</SessionToken><Expiration>{end}</Expiration></Credentials></A>"
        ))
    })
}

fn document(credentials: Option<&str>) -> Document {
    let mut integration = aws("POST", "sqs:path/1/q");
    if let Some(arn) = credentials {
        integration["credentials"] = json!(arn);
    }
    Document::new().method("POST", "/q", integration)
}

fn setup(credentials: Option<&str>, service: &Origin, sts: &str) -> Setup {
    let endpoints = format!("[aws.endpoint]\nsqs = \"http://{}\"\nsts = \"http://{sts}\"\n", service.address);
    Setup::new(&document(credentials)).more(&endpoints)
}

/// The key that has signed, and the session's token.
#[track_caller]
fn signer(gateway: &Gateway, service: &Origin) -> (String, Option<String>) {
    let response = gateway.client().exchange(post("/test/q", "{}"));
    assert_eq!(response.status(), 200, "{response:?}");
    let seen = service.request().message;
    let authorization = seen.field("authorization").expect("a signature");
    let key = authorization.split_once("Credential=").and_then(|(_, rest)| rest.split_once('/'));
    (key.expect("a key").0.to_owned(), seen.field("x-amz-security-token").map(str::to_owned))
}

#[test]
fn a_role_is_renewed_before_it_ends_and_kept_while_sts_is_away() {
    let (service, count) = (Origin::answering(ok("done")), Arc::default());
    let giver = sts(8, &count);
    let gateway =
        Gateway::run_with(setup(Some(ROLE), &service, &giver.address.to_string()).write().into(), &KEYS);
    assert_eq!(signer(&gateway, &service), ("ROLE0".to_owned(), Some("token0".to_owned())));
    eventually("the role is assumed again", || signer(&gateway, &service).0 != "ROLE0");
    let asked = giver.request().message;
    assert!(
        String::from_utf8_lossy(&asked.body)
            .contains("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Forders")
    );
    assert!(asked.field("authorization").is_some_and(|field| field.contains("Credential=AKIDTEST/")));
    drop(giver);
    // What it has given last is good for some seconds more, then calls are refused.
    signer(&gateway, &service);
    eventually("they have ended", || gateway.client().exchange(post("/test/q", "{}")).status() == 500);
    let said = gateway.stderr.text();
    assert!(said.contains("cannot be renewed; keeping them until they end"), "{said}");
    assert!(!said.contains("token0"), "{said}");
}

#[test]
fn a_reload_waits_for_the_credentials_that_it_needs() {
    let (service, count) = (Origin::answering(ok("done")), Arc::default());
    let giver = sts(3600, &count);
    let setup = |role| setup(role, &service, &giver.address.to_string());
    let gateway = Gateway::run_with(setup(None).write().into(), &KEYS);
    assert_eq!(signer(&gateway, &service).0, "AKIDTEST");
    gateway.folder.replace("api.json", &document(Some(ROLE)).text());
    gateway.signal("HUP");
    eventually("the role signs", || signer(&gateway, &service).0 == "ROLE0");
    // A role that cannot be assumed does not hold the others up for long, nor the reload.
    let said = gateway.stderr.text();
    assert!(!said.contains("500"), "{said}");
}

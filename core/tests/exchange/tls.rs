//! Clients that have come by TLS: what is told of their sessions and certificates, and who is sent to https.

use std::rc::Rc;

use serde_json::{Value, json};
use tidegate_core::arrival::PeerTls;
use tidegate_core::tls::client::{ClientCertificate, Mutual};

use crate::carrier::{Gateway, Origin};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /pets:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
"#;

const LOG: &str = "$context.requestId $context.tlsVersion $context.cipherSuite $context.status \
    $context.identity.clientCert.subjectDN $context.identity.clientCert.validity.notAfter";

fn session(mutual: Option<Mutual>) -> Rc<PeerTls> {
    Rc::new(PeerTls { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", mutual })
}

fn certificate(refused: Option<&'static str>) -> Mutual {
    let text = |text: &str| text.to_owned();
    Mutual {
        domain: "api.test".into(),
        certificate: ClientCertificate {
            pem: text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"),
            subject: text("CN=\"alice\",O=Example"),
            issuer: text("CN=ca"),
            serial: text("01:ff"),
            not_before: text("May 28 12:30:02 2019 GMT"),
            not_after: text("Aug  5 09:36:04 2021 GMT"),
        },
        refused,
    }
}

#[test]
fn a_function_is_told_of_the_certificate() {
    let mut gateway = Gateway::new(DOCUMENT).by_tls(session(Some(certificate(None))));
    let sent = gateway.exchange("GET /prod/pets HTTP/1.1\nHost: a", Origin::Function(Ok("{}"))).sent;
    let event: Value = serde_json::from_str(&sent).unwrap_or_else(|error| panic!("{error}: {sent}"));
    let want = json!({
        "clientCertPem": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
        "subjectDN": "CN=\"alice\",O=Example",
        "issuerDN": "CN=ca",
        "serialNumber": "01:ff",
        "validity": { "notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2021 GMT" },
    });
    assert_eq!(event["requestContext"]["identity"]["clientCert"], want);
    let mut gateway = Gateway::new(DOCUMENT).by_tls(session(None));
    let sent = gateway.exchange("GET /prod/pets HTTP/1.1\nHost: a", Origin::Function(Ok("{}"))).sent;
    assert!(!sent.contains("clientCert"), "{sent}");
    assert!(sent.contains(r#""X-Forwarded-Proto":"https""#), "{sent}");
}

#[test]
fn a_certificate_that_was_refused_opens_nothing() {
    let refused = certificate(Some("Could not find issuer for certificate"));
    let mut gateway = Gateway::logging(DOCUMENT, LOG).by_tls(session(Some(refused)));
    let exchanged = gateway.exchange("GET /prod/pets HTTP/1.1\nHost: other.test", Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{}", exchanged.answered);
    assert!(exchanged.answered.ends_with("\r\n\r\n{\"message\":\"Forbidden\"}"), "{}", exchanged.answered);
    let why = "domain=api.test rule=\"Access denied. Reason: Could not find issuer for certificate\"";
    assert!(exchanged.denial.contains(why), "{}", exchanged.denial);
    let line = &exchanged.logged;
    assert!(line.contains(" TLSv1.3 TLS_AES_128_GCM_SHA256 403 "), "{line}");
    assert!(line.contains("alice") && line.ends_with("Aug  5 09:36:04 2021 GMT\n"), "{line}");
}

#[test]
fn clients_are_sent_to_https() {
    let listener = Settings { listener: "https_redirect = 443", ..Settings::default() };
    let mut gateway = Gateway::with(DOCUMENT, LOG, listener);
    let mut check = |request: &str, status: &str, location: &str| {
        let answered = gateway.exchange(request, Origin::Uncalled).answered;
        assert!(answered.starts_with(&format!("HTTP/1.1 {status}")), "{answered}");
        assert!(answered.contains(&format!("\r\nLocation: {location}\r\n")), "{answered}");
        assert!(answered.contains("\r\nContent-Length: 0\r\n"), "{answered}");
    };
    check("GET /a/b?c=d HTTP/1.1\nHost: A.test:80", "301", "https://A.test/a/b?c=d");
    check("POST / HTTP/1.1\nHost: a.test\nContent-Length: 0", "308", "https://a.test/");
    check("GET /a?\"<> HTTP/1.1\nHost: [::1]:80", "301", "https://[::1]/a?%22%3C%3E");
}

//! `[aws]`, and integrations of the type `aws` with a service that is no function.

use tidegate_config::routes_table;
use tidegate_core::aws::{CredentialsSource, Signatory};
use tidegate_core::integration::Integration;

use crate::{Folder, MOCK, TOML, describe};

const LOCAL: &str =
    "[aws]\nendpoint_url = \"http://127.0.0.1:5000/\"\n[aws.endpoint]\nsqs = \"http://127.0.0.1:9324\"\n";
const ROLE: &str = "arn:aws:iam::123456789012:role/gateway";

/// A document whose only method calls `call`; `more` is added to the integration.
fn document(call: &str, more: &str) -> String {
    format!(
        "openapi: 3.0.1\npaths:\n  /{{p}}:\n    get:\n      parameters: [{{ name: p, in: path, required: true }}]\n      x-amazon-apigateway-integration:\n        type: aws\n\
        \x20       httpMethod: POST\n        uri: arn:aws:apigateway:us-east-1:{call}\n\
        \x20       responses: {{ default: {{ statusCode: 200 }} }}\n{more}"
    )
}

fn folder(toml: &str, document: &str) -> Folder {
    Folder::new(&[("tidegate.toml", &format!("{TOML}{toml}")), ("api.yaml", document)])
}

#[track_caller]
fn check(toml: &str, document: &str, want: &str) {
    let folder = folder(toml, document);
    let findings = describe(&folder, folder.load(), "api.yaml:");
    assert!(findings.contains(want) && want.is_empty() == findings.is_empty(), "{findings}");
}

#[test]
fn a_service_with_everything() {
    let more = format!(
        "        credentials: {ROLE}\n        requestParameters:\n          integration.request.path.queue: method.request.path.p\n\
         \x20         integration.request.header.X-Amz-Target: \"'a'\"\n"
    );
    let loaded = folder(LOCAL, &document("sqs:path/123456789012/{queue}?a=b", &more)).load();
    let loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let Integration::Http(http) = &loaded.plan.apis[0].stages[0].integrations[0] else { panic!() };
    let service = http.service.as_ref().expect("a service");
    assert_eq!(service.signing.by, CredentialsSource::Role(ROLE.into()).into());
    assert_eq!((&*service.signing.service, &*service.signing.region), ("sqs", "us-east-1"));
    let aws = &loaded.plan.aws;
    assert_eq!((&*aws.sts, &*aws.region), ("http://127.0.0.1:5000", "us-east-1"));
    assert_eq!(aws.sources, [CredentialsSource::Role(ROLE.into())]);
    let table = routes_table(&loaded);
    assert!(table.contains("AWS POST http://127.0.0.1:9324/123456789012/{p}?a=b timeout 29 s"), "{table}");
}

#[test]
fn endpoints() {
    check(LOCAL, &document("sqs:action/SendMessage", ""), "");
    let unused = "no integration calls the service `sqs`";
    check(LOCAL, &document("sns:action/Publish", ""), unused);
    check(LOCAL, MOCK, unused);
    check("", &document("sqs:path/1/q", ""), "");
    for (url, want) in [
        ("http://127.0.0.1:5000/x", "an endpoint has neither path nor query"),
        ("http://127.0.0.1:5000?x", "an endpoint has neither path nor query"),
        (
            "127.0.0.1:5000",
            "Invalid HTTP endpoint specified for URI | it must start with http:// or https://",
        ),
        ("http://127.0.0.1:81", "port `81` is not allowed"),
        ("http://${stageVariables.x}", "there is no stage variable `x`"),
    ] {
        check(&format!("[aws]\nendpoint_url = \"{url}\"\n"), MOCK, want);
        check(&format!("[aws.endpoint]\nsqs = \"{url}\"\n"), MOCK, want);
    }
    check("[aws.endpoint]\n\"S Q S\" = \"http://a.test\"\n", MOCK, "`S Q S` is no name of a service");
    check("[aws]\nendpoint_ulr = \"x\"\n", MOCK, "unknown key `endpoint_ulr` | did you mean `endpoint_url`?");
}

#[test]
fn uris_and_credentials() {
    let check = |call: &str, more: &str, want: &str| {
        check("[aws]\nendpoint_url = \"http://127.0.0.1:5000\"\n", &document(call, more), want);
    };
    check("sqs:x", "", "error: AWS ARN for integration must contain path or action");
    check("bucket.s3:path/x", "", "");
    check("bucket..s3:path/x", "", "error: Invalid ARN specified in the request");
    check("s3:path/{x}", "", "warning: nothing fills {x}: it is sent as it is");
    check("firehose:action/PutRecord", "", "");
    check("sqs:path/${stageVariables.host}", "", "");
    check("sqs:path/${stageVariables.none}", "", "warning: in stage `prod` this answers 500");
    let credentials = |arn: &str| format!("        credentials: {arn}\n");
    check("sqs:path/1/q", &credentials(ROLE), "");
    check(
        "sqs:path/1/q",
        &credentials("'arn:aws:iam::*:user/*'"),
        "warning: this answers 500 Internal server error: a caller who does not sign has no credentials",
    );
    check(
        "sqs:path/1/q",
        &credentials("arn:aws:iam::1:role/x"),
        "error: `arn:aws:iam::1:role/x` is not the ARN of a role",
    );
    check("sqs:path/1/q", &credentials("'arn:aws:iam::123456789012:role/${stageVariables.bad}'"), "");
    check(
        "sqs:path/1/q",
        &credentials("'arn:aws:iam::123456789012:role/${stageVariables.no}'"),
        "warning: in stage `prod`",
    );
    for name in ["Authorization", "TE", "Content-Length"] {
        check(
            "sqs:path/1/q",
            &format!("        requestParameters: {{ integration.request.header.{name}: \"'x'\" }}\n"),
            &format!("warning: mapping to the header {name} answers 500 Internal server error"),
        );
    }
    check("sqs:path/1/q", "        contentHandling: CONVERT_TO_TEXT\n", "");
}

/// The caller signs where it has signed; that is no source of credentials that anybody would ask for.
#[test]
fn the_callers_credentials() {
    let auth = "      x-amazon-apigateway-auth: { type: AWS_IAM }\n      x-amazon-apigateway-integration:\n";
    let document = document("sqs:path/1/q", "        credentials: 'arn:aws:iam::*:user/*'\n")
        .replace("      x-amazon-apigateway-integration:\n", auth);
    let loaded = folder(LOCAL, &document).load().unwrap_or_else(|findings| panic!("{findings}"));
    assert!(!loaded.warnings.to_string().contains("this answers 500"), "{}", loaded.warnings);
    let Integration::Http(http) = &loaded.plan.apis[0].stages[0].integrations[0] else { panic!() };
    assert_eq!(http.service.as_ref().expect("a service").signing.by, Signatory::Caller);
    assert!(loaded.plan.aws.sources.is_empty());
}

/// At AWS it is part of the name; elsewhere the service is told by `Host`.
#[test]
fn subdomains() {
    let document = document("runtime.sagemaker:path/endpoints/e/invocations", "");
    let local = "[aws]\nendpoint_url = \"http://127.0.0.1:5000\"\n";
    let own = "[aws.endpoint]\nsagemaker = \"http://sage.test:4566\"\n";
    for (toml, called, host) in [
        ("", ("runtime.sagemaker.us-east-1.amazonaws.com", 443), "runtime.sagemaker.us-east-1.amazonaws.com"),
        (local, ("127.0.0.1", 5000), "runtime.127.0.0.1:5000"),
        (own, ("sage.test", 4566), "runtime.sage.test:4566"),
    ] {
        let loaded = folder(toml, &document).load().unwrap_or_else(|findings| panic!("{findings}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        let Integration::Http(http) = &loaded.plan.apis[0].stages[0].integrations[0] else { panic!() };
        let origin = &loaded.plan.origins[http.origin.0 as usize];
        assert_eq!(((&*origin.host, origin.port), &*http.host), (called, host), "{toml}");
        assert_eq!(&*http.service.as_ref().expect("a service").signing.service, "sagemaker");
    }
}

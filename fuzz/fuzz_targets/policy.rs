//! IAM policies: a document compiles or has findings, and what compiles decides without panic, the same each time, and never
//! against a denial of everything.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_config::policy_document;
use tidegate_core::auth::policy::{Action, Decision, Facts, OwnArn};
use tidegate_core::http1::{HeadLimits, RequestHead};

const DENY: &str = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;

fuzz_target!(|input: &[u8]| {
    let own = OwnArn { region: "us-east-1", account: "123456789012" };
    let (path, document) =
        input.split_at(input.len().min(usize::from(input.first().copied().unwrap_or(0) % 32)));
    let Ok(document) = std::str::from_utf8(document) else { return };
    let mut head = RequestHead::new();
    head.buffer_mut()
        .extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: fuzz\r\nReferer: a*b\r\n\r\n");
    assert!(matches!(head.parse(&HeadLimits::default()), Ok(Some(_))));
    let facts = Facts {
        request: &head,
        source_ip: [203, 0, 113, 7].into(),
        network: None,
        is_secure: false,
        now_s: 1_440_938_160,
        region: "us-east-1",
        principal: None,
    };
    let method = [b"api1/prod/GET/", path].concat();
    for api in [None, Some("api1")] {
        let mut policy = match policy_document(document, own, api) {
            Ok(policy) => policy,
            Err(findings) => {
                assert!(findings.has_errors());
                continue;
            }
        };
        for action in Action::ALL {
            let decision = policy.decide(action, &method, &facts);
            assert_eq!(policy.decide(action, &method, &facts), decision);
            if let Decision::Allow { statement, .. } | Decision::Deny { statement } = decision {
                assert!((statement as usize) < policy.statements.len());
            }
        }
        policy.statements.extend(policy_document(DENY, own, Some("api1")).expect("a policy").statements);
        assert!(matches!(policy.decide(Action::Invoke, &method, &facts), Decision::Deny { .. }));
    }
});

//! Nobody is taken for somebody else, whoever asks in what order, and whatever is remembered.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{document, gateway};
use crate::carrier::{Function, Gateway};
use crate::wire::{OK, get};

/// How long `/all` remembers, in seconds.
const TTL_S: u64 = 10;

/// A caller as the identity sources of `/all` name it, and how long after the one before it comes.
#[derive(Clone, Debug)]
struct Asks {
    header: Vec<String>,
    query: String,
    address: &'static str,
    wait_s: u64,
}

/// Values that run into each other if nothing keeps them apart.
fn asks() -> impl Strategy<Value = Asks> {
    let value = "[ab,|0]{1,3}";
    let header = prop::collection::vec("[ab|0]{1,2}", 1..3);
    let address = prop::sample::select(vec!["192.0.2.1", "192.0.2.11"]);
    // Never so long that the milliseconds of the exchanges decide.
    let wait_s = prop::sample::select(vec![0, 0, 0, 4, TTL_S + 1]);
    (header, value, address, wait_s).prop_map(|(header, query, address, wait_s)| Asks {
        header,
        query,
        address,
        wait_s,
    })
}

impl Asks {
    fn name(&self) -> String {
        format!("<{}><{}><{}>", self.header.join(","), self.query, self.address)
    }

    fn may_call(&self) -> bool {
        self.name().bytes().map(u32::from).sum::<u32>() % 3 > 0
    }

    /// What the function says of it.
    fn grant(&self) -> Function {
        let effect = if self.may_call() { "Allow" } else { "Deny" };
        let statement = json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        let grant =
            json!({"principalId": self.name(), "policyDocument": policy, "context": {"tier": self.name()}});
        Function::Answers(grant.to_string())
    }

    fn request(&self) -> String {
        let query: String = self.query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let fields: String = self.header.iter().map(|value| format!("X-Who: {value}\n")).collect();
        get(&format!("/prod/all?who={query}"), &fields)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_taken_for_another(order in prop::collection::vec(asks(), 2..40)) {
        let mut gateway: Gateway = gateway();
        let (mut now_s, mut known) = (0, BTreeMap::new());
        for asks in &order {
            gateway.wait(asks.wait_s * 1_000);
            now_s += asks.wait_s;
            gateway = gateway.from(asks.address);
            gateway.authorizers = [asks.grant()].into();
            let (exchanged, name) = (gateway.exchange(&asks.request(), OK), asks.name());
            if asks.may_call() {
                for field in ["X-Principal", "X-Tier"] {
                    prop_assert!(exchanged.sent.contains(&format!("\r\n{field}: {name}\r\n")), "{}", exchanged.sent);
                }
            } else {
                prop_assert!(exchanged.answered.starts_with("HTTP/1.1 403 "), "{}", exchanged.answered);
                prop_assert!(exchanged.denial.contains(&format!(" caller=\"{name}\"")), "{}", exchanged.denial);
                prop_assert!(exchanged.call.is_none());
            }
            let is_known = known.get(&name).is_some_and(|since_s| now_s - since_s <= TTL_S);
            prop_assert_eq!(gateway.authorizers.is_empty(), !is_known, "{} at {}", name, now_s);
            if !is_known {
                known.insert(name, now_s);
            }
        }
    }
}

/// Neither does one authorizer answer for another, nor one stage's for another's; a plan's end is the end of all.
#[test]
fn the_same_token_is_somebody_else_to_another_authorizer() {
    let document = document("").replace(
        "identitySource: method.request.header.X-Who, method.request.querystring.who, stageVariables.tier, context.identity.sourceIp",
        "identitySource: method.request.header.Authorization",
    );
    let mut gateway = Gateway::new(&document);
    let asks = |number: usize| Asks {
        header: vec![number.to_string()],
        query: String::new(),
        address: "",
        wait_s: 0,
    };
    let (one, other) = (asks(1), asks(2));
    for (target, asks) in
        [("/prod/admin", &one), ("/prod/all", &other), ("/prod/admin", &one), ("/prod/all", &other)]
    {
        gateway.authorizers = [asks.grant()].into();
        let exchanged = gateway.exchange(&get(target, "Authorization: Bearer abc\n"), OK);
        let told = format!("{}{}", exchanged.sent, exchanged.denial);
        assert!(told.contains(&asks.name()), "{target}: {told}");
    }
}

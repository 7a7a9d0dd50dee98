//! What a stage and its canary have of each other's answers (AWS: `useStageCache`): nothing, unless they are the same
//! deployment and the canary uses the stage's cache.

use std::sync::Arc;

use tidegate_core::arrival::{AddressText, Peer};
use tidegate_core::clock::Now;
use tidegate_core::exchange::{Event, Exchange, Step};
use tidegate_core::limits::Limits;
use tidegate_core::plan::Plan;

use crate::canary::{PRODUCTION, TO_CANARY, TO_PRODUCTION, changed, get};
use crate::carrier::{Gateway, Origin};
use crate::plan::{Settings, plan};

const CACHE: &str = "cache = { size = \"4 MiB\", ttl = 60 }\n";

fn load(document: &str, canary: &str, more: &str) -> Plan {
    let stage = format!("{CACHE}{more}");
    plan(document, "$context.requestId", Settings { stage: &stage, canary, ..Settings::default() })
}

fn gateway(canary: &str, more: &str) -> Gateway {
    let stage = format!("{CACHE}{more}");
    Gateway::with(PRODUCTION, "$context.requestId", Settings { stage: &stage, canary, ..Settings::default() })
}

/// Asks as one that goes there; the text that was answered, and whether the integration was called for it.
fn ask(gateway: &mut Gateway, entropy: [u64; 4], path: &str, origin: &str) -> (String, bool) {
    gateway.entropy = entropy;
    let answer = format!("HTTP/1.1 200 OK\nContent-Length: {}\n\n{origin}", origin.len());
    let exchanged = gateway.exchange(&get(path), Origin::Answers(&answer));
    let content = exchanged.answered.split_once("\r\n\r\n").expect("a head").1.to_owned();
    (content, exchanged.call.is_some())
}

/// Whether the canary is given the stage's answer, whether it keeps its own, and whether the stage gets that.
#[track_caller]
fn check(canary: &str, more: &str, [shares, keeps, gives]: [bool; 3]) {
    let more = format!("[api.stage.canary]\npercent_traffic = 50\n{more}");
    let mut gateway = gateway(canary, &more);
    assert_eq!(ask(&mut gateway, TO_PRODUCTION, "/kept/1", "one"), ("one".to_owned(), true), "{more}");
    assert_eq!(ask(&mut gateway, TO_PRODUCTION, "/kept/1", "x"), ("one".to_owned(), false), "{more}");
    let of_canary = ask(&mut gateway, TO_CANARY, "/kept/1", "two");
    assert_eq!(
        of_canary,
        if shares { ("one".to_owned(), false) } else { ("two".to_owned(), true) },
        "{more}"
    );
    assert_eq!(ask(&mut gateway, TO_CANARY, "/kept/1", "two").1, !keeps, "{more}");
    ask(&mut gateway, TO_CANARY, "/kept/2", "two");
    let (of_stage, called) = ask(&mut gateway, TO_PRODUCTION, "/kept/2", "one");
    assert_eq!((of_stage.as_str(), called), if gives { ("two", false) } else { ("one", true) }, "{more}");
    assert!(gateway.shard.caches.fills().is_empty());
}

#[test]
fn who_shares_with_whom() {
    // The same deployment, not told to use the stage's cache: its answers are not kept.
    check("", "", [false, false, false]);
    check("", "use_stage_cache = false", [false, false, false]);
    check("", "use_stage_cache = true", [true, true, true]);
    // As with AWS, whatever the variables are: `tidegate check` warns.
    check("", "use_stage_cache = true\nvariables = { colour = \"green\" }", [true, true, true]);
    // A file with the same text is the same deployment.
    check(PRODUCTION, "use_stage_cache = true\ndefinition = \"canary.yaml\"", [true, true, true]);
    let changed = changed();
    check(&changed, "definition = \"canary.yaml\"", [false, false, false]);
    check(&changed, "use_stage_cache = true\ndefinition = \"canary.yaml\"", [false, true, false]);
}

const APART: &str =
    "[api.stage.canary]\npercent_traffic = 50\nuse_stage_cache = true\ndefinition = \"canary.yaml\"";

/// A promotion keeps what the canary has, and forgets what was deployed before; the memory is the stage's all the time.
#[test]
fn what_stays_over_reloads() {
    let changed = changed();
    let mut gateway = gateway(&changed, APART);
    let total = |gateway: &Gateway| {
        let caches = gateway.shard.plan.apis.iter().flat_map(|api| &api.stages);
        let mut caches: Vec<_> =
            caches.filter_map(|stage| stage.cache.as_ref()).map(|it| (it.id, it.bytes)).collect();
        caches.dedup();
        caches.iter().map(|(_, bytes)| bytes).sum::<u64>()
    };
    assert_eq!(total(&gateway), 4 << 20);
    ask(&mut gateway, TO_PRODUCTION, "/kept/1", "one");
    ask(&mut gateway, TO_CANARY, "/kept/1", "two");
    // Another part of the requests.
    gateway.shard.install(Arc::new(load(PRODUCTION, &changed, &APART.replace("= 50", "= 40"))));
    assert_eq!(total(&gateway), 4 << 20);
    assert_eq!(ask(&mut gateway, TO_PRODUCTION, "/kept/1", "x"), ("one".to_owned(), false));
    assert_eq!(ask(&mut gateway, TO_CANARY, "/kept/1", "x"), ("two".to_owned(), false));
    // Promoted: the canary's definition is the stage's, and there is no canary.
    gateway.shard.install(Arc::new(load(&changed, "", "")));
    assert_eq!(total(&gateway), 4 << 20);
    let reports = gateway.shard.caches.report();
    let sizes: Vec<u64> = reports.iter().map(|report| report.standing.bytes_max).collect();
    assert_eq!(sizes.len(), 1, "what was deployed before is gone");
    assert!(((4 << 20) - 8..=4 << 20).contains(&sizes[0]), "the whole size is the promoted one's: {sizes:?}");
    for entropy in [TO_PRODUCTION, TO_CANARY] {
        assert_eq!(ask(&mut gateway, entropy, "/kept/1", "x"), ("two".to_owned(), false));
    }
    // What was deployed before, again: from nothing.
    gateway.shard.install(Arc::new(load(PRODUCTION, &changed, APART)));
    assert_eq!(ask(&mut gateway, TO_PRODUCTION, "/kept/1", "new"), ("new".to_owned(), true));
    assert_eq!(ask(&mut gateway, TO_CANARY, "/kept/1", "x"), ("two".to_owned(), false));
}

/// A call that is under way while its deployment goes away is answered, and nobody else gets its answer, not even when the
/// deployment has come back meanwhile.
#[test]
fn a_call_of_a_deployment_that_goes_away() {
    let changed = changed();
    for comes_back in [false, true] {
        let mut gateway = gateway(&changed, APART);
        let peer = Peer {
            source_ip: AddressText::new("192.0.2.7".parse().expect("an address")),
            listener_port: 8080,
            listener: 0,
            tls: None,
        };
        let (mut exchange, now, limits) = (Exchange::default(), Now::default(), Limits::default());
        let request = format!("{}\n\n", get("/kept/1")).replace('\n', "\r\n");
        exchange.request.buffer_mut().extend_from_slice(request.as_bytes());
        assert!(matches!(exchange.request.parse(&limits.request_head()), Ok(Some(_))));
        let step = exchange.advance(&mut gateway.shard, now, Event::Request(&peer, TO_PRODUCTION));
        assert!(matches!(step, Step::Call(_)), "{step:?}");
        gateway.shard.install(Arc::new(load(&changed, "", "")));
        if comes_back {
            gateway.shard.install(Arc::new(load(PRODUCTION, &changed, APART)));
        }
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        exchange.response.buffer_mut().extend_from_slice(response);
        assert!(exchange.response.parse(&limits.response_head(), false).is_ok());
        let step = exchange.advance(&mut gateway.shard, now, Event::Response);
        assert!(matches!(step, Step::ReadResponse { .. }), "{step:?}");
        let step = exchange.advance(&mut gateway.shard, now, Event::ResponseBody(b"old"));
        assert!(matches!(step, Step::Answer(_)), "{step:?}");
        assert!(exchange.out.starts_with(b"HTTP/1.1 200 OK"));
        let answered = ask(&mut gateway, TO_PRODUCTION, "/kept/1", "new");
        assert_eq!(answered, ("new".to_owned(), true), "comes back: {comes_back}");
        assert!(gateway.shard.caches.fills().is_empty());
    }
}

/// What changes through one deployment has changed for both, also where the canary keeps nothing itself.
#[test]
fn a_change_puts_out_answers_of_both() {
    const WRITABLE: &str = r#"
paths:
  /kept/{id}:
    get:
      parameters: [{ name: id, in: path }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/v1/{id}
        requestParameters: { integration.request.path.id: method.request.path.id }
        cacheKeyParameters: [method.request.path.id]
    put:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: PUT, uri: 'http://origin.test/' }
"#;
    let changed = WRITABLE.replace("v1", "v2");
    for uses in [true, false] {
        let stage = format!(
            "cache = {{ size = \"4 MiB\", ttl = 60, origin_freshness = \"EXPLICIT\" }}\n{}",
            APART.replace("true", &uses.to_string())
        );
        let settings = Settings { stage: &stage, canary: &changed, ..Settings::default() };
        let mut gateway = Gateway::with(WRITABLE, "$context.requestId", settings);
        let answer = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 2\nCache-Control: max-age=60\n\nok");
        for writer in [TO_PRODUCTION, TO_CANARY] {
            for entropy in [TO_PRODUCTION, TO_CANARY] {
                gateway.entropy = entropy;
                gateway.exchange(&get("/kept/1"), answer);
                let is_kept = gateway.exchange(&get("/kept/1"), answer).call.is_none();
                assert_eq!(is_kept, entropy == TO_PRODUCTION || uses);
            }
            gateway.entropy = writer;
            gateway.exchange(&get("/kept/1").replace("GET", "PUT"), answer);
            for entropy in [TO_PRODUCTION, TO_CANARY] {
                gateway.entropy = entropy;
                let is_called = gateway.exchange(&get("/kept/1"), answer).call.is_some();
                assert!(is_called, "{uses} {writer:?} {entropy:?}");
            }
        }
    }
}

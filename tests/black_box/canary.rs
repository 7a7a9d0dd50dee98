//! Canary releases of the running gateway: the split, the logs, reloads that change and promote, the caches.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::client::{Client, get};
use crate::support::document::{Document, http_proxy, mock};
use crate::support::eventually;
use crate::support::gateway::{Gateway, tidegate};
use crate::support::http2::Http2;
use crate::support::origin::{Origin, ok};
use crate::support::setup::{Folder, Setup};

fn answering(text: &str) -> Document {
    Document::new().method("GET", "/x", mock(text))
}

fn canary(percent: f64) -> String {
    format!("[api.stage.canary]\npercent_traffic = {percent:?}\ndefinition = \"canary.json\"\n")
}

fn start(setup: &Setup, canary: &Document) -> Gateway {
    let folder: Folder = setup.write();
    folder.replace("canary.json", &canary.text());
    Gateway::run(folder)
}

/// How many of so many requests got which answer.
fn ask(client: &mut Client, count: usize) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    for _ in 0..count {
        let response = client.exchange(get("/test/x"));
        assert_eq!((response.status(), response.field("connection")), (200, Some("keep-alive")));
        *answers.entry(response.text()).or_default() += 1;
    }
    answers
}

fn count(answers: &BTreeMap<String, usize>, text: &str) -> usize {
    answers.get(text).copied().unwrap_or(0)
}

/// On one connection: nothing makes a client stay with one of the two. 1,200 at 25 % are 300, give or take 15 for one in
/// three.
#[test]
fn requests_are_split_by_percent_and_logged_of_both() {
    let log = "access_log = { format = '$context.requestId $context.isCanaryRequest $context.deploymentId', destination = \"a.log\" }\n";
    let setup = Setup::new(&answering("A")).shards(2).stage(&format!("{log}{}", canary(25.0))).h2c();
    let mut gateway = start(&setup, &answering("B"));
    let mut answers = ask(&mut gateway.client(), 1_000);
    let mut second = Http2::connect(gateway.address);
    for _ in 0..200 {
        *answers.entry(second.get("/test/x").text()).or_default() += 1;
    }
    let of_canary = count(&answers, "B");
    assert!((200..=400).contains(&of_canary), "{answers:?}");
    assert_eq!(of_canary + count(&answers, "A"), 1_200);
    gateway.stop();
    let lines = |file: &str| -> Vec<Vec<String>> {
        let text = gateway.folder.read(file);
        text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    };
    let (all, own) = (lines("a.log"), lines("a.canary.log"));
    assert_eq!((all.len(), own.len()), (1_200, of_canary), "a canary's lines stand in both");
    let is_canary = |line: &&Vec<String>| line[1] == "true";
    assert_eq!(all.iter().filter(is_canary).count(), of_canary);
    assert!(own.iter().all(|line| is_canary(&line) && line[2] == own[0][2] && all.contains(line)));
    let production: Vec<_> = all.iter().filter(|line| !is_canary(line)).collect();
    assert!(production.iter().all(|line| line[1] == "false" && line[2] != own[0][2]));
}

/// From 0 to 100 % and to the promotion, under load: no request fails, no connection is closed, and who begins after a reload
/// gets what it says.
#[test]
fn reloads_move_requests_without_failing_any() {
    let setup = Setup::new(&answering("A")).shards(2);
    let gateway = start(&setup.clone().stage(&canary(0.0)), &answering("B"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..4)
            .map(|_| {
                let (mut client, stop) = (gateway.client(), &stop);
                scope.spawn(move || {
                    let (mut rounds, mut all) = (0, BTreeMap::<String, usize>::new());
                    while !stop.load(Ordering::SeqCst) || rounds == 0 {
                        for (text, count) in ask(&mut client, 20) {
                            *all.entry(text).or_default() += count;
                        }
                        rounds += 1;
                    }
                    all
                })
            })
            .collect();
        let reload = |stage: &str, document: &Document| {
            let reloads = gateway.stderr.text().matches("reloaded").count();
            gateway.folder.replace("api.json", &document.text());
            gateway.folder.replace("tidegate.toml", &setup.clone().stage(stage).text());
            gateway.signal("HUP");
            eventually("it is reloaded", || gateway.stderr.text().matches("reloaded").count() > reloads);
            ask(&mut gateway.client(), 40)
        };
        assert_eq!(count(&ask(&mut gateway.client(), 40), "A"), 40);
        let half = reload(&canary(50.0), &answering("A"));
        assert!(count(&half, "A") > 0 && count(&half, "B") > 0, "{half:?}");
        assert_eq!(count(&reload(&canary(100.0), &answering("A")), "B"), 40);
        assert_eq!(count(&reload("", &answering("B")), "B"), 40, "promoted");
        stop.store(true, Ordering::SeqCst);
        for load in loads {
            let answers = load.join().expect("no failed request");
            assert!(answers.keys().all(|text| text == "A" || text == "B"), "{answers:?}");
            assert!(count(&answers, "B") > 0, "{answers:?}");
        }
    });
}

/// A canary whose definition is wrong changes nothing.
#[test]
fn a_canary_that_does_not_compile_is_not_taken() {
    let setup = Setup::new(&answering("A")).stage(&canary(100.0));
    let gateway = start(&setup, &answering("B"));
    gateway.folder.replace("canary.json", "{\"openapi\": \"3.0.1\", \"paths\": 5}");
    gateway.signal("HUP");
    gateway.stderr.wait_for("canary.json:1:");
    assert_eq!(count(&ask(&mut gateway.client(), 20), "B"), 20);
}

fn metric(gateway: &Gateway, line: &str) -> u64 {
    let metrics = Client::connect(gateway.admin()).exchange(get("/metrics")).text();
    let value = metrics.lines().find_map(|found| found.strip_prefix(line)).map(str::trim);
    value.unwrap_or_else(|| panic!("{line} in {metrics}")).parse().expect("a number")
}

/// Both deployments keep answers, apart; what is counted is the stage's, as is a flush.
#[test]
fn a_stage_with_a_canary_is_flushed_whole() {
    let origin = Origin::replying(|request| ok(request.target()));
    let calling = |path: &str| {
        Document::new().method("GET", "/x", http_proxy("GET", format!("http://{}{path}", origin.address)))
    };
    let stage = format!("cache = {{ size = \"1 MiB\", ttl = 60 }}\n{}use_stage_cache = true\n", canary(50.0));
    let setup = Setup::new(&calling("/a")).stage(&stage).admin();
    let gateway = start(&setup, &calling("/b"));
    let both = |calls: usize| {
        let answers = ask(&mut gateway.client(), 60);
        assert!(count(&answers, "/a") > 0 && count(&answers, "/b") > 0, "{answers:?}");
        assert_eq!(origin.whole(), calls, "each is called for once");
    };
    both(2);
    let stage = "{api=\"api\",stage=\"test\"";
    eventually("hits of both are counted", || {
        metric(&gateway, &format!("tidegate_cache_hits_total{stage},method=\"GET\",resource=\"/x\"}}")) == 58
    });
    assert!(metric(&gateway, &format!("tidegate_cache_size_bytes{stage}}}")) > 0);
    let (file, admin) = (gateway.folder.main_file().display().to_string(), gateway.admin().to_string());
    let flushed = tidegate(&["flush", &file, "--api", "api", "--stage", "test", "--admin", &admin]);
    assert!(flushed.status.success(), "{flushed:?}");
    both(4);
}

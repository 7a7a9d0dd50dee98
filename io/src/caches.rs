//! The control thread's side of the stages' caches: what is counted of them, and how many bytes each shard's slice may take.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;
use tidegate_core::cache::{CacheId, Change, Counters, Division, Order, Report, Standing};
use tidegate_core::plan::{Api, Plan, Stage};
use tidegate_core::release::Release;

/// All answers of a stage are to be forgotten. Each shard drops its copy of `done` when it has.
#[derive(Clone)]
pub(crate) struct Flush {
    /// Its cache, and its canary's if that is another one.
    pub(crate) caches: [Option<CacheId>; 2],
    /// Whoever waits for it sees the channel closed.
    pub(crate) done: Sender<()>,
}

/// Nobody panics while holding it; and if somebody did, numbers are all that could be wrong.
pub(crate) fn lock(caches: &Mutex<Caches>) -> MutexGuard<'_, Caches> {
    caches.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See the module.
pub(crate) struct Caches {
    plan: Arc<Plan>,
    shards: usize,
    divisions: BTreeMap<CacheId, Division>,
    /// What each shard last said.
    latest: HashMap<(usize, CacheId), (Standing, Vec<Counters>)>,
    /// What was counted by caches of earlier deployments.
    ended: BTreeMap<Name, Counters>,
}

/// What is to be told because of what a shard has said.
#[derive(Default)]
pub(crate) struct Told {
    /// To the shards that are named.
    pub(crate) orders: Vec<(CacheId, Order)>,
    /// To all the other shards.
    pub(crate) changes: Vec<(CacheId, Arc<[Change]>)>,
}

/// A method in a stage of an API. AWS: the dimensions `ApiName`, `Stage`, `Method`, `Resource`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    api: String,
    stage: String,
    method: &'static str,
    resource: String,
}

impl Caches {
    /// The caches of the plan to start with, on so many shards.
    pub(crate) fn new(plan: &Arc<Plan>, shards: usize) -> Self {
        let mut caches = Self {
            plan: Arc::clone(plan),
            shards,
            divisions: BTreeMap::new(),
            latest: HashMap::new(),
            ended: BTreeMap::new(),
        };
        caches.install(plan);
        caches
    }

    /// Takes over a plan's.
    pub(crate) fn install(&mut self, plan: &Arc<Plan>) {
        let before = std::mem::take(&mut self.divisions);
        for (_, stage) in stages(plan) {
            let Some(cache) = &stage.cache else { continue };
            let division = match before.get(&cache.id) {
                Some(known) => {
                    let mut known = known.clone();
                    known.set_total(cache.bytes);
                    known
                }
                None => Division::new(cache.bytes, self.shards),
            };
            self.divisions.insert(cache.id, division);
        }
        let ended: BTreeMap<Name, Counters> = self.rows(|id| !self.divisions.contains_key(&id));
        for (name, counters) in ended {
            add(self.ended.entry(name).or_default(), Counters { bytes: 0, ..counters });
        }
        self.latest.retain(|(_, id), _| self.divisions.contains_key(id));
        self.plan = Arc::clone(plan);
    }

    /// Hears what a shard says, and decides what is to be told to whom.
    pub(crate) fn hear(&mut self, shard: usize, reports: Vec<Report>) -> Told {
        let mut told = Told::default();
        for Report { cache, standing, counters, changes } in reports {
            let Some(division) = self.divisions.get_mut(&cache) else { continue };
            division.hear(shard, standing);
            told.orders.extend(division.decide().map(|order| (cache, order)));
            self.latest.insert((shard, cache), (standing, counters));
            if !changes.is_empty() {
                told.changes.push((cache, Arc::from(changes)));
            }
        }
        told
    }

    /// The caches of a stage: its own, and its canary's if that is another one. `Err`: what is not there.
    pub(crate) fn find(&self, api: &str, stage: &str) -> Result<[Option<CacheId>; 2], &'static str> {
        let api = self.plan.apis.iter().find(|known| known.id == api);
        let api = api.ok_or("Invalid API identifier specified")?;
        let stage = api.stages.iter().find(|known| known.name == stage);
        let stage = stage.ok_or("Invalid stage identifier specified")?;
        let own = stage.cache.as_ref().ok_or("The stage has no cache")?.id;
        let canary = canary_of(&self.plan, stage).and_then(|canary| canary.cache.as_ref());
        Ok([Some(own), canary.map(|cache| cache.id).filter(|id| *id != own)])
    }

    /// What was counted, in the text format of Prometheus.
    pub(crate) fn write_metrics(&self, out: &mut String) {
        let mut rows = self.ended.clone();
        for (name, counters) in self.rows(|_| true) {
            add(rows.entry(name).or_default(), counters);
        }
        for (metric, kind, help, value) in METRICS {
            let _ = writeln!(out, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
            for (Name { api, stage, method, resource }, counters) in &rows {
                let _ = writeln!(
                    out,
                    "{metric}{{api=\"{api}\",stage=\"{stage}\",method=\"{method}\",resource=\"{resource}\"}} {}",
                    value(counters)
                );
            }
        }
        let metric = "tidegate_cache_size_bytes";
        let _ = writeln!(out, "# HELP {metric} Memory that a stage's cache takes.\n# TYPE {metric} gauge");
        for (api, stage) in stages(&self.plan).filter(|(_, stage)| stage.release != Release::Canary) {
            let Ok(caches) = self.find(&api.id, &stage.name) else { continue };
            let taken = self.latest.iter().filter(|((_, id), _)| caches.contains(&Some(*id)));
            let bytes: u64 = taken.map(|(_, (standing, _))| standing.bytes).sum();
            let _ = writeln!(out, "{metric}{{api=\"{}\",stage=\"{}\"}} {bytes}", api.id, stage.name);
        }
    }

    /// What was counted by the caches that are asked for, under the names of the plan. AWS: what is counted of a canary is
    /// counted of its stage, too.
    fn rows(&self, is_asked_for: impl Fn(CacheId) -> bool) -> BTreeMap<Name, Counters> {
        let (mut rows, mut seen) = (BTreeMap::new(), HashSet::new());
        for (api, stage) in stages(&self.plan) {
            let Some(cache) = stage.cache.as_ref().filter(|cache| is_asked_for(cache.id)) else { continue };
            if !seen.insert(cache.id) {
                continue;
            }
            for (number, route) in
                api.routes.iter().enumerate().filter(|(number, _)| cache.methods[*number].is_some())
            {
                let name = Name {
                    api: api.id.clone(),
                    stage: stage.name.clone(),
                    method: route.method.name(),
                    resource: api.resources[route.resource].path.clone(),
                };
                let mut sum = Counters::default();
                let said = (0..self.shards).filter_map(|shard| self.latest.get(&(shard, cache.id)));
                said.filter_map(|(_, counters)| counters.get(number))
                    .for_each(|counters| add(&mut sum, *counters));
                add(rows.entry(name).or_default(), sum);
            }
        }
        rows
    }
}

type Metric = (&'static str, &'static str, &'static str, fn(&Counters) -> u64);

const METRICS: [Metric; 5] = [
    (
        "tidegate_cache_hits_total",
        "counter",
        "Requests that were answered from the cache (AWS: CacheHitCount).",
        |counters| counters.hits,
    ),
    (
        "tidegate_cache_misses_total",
        "counter",
        "Requests of cached methods that were not (AWS: CacheMissCount).",
        |counters| counters.misses,
    ),
    (
        "tidegate_cache_stale_total",
        "counter",
        "Misses that were answered with what is too old, because the integration failed.",
        |counters| counters.stale,
    ),
    ("tidegate_cache_evictions_total", "counter", "Answers that were put out to make room.", |counters| {
        counters.evictions
    }),
    ("tidegate_cache_bytes", "gauge", "Memory that a method's answers take.", |counters| counters.bytes),
];

fn add(sum: &mut Counters, counters: Counters) {
    sum.hits += counters.hits;
    sum.misses += counters.misses;
    sum.stale += counters.stale;
    sum.evictions += counters.evictions;
    sum.bytes += counters.bytes;
}

/// A stage's canary.
fn canary_of<'p>(plan: &'p Plan, stage: &Stage) -> Option<&'p Stage> {
    stage.release.canary().map(|canary| &plan.apis[canary.api].stages[canary.stage])
}

fn stages(plan: &Plan) -> impl Iterator<Item = (&Api, &Stage)> {
    plan.apis.iter().flat_map(|api| api.stages.iter().map(move |stage| (api, stage)))
}

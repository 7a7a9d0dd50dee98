//! From a stage's canary to a deployment: a further stage of the same definition, or of one that is only the canary's.

use std::sync::Arc;

use tidegate_core::plan::Api;
use tidegate_core::release::{self, Release, Share};
use tidegate_core::span::Span;

use crate::file;
use crate::file::cache::Cache;
use crate::file::canary::Canary;
use crate::file::throttle::MethodSettings;
use crate::report::Report;
use crate::source::Source;

/// The canaries of one API.
#[derive(Default)]
pub(crate) struct Canaries {
    links: Vec<Link>,
    /// Those with a definition of their own: what is to be compiled of each.
    pub(crate) apart: Vec<Apart>,
    /// What methods of each stage have settings of their own.
    methods: Vec<Vec<MethodSettings>>,
}

/// A canary with a definition of its own.
pub(crate) struct Apart {
    pub(crate) api: file::api::Api,
    pub(crate) source: Arc<Source>,
    /// Where the canary is written.
    pub(crate) span: Span,
}

/// Where in the plan an API stands, and where the first of its canaries that are apart.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    pub(crate) own: usize,
    pub(crate) apart: usize,
}

/// From a stage to its canary.
struct Link {
    stage: usize,
    share: Share,
    canary: Deployment,
}

enum Deployment {
    /// A further stage of the same API.
    Own(usize),
    /// One of [`Canaries::apart`].
    Apart(usize),
}

/// Least part of a stage's cache that one of its two deployments has: one in so many.
const CACHE_PART_MIN: u64 = 8;

/// Takes the canaries from an API's stages, and adds those of the same definition as further stages.
pub(crate) fn deploy(api: &mut file::api::Api, own: &Source, report: &mut Report) -> Canaries {
    let mut canaries = Canaries {
        methods: api.stages.iter().map(|stage| stage.methods.clone()).collect(),
        ..Canaries::default()
    };
    for number in 0..api.stages.len() {
        let Some(canary) = api.stages[number].canary.take() else { continue };
        let Ok(definition) = read(&canary, report) else { continue };
        let mut stage = canary.stage(&api.stages[number]);
        let link = |canary_stage| Link { stage: number, share: canary.share, canary: canary_stage };
        warn(
            &canary,
            api.stages[number].cache,
            definition.as_deref().is_none_or(|it| it.text == own.text),
            report,
        );
        match definition.filter(|definition| definition.text != own.text) {
            None => {
                canaries.links.push(link(Deployment::Own(api.stages.len())));
                api.stages.push(stage);
            }
            Some(source) => {
                if let (Some(of_stage), Some(of_canary)) = (&mut api.stages[number].cache, &mut stage.cache) {
                    of_canary.bytes = part(of_stage.bytes, canary.share);
                    of_stage.bytes -= of_canary.bytes;
                }
                canaries.links.push(link(Deployment::Apart(canaries.apart.len())));
                let (id, endpoint) = (api.id.clone(), api.endpoint);
                let api = file::api::Api { id, definition: None, endpoint, stages: vec![stage] };
                canaries.apart.push(Apart { api, source, span: canary.span });
            }
        }
    }
    canaries
}

/// The canary's definition, if it names one. `Err`: it cannot be read.
fn read(canary: &Canary, report: &mut Report) -> Result<Option<Arc<Source>>, ()> {
    let Some((path, at)) = &canary.definition else { return Ok(None) };
    match Source::read(path) {
        Ok(source) => Ok(Some(source)),
        Err(why) => {
            report.error(*at, format!("cannot read {}: {why}", path.display()));
            Err(())
        }
    }
}

fn warn(canary: &Canary, cache: Option<Cache>, is_same: bool, report: &mut Report) {
    if !canary.uses_stage_cache {
        return;
    }
    if cache.is_none() {
        report.warning(canary.span, "`use_stage_cache` has no effect: the stage has no cache");
    } else if is_same && canary.has_variables() {
        report
            .warning(canary.span, "the stage and its canary give each other's answers from the cache, whatever `variables` says")
            .help("as with AWS, since both are the same deployment; leave out use_stage_cache, or give the canary another definition");
    }
}

/// Deployments cache apart, within the stage's size. By their requests, but so that each can keep something.
fn part(bytes: u64, share: Share) -> u64 {
    let least = bytes / CACHE_PART_MIN;
    share.of(bytes).clamp(least, bytes - least)
}

impl Canaries {
    /// Lets the stages of a compiled API know of their canaries, and reports settings of methods that neither deployment has.
    pub(crate) fn link(self, api: &mut Api, places: Places, apart: &mut [(Api, Span)], report: &mut Report) {
        for (stage, methods) in self.methods.iter().enumerate() {
            let mut deployments = vec![&*api];
            let own = self.links.iter().find(|link| link.stage == stage);
            if let Some(Link { canary: Deployment::Apart(number), .. }) = own {
                deployments.push(&apart[*number].0);
            }
            methods.iter().for_each(|method| method.check(&deployments, report));
        }
        for Link { stage, share, canary } in self.links {
            let (api_of_canary, stage_of_canary) = match canary {
                Deployment::Own(stage) => (places.own, stage),
                Deployment::Apart(number) => (places.apart + number, 0),
            };
            let place = release::Canary { api: api_of_canary, stage: stage_of_canary, share };
            api.stages[stage].release = Release::Production(place);
            let of_stage = api.stages[stage].changed[0];
            let canary = match canary {
                Deployment::Own(stage) => &mut api.stages[stage],
                Deployment::Apart(number) => &mut apart[number].0.stages[0],
            };
            // What changes through one has changed for both.
            let of_canary = canary.changed[0];
            if of_stage != of_canary {
                canary.changed[1] = of_stage;
                api.stages[stage].changed[1] = of_canary;
            }
        }
    }
}

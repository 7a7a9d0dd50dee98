//! What the plan says about caching.

use crate::mapping::Source;
use crate::route::RouteId;

/// A stage's cache, named by a hash of API, stage and deployment: it stays the same when positions change with a reload,
/// and is another one when the API is defined otherwise. AWS: deployments cache apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheId(pub u64);

impl CacheId {
    /// The cache of a stage; `deployment` is the text of the API's definition.
    pub fn of(api: &str, stage: &str, deployment: &str) -> Self {
        // Fixed seeds: the same on all shards and over reloads.
        Self(ahash::RandomState::with_seeds(13, 17, 19, 23).hash_one((api, stage, deployment)))
    }
}

/// The cache of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageCache {
    /// Which one it is.
    pub id: CacheId,
    /// Bytes that it takes at most, on all shards together.
    pub bytes: u64,
    /// How each method is cached, by [`RouteId`]; `None`: not at all.
    pub methods: Vec<Option<MethodCache>>,
}

impl StageCache {
    /// Whether methods that change something put out answers of their path (RFC 9111 section 4.4).
    pub fn heeds_changes(&self) -> bool {
        self.methods.iter().flatten().any(|method| method.extras.heeds_origin())
    }
}

impl StageCache {
    /// How a method is cached, if it is.
    pub fn method(&self, route: RouteId) -> Option<&MethodCache> {
        self.methods.get(route.0 as usize)?.as_ref()
    }
}

/// How answers of a method are cached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodCache {
    /// How long an answer is good, in milliseconds.
    pub ttl_ms: u64,
    /// `cacheNamespace`; methods with the same share entries. AWS: by default the resource's id.
    pub namespace: Box<str>,
    /// `cacheKeyParameters`.
    pub parameters: Vec<Source>,
    /// Whether callers share answers.
    pub callers: Callers,
    /// Who may have an answer replaced by `Cache-Control: max-age=0`.
    pub invalidation: Invalidation,
    /// What AWS does not do.
    pub extras: Extras,
}

/// What HTTP has for caches and AWS does not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Whether a client that has the answer already is told so (304).
    pub conditional: bool,
    /// Whether an answer from the cache says how old it is.
    pub age: bool,
    /// Whether answers are kept apart by the fields that they name in `Vary`.
    pub vary: bool,
    /// Who says how long an answer is good.
    pub freshness: Freshness,
    /// How long after that it is given when the integration fails, in milliseconds; 0: not at all.
    pub stale_ms: u64,
}

impl Extras {
    /// Whether the origin says how long answers are good.
    pub(crate) fn heeds_origin(&self) -> bool {
        self.freshness != Freshness::Ttl
    }

    /// Whether anything depends on what the origin says.
    pub(crate) fn reads_origin(&self) -> bool {
        self.heeds_origin() || self.age || self.stale_ms > 0
    }

    /// Whether an answer from the cache says how old it is. RFC 9111 section 5.1 asks for that.
    pub(crate) fn says_age(&self) -> bool {
        self.age || self.heeds_origin()
    }
}

/// Who says how long an answer is good; never longer than the TTL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// The TTL, as with AWS.
    #[default]
    Ttl,
    /// The origin (RFC 9111 section 4.2.1); an answer of which it says nothing is not kept.
    Origin,
    /// The origin; of an answer of which it says nothing, a tenth of how long it has not changed (section 4.2.2).
    Heuristic,
}

/// Whether callers share answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Callers {
    /// Each has its own: whoever a request is authorised as is part of the key.
    #[default]
    Apart,
    /// All share, as with AWS: only what `cacheKeyParameters` says is part of the key.
    Together,
}

/// Who may have an answer replaced (`requireAuthorizationForCacheControl`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// Anybody.
    Anybody,
    /// Who is allowed `execute-api:InvalidateCache`.
    Authorised(Unauthorised),
}

/// What becomes of a request that asks for it and may not (`unauthorizedCacheControlHeaderStrategy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unauthorised {
    /// It is refused.
    FailWith403,
    /// It is answered as if it had not asked, with a warning.
    #[default]
    SucceedWithResponseHeader,
    /// It is answered as if it had not asked.
    SucceedWithoutResponseHeader,
}

impl Default for Invalidation {
    fn default() -> Self {
        Self::Authorised(Unauthorised::default())
    }
}

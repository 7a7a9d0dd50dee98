//! The response cache: each stage's answers, kept on the shard that gave them.
//!
//! AWS: "Cache settings for REST APIs in API Gateway". A stage's cache is as large as its shards' slices together; no slice
//! is looked at by another shard. Nothing here knows an exchange, and nothing here calls anybody.
//!
//! - [`StageCache`], [`MethodCache`]: what the plan says
//! - `key`: what an answer is found by
//! - [`Stored`]: an answer as it is kept and given again, [`Term`]: how long; `memory`: where it lies
//! - [`Slice`]: the answers of one stage on one shard, within so many bytes
//! - [`Fills`]: misses whose answers are on their way, and who waits for them
//! - [`Caches`]: all of it on one shard
//! - [`Division`]: how many bytes each shard's slice may take
//! - `demand`: what a request asks of the cache; `conditional`: whether its client has the answer already
//! - `origin`: what an origin says of its answer; `directives` reads `Cache-Control` for both
//! - `variants`: answers to one key that differ by `Vary`

mod settings;

mod conditional;
mod demand;
mod directives;
mod key;
mod memory;
mod origin;
mod stored;

mod ghost;
mod index;
mod probation;
mod slice;
mod variants;

mod caches;
mod fills;

mod division;

pub(crate) use self::caches::Looked;
pub use self::caches::{Caches, Change, Report};
pub(crate) use self::demand::Demand;
pub use self::division::{Division, Order, Standing};
pub use self::fills::{FillEnd, FillId, Fills};
pub(crate) use self::key::{Caller, Form, write as write_key, write_selected};
pub use self::memory::{MakePages, Pages};
pub(crate) use self::origin::{Asked, Words, term};
pub use self::settings::{
    CacheId, Callers, Extras, Freshness, Invalidation, MethodCache, StageCache, Unauthorised,
};
pub use self::slice::{Counters, Found, Slice};
pub use self::stored::{Content, Draft, Stored, Term};
pub(crate) use self::variants::{Key, Select};

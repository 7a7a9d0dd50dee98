//! The response cache: each stage's answers, kept on the shard that gave them.
//!
//! AWS: "Cache settings for REST APIs in API Gateway". A stage's cache is as large as its shards' slices together; no slice
//! is looked at by another shard. Nothing here knows an exchange, and nothing here calls anybody.
//!
//! - [`StageCache`], [`MethodCache`]: what the plan says
//! - `key`: what an answer is found by
//! - [`Stored`]: an answer as it is kept and given again
//! - [`Slice`]: the answers of one stage on one shard, within so many bytes
//! - [`Fills`]: misses whose answers are on their way, and who waits for them
//! - [`Caches`]: all of it on one shard
//! - [`Division`]: how many bytes each shard's slice may take
//! - `control`: what a request's `Cache-Control` asks for; `conditional`: whether its client has the answer already

mod settings;

mod conditional;
mod control;
mod key;
mod stored;

mod ghost;
mod index;
mod slice;

mod caches;
mod fills;

mod division;

pub use self::caches::{Caches, Looked, Report};
pub(crate) use self::control::asks_for_fresh;
pub use self::division::{Division, Order, Standing};
pub use self::fills::{FillEnd, FillId, Fills};
pub(crate) use self::key::{Caller, Form, write as write_key};
pub use self::settings::{CacheId, Callers, Extras, Invalidation, MethodCache, StageCache, Unauthorised};
pub use self::slice::{Counters, Found, Slice};
pub use self::stored::{Content, Draft, Stored};

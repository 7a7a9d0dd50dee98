//! Who may call, and how often: API keys, usage plans, and the arithmetic of throttles.
//!
//! Owns tables and arithmetic. What a request is told when it may not call is decided above.
//!
//! - [`UsagePlans`]: which key may be used at which stage, and under which limits
//! - [`Rate`], [`Bucket`], [`Quota`]: how many a second and what is left of it; how many a day
//! - `under`: which limits a request is under
//! - [`Meters`]: a shard's side of all limits. Requests are admitted there
//! - [`Ledger`]: lends [`Share`]s of buckets and blocks of quotas to shards
//! - `message`: what the two say to each other
//! - [`Standing`]: what a caller is told of its limits
//! - [`statements`]: what a caller has used and has left
//! - [`Calendar`]: the wall clock by which quotas begin anew

mod bucket;
mod quota;
mod rate;
mod share;

mod calendar;
mod message;

mod ledger;
mod meters;

mod key_table;
mod spec;
mod standing;
mod statement;
mod under;
mod usage;

pub use self::bucket::{Bucket, RetryAfter};
pub use self::calendar::{Calendar, JUMP_BELIEVED_MS, JUMP_MS};
pub use self::key_table::KEY_BYTES;
pub use self::ledger::{BLOCK_MAX, Ledger, Order, Record};
pub use self::message::{Account, Demand, MeterId, ToLedger, ToShard, Usage};
pub use self::meters::{Client, Denied, Limits, Meters, THROTTLES_MAX};
pub use self::quota::{Day, Period, Quota};
pub use self::rate::Rate;
pub use self::share::{Share, Tokens};
pub use self::spec::{ApiKeySpec, MethodThrottle, PlanStage, UsagePlanSpec};
pub use self::standing::{Policy, Standing};
pub use self::statement::{Statement, statements};
pub use self::under::{account_meter, method_meter};
pub(crate) use self::under::{admit, standing};
pub use self::usage::{Caller, KeyId, KeyName, PlanId, StageId, UsagePlans};

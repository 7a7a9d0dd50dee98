//! Who may call, and how often: API keys, usage plans, and the arithmetic of throttles.
//!
//! Owns tables and arithmetic. What a request is told when it may not call is decided above.
//!
//! - [`UsagePlans`]: which key may be used at which stage
//! - [`Rate`], [`Bucket`]: how many a second, and what one caller has left. No request takes from a bucket yet
//!   (`[[usage_plan]] throttle` is not built)

mod bucket;
mod rate;
mod usage;

pub use self::bucket::{Bucket, RetryAfter};
pub use self::rate::Rate;
pub use self::usage::{ApiKeySpec, Caller, KEY_BYTES, KeyId, PlanId, StageId, UsagePlanSpec, UsagePlans};

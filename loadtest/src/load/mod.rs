//! The load generator.
//!
//! In reading order:
//!
//! - [`plan`]: a run, decided before it begins
//! - [`schedule`]: when requests are due
//! - [`run`]: threads, and what they counted; `worker` is one of them, with its `lane`s, `slot`s and `answer`s
//! - [`tally`], [`kind`]: what is counted
//! - [`template`], [`choice`], [`url`]: requests as bytes
//!
//! TLS, HTTP/2 and WebSocket will be further variants of `slot::State`'s socket and `answer`'s framing; the schedule,
//! the counts and the reports know nothing of HTTP/1.1.

pub mod plan;
pub mod schedule;

mod answer;
mod lane;
pub mod run;
mod slot;
mod worker;

pub mod kind;
pub mod tally;

pub mod choice;
pub mod template;
pub mod url;

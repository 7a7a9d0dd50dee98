//! The load generator.
//!
//! In reading order:
//!
//! - [`options`]: the command line; [`plan`]: the run it asks for
//! - [`requests`], [`request_file`], [`mix`]: which requests; [`template`], [`choice`], [`url`]: as bytes; [`security`]: TLS
//! - [`schedule`]: when they are due
//! - [`run`]: threads, and what they counted; `worker` is one of them, with its `lane`s, `slot`s, `wire`s and `answer`s, and
//!   `worker::exchanges` what becomes of a request
//! - [`find_max`], [`slo`]: the highest rate that holds an objective
//! - [`tally`], [`kind`]: what is counted
//! - [`verdict`]: whose fault it is; [`report`], [`summary`], [`html`], [`progress`]: what is shown
//!
//! With HTTP/2 a slot is the place of one stream: `link` is a connection of those as bytes, `worker::streams` what becomes of
//! its requests. WebSocket will be a further variant of `wire` and `answer`'s framing; the
//! schedule, the counts and the reports know nothing of either.

pub mod options;
pub mod plan;

pub mod choice;
pub mod mix;
pub mod request_file;
pub mod requests;
pub mod security;
pub mod template;
pub mod url;

pub mod schedule;

mod answer;
mod lane;
mod link;
pub mod run;
mod slot;
mod wire;
mod worker;

pub mod find_max;
pub mod slo;

pub mod kind;
pub mod tally;

pub mod html;
pub mod progress;
pub mod report;
pub mod summary;
pub mod verdict;

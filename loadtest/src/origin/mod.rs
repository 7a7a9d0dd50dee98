//! The test origin: answers as slowly, wrongly or largely as asked, and costs little otherwise.
//!
//! In reading order:
//!
//! - [`options`]: the command line
//! - [`behaviour`]: what is answered
//! - [`server`]: listeners and threads
//! - `worker`: one thread's loop; `connection` is one of its connections

pub mod options;

pub mod behaviour;

mod connection;
pub mod server;
mod worker;

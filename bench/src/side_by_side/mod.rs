//! Tidegate beside other proxies, on one machine, in the same run: `tidegate-bench`. How it is used and what it
//! measures is in `docs/bench.md`.
//!
//! It shares no code with the gateway or the load generator; it starts their binaries. In reading order:
//!
//! - `options`: the command line. `scenario`: what is measured, a row each.
//! - `run`: a run from its first check to its report; `list` shows what there is.
//! - `course`: what is done in a scenario, and in which order proxies take turns.
//! - `stand`: starts origin, proxy and load generator where they belong. `rival`: every proxy's binary and
//!   configuration. `load`: the load generator. `http`: a client that looks whether a proxy is ready.
//! - `limits`: API keys and limits, and requests with them. `callers`: those who say who they are, and their requests.
//! - `process`: what is started, its CPU time and its memory. `host`: the machine, and whether it suits.
//! - `measurement`, `statistics`, `goals`: numbers. `journal`: what is kept of them while a run goes.
//! - `report`: Markdown, CSV and HTML.

pub mod callers;
pub mod course;
pub mod date;
pub mod goals;
pub mod host;
pub mod http;
pub mod journal;
pub mod limits;
pub mod list;
pub mod load;
pub mod measurement;
pub mod options;
pub mod process;
pub mod report;
pub mod rival;
pub mod run;
pub mod scenario;
pub mod security;
pub mod stand;
pub mod statistics;
pub mod trouble;

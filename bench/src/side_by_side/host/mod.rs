//! The machine: its CPUs, whether it suits, and what the report says about it.

pub mod cpus;
pub mod description;
pub mod files;
pub mod fitness;
pub mod pauses;

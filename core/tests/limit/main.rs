//! Limits on many shards: shards, ledger and store in one thread, with traffic and delays from a seed. No request beyond a
//! limit, hardly one fewer than a single perfect bucket would have let through.

mod quotas;
mod throttles;
mod world;

//! What there is: scenarios, and proxies with how to install those that are missing.

use std::io::{self, Write};

use super::options::PlaceOptions;
use super::rival::Proxy;
use super::run::places;
use super::scenario::SCENARIOS;
use super::trouble::Trouble;

/// Prints it.
///
/// # Errors
/// When it is not known where binaries are.
pub fn list(options: &PlaceOptions) -> Result<bool, Trouble> {
    let places = places(options)?;
    let mut out = String::from("scenarios:\n");
    for scenario in &SCENARIOS {
        out += &format!("  {:<24}{}\n", scenario.name, scenario.summary);
    }
    out += "\nproxies:\n";
    for proxy in [Proxy::Tidegate].into_iter().chain(Proxy::RIVALS) {
        let line = match proxy.find(&places) {
            Ok(found) => format!("{} ({})", found.version, found.program.display()),
            Err(how) => format!("not installed: {how}"),
        };
        out += &format!("  {:<24}{line}\n", proxy.name());
    }
    // Whoever closed our standard output does not want to know.
    let _ = io::stdout().write_all(out.as_bytes());
    Ok(true)
}

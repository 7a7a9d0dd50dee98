//! A small proxy with the Pingora library; it lives in `bench/rivals/pingora/`, a workspace of its own.

/// Its binary.
pub(super) const BINARY: &str = "pingora-rival";

/// That of its lock file is pinned by its own workspace.
pub(super) fn version() -> String {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/rivals/pingora/Cargo.lock");
    version_of(&std::fs::read_to_string(lock).unwrap_or_default()).unwrap_or_else(|| "unknown".to_owned())
}

fn version_of(lock: &str) -> Option<String> {
    let (_, rest) = lock.split_once("name = \"pingora-core\"\nversion = \"")?;
    rest.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let lock = "[[package]]\nname = \"pingora-core\"\nversion = \"0.6.0\"\n";
        assert_eq!(version_of(lock).as_deref(), Some("0.6.0"));
        assert_eq!(version_of(""), None);
    }
}

//! Velocity and JsonPath as API Gateway runs them, of Debian's packages.

use std::path::Path;

const JARS: [&str; 9] = [
    "velocity",
    "json-path",
    "json-smart",
    "accessors-smart",
    "commons-lang",
    "commons-collections3",
    "slf4j-api",
    "slf4j-nop",
    "asm",
];

/// Where `.ci/run` has installed them.
pub(crate) fn paths() -> [String; 9] {
    let jars = JARS.map(|name| format!("/usr/share/java/{name}.jar"));
    for jar in &jars {
        assert!(Path::new(jar).exists(), "{jar} is missing: run .ci/run, or see Test in the README");
    }
    jars
}

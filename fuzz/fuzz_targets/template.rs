//! A mapping template and a body, with a zero byte between: neither panics, nor runs beyond the limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::limits::RENDER_OUTPUT_BYTES_MAX;
use tidegate_core::velocity::{Arena, Overrides, Path, Place, Program, Surroundings};

/// What is printed at most after the limit is looked at: one value more.
const OUTPUT_BYTES_MAX: usize = 3 * RENDER_OUTPUT_BYTES_MAX;

struct Body<'b>(&'b str);

impl Surroundings for Body<'_> {
    fn body(&self) -> &str {
        self.0
    }
    fn parameters(&self, _: Place, each: &mut dyn FnMut(&str, &str)) {
        each("id", "7");
    }
    fn parameter(&self, _: Place, name: &str, found: &mut dyn FnMut(&str)) {
        found(name);
    }
    fn stage_variables(&self, each: &mut dyn FnMut(&str, &str)) {
        each("tier", "gold");
    }
    fn stage_variable(&self, name: &str, found: &mut dyn FnMut(&str)) {
        found(name);
    }
    fn context(&self, name: &str, found: &mut dyn FnMut(&str)) {
        found(name);
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (template, body) = text.split_once('\0').unwrap_or((&text, "{}"));
    let mut arena = Arena::default();
    let mut out = b"before".to_vec();
    if let Ok(path) = Path::parse(template) {
        let _ = path.write(body, &mut arena, &mut Vec::new());
    }
    match Program::compile(template) {
        Err(error) => assert!(error.at <= template.len(), "an error beyond the end"),
        Ok(program) => {
            let mut overrides = Overrides::default();
            let done = program.render(&Body(body), &mut overrides, &mut arena, &mut out);
            assert!(out.starts_with(b"before") && out.len() <= OUTPUT_BYTES_MAX);
            assert!(done.is_ok() || out == b"before", "a fault leaves the output as it was");
            let first = out.clone();
            if done.is_ok() && overrides.is_empty() {
                out.truncate(b"before".len());
                let again = program.render(&Body(body), &mut overrides, &mut arena, &mut out);
                assert!(again.is_ok() && out == first, "the same again");
            }
        }
    }
});

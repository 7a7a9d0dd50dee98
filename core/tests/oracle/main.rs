//! Templates rendered by us and by Apache Velocity 1.7 with Jayway JsonPath, side by side. AWS runs these (recorded
//! facts 33 and 59); `.ci/run` installs them.

mod differences;
mod generate;
#[path = "../support/jars.rs"]
mod jars;
mod java;
mod rows;

use java::Oracle;
use tidegate_core::velocity::{Arena, Overrides, Place, Program, Surroundings};

/// What a rendering came to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Rendered(String),
    /// Not a template.
    Refused(String),
    /// Ended in an error.
    Failed(String),
}

/// A request that is only a body.
struct Body<'b>(&'b str);

impl Surroundings for Body<'_> {
    fn body(&self) -> &str {
        self.0
    }
    fn parameters(&self, _: Place, _: &mut dyn FnMut(&str, &str)) {}
    fn parameter(&self, _: Place, _: &str, _: &mut dyn FnMut(&str)) {}
    fn stage_variables(&self, _: &mut dyn FnMut(&str, &str)) {}
    fn stage_variable(&self, _: &str, _: &mut dyn FnMut(&str)) {}
    fn context(&self, _: &str, _: &mut dyn FnMut(&str)) {}
}

fn ours(template: &str, body: &str) -> Outcome {
    let program = match Program::compile(template) {
        Ok(program) => program,
        Err(error) => return Outcome::Refused(format!("{error} at {}", error.at)),
    };
    let (mut out, mut arena) = (Vec::new(), Arena::default());
    match program.render(&Body(body), &mut Overrides::default(), &mut arena, &mut out) {
        Ok(()) => Outcome::Rendered(String::from_utf8(out).expect("UTF-8")),
        Err(fault) => Outcome::Failed(format!("{} at {}", fault.why, fault.at)),
    }
}

/// Whether both came to the same, whatever their messages say.
fn agree(ours: &Outcome, theirs: &Outcome) -> bool {
    match (ours, theirs) {
        (Outcome::Rendered(ours), Outcome::Rendered(theirs)) => ours == theirs,
        (Outcome::Refused(_), Outcome::Refused(_)) | (Outcome::Failed(_), Outcome::Failed(_)) => true,
        _ => false,
    }
}

#[test]
fn rows_come_out_alike() {
    let mut oracle = Oracle::start();
    let mut wrong = Vec::new();
    for (template, body) in rows::all() {
        let (ours, theirs) = (ours(template, body), oracle.render(template, body));
        if !agree(&ours, &theirs) {
            wrong.push(format!("{template:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// As many as `ORACLE_TEMPLATES` says, from the seed that `ORACLE_SEED` says.
#[test]
fn random_templates_come_out_alike() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count: u64 = number("ORACLE_TEMPLATES").unwrap_or(5_000);
    let first: u64 = number("ORACLE_SEED").unwrap_or(1);
    let mut oracle = Oracle::start();
    let mut wrong = Vec::new();
    for seed in first..first + count {
        let (template, body) = generate::template(seed);
        let (ours, theirs) = (ours(&template, body), oracle.render(&template, body));
        if !agree(&ours, &theirs) && !differences::is_known(&ours, &theirs) {
            wrong.push(format!("seed {seed}: {template:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
        if wrong.len() >= 20 {
            break;
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

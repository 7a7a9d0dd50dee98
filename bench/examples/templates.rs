//! Renders a usual mapping template in turns with Apache Velocity 1.7 on a warm JVM and with velocityjs, and prints how long
//! each takes: `cargo run --release -p tidegate-bench --example templates [ROUNDS]`.
//!
//! The Java packages are those that `.ci/prepare` installs; velocityjs comes from npm into `target/rivals`.

#[path = "../../core/tests/support/jars.rs"]
mod jars;
#[path = "../rivals/velocity/order.rs"]
mod order;

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tidegate_core::velocity::{Arena, Overrides, Program};

use self::order::{ORDER, Order, TEMPLATE};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rivals/velocity");
const VELOCITYJS: &str = "velocityjs@2.1.5";
/// Rounds before the counted ones: compilers of Java and JavaScript need some.
const WARM_UP: usize = 3;

fn main() {
    let rounds = std::env::args().nth(1).map_or(7, |text| text.parse().expect("a number of rounds"));
    let mut tidegate = Tidegate::new();
    let want = tidegate.render().to_owned();
    let mut rivals =
        [("Velocity 1.7, JVM", Rival::start(java(), &want)), ("velocityjs", Rival::start(node(), &want))];
    let mut times: [Vec<u64>; 3] = [const { Vec::new() }; 3];
    for round in 0..WARM_UP + rounds {
        let ours = tidegate.measure();
        let theirs = rivals.each_mut().map(|(_, rival)| rival.measure());
        if round >= WARM_UP {
            for (times, ns) in times.iter_mut().zip([ours, theirs[0], theirs[1]]) {
                times.push(ns);
            }
        }
    }
    let ours = times[0].clone();
    for (name, times) in ["Tidegate", rivals[0].0, rivals[1].0].into_iter().zip(&mut times) {
        let mut ratios: Vec<f64> =
            times.iter().zip(&ours).map(|(ns, ours)| *ns as f64 / *ours as f64).collect();
        ratios.sort_by(f64::total_cmp);
        times.sort_unstable();
        let last = times.len() - 1;
        let line = format!(
            "{name:18} {:>8} ns ({}, {})   {:.1} times ({:.1}, {:.1})",
            times[times.len() / 2],
            times[0],
            times[last],
            ratios[ratios.len() / 2],
            ratios[0],
            ratios[last]
        );
        writeln!(std::io::stdout(), "{line}").expect("standard output");
    }
}

/// A process that renders when it is told to.
struct Rival {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Rival {
    /// Starts it; its output has to be ours.
    fn start(mut command: Command, want: &str) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let mut rival = Self { process, input, output };
        let rendered: String = serde_json::from_str(&rival.line()).expect("its output as JSON");
        assert_eq!(rendered, want, "{command:?}");
        rival
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line
    }

    fn measure(&mut self) -> u64 {
        self.input.write_all(b"go\n").and_then(|()| self.input.flush()).expect("it listens");
        self.line().trim().parse().expect("nanoseconds")
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn java() -> Command {
    let jars = jars::paths().join(":");
    let mut command = Command::new("java");
    command.args(["-XX:+UseSerialGC", "-cp", &jars]).arg(file("Rival.java")).args(material());
    command
}

fn node() -> Command {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/rivals/velocityjs");
    if !modules.join("node_modules/velocityjs").exists() {
        std::fs::create_dir_all(&modules).expect("a folder");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&modules)
            .arg(VELOCITYJS);
        assert!(npm.status().expect("npm").success(), "npm installs {VELOCITYJS}");
    }
    let mut command = Command::new("node");
    command.arg(file("rival.mjs")).arg(modules.canonicalize().expect("a folder")).args(material());
    command
}

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn material() -> [PathBuf; 2] {
    [file("order.vtl"), file("order.json")]
}

struct Tidegate {
    program: Program,
    order: Order,
    overrides: Overrides,
    arena: Arena,
    out: Vec<u8>,
}

impl Tidegate {
    fn new() -> Self {
        Self {
            program: Program::compile(TEMPLATE).expect("a template"),
            order: Order(ORDER.to_owned()),
            overrides: Overrides::default(),
            arena: Arena::default(),
            out: Vec::new(),
        }
    }

    fn render(&mut self) -> &str {
        self.out.clear();
        let order = black_box(&self.order);
        let done = self.program.render(order, &mut self.overrides, &mut self.arena, &mut self.out);
        done.expect("rendered");
        std::str::from_utf8(&self.out).expect("UTF-8")
    }

    fn measure(&mut self) -> u64 {
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_secs(1) {
            for _ in 0..100 {
                black_box(self.render());
            }
            count += 100;
        }
        (start.elapsed().as_nanos() / count) as u64
    }
}

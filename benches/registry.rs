//! Reading a registry that is as large as one may be.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use crate::memory;
use crate::support::{BIN, World};
use crate::table::{Bound, Row};
use crate::timing::{SLOW_ROUNDS, in_turn};

const MANY: usize = 20_000;

/// Twenty thousand workers, beside a tenth of them; what they take in memory; and a file that took minutes by libyaml.
pub fn rows() -> Vec<Row> {
    let [many, few] = [MANY, MANY / 10].map(|count| with(&workers(count)));
    let check = ["config", "check"];
    let pair = in_turn(SLOW_ROUNDS, many.command(&check), few.command(&check));
    let name = "reading a registry of 20,000 workers";
    let beside = "one of 2,000";
    vec![
        Row::time(name, pair, beside, Bound::Time(Duration::from_secs(1))),
        Row::time(&format!("{name} is linear"), pair, beside, Bound::Times(12.0)),
        Row::size(&format!("peak memory of {name}"), peak(), 64_000_000),
        brackets(),
    ]
}

fn workers(count: usize) -> String {
    let entry = |number: usize| format!("  - name: worker-{number}\n    pod: pod-{number}\n");
    format!("workers:\n{}", (0..count).map(entry).collect::<String>())
}

fn with(registry: &str) -> World {
    let world = World::new();
    fs::write(world.registry_path(), registry).unwrap();
    world
}

/// Of a command that has more to say on standard error than a pipe holds: it waits for us with all that it knows.
fn peak() -> u64 {
    let wrong = "  - {name: b}\n".repeat(1_000);
    let world = with(&format!("{}{wrong}", workers(MANY)));
    let mut child = world.command(&["config", "check"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = child.stderr.take().unwrap();
    said.read_exact(&mut [0]).unwrap();
    let peak = memory::high_water_mark(&child);
    let mut rest = Vec::new();
    said.read_to_end(&mut rest).unwrap();
    assert!(rest.len() > 64 << 10, "what is said is too short to hold the process");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    peak
}

fn brackets() -> Row {
    let world = with(&"[".repeat(100_000));
    let mut refused = world.program("sh");
    refused.args(["-c", &format!("'{BIN}' config check; test $? = 1")]);
    let mut raw = world.program("sh");
    raw.args(["-c", &format!("'{BIN}' --version; test $? = 0")]);
    let pair = in_turn(SLOW_ROUNDS, refused, raw);
    Row::time("refusing a registry of 100,000 brackets", pair, "`--version`", Bound::Over(Duration::from_millis(20)))
}

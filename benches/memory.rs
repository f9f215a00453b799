//! How much memory a large factory takes.

use std::fs;
use std::io::{PipeReader, Read};
use std::process::{Child, Command, Stdio};

use kubesim::Cluster;

use crate::operator::Operator;
use crate::table::Row;

const PODS: usize = 4;
const WORKERS: usize = 200;
/// Sessions of each worker: with these names the listing is larger than a pipe.
const SESSIONS: usize = 10;

/// The peak of our own process (as ru_maxrss counts it), without the kubectls.
pub fn list() -> Row {
    let cluster = Cluster::start();
    for number in 0..PODS {
        let name = |session: usize| format!("issue-{session}-review-of-what-was-done-yesterday");
        let pod = cluster.deployment(&format!("fleet-{number}"));
        (0..SESSIONS).fold(pod, |pod, session| pod.session(&name(session), "exec cat")).start();
    }
    let worker =
        |operator: Operator, number: usize| operator.worker(&format!("worker-{number}"), &format!("fleet-{}", number % PODS), "");
    let operator = (0..WORKERS).fold(Operator::of(cluster), worker);
    Row::size(
        "peak memory of `list`, 200 workers on 4 pods",
        peak(operator.world.command(&["--timeout", "60s", "list"])),
        30_000_000,
    )
}

/// The peak of a command that prints everything at its end, and more than a pipe holds: it then waits for us with all that
/// it knows in its hands. Linux only. (`wait4` would say the largest of its children too.)
fn peak(mut command: Command) -> u64 {
    let (mut output, its_end) = std::io::pipe().unwrap();
    let mut child = command.stdout(its_end).stderr(Stdio::null()).spawn().unwrap();
    drop(command);
    output.read_exact(&mut [0]).unwrap();
    let peak = high_water_mark(&child);
    assert!(rest(output) > 64 << 10, "the listing is too short to hold the process");
    assert!(child.wait().unwrap().success());
    peak
}

pub fn high_water_mark(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

fn rest(mut output: PipeReader) -> usize {
    let mut listing = Vec::new();
    output.read_to_end(&mut listing).unwrap();
    listing.len()
}

//! Ctrl-C while a worker is being asked: the end is at once, says nothing, and leaves nothing behind.

mod support;

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use support::{Ran, World, eventually};

/// Stands in for whatever on a worker takes its time: says that it runs, and does not end.
const SLOW: &str = "#!/bin/sh\necho $$ >>../../slow\nexec sleep 600\n";

#[rstest]
#[case(&["list"])]
#[case(&["list", "--json"])]
#[case(&["status", "w"])]
#[case(&["peek", "w"])]
#[case(&["peek", "w/s"])]
#[case(&["nudge", "w/s", "hello"])]
#[case(&["interrupt", "w/s"])]
#[case(&["dispatch", "w", "--project", "app", "--issue", "7"])]
#[case(&["doctor"])]
fn ctrl_c_ends_everything(#[case] arguments: &[&str], #[values(Signal::SIGINT, Signal::SIGTERM)] signal: Signal) {
    let world = World::new().worker_with("w", "tmux: slow\ncommands: {queue: '', status: slow, dispatch: 'slow {project}'}");
    world.script("slow", SLOW);
    let mut command = world.command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let slow = eventually("the worker to be asked", || fs::read_to_string(world.path("slow")).ok()?.trim().parse().ok());
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap()).expect(130);
    assert_eq!(ran.stderr, "");
    eventually("what was asked to be gone", || (!runs(slow)).then_some(()));
}

/// A process that has ended and that nobody has asked after yet does not run.
fn runs(process: i32) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &process.to_string()]).output().unwrap().stdout;
    !matches!(state.first(), None | Some(b'Z'))
}

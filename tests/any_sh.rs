//! What runs inside a worker runs under the sh that is there: dash, busybox, bash.

mod support;

use std::os::unix::fs::symlink;

use rstest::rstest;
use support::{World, eventually};

/// A world whose workers have this program as sh.
fn world(sh: &str) -> World {
    let world = World::new();
    let given = which(sh);
    world.script("factory", "#!/bin/dash\nprintf '<%s>' \"$@\"\necho\n");
    symlink(given, world.path("bin/sh")).unwrap();
    world.worker_with(
        "w",
        "commands: {status: factory status now, queue: factory queue, dispatch: \"factory add {project} {issue}\"}",
    )
}

fn which(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("{program} is missing; make/need.sh test installs it"))
}

const NAME: &str = " #(touch pwned) it's $0;";

#[rstest]
fn everything_that_is_asked(#[values("dash", "busybox", "bash")] sh: &str) {
    let world = world(sh);
    world.session("w", NAME, "echo found; exec cat");
    world.session("w", "plain", "echo plain; exec cat");
    eventually("both to print", || {
        (world.pane("w", NAME).contains("found") && world.pane("w", "plain").contains("plain")).then_some(())
    });
    let address = format!("w/{NAME}");

    let listed: serde_json::Value = serde_json::from_str(&world.run(&["list", "--json"]).expect(0).stdout).unwrap();
    assert_eq!(listed["workers"][0]["sessions"][0]["name"], NAME, "{listed}");
    assert_eq!(world.run(&["peek", &address]).expect(0).stdout, "found\n");
    assert_eq!(world.run(&["peek", "w/plain"]).expect(0).stdout, "plain\n");
    world.run(&["peek", "w/other"]).expect(4);
    let status = world.run(&["status", "w"]).expect(0).stdout;
    assert!(status.contains("<status><now>") && status.contains(NAME.trim()), "{status}");
    let dispatched = world.run(&["dispatch", "w", "--project", "a b;$(x)", "--issue", "7"]).expect(0).stdout;
    assert!(dispatched.contains("<add><a b;$(x)><7>"), "{dispatched}");
    world.run(&["interrupt", &address]).expect(0);
    eventually("Ctrl-C to end it", || (!world.worker_tmux("w", &["list-sessions"]).contains("pwned")).then_some(()));
    world.assert_nothing_executed();
}

#[rstest]
fn a_failed_command_keeps_its_status(#[values("dash", "busybox", "bash")] sh: &str) {
    let world = world(sh);
    let ran = world.run(&["dispatch", "w", "--project", "x", "--issue", "1"]).expect(0);
    assert!(ran.stdout.contains("<add><x><1>"), "{}", ran.stdout);
    world.script("factory", "#!/bin/dash\necho why >&2; exit 7\n");
    let ran = world.run(&["dispatch", "w", "--project", "x", "--issue", "1"]).expect(1);
    assert!(ran.stderr.contains('7') && ran.stderr.contains("why"), "{}", ran.stderr);
}

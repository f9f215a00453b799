//! `wait`: until sessions have ended, by a hub and without one.

mod support;

use std::process::{Child, Stdio};

use rstest::rstest;
use support::{World, eventually};

fn world(live: &str) -> World {
    let world = World::new().env("FACTORY_WORKER_LIVE", live).worker("w");
    for name in ["qa", "dev"] {
        world.session("w", name, "sleep 600");
    }
    world
}

/// One that waits; it ends with this value.
struct Waiting(Child);

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Waiting {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(&[&["wait", "--until", "gone"], arguments].concat());
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn code(&mut self) -> Option<i32> {
        self.0.try_wait().unwrap().and_then(|status| status.code())
    }
}

#[rstest]
fn it_returns_when_all_are_gone_and_not_before(#[values("on", "off")] live: &str) {
    let world = world(live);
    let mut waiting = Waiting::start(&world, &["w/qa", "w/dev"]);
    let mut any = Waiting::start(&world, &["w/qa", "w/dev", "--any"]);
    // What was not there to begin with is gone at once.
    let ran = world.run(&["wait", "--until", "gone", "w/none"]).expect(0);
    assert_eq!(ran.stdout, "w/none\n");
    world.worker_tmux("w", &["rename-session", "-t", "=dev:", "review"]);
    world.worker_tmux("w", &["kill-session", "-t", "=qa:"]);
    assert_eq!(eventually("the first", || any.code()), 0);
    assert_eq!(waiting.code(), None);
    world.worker_tmux("w", &["kill-session", "-t", "=review:"]);
    assert_eq!(eventually("both", || waiting.code()), 0);
}

#[rstest]
fn the_time_is_over_and_it_is_said_for_whom(#[values("on", "off")] live: &str) {
    let world = world(live);
    let ran = world.run(&["wait", "w/qa", "--until", "gone", "--for", "1s"]).expect(1);
    assert_eq!(ran.stderr, "factory-worker: the time is over, and not gone: w/qa\n");
    let world = world.worker_with("away", "tmux: no-such-tmux");
    let ran = world.run(&["wait", "away/qa", "--until", "gone", "--for", "3s"]).expect(3);
    assert!(ran.stderr.contains("worker away has no tmux"), "{}", ran.stderr);
    world.run(&["wait", "nobody/qa", "--until", "gone"]).expect(4);
    world.run(&["wait", "w", "--until", "gone"]).expect(2);
}

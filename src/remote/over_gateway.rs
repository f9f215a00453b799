//! Questions to a pod of a simulated cluster through the real `kubectl proxy`, beside the same ones by the real `kubectl exec`:
//! what the one answers, the other does too, and what goes wrong is the same.
//!
//! The simulated API server speaks HTTP/1.1 alone: that kubectl pings an HTTP/2 connection of its own, and notices within ten
//! seconds that it is dead, cannot be seen here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kubesim::{Cluster as Simulated, Farewell, Fault, Running, execs};
use rstest::rstest;

use super::{Remote, command, interrupt, list, nudge, peek, pod};
use crate::cluster::gateway::Gateways;
use crate::cluster::{Cluster, login};
use crate::failure::{Failure, Kind};
use crate::process::{Output, Request};
use crate::registry::worker::{PodPlace, PodRef};

const LONG: Duration = Duration::from_secs(60);

/// A pod with the session `qa`, and the two ways to it.
struct World {
    cluster: Simulated,
    worker: Running,
    place: PodPlace,
    gateways: Arc<Gateways>,
}

/// Where the pod `w` of a cluster is, and a gateway to it, since two are asked.
pub(super) fn ways(cluster: &Simulated, container: Option<&str>) -> (PodPlace, Arc<Gateways>) {
    let place = PodPlace {
        pod: PodRef::Pod("w".parse().unwrap()),
        namespace: None,
        context: None,
        container: container.map(|name| name.parse().unwrap()),
        kubeconfig: Some(cluster.kubeconfig()),
    };
    let gateways = Arc::new(Gateways::that_forget());
    let here = Cluster::of(&place);
    gateways.expect([&here, &here]);
    assert_eq!(login::namespace(&here).unwrap().as_str(), "default");
    (place, gateways)
}

impl World {
    fn new() -> Self {
        Self::of(|cluster| cluster.pod("w").session("qa", "echo I am qa; exec cat").start(), None)
    }

    fn of(start: impl FnOnce(&Simulated) -> Running, container: Option<&str>) -> Self {
        let cluster = Simulated::start();
        let worker = start(&cluster);
        let (place, gateways) = ways(&cluster, container);
        Self { cluster, worker, place, gateways }
    }

    fn remote(exec: pod::Pod) -> Remote {
        Remote { exec: Box::new(exec), tmux: vec!["tmux".to_owned()], log: None, meant: None }
    }

    fn by_exec(&self) -> Remote {
        Self::remote(pod::Pod::new(self.place.clone()))
    }

    fn through(&self) -> Remote {
        Self::remote(pod::Pod::through(self.place.clone(), self.gateways.clone()))
    }

    /// Run a command through the gateway, and give what it asked of the cluster.
    fn run(&self, words: &[&str], stdin: &[u8]) -> (Result<Output, Failure>, usize) {
        self.cluster.forget_calls();
        let result = run(&self.through(), words, stdin, LONG);
        (result, self.cluster.calls().about_objects().len())
    }
}

fn run(remote: &Remote, words: &[&str], stdin: &[u8], time: Duration) -> Result<Output, Failure> {
    let argv: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
    remote.exec.run(Request { argv: &argv, stdin, reads_to_end: true, deadline: Instant::now() + time })
}

/// Whether an exec was the gateway's.
fn is_ours(world: &World) -> bool {
    world.cluster.calls().execs().iter().all(|call| call.user_agent.starts_with("factory-worker/"))
}

#[test]
fn streams_arguments_and_status_are_kept() {
    let world = World::new();
    let script = "printf 'out %s|' \"$@\"; echo err >&2; exit 7";
    let (output, requests) = world.run(&["sh", "-c", script, "sh", "a b", "#(x);", "ü&+%", "", "two\nlines"], b"");
    let output = output.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "out a b|out #(x);|out ü&+%|out |out two\nlines|");
    assert_eq!((output.status, output.stderr.as_slice(), requests), (7, &b"err\n"[..], 1));
    assert!(is_ours(&world));
    assert_eq!(world.run(&["true"], b"").0.unwrap().status, 0);
}

#[rstest]
#[case(1)]
#[case(32 * 1024)]
#[case(3_000_000)]
fn input_of_any_length_arrives_and_ends(#[case] length: usize) {
    let world = World::new();
    let input: Vec<u8> = (0..=255).cycle().take(length).collect();
    let output = world.run(&["cat"], &input).0.unwrap();
    assert!(output.stdout == input, "{} of {length}", output.stdout.len());
    // Who does not read it is not in the way.
    assert_eq!(world.run(&["sh", "-c", "exit 3"], &input).0.unwrap().status, 3);
    assert!(is_ours(&world));
}

#[test]
fn an_answer_may_be_large_and_not_larger() {
    let world = World::new();
    let say = |bytes: usize| world.run(&["sh", "-c", &format!("head -c {bytes} /dev/zero")], b"").0;
    assert_eq!(say(4 << 20).unwrap().stdout.len(), 4 << 20);
    let failure = say(5 << 20).unwrap_err();
    assert_eq!((failure.kind, failure.reason.as_str()), (Kind::Incomplete, "the answer is larger than 4 MiB"));
    // One that never ends is not waited for.
    assert_eq!(world.run(&["yes"], b"").0.unwrap_err().kind, Kind::Incomplete);
}

#[test]
fn every_question_is_answered_as_by_kubectl_exec() {
    let world = World::new();
    let deadline = || Instant::now() + LONG;
    let qa = "qa".parse().unwrap();
    for remote in [world.by_exec(), world.through()] {
        let (answer, said) = list::with_command(&remote, &["echo".to_owned(), "hello".to_owned()], LONG).unwrap();
        assert_eq!((answer.sessions[0].name.as_str(), said.unwrap().stdout.as_slice()), ("qa", &b"hello\n"[..]));
        kubesim::eventually("its words", || {
            peek::capture(&remote, &qa, 50, deadline()).unwrap().starts_with(b"I am qa\n").then_some(())
        });
        let argv = ["sh".to_owned(), "-c".to_owned(), "echo $0; exit 5".to_owned(), "x y".to_owned()];
        let output = command::run(&remote, &argv, deadline()).unwrap();
        assert_eq!((output.status, output.stdout.as_slice()), (5, &b"x y\n"[..]));
        assert_eq!(peek::capture(&remote, &"no".parse().unwrap(), 50, deadline()).unwrap_err().kind, Kind::NoSession);
    }
    let text = "a line that is typed\n".repeat(100);
    let delivery = nudge::nudge(&world.through(), &qa, &text, deadline());
    kubesim::eventually("the text", || world.worker.pod().pane("qa").contains("a line that is typed").then_some(()));
    assert!(delivery.is_ok(), "{delivery:?}");
    interrupt::interrupt(&world.through(), &qa, deadline()).unwrap();
    kubesim::eventually("its end", || {
        let there = run(&world.through(), &["tmux", "has-session", "-t", "=qa"], b"", LONG).unwrap();
        (there.status != 0).then_some(())
    });
    let typed: Vec<_> =
        world.cluster.calls().execs().into_iter().filter(|call| call.input.contains("a line that is typed")).collect();
    assert_eq!(typed.len(), 1);
}

#[rstest]
#[case::unauthorized(Fault::Status(401))]
#[case::forbidden(Fault::Status(403))]
#[case::too_many_requests(Fault::Status(429))]
#[case::unavailable(Fault::Status(503))]
#[case::container_not_found(Fault::ContainerNotFound)]
#[case::hang_up(Fault::HangUp)]
#[case::reset(Fault::Reset)]
#[case::cut_at_once(Fault::cut_after_bytes(0))]
#[case::cut(Fault::cut_after_bytes(3))]
#[case::cut_with_a_reset(Fault::cut_after_bytes(3).saying(Farewell::Reset))]
#[case::cut_by_a_server_that_leaves(Fault::cut_after_bytes(3).saying(Farewell::CloseFrame(1001)))]
fn what_goes_wrong_is_called_the_same(#[case] fault: Fault) {
    let world = World::new();
    world.cluster.when(execs()).then(fault.clone());
    let [exec, through] = [world.by_exec(), world.through()].map(|remote| run(&remote, &["echo", "hello"], b"", LONG));
    let (exec, through) = (exec.unwrap_err(), through.unwrap_err());
    assert_eq!((through.kind, through.remedy()), (exec.kind, exec.remedy()), "{through:?}\n{exec:?}");
    // A promise that nothing ran is kept; that it may have run is said wherever kubectl says so.
    assert!(exec.before_start || !through.before_start, "{through:?}\n{exec:?}");
    assert!(!through.reason.chars().any(char::is_control), "{through:?}");
}

/// kubectl takes this for a good end.
#[rstest]
fn a_cut_answer_is_no_answer_wherever_it_is_cut(#[values(Farewell::HangUp, Farewell::CloseFrame(1000))] farewell: Farewell) {
    let world = World::new();
    let whole = "hello\n".len();
    for bytes in 0..whole {
        world.cluster.lift_all_faults();
        world.cluster.when(execs()).then(Fault::cut_after_bytes(bytes).saying(farewell));
        let failure = run(&world.through(), &["echo", "hello"], b"", LONG).unwrap_err();
        assert!(matches!(failure.kind, Kind::Incomplete | Kind::Unreachable) && !failure.before_start, "{bytes}: {failure:?}");
    }
    assert!(is_ours(&world));
    world.cluster.lift_all_faults();
    assert_eq!(run(&world.through(), &["echo", "hello"], b"", LONG).unwrap().stdout, b"hello\n");
}

#[rstest]
#[case::silence(Fault::Silence)]
#[case::frozen(Fault::freeze_after_bytes(3))]
#[case::frozen_from_the_start(Fault::freeze_after(Duration::ZERO))]
fn what_never_comes_is_waited_for_until_the_deadline(#[case] fault: Fault) {
    let world = World::new();
    run(&world.through(), &["true"], b"", LONG).unwrap();
    world.cluster.when(execs()).then(fault);
    let began = Instant::now();
    let failure = run(&world.through(), &["echo", "hello"], b"", Duration::from_secs(1)).unwrap_err();
    assert_eq!((failure.kind, failure.late, failure.before_start), (Kind::Unreachable, true, false), "{failure:?}");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_link_that_has_frozen_is_noticed_without_a_deadline() {
    let world = World::new();
    world.cluster.when(execs()).then(Fault::freeze_after_bytes(0));
    let began = Instant::now();
    let failure = run(&world.through(), &["sh", "-c", "echo hello; sleep 600"], b"", Duration::from_secs(3600)).unwrap_err();
    assert!(failure.reason.contains("it does not answer any more"), "{failure:?}");
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn one_refusal_of_a_login_is_tried_once_more() {
    let world = World::new();
    world.cluster.when(execs().once()).then(Fault::Status(401));
    let (output, _) = world.run(&["echo", "hello"], b"");
    assert_eq!((output.unwrap().stdout, world.cluster.calls().execs().len()), (b"hello\n".to_vec(), 2));
    assert!(is_ours(&world));
}

#[test]
fn a_pod_that_is_not_there_is_missing() {
    let world = World::new();
    let mut place = world.place.clone();
    place.pod = PodRef::Pod("other".parse().unwrap());
    let through = World::remote(pod::Pod::through(place, world.gateways.clone()));
    let failure = run(&through, &["true"], b"", LONG).unwrap_err();
    assert_eq!((failure.kind, failure.before_start), (Kind::Missing, true), "{failure:?}");
    assert!(failure.reason.contains("there is no pod"), "{failure:?}");
    assert!(is_ours(&world));
}

#[test]
fn a_program_that_is_not_there_has_not_run() {
    let world = World::new();
    let [exec, through] = [world.by_exec(), world.through()].map(|remote| run(&remote, &["no-such"], b"", LONG).unwrap_err());
    assert_eq!((through.kind, through.before_start, &through.reason), (exec.kind, exec.before_start, &exec.reason));
}

#[rstest]
#[case::named(Some("side"), "side")]
#[case::default(None, "main")]
#[case::wrong(Some("other"), "")]
fn a_container_is_the_one_that_kubectl_takes(#[case] named: Option<&str>, #[case] which: &str) {
    let start = |cluster: &Simulated| {
        cluster.pod("w").default_container("main").container("side").container("main").env("X", "1").start()
    };
    let world = World::of(start, named);
    let words = ["sh", "-c", "echo \"${HOME##*/}\""];
    let [exec, through] = [world.by_exec(), world.through()].map(|remote| run(&remote, &words, b"", LONG));
    match (exec, through) {
        (Ok(exec), Ok(through)) => assert_eq!((exec.stdout, which.is_empty()), (through.stdout, false)),
        (Err(exec), Err(through)) => {
            assert_eq!((through.kind, through.reason.as_str()), (exec.kind, exec.reason.as_str()));
            assert!(which.is_empty() && through.kind == Kind::NoContainer, "{through:?}");
        }
        both => panic!("{both:?}"),
    }
}

/// Where there is only v4 a command that knows where its input ends runs all the same, and no other one does.
#[test]
fn without_v5_a_script_is_run_and_what_reads_to_the_end_is_not_begun() {
    let world = World::new();
    world.cluster.speaks_only_v4();
    let (answer, _) = list::with_command(&world.through(), &[], LONG).unwrap();
    assert_eq!(answer.sessions[0].name.as_str(), "qa");
    assert!(is_ours(&world));
    let marker = world.worker.pod().home().join("ran");
    let failure = run(&world.through(), &["sh", "-c", "touch ran; cat"], b"text", LONG).unwrap_err();
    assert!(!marker.exists(), "{failure:?}");
}

#[test]
fn without_websockets_kubectl_exec_does_it() {
    let world = World::new();
    world.cluster.when(execs().once()).then(Fault::NoWebsocket);
    let (output, _) = world.run(&["echo", "hello"], b"");
    assert_eq!(output.unwrap().stdout, b"hello\n");
    let agents: Vec<_> = world.cluster.calls().execs().iter().map(|call| call.user_agent.starts_with("kubectl/")).collect();
    assert_eq!(agents, [false, true]);
}

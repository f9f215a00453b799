//! Logs through the real `kubectl proxy` over a simulated cluster, beside the same by the real `kubectl logs`.

use kubesim::{Cluster as Simulated, Farewell, Fault, requests_for};
use rstest::rstest;

use super::follow::{Followed, Said};
use super::*;
use crate::cluster::Cluster;
use crate::cluster::gateway::{Access, Gateway};
use crate::failure::Kind;
use crate::registry::names::ObjectName;

const LONG: Duration = Duration::from_secs(60);
const ALL: Log = Log { part: Part::All, previous: false, follow: false };

fn later() -> Instant {
    Instant::now() + LONG
}

/// A cluster, and the two ways to its logs.
struct World {
    cluster: Simulated,
    here: Cluster,
    gateway: Gateway,
    namespace: ObjectName,
}

impl World {
    fn new() -> Self {
        let cluster = Simulated::start();
        let here = Cluster { kubeconfig: Some(cluster.kubeconfig()), context: None, namespace: None };
        let namespace: ObjectName = "default".parse().unwrap();
        let gateway = Gateway::start(&here, &Access::Workers(vec![namespace.clone()]), later()).unwrap();
        Self { cluster, here, gateway, namespace }
    }

    /// With the pod `p` that runs this.
    fn with(script: &str) -> Self {
        let world = Self::new();
        world.cluster.pod("p").runs(&["sh", "-c", script]).start();
        world
    }

    /// By kubectl logs, and through the gateway.
    fn both(&self, pod: &str, container: Option<&str>, log: Log, time: Duration) -> [Result<String, Failure>; 2] {
        let (pod, container) = (pod.parse().unwrap(), container.map(|name| name.parse().unwrap()));
        let by_kubectl = self.here.log(&pod, container.as_ref(), log, Instant::now() + time);
        let target = Target { namespace: &self.namespace, pod: &pod, container: container.as_ref() };
        let through = self.gateway.log(target, log, None, Instant::now() + time);
        [by_kubectl, through.map_err(|failure| self.here.named(failure))]
            .map(|said| said.map(|said| String::from_utf8(said).unwrap()))
    }

    #[track_caller]
    fn same(&self, pod: &str, container: Option<&str>, log: Log) -> String {
        let [by_kubectl, through] = self.both(pod, container, log, LONG).map(Result::unwrap);
        assert_eq!(through, by_kubectl);
        through
    }

    /// Until the pod `p` has said this.
    fn says(&self, words: &str) {
        kubesim::eventually(words, || {
            self.both("p", None, ALL, LONG)[1].as_ref().is_ok_and(|said| said.contains(words)).then_some(())
        });
    }

    fn followed(&self, part: Part) -> Followed<'_, Gateway> {
        let pod = "p".parse().unwrap();
        let target = Target { namespace: &self.namespace, pod: &pod, container: None };
        Followed::begin(&self.gateway, target, part, false, later()).unwrap()
    }
}

#[test]
fn a_log_is_asked_for_as_kubectl_asks_for_it() {
    let (namespace, pod, container) = ("n".parse().unwrap(), "p".parse().unwrap(), "c".parse().unwrap());
    let target = Target { namespace: &namespace, pod: &pod, container: None };
    assert_eq!(path(target, ALL, None), "/api/v1/namespaces/n/pods/p/log");
    assert_eq!(
        path(target, Log { previous: true, follow: true, ..ALL }, None),
        "/api/v1/namespaces/n/pods/p/log?previous=true&follow=true"
    );
    let target = Target { container: Some(&container), ..target };
    let last = Log { part: Part::Last(1), ..ALL };
    let expected = "/api/v1/namespaces/n/pods/p/log?container=c&tailLines=1&sinceSeconds=900";
    assert_eq!(path(target, last, Some(Duration::from_secs(900))), expected);
}

#[test]
fn as_much_of_it_is_read_as_is_asked_for() {
    let world = World::with("printf 'one\\ntwo\\nthree\\n'; exec sleep 1000");
    world.says("three");
    for (part, expected) in
        [(Part::All, "one\ntwo\nthree\n"), (Part::Last(2), "two\nthree\n"), (Part::Last(0), ""), (Part::First(5), "one\nt")]
    {
        assert_eq!(world.same("p", None, Log { part, ..ALL }), expected);
    }
    let calls = world.cluster.calls();
    let logs = calls.matching(&requests_for("pods/log"));
    assert!(logs.iter().any(|call| call.user_agent.starts_with("factory-worker/")), "{logs:?}");
}

#[test]
fn what_is_older_is_left_out() {
    let world = World::with("echo one; exec sleep 1000");
    world.says("one");
    let (pod, said) = ("p".parse().unwrap(), |since| {
        let target = Target { namespace: &world.namespace, pod: &"p".parse().unwrap(), container: None };
        world.gateway.log(target, ALL, Some(Duration::from_secs(since)), later()).unwrap()
    });
    assert_eq!(said(600), b"one\n");
    kubesim::eventually("it to be old", || said(1).is_empty().then_some(()));
    assert!(!world.here.has_said(&pod, None, Duration::from_secs(1), later()).unwrap());
}

#[test]
fn the_container_is_the_one_that_kubectl_takes() {
    let world = World::new();
    let says = |word: &str| format!("echo {word}; exec sleep 1000");
    let two = |name| {
        let first = world.cluster.pod(name).runs(&["sh", "-c", &says("worker")]);
        first.container("main").runs(&["sh", "-c", &says("main")])
    };
    two("p").default_container("main").start();
    two("q").start();
    world.says("main");
    assert_eq!(world.same("p", None, ALL), "main\n");
    kubesim::eventually("the other pod", || (!world.same("q", None, ALL).is_empty()).then_some(()));
    assert_eq!((world.same("q", None, ALL), world.same("q", Some("main"), ALL)), ("worker\n".to_owned(), "main\n".to_owned()));
}

#[test]
fn the_log_before_a_restart_is_another_one() {
    let world = World::with("date +%s.%N; echo said; exec sleep 1000");
    world.says("said");
    let first = world.same("p", None, ALL);
    world.cluster.find_pod("default", "p").restart();
    let previous = Log { previous: true, ..ALL };
    kubesim::eventually("the log before", || {
        world.both("p", None, previous, LONG)[1].as_ref().is_ok_and(|said| *said == first).then_some(())
    });
    assert_eq!(world.same("p", None, previous), first);
    world.says("said");
    assert_ne!(world.same("p", None, ALL), first);
}

#[rstest]
#[case::no_pod("q", None, false)]
#[case::no_container("p", Some("other"), false)]
#[case::no_log_before("p", None, true)]
fn why_there_is_none_is_said_as_of_kubectl_logs(#[case] pod: &str, #[case] container: Option<&str>, #[case] previous: bool) {
    let world = World::with("echo one; exec sleep 1000");
    world.says("one");
    let [by_kubectl, through] = world.both(pod, container, Log { previous, ..ALL }, LONG).map(Result::unwrap_err);
    assert_eq!((through.kind, &through.reason, through.remedy()), (by_kubectl.kind, &by_kubectl.reason, by_kubectl.remedy()));
}

#[rstest]
#[case::unauthorized(Fault::Status(401))]
#[case::forbidden(Fault::Status(403))]
#[case::too_many_requests(Fault::Status(429))]
#[case::failed(Fault::Status(500))]
#[case::unavailable(Fault::Status(503))]
#[case::hang_up(Fault::HangUp)]
#[case::reset(Fault::Reset)]
#[case::cut(Fault::cut_after_bytes(2))]
#[case::cut_with_a_reset(Fault::cut_after_bytes(2).saying(Farewell::Reset))]
fn what_goes_wrong_is_called_the_same(#[case] fault: Fault) {
    let world = World::with("echo one; exec sleep 1000");
    world.says("one");
    world.cluster.when(requests_for("pods/log")).then(fault);
    let [by_kubectl, through] = world.both("p", None, ALL, LONG).map(Result::unwrap_err);
    assert_eq!((through.kind, through.remedy()), (by_kubectl.kind, by_kubectl.remedy()), "{through:?}\n{by_kubectl:?}");
    assert!(!through.reason.chars().any(char::is_control), "{through:?}");
}

#[test]
fn a_log_that_waits_for_an_init_container_that_failed_says_so() {
    let world = World::new();
    let manifest = world.cluster.directory().join("p.yaml");
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  restartPolicy: Never\n  initContainers:\n  - {name: first, image: none, \
                command: [sh, -c, 'exit 3']}\n  containers:\n  - {name: main, image: none}\n";
    std::fs::write(&manifest, text).unwrap();
    world.cluster.kubectl(&["apply", "-f", manifest.to_str().unwrap()]).expect(0);
    kubesim::eventually("its end", || {
        let pod = world.cluster.object("pods", "default", "p")?;
        (pod["status"]["phase"] == "Failed" || !pod["status"]["initContainerStatuses"][0]["state"]["terminated"].is_null())
            .then_some(())
    });
    let [by_kubectl, through] = world.both("p", Some("main"), ALL, LONG).map(Result::unwrap_err);
    assert_eq!((through.kind, &through.reason, through.remedy()), (by_kubectl.kind, &by_kubectl.reason, by_kubectl.remedy()));
}

#[test]
fn one_refusal_of_a_login_is_tried_once_more() {
    let world = World::with("echo one; exec sleep 1000");
    world.says("one");
    world.cluster.when(requests_for("pods/log").once()).then(Fault::Status(401));
    let pod = "p".parse().unwrap();
    let target = Target { namespace: &world.namespace, pod: &pod, container: None };
    assert_eq!(world.gateway.log(target, ALL, None, later()).unwrap(), b"one\n");
}

#[test]
fn a_log_is_not_larger_than_it_may_be_and_not_waited_for_longer() {
    let world = World::with("head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end; exec sleep 1000");
    let pod = "p".parse().unwrap();
    let target = Target { namespace: &world.namespace, pod: &pod, container: None };
    let last = Log { part: Part::Last(1), ..ALL };
    kubesim::eventually("its end", || {
        world.gateway.log(target, last, None, later()).is_ok_and(|said| said == b"end\n").then_some(())
    });
    let [by_kubectl, through] = world.both("p", None, ALL, LONG).map(Result::unwrap_err);
    assert_eq!((through.kind, through.reason), (Kind::Incomplete, by_kubectl.reason));
    for fault in [Fault::Silence, Fault::freeze_after_bytes(1), Fault::freeze_after(Duration::ZERO)] {
        world.cluster.lift_all_faults();
        world.cluster.when(requests_for("pods/log")).then(fault);
        let through = world.gateway.log(target, last, None, Instant::now() + Duration::from_secs(1)).unwrap_err();
        assert_eq!((through.kind, through.late), (Kind::Unreachable, true), "{through:?}");
    }
}

/// All words up to the end, or to what went wrong.
fn heard(log: &mut Followed<'_, Gateway>) -> (String, Option<Failure>) {
    let mut all = Vec::new();
    let failure = loop {
        match log.next(later()) {
            Ok(Said::Words(words)) => all.extend(words),
            Ok(Said::End) => break None,
            Ok(Said::Nothing) => panic!("{}", String::from_utf8_lossy(&all)),
            Err(failure) => break Some(failure),
        }
    };
    (String::from_utf8(all).unwrap(), failure)
}

/// So much of it as is there by the time that this is.
#[track_caller]
fn up_to(log: &mut Followed<'_, Gateway>, words: &str) -> String {
    let mut all = String::new();
    while !all.contains(words) {
        match log.next(later()) {
            Ok(Said::Words(more)) => all.push_str(&String::from_utf8(more).unwrap()),
            other => panic!("{all}: {other:?}"),
        }
    }
    all
}

#[test]
fn a_log_is_followed_to_the_end_of_its_container() {
    let world = World::with(
        "echo one; echo two; until test -e go; do sleep 0.1; done; echo three; until test -e end; do sleep 0.1; done",
    );
    world.says("two");
    let mut log = world.followed(Part::Last(1));
    assert_eq!(up_to(&mut log, "two\n"), "two\n");
    assert_eq!(log.next(Instant::now() + Duration::from_millis(100)).unwrap(), Said::Nothing);
    let home = world.cluster.find_pod("default", "p").home();
    std::fs::write(home.join("go"), "").unwrap();
    assert_eq!(up_to(&mut log, "three\n"), "three\n");
    std::fs::write(home.join("end"), "").unwrap();
    assert_eq!(heard(&mut log), (String::new(), None));
}

#[test]
fn a_silent_container_is_not_taken_for_a_frozen_link() {
    let world = World::with("echo one; until test -e go; do sleep 0.1; done; echo two; exec sleep 1000");
    world.says("one");
    let mut log = world.followed(Part::All);
    up_to(&mut log, "one\n");
    world.cluster.forget_calls();
    kubesim::eventually("three looks", || {
        assert_eq!(log.next(Instant::now() + Duration::from_millis(100)).unwrap(), Said::Nothing);
        (world.cluster.calls().matching(&requests_for("pods/log")).len() >= 3).then_some(())
    });
    std::fs::write(world.cluster.find_pod("default", "p").home().join("go"), "").unwrap();
    assert_eq!(up_to(&mut log, "two\n"), "two\n");
}

#[rstest]
#[case::hang_up(Farewell::HangUp)]
#[case::reset(Farewell::Reset)]
fn a_followed_log_that_is_cut_has_not_ended(#[case] farewell: Farewell) {
    let world = World::with("echo one; exec sleep 1000");
    world.says("one");
    world.cluster.when(requests_for("pods/log")).then(Fault::cut_after(Duration::from_millis(500)).saying(farewell));
    let (_, failure) = heard(&mut world.followed(Part::All));
    assert!(failure.as_ref().is_some_and(|failure| failure.kind == Kind::Unreachable), "{failure:?}");
}

/// Its connection alone: that words are missing is seen by another one.
#[test]
fn words_that_do_not_come_end_a_followed_log() {
    let world = World::with("echo one; until test -e go; do sleep 0.1; done; while :; do echo more; sleep 0.5; done");
    world.says("one");
    world.cluster.when(requests_for("pods/log").once()).then(Fault::freeze_after(Duration::from_secs(2)));
    let mut log = world.followed(Part::All);
    up_to(&mut log, "one\n");
    // Frozen by now.
    assert_eq!(log.next(Instant::now() + Duration::from_secs(3)).unwrap(), Said::Nothing);
    std::fs::write(world.cluster.find_pod("default", "p").home().join("go"), "").unwrap();
    let (said, failure) = heard(&mut log);
    assert_eq!((said.as_str(), failure.unwrap().kind), ("", Kind::Unreachable));
}

#[test]
fn a_link_that_has_frozen_is_noticed() {
    let world = World::with("echo one; exec sleep 1000");
    world.says("one");
    let mut log = world.followed(Part::All);
    up_to(&mut log, "one\n");
    world.cluster.when(requests_for("pods/log")).then(Fault::Silence);
    let (_, failure) = heard(&mut log);
    let failure = failure.unwrap();
    assert!(failure.kind == Kind::Unreachable && failure.late, "{failure:?}");
}

//! A watch through the real `kubectl proxy` over a simulated cluster.
//!
//! The simulated API server speaks HTTP/1.1 alone: that kubectl pings an HTTP/2 connection of its own, and ends it and what
//! goes through it when nothing comes back, cannot be seen here. What is seen is the look beside the watch.

use std::sync::Mutex;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use kubesim::{Cluster as Simulated, Farewell, Fault, Requests, lists, requests, requests_for, watches};
use rstest::rstest;

use super::*;
use crate::cluster::gateway::{Access, Gateway};

mod served;

const LONG: Duration = Duration::from_secs(60);

/// A cluster, and the process groups of the ways to it that were made.
struct World {
    cluster: Simulated,
    here: Cluster,
    ways: Arc<Mutex<Vec<i32>>>,
}

type Opener = Box<dyn FnMut() -> Result<Arc<Gateway>, Failure>>;

impl World {
    fn new() -> Self {
        let cluster = Simulated::start();
        let here = Cluster { kubeconfig: Some(cluster.kubeconfig()), context: None, namespace: None };
        Self { cluster, here, ways: Arc::default() }
    }

    fn pod(&self, name: &str) -> kubesim::Running {
        self.cluster.pod(name).runs(&["sleep", "1000"]).start()
    }

    fn watch(&self) -> Pods<Gateway, Opener> {
        let (here, ways) = (self.here.clone(), self.ways.clone());
        let open = move || {
            let access = Access::Workers(vec!["default".parse().unwrap()]);
            let gateway = Gateway::start(&here, &access, Instant::now() + LONG)?;
            ways.lock().unwrap().push(gateway.guard.id() as i32);
            Ok(Arc::new(gateway))
        };
        Pods::of(self.here.clone(), Box::new(open) as Opener).unwrap()
    }

    fn ways(&self) -> usize {
        self.ways.lock().unwrap().len()
    }

    fn count(&self, requests: &Requests) -> usize {
        self.cluster.calls().matching(requests).len()
    }
}

/// What is told up to the first that is this.
#[track_caller]
fn up_to<W: Way, Open: FnMut() -> Result<Arc<W>, Failure>>(
    pods: &mut Pods<W, Open>,
    is_it: impl Fn(&str) -> bool,
) -> Vec<String> {
    let (mut all, end) = (Vec::new(), Instant::now() + LONG);
    loop {
        let Some(event) = pods.next(end) else { panic!("not told: {all:?}") };
        let said = match event {
            Event::Appeared(pod) => format!("+{}", pod.metadata.name),
            Event::Changed(pod) => format!("~{}", pod.metadata.name),
            Event::Gone { name, .. } => format!("-{name}"),
            Event::InSync(at) => {
                assert!(at <= Instant::now());
                "=".to_owned()
            }
            Event::Lost(failure) => format!("!{} {}", failure.status(), failure.reason),
            Event::Polled(failure) => format!("?{} {}", failure.status(), failure.remedy()),
        };
        let is_it = is_it(&said);
        all.push(said);
        if is_it {
            return all;
        }
    }
}

/// The same without changes of what was there, and without marks.
fn comings(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).filter(|said| said.starts_with(['+', '-'])).collect()
}

fn losses(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).filter(|said| said.starts_with('!')).collect()
}

#[test]
fn what_is_there_comes_first_and_then_what_happens() {
    let world = World::new();
    let a = world.pod("a");
    let mut pods = world.watch();
    assert_eq!(comings(&up_to(&mut pods, |said| said == "=")), ["+a"]);
    assert_eq!(pods.next(Instant::now()).map(drop), None, "nobody is kept waiting");
    world.pod("b");
    assert_eq!(comings(&up_to(&mut pods, |said| said == "+b")), ["+b"]);
    a.pod().delete();
    let all = up_to(&mut pods, |said| said == "-a");
    assert!(all.contains(&"~a".to_owned()) || all.contains(&"~b".to_owned()), "{all:?}");
    // Long enough for a look to see the same.
    assert_eq!(losses(&up_to(&mut pods, |said| said == "=")), [""; 0]);
    assert_eq!((world.ways(), world.count(&watches())), (1, 1));
}

#[test]
fn what_a_pod_is_made_of_is_told_with_it() {
    let world = World::new();
    world.pod("a");
    let mut pods = world.watch();
    let end = Instant::now() + LONG;
    loop {
        match pods.next(end).expect("a pod that runs") {
            Event::Appeared(pod) | Event::Changed(pod) if crate::cluster::pod::state::of(&pod, None).is_ok() => {
                assert!(!pod.metadata.uid.is_empty() && pod.spec.containers.len() == 1, "{pod:?}");
                return;
            }
            _ => {}
        }
    }
}

/// Whatever ends it, nothing is lost and nothing is told twice.
#[rstest]
#[case::the_server(Fault::cut_after(Duration::from_millis(300)).looking_like_success(), false)]
#[case::a_cut(Fault::cut_after(Duration::from_millis(300)), true)]
#[case::a_reset(Fault::cut_after(Duration::from_millis(300)).saying(Farewell::Reset), true)]
fn a_watch_goes_on_where_it_was(#[case] fault: Fault, #[case] is_lost: bool) {
    let world = World::new();
    world.pod("a");
    let mut pods = world.watch();
    world.cluster.when(watches().next(3)).then(fault);
    let mut all = up_to(&mut pods, |said| said == "=");
    // While there is no watch.
    kubesim::eventually("the end of a watch", || {
        all.extend(pods.next(Instant::now() + Duration::from_millis(10)).map(|event| format!("{event:?}")));
        (world.count(&watches()) >= 2).then_some(())
    });
    world.pod("b");
    all.extend(up_to(&mut pods, |said| said == "+b"));
    kubesim::eventually("the fourth watch", || {
        all.extend(pods.next(Instant::now() + Duration::from_millis(10)).map(|event| format!("{event:?}")));
        (world.count(&watches()) >= 4).then_some(())
    });
    world.pod("c");
    all.extend(up_to(&mut pods, |said| said == "+c"));
    assert_eq!(comings(&all), ["+a", "+b", "+c"]);
    assert_eq!(all.iter().any(|said| said.starts_with(['!', 'L'])), is_lost, "{all:?}");
    // It has the version where it goes on: no list but the first, and looks.
    let full = world.cluster.calls();
    let full = full.matching(&lists());
    assert_eq!(full.iter().filter(|call| call.path.contains("limit=250")).count(), 1, "{full:?}");
}

/// As an event of the watch, and as the answer to the request for it.
#[rstest]
fn what_was_missed_is_told_when_the_history_is_lost(#[values(false, true)] as_status: bool) {
    let world = World::new();
    let (a, _b) = (world.pod("a"), world.pod("b"));
    let mut pods = world.watch();
    up_to(&mut pods, |said| said == "=");
    // A list follows each watch that is refused in this way.
    let rule = world.cluster.when(watches()).then(Fault::Status(if as_status { 410 } else { 503 }));
    world.cluster.drop_connections();
    up_to(&mut pods, |said| said == "=" && as_status || said.starts_with('!'));
    a.pod().delete();
    kubesim::eventually("its end", || world.cluster.object("pods", "default", "a").is_none().then_some(()));
    world.pod("c");
    world.cluster.compact();
    if !as_status {
        rule.lift();
        assert_eq!(comings(&up_to(&mut pods, |said| said == "+c")), ["-a", "+c"]);
    } else {
        assert_eq!(comings(&up_to(&mut pods, |said| said == "+c")), ["-a", "+c"]);
        rule.lift();
    }
    world.pod("d");
    assert_eq!(comings(&up_to(&mut pods, |said| said == "+d")), ["+d"]);
}

/// The connection of the watch alone, which a look that comes by another one shows.
#[rstest]
#[case::before_it_is_granted(Fault::freeze_after(Duration::ZERO))]
#[case::before_the_first_event(Fault::freeze_after_bytes(0))]
#[case::later(Fault::freeze_after(Duration::from_secs(2)))]
fn a_watch_that_nothing_comes_through_any_more_is_made_again(#[case] fault: Fault) {
    let world = World::new();
    world.pod("a");
    world.cluster.when(watches().once()).then(fault);
    let mut pods = world.watch();
    let mut all = up_to(&mut pods, |said| said == "=");
    world.pod("b");
    all.extend(up_to(&mut pods, |said| said == "+b"));
    world.pod("c");
    all.extend(up_to(&mut pods, |said| said == "+c"));
    assert_eq!(comings(&all), ["+a", "+b", "+c"]);
}

/// Nothing comes through at all, and nobody says so.
#[test]
fn a_frozen_link_is_seen_and_the_way_replaced() {
    let world = World::new();
    world.pod("a");
    let mut pods = world.watch();
    up_to(&mut pods, |said| said == "=");
    world.cluster.when(watches()).then(Fault::freeze_after(Duration::ZERO));
    world.cluster.when(lists()).then(Fault::Silence);
    world.cluster.drop_connections();
    let began = Instant::now();
    // The cut is seen at once; then there is nothing to be seen but that no answer comes.
    let all = up_to(&mut pods, |said| said.contains("no answer"));
    assert!(all.last().unwrap().starts_with("!unreachable"), "{all:?}");
    assert!(began.elapsed() >= Duration::from_secs(5), "{:?}", began.elapsed());
    world.cluster.lift_all_faults();
    world.pod("b");
    assert_eq!(comings(&up_to(&mut pods, |said| said == "+b")), ["+b"]);
    assert_eq!(world.ways(), 2);
}

#[test]
fn a_look_without_an_answer_ends_a_watch_that_is_silent() {
    let world = World::new();
    world.pod("a");
    let mut pods = world.watch();
    // The first look comes by, so that the watch is well.
    up_to(&mut pods, |said| said == "=");
    up_to(&mut pods, |said| said == "=");
    world.cluster.when(lists()).then(Fault::Silence);
    let all = up_to(&mut pods, |said| said.starts_with('!'));
    assert!(all.last().unwrap().contains("no answer"), "{all:?}");
}

#[test]
fn a_kubectl_that_stands_still_is_replaced() {
    let world = World::new();
    world.pod("a");
    let mut pods = world.watch();
    up_to(&mut pods, |said| said == "=");
    killpg(Pid::from_raw(world.ways.lock().unwrap()[0]), Signal::SIGSTOP).unwrap();
    world.pod("b");
    let mut all = up_to(&mut pods, |said| said.starts_with('!'));
    assert!(all.last().unwrap().contains("no answer"), "{all:?}");
    all.extend(up_to(&mut pods, |said| said == "+b"));
    assert_eq!((comings(&all), world.ways()), (vec!["+b"], 2));
}

/// The watch is granted, from a version that is yet to come.
#[test]
fn a_server_that_counts_anew_is_listed_anew() {
    let world = World::new();
    let (a, _b) = (world.pod("a"), world.pod("b"));
    let mut pods = world.watch();
    up_to(&mut pods, |said| said == "=");
    // So many versions that none of the new ones reaches them.
    kubesim::eventually("a history", || {
        world.cluster.kubectl(&["annotate", "--overwrite", "pod/b", &format!("n={}", world.cluster.calls().len())]).expect(0);
        (world.cluster.calls().len() > 60).then_some(())
    });
    up_to(&mut pods, |said| said == "=");
    world.cluster.count_versions_anew();
    world.cluster.drop_connections();
    a.pod().delete();
    assert_eq!(comings(&up_to(&mut pods, |said| said == "-a")), ["-a"]);
    world.pod("c");
    assert_eq!(comings(&up_to(&mut pods, |said| said == "+c")), ["+c"]);
}

#[test]
fn without_the_right_to_watch_there_are_lists() {
    let world = World::new();
    world.pod("a");
    world.cluster.forbid("watch", "pods");
    let mut pods = world.watch();
    let all = up_to(&mut pods, |said| said.starts_with('?'));
    assert_eq!(
        (comings(&all), all.last().unwrap().as_str()),
        (vec!["+a"], "?forbidden ask for a role that may watch pods in this namespace")
    );
    world.pod("b");
    let began = Instant::now();
    assert_eq!(comings(&up_to(&mut pods, |said| said == "+b")), ["+b"]);
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
    // Told once, and not tried each time.
    pods.ask_again();
    assert_eq!(up_to(&mut pods, |said| said == "=").iter().filter(|said| said.starts_with(['?', '!'])).count(), 0);
    assert_eq!(world.count(&watches()), 1);
}

#[test]
fn one_refusal_of_a_login_is_tried_once_more() {
    let world = World::new();
    world.pod("a");
    let mut pods = world.watch();
    world.cluster.when(requests_for("pods").once()).then(Fault::Status(401));
    world.cluster.when(watches().once()).then(Fault::Status(401));
    assert_eq!(losses(&up_to(&mut pods, |said| said == "=")), [""; 0]);
    world.pod("b");
    assert_eq!(losses(&up_to(&mut pods, |said| said == "+b")), [""; 0]);
}

#[test]
fn nobody_who_is_logged_out_asks_again_by_himself() {
    let world = World::new();
    world.pod("a");
    let mut pods = world.watch();
    world.cluster.when(requests()).then(Fault::Status(401));
    let all = up_to(&mut pods, |said| said.starts_with('!'));
    assert_eq!(all, ["!unauthorized not logged in to the cluster"]);
    assert!(pods.next(Instant::now() + Duration::from_secs(3)).is_none());
    assert_eq!(world.count(&requests()), 2);
    world.cluster.lift_all_faults();
    pods.ask_again();
    assert_eq!(comings(&up_to(&mut pods, |said| said == "=")), ["+a"]);
}

/// Each try is one request, and comes later than the one before.
#[rstest]
#[case::unavailable(503, "unreachable")]
#[case::too_many_requests(429, "unreachable")]
#[case::failed(500, "unreachable")]
fn a_server_in_trouble_is_asked_less_and_less_often(#[case] status: u16, #[case] word: &str) {
    let world = World::new();
    let mut pods = world.watch();
    world.cluster.when(lists()).then(Fault::Status(status));
    let began = Instant::now();
    for tries in 1..=4 {
        let all = up_to(&mut pods, |said| said.starts_with('!'));
        assert!(all.len() == 1 && all[0].starts_with(&format!("!{word}")), "{all:?}");
        assert_eq!(world.count(&lists()), tries);
    }
    // 200, 400, 800 ms, shortened by a third at most; who says that there is too much to do is left alone for longer.
    let least = if status == 429 { 6_000 } else { 1_000 };
    assert!(began.elapsed() >= Duration::from_millis(least), "{:?}", began.elapsed());
}

#[test]
fn a_namespace_that_may_not_be_listed_is_forbidden() {
    let world = World::new();
    world.cluster.forbid("list", "pods");
    let mut pods = world.watch();
    let all = up_to(&mut pods, |said| said.starts_with('!'));
    assert!(all.len() == 1 && all[0].starts_with("!forbidden"), "{all:?}");
    assert!(pods.next(Instant::now() + Duration::from_secs(2)).is_none());
    assert_eq!(world.count(&lists()), 1);
}

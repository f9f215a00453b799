//! What windows that were killed together have left on a worker, and the question that comes next.

use std::time::{Duration, Instant};

use kubesim::{Cluster, Fault, everything};

use crate::crowd::{Crowd, ours, views};
use crate::operator::{Image, Operator};
use crate::support::eventually;
use crate::table::{Bound, Row};
use crate::timing::{Pair, time};

const ROUND_TRIP: Duration = Duration::from_millis(50);
const WINDOWS: usize = 47;
const ROUNDS: usize = 7;
/// How much longer than a question alone it may take until it is answered, and until nothing is left.
const ANSWERED: Duration = Duration::from_millis(600);
const GONE: Duration = Duration::from_secs(1);

/// On workers of both kinds: until nothing is left, and until the question is answered, beside the question alone.
pub fn rows() -> Vec<Row> {
    [("Debian", Image::Debian), ("busybox", Image::Alpine)].into_iter().flat_map(|(name, image)| on(name, image)).collect()
}

fn on(name: &str, image: Image) -> [Row; 2] {
    let cluster = Cluster::start();
    let workload = cluster.deployment("fleet").with_all(image.oddities());
    let worker = workload.session("qa", "echo I am qa; exec cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
    let (world, pod) = (&operator.world, worker.pod());
    let screen = world.screen();
    let mut peek = world.command(&["peek", "w/qa"]);
    let mut round = || {
        let alone = time(&mut peek);
        let _crowd = Crowd::leave(world, &screen, &pod, WINDOWS);
        let begin = Instant::now();
        let answered = time(&mut peek);
        eventually("the last of them to go", || (ours(&pod).is_empty() && pod.clients().is_empty()).then_some(()));
        let gone = begin.elapsed();
        assert_eq!(views(world), 0, "they are gone, and nobody has noticed");
        (answered, gone, alone)
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    let answered = Pair::of(&rounds.iter().map(|(answered, _, alone)| (*answered, *alone)).collect::<Vec<_>>());
    let gone = Pair::of(&rounds.iter().map(|(_, gone, alone)| (*gone, *alone)).collect::<Vec<_>>());
    let beside = "the same without them";
    [
        Row::time(
            &format!("`peek`, {WINDOWS} killed windows' clients on a pod of {name}"),
            answered,
            beside,
            Bound::Over(ANSWERED),
        ),
        Row::time(&format!("the same, until none is left ({name})"), gone, beside, Bound::Over(GONE)),
    ]
}

//! Everything that breaks, at random moments, over and over, with somebody who types on.

use std::thread;
use std::time::{Duration, Instant};

use kubesim::{Farewell, Fault, everything};

use crate::chance::Chance;
use crate::fleet::{Fleet, VIEWS, Verdict, Window};
use crate::sleep::Asleep;
use crate::support::Screen;

/// How much of it; a round is one of each window.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub cuts: usize,
    pub freezes: usize,
    pub replacements: usize,
    /// Windows that are opened while their first connection fails.
    pub openings: usize,
    pub outages: usize,
    pub outage: Duration,
    pub sleeps: usize,
    pub sleep: Duration,
}

/// What it breaks over.
struct Scene<'a> {
    fleet: &'a Fleet,
    screen: &'a Screen<'a>,
    windows: &'a [Window<'a>],
    weather: Weather,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Aftermath {
    pub cuts: usize,
    pub freezes: usize,
    pub replacements: usize,
    pub openings: usize,
    pub outages: usize,
    pub sleeps: usize,
    /// From "nothing passes any more" to "it stalls", and to "the connection is given up".
    pub stalled: Vec<Duration>,
    pub given_up: Vec<Duration>,
    /// From "the network is back" to "what is typed shows": after cuts, freezes and outages.
    pub after_cut: Vec<Duration>,
    pub after_freeze: Vec<Duration>,
    pub after_outage: Vec<Duration>,
    /// The same from "the new pod is ready".
    pub replaced: Vec<Duration>,
    /// The same from "the API server answers", in windows whose first connection had failed.
    pub opened: Vec<Duration>,
    /// The same from "the machine is awake, and the network is there".
    pub resumed: Vec<Duration>,
    pub closed_windows: usize,
    pub wrong_sessions: usize,
    pub leaked_clients: usize,
    pub leaked_processes: usize,
    pub zombies: usize,
    pub verdicts: Vec<Verdict>,
}

pub fn run(weather: Weather, chance: &mut Chance) -> Aftermath {
    let fleet = Fleet::start();
    let zombies = fleet.zombies();
    let screen = fleet.operator.world.screen();
    let windows = fleet.open(&screen);
    let scene = Scene { fleet: &fleet, screen: &screen, windows: &windows, weather };
    let mut after = Aftermath::default();
    let rounds = [weather.cuts, weather.freezes, weather.replacements, weather.openings, weather.outages, weather.sleeps];
    let kinds = [cut_round, freeze_round, replace_round, open_round, outage_round, sleep_round];
    // In turn, so that none of them has the fleet to itself.
    let most = rounds.into_iter().max().unwrap_or(0);
    for round in 0..most {
        for (kind, count) in kinds.iter().zip(rounds) {
            if (round + 1) * count / most > round * count / most {
                kind(&scene, chance, &mut after);
                look(&windows, &mut after);
            }
        }
    }
    after.closed_windows += closed(&screen, &windows);
    screen.inner(&["kill-window", "-a", "-t", "home"]);
    (after.leaked_clients, after.leaked_processes) = fleet.leaked();
    after.zombies = left(|| fleet.zombies().saturating_sub(zombies));
    after.verdicts = windows.iter().map(Window::verdict).collect();
    after
}

/// How many stay: whoever has just ended is waited for a moment later, on a busy machine.
fn left(count: impl Fn() -> usize) -> usize {
    let end = Instant::now() + Duration::from_secs(10);
    while count() > 0 && Instant::now() < end {
        thread::sleep(Duration::from_millis(50));
    }
    count()
}

fn look(windows: &[Window<'_>], after: &mut Aftermath) {
    after.wrong_sessions += windows.iter().filter(|window| !window.is_in_its_session()).count();
}

fn closed(screen: &Screen<'_>, windows: &[Window<'_>]) -> usize {
    let panes = screen.inner(&["list-panes", "-a", "-F", "#{pane_id}"]);
    windows.iter().filter(|window| !panes.lines().any(|pane| pane == window.pane())).count()
}

/// Do something with each window at the same time, and collect what it says.
fn each<T: Send>(windows: &[Window<'_>], chance: &mut Chance, work: impl Fn(&Window<'_>, Chance) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = windows
            .iter()
            .map(|window| {
                let chance = chance.split();
                scope.spawn(move || work(window, chance))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// What somebody does while it breaks; gives whether the session is in copy mode then.
fn be_busy(window: &Window<'_>, chance: &mut Chance) {
    match chance.below(4) {
        0 => window.noise(true),
        1 => window.enter_copy_mode(),
        2 => drop(window.type_and_see()),
        _ => window.type_blindly(),
    }
    thread::sleep(chance.time(Duration::ZERO, Duration::from_millis(500)));
}

fn be_quiet(window: &Window<'_>) {
    window.noise(false);
    window.leave_copy_mode();
}

fn resize(screen: &Screen<'_>, chance: &mut Chance) {
    screen.resize(80 + chance.below(80) as u16, 20 + chance.below(30) as u16);
}

fn cut_round(scene: &Scene<'_>, chance: &mut Chance, after: &mut Aftermath) {
    let &Scene { fleet, screen, windows, .. } = scene;
    if chance.below(2) == 0 {
        resize(screen, chance);
    }
    let back = each(windows, chance, |window, mut chance| {
        be_busy(window, &mut chance);
        let farewell = [Farewell::HangUp, Farewell::Reset, Farewell::CloseFrame(1000)][chance.below(3) as usize];
        let fault = Fault::cut_after_bytes(0).saying(farewell);
        let cut = fleet.operator.cluster.break_open_execs(&format!("fleet-{}-", window.number), &fault);
        let since = Instant::now();
        window.type_blindly();
        be_quiet(window);
        (cut, window.wait_usable(since))
    });
    after.cuts += back.iter().map(|(cut, _)| cut.min(&1)).sum::<usize>();
    after.after_cut.extend(back.into_iter().map(|(_, time)| time));
}

/// Nothing passes any more, not even a refusal; when the network is back, the old connections are dead for ever.
fn freeze_round(scene: &Scene<'_>, chance: &mut Chance, after: &mut Aftermath) {
    let &Scene { fleet, screen, windows, .. } = scene;
    let cluster = &fleet.operator.cluster;
    each(windows, chance, |window, mut chance| be_busy(window, &mut chance));
    cluster.refuse_connections();
    let frozen = Instant::now();
    after.freezes += (0..VIEWS)
        .map(|number| cluster.break_open_execs(&format!("fleet-{number}-"), &Fault::freeze_after_bytes(0)).min(1))
        .sum::<usize>();
    resize(screen, chance);
    let seen = each(windows, chance, |window, mut chance| {
        window.type_blindly();
        let stalled = window.wait_stalled(frozen);
        window.wait_down();
        let given_up = frozen.elapsed();
        thread::sleep(chance.time(Duration::ZERO, Duration::from_secs(1)));
        window.type_blindly();
        be_quiet(window);
        (stalled, given_up)
    });
    after.stalled.extend(seen.iter().map(|(stalled, _)| stalled));
    after.given_up.extend(seen.iter().map(|(_, given_up)| given_up));
    cluster.accept_connections();
    let since = Instant::now();
    after.after_freeze.extend(each(windows, chance, |window, _| window.wait_usable(since)));
}

fn replace_round(scene: &Scene<'_>, chance: &mut Chance, after: &mut Aftermath) {
    let &Scene { fleet, windows, .. } = scene;
    let replaced = each(windows, chance, |window, mut chance| {
        be_busy(window, &mut chance);
        window.noise(false);
        let old = fleet.pod(window.number);
        old.delete();
        fleet.worker(window.number).wait_replaced(&old);
        let since = Instant::now();
        window.wait_usable(since)
    });
    after.replacements += replaced.len();
    after.replaced.extend(replaced);
}

/// Windows are closed, and opened again while nobody can be reached: the API server refuses every connection, or takes them and
/// says nothing.
fn open_round(scene: &Scene<'_>, chance: &mut Chance, after: &mut Aftermath) {
    let &Scene { fleet, screen, windows, .. } = scene;
    let cluster = &fleet.operator.cluster;
    after.closed_windows += closed(screen, windows);
    let addresses: Vec<String> = windows.iter().map(Window::address).collect();
    let on_all = |verb| [verb].into_iter().chain(addresses.iter().map(String::as_str)).collect::<Vec<_>>();
    screen.run(&on_all("close")).expect(0);
    windows.iter().for_each(Window::wait_left);
    let silence = match chance.below(2) {
        0 => Some(cluster.when(everything()).then(Fault::Silence)),
        _ => {
            cluster.refuse_connections();
            None
        }
    };
    screen.run(&on_all("open")).expect(0);
    each(windows, chance, |window, mut chance| {
        window.find();
        window.wait_first_failed();
        window.type_blindly();
        thread::sleep(chance.time(Duration::ZERO, Duration::from_secs(1)));
    });
    match silence {
        Some(silence) => silence.lift(),
        None => cluster.accept_connections(),
    }
    let since = Instant::now();
    let opened = each(windows, chance, |window, _| window.wait_usable(since));
    after.openings += opened.len();
    after.opened.extend(opened);
}

fn outage_round(scene: &Scene<'_>, chance: &mut Chance, after: &mut Aftermath) {
    let &Scene { fleet, windows, weather, .. } = scene;
    let cluster = &fleet.operator.cluster;
    cluster.refuse_connections();
    cluster.drop_connections();
    let end = Instant::now() + weather.outage;
    each(windows, chance, |window, mut chance| {
        window.wait_down();
        while Instant::now() < end {
            window.type_blindly();
            thread::sleep(chance.time(Duration::from_millis(100), Duration::from_secs(1)));
        }
    });
    cluster.accept_connections();
    let since = Instant::now();
    after.outages += 1;
    after.after_outage.extend(each(windows, chance, |window, _| window.wait_usable(since)));
}

/// The operator's machine sleeps, and the network freezes meanwhile; both are back at the same moment.
fn sleep_round(scene: &Scene<'_>, chance: &mut Chance, after: &mut Aftermath) {
    let &Scene { fleet, screen, windows, weather } = scene;
    let cluster = &fleet.operator.cluster;
    each(windows, chance, |window, mut chance| {
        be_busy(window, &mut chance);
        be_quiet(window);
    });
    let asleep = Asleep::begin(&fleet.operator.world, screen);
    cluster.refuse_connections();
    for number in 0..VIEWS {
        cluster.break_open_execs(&format!("fleet-{number}-"), &Fault::freeze_after_bytes(0));
    }
    thread::sleep(weather.sleep);
    cluster.accept_connections();
    let since = Instant::now();
    asleep.wake();
    after.sleeps += 1;
    after.resumed.extend(each(windows, chance, |window, _| window.wait_usable(since)));
}

impl Aftermath {
    /// What must be nothing, with its name.
    pub fn faults(&self) -> Vec<(&'static str, usize)> {
        let sum = |count: fn(&Verdict) -> usize| self.verdicts.iter().map(count).sum();
        vec![
            ("closed windows", self.closed_windows),
            ("wrong sessions", self.wrong_sessions),
            ("leaked clients", self.leaked_clients),
            ("leaked processes", self.leaked_processes),
            ("zombies in pods", self.zombies),
            ("seen words that are not there exactly once", sum(|verdict| verdict.not_once)),
            ("words that arrived twice", sum(|verdict| verdict.doubled)),
            ("words typed while down that arrived", sum(|verdict| verdict.arrived_after_down)),
            ("words of other windows", sum(|verdict| verdict.of_others)),
        ]
    }

    pub fn words(&self) -> (usize, usize) {
        let sum = |count: fn(&Verdict) -> usize| self.verdicts.iter().map(count).sum();
        (sum(|verdict| verdict.seen), sum(|verdict| verdict.typed_while_down))
    }
}

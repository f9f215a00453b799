//! The gateways of one command: one for each cluster of which several workers are asked. One worker costs less without, unless it is
//! asked for a long time.
//!
//! What is not known to work in this way is asked by `kubectl exec`, as if there were no gateways: kubectl has other protocols,
//! a terminal to ask on, and words of its own for what is wrong.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::opening::{Opening, Openings};
use super::{Access, Answer, Gateway, Method, NoAnswer, Polecats, Target, refusal, unfit};
use crate::cluster::Cluster;
use crate::cluster::login::{self, Manner};
use crate::failure::{Failure, Kind};
use crate::process::{self, Greeting, Held, Output, Request};
use crate::registry::names::ObjectName;

/// From so many workers on.
const SEVERAL: usize = 2;
/// How long kubectl may take to listen, beside half of the time that there is.
const STARTS_WITHIN: Duration = Duration::from_secs(5);

/// After how long another one is tried where there was none, by who lasts.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How long kubectl may take to refuse what it refuses by itself.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// They end with this value.
#[derive(Default)]
pub struct Gateways {
    all: Mutex<HashMap<Key, Arc<Shared>>>,
    /// Nothing is kept of what they find: where there is no place for it.
    forget: bool,
    /// They are for polecats, and not for workers.
    polecats: Option<Polecats>,
    /// There is one for a single worker, too.
    are_lasting: bool,
}

impl Debug for Gateways {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gateways").finish_non_exhaustive()
    }
}

/// The kubeconfig and the context.
type Key = (Option<PathBuf>, Option<String>);

/// The gateway to one cluster.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    openings: Arc<Openings>,
    polecats: Option<Polecats>,
    is_lasting: bool,
}

#[derive(Default)]
struct State {
    /// How many workers will be asked, and in which namespaces they are.
    workers: usize,
    namespaces: BTreeSet<ObjectName>,
    way: Way,
}

#[derive(Default)]
enum Way {
    #[default]
    Unknown,
    /// Somebody starts it.
    Starting,
    There(Arc<Gateway>, BTreeSet<ObjectName>),
    /// There is none; who lasts tries again after a while.
    No(Instant),
}

impl Gateways {
    #[cfg(test)]
    pub fn that_forget() -> Self {
        Self { forget: true, ..Self::default() }
    }

    /// For a command about polecats; it says with [`Self::expect`] where they are.
    pub fn of_polecats(polecats: Polecats) -> Self {
        Self { polecats: Some(polecats), ..Self::default() }
    }

    /// For workers that are asked for a long time.
    pub fn lasting() -> Self {
        Self { are_lasting: true, ..Self::default() }
    }

    /// Some more workers will be asked. One that is there and does not let anybody into a namespace of theirs is replaced.
    pub fn expect<'a>(&self, workers: impl IntoIterator<Item = &'a Cluster>) {
        let mut all = self.lock();
        for cluster in workers {
            let Some(namespace) = namespace(cluster) else { continue };
            let new = || Arc::new(Shared { polecats: self.polecats, is_lasting: self.are_lasting, ..Shared::default() });
            let shared = all.entry(key(cluster)).or_insert_with(new);
            let mut state = shared.lock();
            state.workers += if self.are_lasting { SEVERAL } else { 1 };
            if state.namespaces.insert(namespace) && matches!(state.way, Way::There(..)) {
                state.way = Way::Unknown;
            }
        }
    }

    /// Start those that will be needed, while their users wait for something else. Who logs in with a plugin goes alone first,
    /// by a kubectl that is looked at.
    pub fn start(&self, deadline: Instant) {
        let shared = self.lock().iter().map(|(key, shared)| (key.clone(), shared.clone())).collect::<Vec<_>>();
        for ((kubeconfig, context), shared) in shared {
            let cluster = Cluster { kubeconfig, context, namespace: None };
            if login::is_free_of_plugins(&cluster) && shared.may_start(&cluster) {
                thread::spawn(move || shared.start(&cluster, deadline));
            }
        }
    }

    /// What the API says at a path below the cluster's namespace (`/pods?labelSelector=…`); `None` when this is not the way to it.
    pub fn get(&self, cluster: &Cluster, path: &str, deadline: Instant) -> Option<Result<Vec<u8>, Failure>> {
        let (gateway, namespace, _) = self.way(cluster, deadline)?;
        let path = format!("/api/v1/namespaces/{namespace}{path}");
        process::say(|| format!("GET {path}"));
        Some(match gateway.ask(Method::Get, &path, None, deadline) {
            Ok(Answer { status: 200, body }) => Ok(body),
            Ok(answer) => Err(cluster.named(refusal(&answer)).before_start()),
            Err(failure) => Err(cluster.named(failure).before_start()),
        })
    }

    /// Run a command in a container; `None` when this is not the way to it, and it has not run.
    pub fn exec(
        &self,
        cluster: &Cluster,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        request: Request<'_>,
    ) -> Option<Result<Output, Failure>> {
        let run = |gateway: &Arc<Gateway>, target: Target<'_>, opening: Opening| gateway.exec(target, request, opening);
        self.in_container(cluster, pod, container, request.deadline, run)
    }

    /// Start a command in a container that stays and is asked again and again, and greet it; `None` as for [`Self::exec`]. Whoever
    /// holds something lives long: a gateway that has ended meanwhile, or stands still, is replaced.
    pub fn hold(
        &self,
        cluster: &Cluster,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        argv: &[String],
        greeting: Greeting<'_>,
        deadline: Instant,
    ) -> Option<Result<Held, Failure>> {
        let hold = |gateway: &Arc<Gateway>, target: Target<'_>, opening: Opening| {
            gateway.hold(target, argv, greeting, opening, deadline)
        };
        self.forget_what_is_dead(cluster, deadline);
        self.in_container(cluster, pod, container, deadline, hold)
    }

    fn in_container<T>(
        &self,
        cluster: &Cluster,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        deadline: Instant,
        ask: impl FnOnce(&Arc<Gateway>, Target<'_>, Opening) -> Result<T, NoAnswer>,
    ) -> Option<Result<T, Failure>> {
        let (gateway, namespace, shared) = self.way(cluster, deadline)?;
        let named = container.map(ObjectName::as_str).unwrap_or_default();
        let opening = shared.openings.begin(format!("{namespace} {pod} {named}"));
        match ask(&gateway, Target { namespace: &namespace, pod, container }, opening) {
            Ok(answer) => Some(Ok(answer)),
            Err(NoAnswer::Failed(failure)) => Some(Err(cluster.named(failure))),
            Err(NoAnswer::NoWay { why, lasting }) => {
                process::say(|| format!("not through kubectl proxy: {why}"));
                shared.lock().way = Way::No(Instant::now());
                if lasting && !self.forget {
                    unfit::note(cluster, Some(&why));
                }
                None
            }
        }
    }

    fn forget_what_is_dead(&self, cluster: &Cluster, deadline: Instant) {
        let shared = self.lock().get(&key(cluster)).cloned();
        if let Some(shared) = shared {
            shared.forget_what_is_dead(deadline);
        }
    }

    /// The gateway to a cluster, if there is one or can be, for something that lasts: replaced as for [`Self::hold`].
    pub fn there(&self, cluster: &Cluster, deadline: Instant) -> Option<Arc<Gateway>> {
        self.forget_what_is_dead(cluster, deadline);
        self.way(cluster, deadline).map(|(gateway, ..)| gateway)
    }

    /// Whether there is one to a cluster, or can be.
    pub fn lead_to(&self, cluster: &Cluster, deadline: Instant) -> bool {
        self.way(cluster, deadline).is_some()
    }

    /// Whether they are for what is asked for a long time: whom they do not lead to nobody holds then.
    pub fn are_lasting(&self) -> bool {
        self.are_lasting
    }

    /// The gateway to a cluster, if there is one or can be; and the namespace.
    pub(super) fn way(&self, cluster: &Cluster, deadline: Instant) -> Option<(Arc<Gateway>, ObjectName, Arc<Shared>)> {
        let namespace = namespace(cluster)?;
        let shared = self.lock().get(&key(cluster)).cloned()?;
        // Its kubectl runs the login plugin without anybody looking: only where somebody has come past it just now.
        let may_log_in = match login::manner() {
            Manner::Asked => login::turn(cluster, Some(deadline)).ok()?.goes_together(),
            // Who lasts may come in behind somebody who was just answered; it takes no more from him than one exec would.
            Manner::Unasked if self.are_lasting => login::is_free(cluster),
            Manner::Unasked => login::is_free_of_plugins(cluster),
            Manner::OnTerminal | Manner::InView => false,
        };
        let gateway = if may_log_in { shared.gateway(cluster, &namespace, deadline)? } else { return None };
        Some((gateway, namespace, shared))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Shared>>> {
        self.all.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The gateway, if it is there or can be, and lets us into this namespace.
    fn gateway(&self, cluster: &Cluster, namespace: &ObjectName, deadline: Instant) -> Option<Arc<Gateway>> {
        if self.may_start(cluster) {
            self.start(cluster, deadline);
        }
        let mut state = self.lock();
        loop {
            match &state.way {
                Way::There(gateway, namespaces) => return namespaces.contains(namespace).then(|| gateway.clone()),
                Way::Starting => {
                    let left = patience(deadline).checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
                    state = self.changed.wait_timeout(state, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
                }
                Way::Unknown | Way::No(_) => return None,
            }
        }
    }

    /// Have another gateway started in the place of one that does not answer.
    fn forget_what_is_dead(&self, deadline: Instant) {
        let there = match &self.lock().way {
            Way::There(gateway, _) => Arc::clone(gateway),
            _ => return,
        };
        if there.answers(deadline.min(Instant::now() + ANSWERS_WITHIN)) {
            return;
        }
        let mut state = self.lock();
        if matches!(&state.way, Way::There(gateway, _) if Arc::ptr_eq(gateway, &there)) {
            state.way = Way::Unknown;
        }
    }

    /// Whether it is for the caller to start it; nobody else does then.
    fn may_start(&self, cluster: &Cluster) -> bool {
        let mut state = self.lock();
        let is_due = match state.way {
            Way::Unknown => true,
            Way::No(since) => self.is_lasting && since.elapsed() >= AGAIN_AFTER,
            Way::Starting | Way::There(..) => false,
        };
        if !is_due || state.workers < SEVERAL {
            return false;
        }
        let can = unfit::by_kubeconfig(cluster).is_none() && unfit::by_experience(cluster).is_none();
        state.way = if can { Way::Starting } else { Way::No(Instant::now()) };
        can
    }

    fn start(&self, cluster: &Cluster, deadline: Instant) {
        let namespaces = self.lock().namespaces.clone();
        let names = namespaces.iter().cloned().collect();
        let access = match self.polecats {
            None => Access::Workers(names),
            Some(polecats) => Access::Polecats(names, polecats),
        };
        let way = match Gateway::start(cluster, &access, patience(deadline)) {
            Ok(gateway) => Way::There(Arc::new(gateway), namespaces),
            Err(failure) => {
                process::say(|| format!("not through kubectl proxy: {failure}"));
                if TOO_OLD.iter().any(|words| failure.reason.contains(words)) {
                    unfit::note(cluster, Some(&failure.reason));
                }
                Way::No(Instant::now())
            }
        };
        self.lock().way = way;
        self.changed.notify_all();
    }
}

const NOT_HELD: &str = "not held: no gateway leads to its cluster, so each command asks by itself";

/// A worker that is not held, since that would take a kubectl of its own.
pub fn not_held() -> Failure {
    Failure::new(Kind::Unreachable, NOT_HELD)
        .before_start()
        .lasting()
        .with_remedy("the line `gateway` of `factory-worker doctor` says why")
}

/// Whether that is why nothing is known of it.
pub fn is_not_held(failure: &Failure) -> bool {
    failure.reason == NOT_HELD
}

/// What a kubectl says that does not know what we want of it.
const TOO_OLD: [&str; 2] = ["unknown flag", "unknown command"];

fn patience(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + (deadline.saturating_duration_since(now) / 2).min(STARTS_WITHIN)
}

fn key(cluster: &Cluster) -> Key {
    (cluster.kubeconfig.clone(), cluster.context.clone())
}

fn namespace(cluster: &Cluster) -> Option<ObjectName> {
    cluster.namespace.clone().or_else(|| login::namespace(cluster))
}

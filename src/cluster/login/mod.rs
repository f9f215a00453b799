//! Logging in to a cluster with a login plugin: whether it may ask the operator something, one at a time, and none that nobody
//! asked for.
//!
//! Nobody knows beforehand what a plugin asks, and a name has to show while it is typed where a password must not: so the
//! terminal has to be as the operator has it when kubectl starts.

mod kubeconfig;
pub mod lender;
mod manner;
mod progress;
mod turn;

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::time::Instant;

pub use kubeconfig::{Login, contexts, files as kubeconfig_files};
pub use manner::{Acting, Manner, acting, answering, lend_terminal, manner, nobody_asks, note_answering};
pub use progress::Progress;
pub use turn::{Turn, is_unasked};

use super::Cluster;
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::terminal;
use kubeconfig::{Interactive, User, user};
use turn::Want;

/// What kubectl may do before it talks to this cluster.
pub fn of(cluster: &Cluster) -> Login {
    user(cluster).login
}

/// `HOST:PORT` of what kubectl connects to, by the files that it reads. kubectl itself is not asked: some builds of it ask the
/// cluster for its version before they do anything, and log in for that.
pub fn endpoint(cluster: &Cluster) -> Option<String> {
    super::endpoint::of(&user(cluster).cluster)
}

/// Whether every kubectl for this cluster may have to be answered on our terminal, one after the other: its login plugin
/// insists on one.
pub fn needs_terminal(cluster: &Cluster) -> bool {
    let insists = |user: User| user.plugin.is_some_and(|plugin| plugin.interactive == Interactive::Always);
    manner::lends_terminal() && !terminal::is_taken() && insists(user(cluster))
}

/// A login plugin that was still at work at the deadline; `said` is what it says, in parentheses.
pub fn not_finished(said: &str) -> Failure {
    Failure::new(Kind::Unauthorized, format!("the login plugin had not finished within the deadline{said}"))
        .before_start()
        .with_remedy("log in to the cluster (`kubectl get pods` does), or give it longer with --timeout")
}

/// Why a kubectl that has no terminal, and lasts, cannot do for a cluster what one for each question does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// `proxy-url` or `*_PROXY`: `kubectl proxy` (1.32) takes the former for no request that leaves HTTP.
    Proxy,
    /// Its login plugin insists on one.
    Terminal,
    /// kubectl itself asks who its user is.
    Questions,
    /// Nothing is said of it.
    NoContext,
}

/// What stands in the way of such a kubectl.
pub fn obstacle(cluster: &Cluster) -> Option<Obstacle> {
    let User { plugin, login, cluster, namespace } = user(cluster);
    match plugin {
        _ if namespace.is_none() => Some(Obstacle::NoContext),
        _ if super::endpoint::is_behind_proxy(&cluster) => Some(Obstacle::Proxy),
        Some(plugin) => (plugin.interactive == Interactive::Always).then_some(Obstacle::Terminal),
        None => (login == Login::Asks).then_some(Obstacle::Questions),
    }
}

/// Whether no program has to be run to log in to it.
pub fn is_free_of_plugins(cluster: &Cluster) -> bool {
    user(cluster).plugin.is_none()
}

/// The namespace that kubectl takes for this cluster when none is said; `None` when the files do not tell.
pub fn namespace(cluster: &Cluster) -> Option<ObjectName> {
    user(cluster).namespace?.parse().ok()
}

/// Whether this cluster can be asked without starting a login: its user has no plugin, or was answered a moment ago.
pub fn is_free(cluster: &Cluster) -> bool {
    user(cluster).plugin.is_none_or(|plugin| turn::is_vouched_for(&plugin.user))
}

/// Leave to ask this cluster; waited for until then at most, if at all. A user without a login plugin always has it.
///
/// # Errors
/// As [`Turn::take`].
pub fn turn(cluster: &Cluster, until: Option<Instant>) -> Result<Turn, Failure> {
    way(cluster, until).map(|way| way.turn)
}

/// What kubectl and its login plugin have for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    None,
    /// One on which nobody answers: a plugin that insists on a terminal, and asks nothing as long as it has something kept.
    Silent,
    /// One on which nobody answers either; but what is said is shown, and the login takes as long as it takes.
    Shown,
    /// One on which the operator answers.
    Lent,
}

/// How a kubectl may run.
#[derive(Debug)]
pub struct Way {
    pub turn: Turn,
    pub terminal: Terminal,
    /// What it is to be looked at for; `None` when it starts no login.
    pub progress: Option<Progress>,
}

/// The same for one kubectl.
///
/// # Errors
/// As [`Turn::take`].
pub fn way(cluster: &Cluster, until: Option<Instant>) -> Result<Way, Failure> {
    let User { plugin, login, .. } = user(cluster);
    let Some(plugin) = plugin else { return Ok(without_plugin(login)) };
    let progress = Some(Progress::begin());
    let manner = manner();
    let needs = needs_terminal(cluster);
    let terminal = match (plugin.interactive, manner) {
        _ if !io::stdin().is_terminal() => Terminal::None,
        (Interactive::Never, Manner::OnTerminal) if lender::is_there() => Terminal::Shown,
        (Interactive::Never, _) => Terminal::None,
        (_, Manner::OnTerminal) if !terminal::is_taken() => Terminal::Lent,
        (Interactive::Always, Manner::Asked) if needs => Terminal::Lent,
        (Interactive::Always, _) => Terminal::Silent,
        (Interactive::IfAvailable, _) => Terminal::None,
    };
    let want = match manner {
        Manner::Unasked => Want::Vouched,
        Manner::OnTerminal | Manner::InView => Want::Follow,
        Manner::Asked if needs => Want::Alone,
        Manner::Asked => Want::Wait,
    };
    if let Some(turn) = held(&plugin.user) {
        return Ok(Way { turn, terminal, progress });
    }
    // Somebody who is being asked on this very terminal may take as long as it takes.
    let until = until.filter(|_| want != Want::Alone);
    let turn = Turn::take(&plugin.user, want, until).map_err(|failure| cluster.named(failure))?;
    Ok(Way { turn, terminal, progress })
}

/// kubectl itself asks for a name and a password where nothing else says who its user is: each time, as it keeps nothing. Where it
/// cannot ask it says so.
fn without_plugin(login: Login) -> Way {
    let asks = login == Login::Asks && manner() == Manner::OnTerminal && io::stdin().is_terminal() && !terminal::is_taken();
    let terminal = if asks { Terminal::Lent } else { Terminal::None };
    Way { turn: Turn::free(), terminal, progress: asks.then(Progress::of_questions) }
}

thread_local! {
    static HELD: RefCell<Vec<Turn>> = const { RefCell::new(Vec::new()) };
}

fn held(user: &str) -> Option<Turn> {
    HELD.with_borrow(|held| held.iter().rfind(|turn| turn.is_of(user)).cloned())
}

/// While this lives, every kubectl of its thread has this turn.
#[must_use = "it is over when it is dropped"]
pub struct Holding(std::marker::PhantomData<*const ()>);

impl Drop for Holding {
    fn drop(&mut self) {
        HELD.with_borrow_mut(Vec::pop);
    }
}

impl Turn {
    /// Let this thread ask whatever it asks in this turn: look-up and exec are one question.
    pub fn hold(&self) -> Holding {
        HELD.with_borrow_mut(|held| held.push(self.clone()));
        Holding(std::marker::PhantomData)
    }
}

//! A polecat without tmux: its one session is the log of its container, and nobody can type into it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::objects::{self, Part};
use crate::failure::{Failure, Kind};
use crate::registry::names::{ObjectName, SessionName};
use crate::registry::origin::{Polecat, Reads};
use crate::registry::worker::{Place, PodRef, Worker};
use crate::remote::session::{Answer, Session, State};

/// What a polecat's container has said.
#[derive(Debug, Clone)]
pub struct Log {
    pub cluster: Cluster,
    pub pod: ObjectName,
    container: Option<ObjectName>,
    polecat: ObjectName,
    reads: Reads,
    /// Asked through these where they lead there.
    gateways: Option<Arc<Gateways>>,
}

impl Log {
    /// The log that a worker has; `None` for all but polecats.
    pub fn of(worker: &Worker) -> Option<Self> {
        let (polecat, Place::Pod(place)) = (worker.polecat()?, &worker.place) else { return None };
        let PodRef::Pod(pod) = &place.pod else { return None };
        Some(Self {
            cluster: Cluster::of(place),
            pod: pod.clone(),
            container: place.container.clone(),
            polecat: polecat.name.clone(),
            reads: polecat.reads,
            gateways: None,
        })
    }

    /// The log of this polecat, in its pod.
    pub fn of_polecat(cluster: Cluster, pod: ObjectName, polecat: &Polecat) -> Self {
        let container = Polecat::CONTAINER.parse().ok();
        Self { cluster, pod, container, polecat: polecat.name.clone(), reads: polecat.reads, gateways: None }
    }

    /// The same, asked through these.
    pub fn through(self, gateways: Arc<Gateways>) -> Self {
        Self { gateways: Some(gateways), ..self }
    }

    /// What was told of the polecat, with what comes from it: one that counts as stuck by its age works as long as it says
    /// something, in a tmux session (`sessions`) or in its log, which is asked for when there is no such session. One question, for
    /// those alone.
    ///
    /// # Errors
    /// The cluster did not say whether anything came.
    pub fn heard(&self, mut told: Answer, sessions: &[Session], deadline: Instant) -> Result<Answer, Failure> {
        let Some(silence) = told.standing.as_ref().and_then(|standing| standing.silence) else { return Ok(told) };
        let (mut in_tmux, is_new) = (sessions.iter().filter(|session| session.id.is_some()).peekable(), |session: &Session| {
            session.age.is_some_and(|age| age <= silence)
        });
        let comes = match in_tmux.peek() {
            Some(_) => in_tmux.any(is_new),
            None => self.has_said(silence, deadline)?,
        };
        if let Some(standing) = &mut told.standing {
            standing.silence = None;
            if comes {
                standing.state = State::Working;
                let states = told.sessions.iter_mut().filter_map(|session| session.told.as_mut());
                states.for_each(|state| *state = State::Working);
            }
        }
        Ok(told)
    }

    fn has_said(&self, since: Duration, deadline: Instant) -> Result<bool, Failure> {
        let (cluster, pod, container) = (&self.cluster, &self.pod, self.container.as_ref());
        let gateways = self.gateways.as_ref();
        let said = gateways.and_then(|gateways| gateways.has_said(cluster, pod, container, since, deadline));
        said.map_or_else(|| cluster.has_said(pod, container, since, deadline), Ok)
    }

    /// Whether the log is all that there is, without asking.
    pub fn is_all(&self) -> bool {
        self.reads == Reads::Log
    }

    /// Whether the log is what is left after a look for a tmux session failed so.
    pub fn stands_in(&self, session: &SessionName, failure: &Failure) -> bool {
        let no_session = matches!(
            failure.kind,
            Kind::NoTmux
                | Kind::NoSession
                | Kind::NoShell
                | Kind::Completed
                | Kind::Crashing
                | Kind::Terminating
                | Kind::NoContainer
        );
        no_session && session.as_str() == Polecat::LOG
    }

    /// The last lines, hostile until neutralised.
    ///
    /// # Errors
    /// The cluster did not say; or the session is another one.
    pub fn last(&self, session: &SessionName, lines: u32, deadline: Instant) -> Result<Vec<u8>, Failure> {
        self.has(session)?;
        let log = objects::Log { part: Part::Last(lines), previous: false, follow: false };
        self.cluster.log(&self.pod, self.container.as_ref(), log, deadline)
    }

    /// Hand on the log from its beginning, line by line, and if wanted what comes.
    ///
    /// # Errors
    /// The cluster did not say, or `take` failed.
    pub fn read(&self, follow: bool, patience: Duration, take: impl FnMut(&[u8]) -> io::Result<()>) -> anyhow::Result<()> {
        let log = objects::Log { part: Part::All, previous: false, follow };
        self.cluster.read_log(&self.pod, self.container.as_ref(), log, patience, take)
    }

    pub fn container(&self) -> Option<&ObjectName> {
        self.container.as_ref()
    }

    pub fn polecat(&self) -> &ObjectName {
        &self.polecat
    }

    /// Whether this is its session.
    ///
    /// # Errors
    /// It is another one, and there is none but the log.
    pub fn has(&self, session: &SessionName) -> Result<(), Failure> {
        if session.as_str() == Polecat::LOG {
            return Ok(());
        }
        let what = format!("polecat {} has no tmux, and so one session only: {}", self.polecat, Polecat::LOG);
        Err(Failure::new(Kind::NoSession, what).before_start())
    }

    /// Why nobody can type into a polecat.
    pub fn takes_no_keys(&self) -> Failure {
        let what = format!(
            "polecat {} takes no input: it has no tmux, and its agent (claude --print) got its whole task when it began",
            self.polecat
        );
        Failure::new(Kind::Failed, what)
            .before_start()
            .with_remedy("`factory-worker polecat stop` ends it, `polecat create` makes one with another task")
    }
}

//! A worker that is a pod: one kubectl for each question.

use std::time::Instant;

use super::exec::{Exec, Interactive};
use crate::cluster::login::{self, Login, Manner, Turn};
use crate::cluster::pod::{Resolver, Start};
use crate::failure::{Failure, Kind};
use crate::process::{Output, Request};
use crate::registry::names::ObjectName;
use crate::registry::worker::PodPlace;

/// A worker's pod.
pub struct Pod(Resolver);

impl Pod {
    pub fn new(place: PodPlace) -> Self {
        Self(Resolver::new(place))
    }

    fn exec(&self, pod: &ObjectName, request: Request<'_>) -> Result<Output, Failure> {
        self.0.cluster.exec(pod, self.0.container(), request)
    }
}

impl Exec for Pod {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        let asked = Instant::now();
        let (pod, fresh) = self.0.current(request.deadline)?;
        let failure = match self.exec(&pod, request) {
            Err(failure) if !fresh && is_another_pods(&failure) => failure,
            result => return result.map_err(|failure| self.0.explained(failure)),
        };
        match self.0.look_up_again(&pod, asked, request.deadline) {
            Ok(_) if self.0.guessed_wrong(&failure).is_some() => Err(self.0.explained(failure)),
            Ok(pod) => self.exec(&pod, request),
            // What the listing says of the pod is more than what the exec could say; a refused listing says nothing.
            Err(why) if says_more(&why) => Err(why.before_start()),
            Err(_) => Err(failure),
        }
    }

    fn interactive(&self, argv: &[String], deadline: Instant) -> Result<Interactive, Failure> {
        // The command will have this terminal, so whatever has to be known before may be asked on it, too.
        let asking = (login::manner() == Manner::Asked).then(|| login::acting(Manner::OnTerminal));
        let (pod, _) = self.0.current(deadline)?;
        drop(asking);
        let command = self.0.cluster.interactive(&pod, self.0.container(), argv)?;
        Ok(Interactive { command, pod: Some(pod) })
    }

    fn start(&self, pod: &ObjectName, deadline: Instant) -> Result<Start, Failure> {
        self.0.start(pod, deadline)
    }

    fn turn(&self, until: Option<Instant>) -> Result<Turn, Failure> {
        login::turn(&self.0.cluster, until)
    }

    fn login(&self) -> Login {
        login::of(&self.0.cluster)
    }

    fn explained(&self, failure: Failure) -> Failure {
        self.0.explained(failure)
    }

    fn endpoint(&self) -> Option<String> {
        login::endpoint(&self.0.cluster)
    }

    fn renew(&self, deadline: Instant) -> Result<(), Failure> {
        self.0.renew(deadline)
    }

    fn pod(&self) -> Option<String> {
        self.0.known().map(String::from)
    }

    fn place(&self) -> Option<String> {
        Some(self.0.name())
    }
}

/// Whether asking again which pod it is may help: the command has not run, and the pod or its container is not there.
fn is_another_pods(failure: &Failure) -> bool {
    let gone = matches!(
        failure.kind,
        Kind::Missing | Kind::Pending | Kind::Starting | Kind::Terminating | Kind::Crashing | Kind::Completed
    );
    gone && failure.before_start
}

fn says_more(failure: &Failure) -> bool {
    !matches!(failure.kind, Kind::Forbidden | Kind::Unauthorized | Kind::Unreachable | Kind::Incomplete)
}

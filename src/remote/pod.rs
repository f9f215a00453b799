//! A worker that is a pod: one kubectl for each question, or a gateway for the questions of many.

use std::sync::Arc;
use std::time::Instant;

use super::exec::{Beside, Exec, Greeting, Interactive};
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::login::{self, Login, Manner, Turn};
use crate::cluster::pod::{Resolver, Start};
use crate::failure::{Failure, Kind};
use crate::process::{Held, Output, Request};
use crate::registry::names::ObjectName;
use crate::registry::worker::{PodPlace, PodRef};

/// A worker's pod.
pub struct Pod {
    resolver: Resolver,
}

impl Pod {
    pub fn new(place: PodPlace) -> Self {
        Self { resolver: Resolver::new(place) }
    }

    /// The same, asked through these where they lead there.
    pub fn through(place: PodPlace, gateways: Arc<Gateways>) -> Self {
        Self { resolver: Resolver::new(place).through(Some(gateways)) }
    }

    /// This pod, which need not be looked up.
    pub fn known(cluster: Cluster, pod: ObjectName, container: Option<ObjectName>) -> Self {
        let Cluster { kubeconfig, context, namespace } = cluster;
        Self::new(PodPlace { pod: PodRef::Pod(pod), namespace, context, container, kubeconfig })
    }

    /// Ask the pod, and the one that is in its place when it is gone.
    fn in_pod<T>(&self, deadline: Instant, mut ask: impl FnMut(&ObjectName) -> Result<T, Failure>) -> Result<T, Failure> {
        let asked = Instant::now();
        // Without a pod to run it in, the command has not begun.
        let (pod, fresh) = self.resolver.current(deadline).map_err(Failure::before_start)?;
        let failure = match ask(&pod) {
            Err(failure) if !fresh && is_another_pods(&failure) => failure,
            result => return result.map_err(|failure| self.resolver.explained(failure)),
        };
        match self.resolver.look_up_again(&pod, asked, deadline) {
            Ok(_) if self.resolver.guessed_wrong(&failure).is_some() => Err(self.resolver.explained(failure)),
            Ok(pod) => ask(&pod),
            // What the listing says of the pod is more than what the exec could say; a refused listing says nothing.
            Err(why) if says_more(&why) => Err(why.before_start()),
            Err(_) => Err(failure),
        }
    }

    fn exec(&self, pod: &ObjectName, request: Request<'_>) -> Result<Output, Failure> {
        let (cluster, container) = (&self.resolver.cluster, self.resolver.container());
        let gateways = self.resolver.gateways.as_ref();
        let answer = gateways.and_then(|gateways| gateways.exec(cluster, pod, container, request));
        answer.unwrap_or_else(|| cluster.exec(pod, container, request))
    }
}

impl Exec for Pod {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        self.in_pod(request.deadline, |pod| self.exec(pod, request))
    }

    fn hold(&self, argv: &[String], greeting: Greeting<'_>, deadline: Instant) -> Result<Held, Failure> {
        let Greeting { request, is_whole } = greeting;
        let (cluster, container) = (&self.resolver.cluster, self.resolver.container());
        self.in_pod(deadline, |pod| {
            if let Some(gateways) = &self.resolver.gateways {
                let greeting = Greeting { request, is_whole: &mut *is_whole };
                if let Some(held) = gateways.hold(cluster, pod, container, argv, greeting, deadline) {
                    return held;
                }
            }
            let command = cluster.exec_command(pod, container, argv, Some("-i"))?;
            cluster.hold(command, Greeting { request, is_whole: &mut *is_whole }, deadline)
        })
    }

    fn interactive(&self, argv: &[String], deadline: Instant) -> Result<Interactive, Failure> {
        // The command will have this terminal, so whatever has to be known before may be asked on it, too.
        let asking = (login::manner() == Manner::Asked).then(|| login::acting(Manner::OnTerminal));
        let (pod, _) = self.resolver.current(deadline)?;
        drop(asking);
        let command = self.resolver.cluster.interactive(&pod, self.resolver.container(), argv)?;
        Ok(Interactive { command, pod: Some(pod) })
    }

    fn start(&self, pod: &ObjectName, deadline: Instant) -> Result<Start, Failure> {
        self.resolver.start(pod, deadline)
    }

    fn turn(&self, until: Option<Instant>) -> Result<Turn, Failure> {
        login::turn(&self.resolver.cluster, until)
    }

    fn login(&self) -> Login {
        login::of(&self.resolver.cluster)
    }

    fn explained(&self, failure: Failure) -> Failure {
        self.resolver.explained(failure)
    }

    fn endpoint(&self) -> Option<String> {
        login::endpoint(&self.resolver.cluster)
    }

    fn beside(&self, deadline: Instant) -> Option<Beside> {
        let (pod, containers) = self.resolver.containers(deadline)?;
        let way = |container: &ObjectName| -> Box<dyn Exec> {
            let other = Self::known(self.resolver.cluster.clone(), pod.clone(), Some(container.clone()));
            Box::new(Self { resolver: other.resolver.through(self.resolver.gateways.clone()) })
        };
        let others = containers.others.into_iter().map(|container| (container.clone(), way(&container))).collect();
        Some(Beside { asked: containers.default, others })
    }

    fn renew(&self, deadline: Instant) -> Result<(), Failure> {
        self.resolver.renew(deadline)
    }

    fn pod(&self) -> Option<String> {
        self.resolver.known().map(String::from)
    }

    fn place(&self) -> Option<String> {
        Some(self.resolver.name())
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

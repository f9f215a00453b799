//! A worker that is a pod, and which pod that is just now.
//!
//! Names of pods change all day (a Deployment's carry a hash), so the answer is looked up once for a namespace, kept on
//! disk, and used until an exec says that the pod or its container is not there. It is then looked up once more.

pub mod choose;
mod known;
pub mod listing;
pub mod state;

pub use known::ask_anew;

use std::time::Instant;

use self::known::Acceptable;
use super::exec::{Exec, Interactive, Output, Request, Start};
use super::failure::{Failure, Kind};
use super::kubectl::{Cluster, endpoint, login};
use crate::registry::names::ObjectName;
use crate::registry::worker::{PodPlace, PodRef};

/// A worker's pod.
pub struct Pod {
    place: PodPlace,
    cluster: Cluster,
}

impl Pod {
    pub fn new(place: PodPlace) -> Self {
        let cluster = Cluster::of(&place);
        Self { place, cluster }
    }

    /// The pod that the worker means, and whether it was looked up for this very question.
    fn current(&self, deadline: Instant) -> Result<(ObjectName, bool), Failure> {
        match self.known() {
            Some(pod) => Ok((pod, false)),
            None => Ok((self.look_up(Acceptable::Recent, deadline)?, true)),
        }
    }

    /// The pod as it was last heard of, without asking the cluster.
    fn known(&self) -> Option<ObjectName> {
        if let PodRef::Pod(name) = &self.place.pod {
            return Some(name.clone());
        }
        match known::listed(&self.cluster).and_then(|listing| self.choose(&listing).ok()) {
            Some(pod) => {
                known::keep(&self.cluster, &self.place.pod, Some(&pod));
                Some(pod)
            }
            None => known::kept(&self.cluster, &self.place.pod),
        }
    }

    /// Keep what a listing just showed: that this is the pod.
    pub fn note(&self, pod: &ObjectName) {
        known::keep(&self.cluster, &self.place.pod, Some(pod));
    }

    fn look_up(&self, acceptable: Acceptable, deadline: Instant) -> Result<ObjectName, Failure> {
        let listing = known::listing(&self.cluster, acceptable, deadline)?;
        let chosen = self.choose(&listing);
        known::keep(&self.cluster, &self.place.pod, chosen.as_ref().ok());
        chosen
    }

    /// The pod that the worker means now that `gone` was not found by an exec that began at `asked`. One listing for all
    /// workers that this happens to at the same time.
    fn look_up_again(&self, gone: &ObjectName, asked: Instant, deadline: Instant) -> Result<ObjectName, Failure> {
        match self.look_up(Acceptable::EndedSince(asked), deadline) {
            // Perhaps it was still there when that listing began.
            Ok(pod) if pod == *gone => self.look_up(Acceptable::BegunSince(asked), deadline),
            result => result,
        }
    }

    fn choose(&self, listing: &listing::Listing) -> Result<ObjectName, Failure> {
        let namespace = self.cluster.namespace.as_ref().map(ObjectName::as_str);
        choose::pod(listing, &self.place.pod, self.place.container.as_ref(), namespace)
    }

    /// Why a name that the operator may not look up may well be a Deployment's, now that it is no pod's.
    fn guessed_wrong(&self, failure: &Failure) -> Option<Failure> {
        let listing = known::listed(&self.cluster).filter(|_| failure.kind == Kind::Missing && failure.before_start)?;
        choose::guessed_wrong(&listing, &self.place.pod).map(Failure::before_start)
    }

    fn explained(&self, failure: Failure) -> Failure {
        self.guessed_wrong(&failure).unwrap_or(failure)
    }

    fn exec(&self, pod: &ObjectName, request: Request<'_>) -> Result<Output, Failure> {
        self.cluster.exec(pod, self.place.container.as_ref(), request)
    }
}

impl Exec for Pod {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        let asked = Instant::now();
        let (pod, fresh) = self.current(request.deadline)?;
        let failure = match self.exec(&pod, request) {
            Err(failure) if !fresh && is_another_pods(&failure) => failure,
            result => return result.map_err(|failure| self.explained(failure)),
        };
        match self.look_up_again(&pod, asked, request.deadline) {
            Ok(_) if self.guessed_wrong(&failure).is_some() => Err(self.explained(failure)),
            Ok(pod) => self.exec(&pod, request),
            // What the listing says of the pod is more than what the exec could say; a refused listing says nothing.
            Err(why) if says_more(&why) => Err(why.before_start()),
            Err(_) => Err(failure),
        }
    }

    fn interactive(&self, argv: &[String], deadline: Instant) -> Result<Interactive, Failure> {
        let (pod, _) = self.current(deadline)?;
        let command = self.cluster.interactive(&pod, self.place.container.as_ref(), argv)?;
        Ok(Interactive { command, pod: Some(pod) })
    }

    fn start(&self, pod: &ObjectName, deadline: Instant) -> Result<Start, Failure> {
        let object = self.cluster.get(&format!("pod/{pod}"), deadline)?;
        let object = object.ok_or_else(|| Failure::new(Kind::Missing, format!("there is no pod {pod}")))?;
        let object = serde_json::from_value(object)
            .map_err(|error| Failure::new(Kind::Incomplete, format!("kubectl's pod makes no sense: {error}")))?;
        state::start(&object, self.place.container.as_ref())
    }

    fn may_ask(&self) -> bool {
        login::may_ask(&self.cluster)
    }

    fn endpoint(&self, deadline: Instant) -> Result<Option<String>, Failure> {
        Ok(endpoint::of(&self.cluster.config(deadline)?))
    }

    fn renew(&self, deadline: Instant) -> Result<(), Failure> {
        match self.look_up(Acceptable::BegunSince(Instant::now()), deadline) {
            // Whoever may not list pods may still exec into the one that is named.
            Err(failure) if failure.kind == Kind::Forbidden && self.known().is_some() => Ok(()),
            found => found.map(drop),
        }
    }

    fn pod(&self) -> Option<String> {
        self.known().map(String::from)
    }

    fn place(&self) -> Option<String> {
        let container = self.place.container.as_ref().map_or("", ObjectName::as_str);
        Some(format!("{} {container}", known::name(&self.cluster, &self.place.pod)))
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

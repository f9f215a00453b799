//! Which pod a worker means just now.
//!
//! Names of pods change all day (a Deployment's carry a hash), so the answer is looked up once for a namespace, kept on
//! disk, and used until an exec says that the pod or its container is not there. It is then looked up once more.

pub mod choose;
pub mod containers;
pub mod listing;
mod resolution;
pub mod state;

pub use resolution::ask_anew;

use std::sync::Arc;
use std::time::Instant;

use self::resolution::Acceptable;
use super::Cluster;
use super::gateway::Gateways;
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::registry::worker::{PodPlace, PodRef};

/// One start of a worker's container. Sessions live as long as it does: another uid or more restarts is another start,
/// with other sessions of the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The pod's uid.
    pub uid: String,
    /// How often the container was restarted before.
    pub restarts: u64,
}

/// What `pod:` of a worker says, and the way to look it up.
pub struct Resolver {
    place: PodPlace,
    pub cluster: Cluster,
    /// Asked through these where they lead there.
    pub gateways: Option<Arc<Gateways>>,
}

impl Resolver {
    pub fn new(place: PodPlace) -> Self {
        let cluster = Cluster::of(&place);
        Self { place, cluster, gateways: None }
    }

    /// The same, asked through these if there are any.
    pub fn through(self, gateways: Option<Arc<Gateways>>) -> Self {
        Self { gateways, ..self }
    }

    /// The container in the pod; `None` for its default one.
    pub fn container(&self) -> Option<&ObjectName> {
        self.place.container.as_ref()
    }

    /// The pod that the worker means, and whether it was looked up for this very question.
    ///
    /// # Errors
    /// There is none to run a command in, or the cluster did not say.
    pub fn current(&self, deadline: Instant) -> Result<(ObjectName, bool), Failure> {
        match self.known() {
            // Who comes a moment after the listing that others wait for has it as fresh as they have.
            Some(pod) => Ok((pod, self.is_looked_up() && resolution::is_recent(&self.cluster))),
            None => Ok((self.look_up(Acceptable::Recent, deadline)?, true)),
        }
    }

    /// The pod as it was last heard of, without asking the cluster.
    pub fn known(&self) -> Option<ObjectName> {
        if let PodRef::Pod(name) = &self.place.pod {
            return Some(name.clone());
        }
        match resolution::listed(&self.cluster).and_then(|listing| self.choose(&listing).ok()) {
            Some(pod) => {
                resolution::keep(&self.cluster, &self.place.pod, Some(&pod));
                Some(pod)
            }
            None => resolution::kept(&self.cluster, &self.place.pod),
        }
    }

    /// Whether its name does not say it all.
    fn is_looked_up(&self) -> bool {
        !matches!(self.place.pod, PodRef::Pod(_))
    }

    /// Keep what a listing just showed: that this is the pod.
    pub fn note(&self, pod: &ObjectName) {
        resolution::keep(&self.cluster, &self.place.pod, Some(pod));
    }

    fn look_up(&self, acceptable: Acceptable, deadline: Instant) -> Result<ObjectName, Failure> {
        let listing = resolution::listing(&self.cluster, self.gateways.as_deref(), acceptable, deadline)?;
        let chosen = self.choose(&listing);
        let is_chosen = |pod: &&listing::PodObject| chosen.as_ref().is_ok_and(|name| name.as_str() == pod.metadata.name);
        if let Some(pod) = listing.pods.iter().find(is_chosen).filter(|_| self.container().is_none()) {
            containers::note(&self.cluster, pod);
        }
        resolution::keep(&self.cluster, &self.place.pod, chosen.as_ref().ok());
        chosen
    }

    /// The pod that the worker means now that `gone` was not found by an exec that began at `asked`. One listing for all
    /// workers that this happens to at the same time.
    ///
    /// # Errors
    /// As [`Self::current`].
    pub fn look_up_again(&self, gone: &ObjectName, asked: Instant, deadline: Instant) -> Result<ObjectName, Failure> {
        match self.look_up(Acceptable::EndedSince(asked), deadline) {
            // Perhaps it was still there when that listing began.
            Ok(pod) if pod == *gone => self.look_up(Acceptable::BegunSince(asked), deadline),
            result => result,
        }
    }

    /// The containers of the pod that was asked last, when the worker names none.
    pub fn containers(&self, deadline: Instant) -> Option<(ObjectName, containers::Containers)> {
        let pod = self.known().filter(|_| self.container().is_none())?;
        let containers = containers::of(&self.cluster, self.gateways.as_deref(), &pod, deadline)?;
        Some((pod, containers))
    }

    fn choose(&self, listing: &listing::Listing) -> Result<ObjectName, Failure> {
        let namespace = self.cluster.namespace.as_ref().map(ObjectName::as_str);
        choose::pod(listing, &self.place.pod, self.place.container.as_ref(), namespace)
            .map_err(|failure| self.cluster.named(failure))
    }

    /// Why a name that the operator may not look up may well be a Deployment's, now that it is no pod's.
    pub fn guessed_wrong(&self, failure: &Failure) -> Option<Failure> {
        let listing = resolution::listed(&self.cluster).filter(|_| failure.kind == Kind::Missing && failure.before_start)?;
        choose::guessed_wrong(&listing, &self.place.pod).map(Failure::before_start)
    }

    /// A failure of an exec, told better where the name of the pod was a guess.
    pub fn explained(&self, failure: Failure) -> Failure {
        self.cluster.named(self.guessed_wrong(&failure).unwrap_or(failure))
    }

    /// Find out anew which pod it is.
    ///
    /// # Errors
    /// There is none to run a command in; the failure says in which state it is.
    pub fn renew(&self, deadline: Instant) -> Result<(), Failure> {
        match self.look_up(Acceptable::BegunSince(Instant::now()), deadline) {
            // Whoever may not list pods may still exec into the one that is named.
            Err(failure) if failure.kind == Kind::Forbidden && self.known().is_some() => Ok(()),
            found => found.map(drop),
        }
    }

    /// Which start of the container runs in `pod` just now. One question to the API server.
    ///
    /// # Errors
    /// It does not run, is about to end, or could not be asked for.
    pub fn start(&self, pod: &ObjectName, deadline: Instant) -> Result<Start, Failure> {
        let object = self.cluster.get(&format!("pod/{pod}"), deadline)?;
        let object = object.ok_or_else(|| self.cluster.named(Failure::new(Kind::Missing, format!("there is no pod {pod}"))))?;
        let object = serde_json::from_value(object)
            .map_err(|error| Failure::new(Kind::Incomplete, format!("kubectl's pod makes no sense: {error}")))?;
        state::start(&object, self.container()).map_err(|failure| self.cluster.named(failure))
    }

    /// What leads to the worker, as one text that no other worker has.
    pub fn name(&self) -> String {
        let container = self.container().map_or("", ObjectName::as_str);
        format!("{} {container}", resolution::name(&self.cluster, &self.place.pod))
    }
}

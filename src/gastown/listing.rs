//! The polecats and pods of a namespace, as far as they matter here.

use std::time::Instant;

use serde::{Deserialize, Deserializer};

use crate::cluster::gateway::{Gateways, Lists};
use crate::cluster::pod::listing::{Metadata, PodObject};
use crate::cluster::resource::{PODS, POLECATS};
use crate::cluster::{Cluster, kubectl_error};
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;

/// The kind with its group, so that kubectl takes no other for it.
const KIND: &str = POLECATS.kubectl;
/// The label by which a pod names its polecat.
const LABEL: &str = "gastown.io/polecat";

/// A custom resource. What the operator never reads or fills in is not here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub spec: Spec,
    #[serde(deserialize_with = "or_default")]
    pub status: Status,
}

/// `null` where somebody has written that is nothing said.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub rig: String,
    #[serde(rename = "beadID")]
    pub bead_id: String,
    pub desired_state: String,
    #[serde(deserialize_with = "or_default")]
    pub kubernetes: Kubernetes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kubernetes {
    pub work_branch: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    pub phase: String,
    pub pod_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
enum Item {
    Polecat(Box<Object>),
    Pod(Box<PodObject>),
    #[serde(other)]
    Other,
}

/// What a namespace holds.
#[derive(Debug, Default)]
pub struct Listing {
    pub polecats: Vec<Object>,
    pods: Vec<PodObject>,
    /// Why there are no pods in it, when that is not because there are none.
    pub pods_hidden: Option<Failure>,
}

impl Listing {
    /// Ask the cluster: one kubectl process, unless there is a gateway to it.
    ///
    /// # Errors
    /// It did not say, or has no polecats' definition.
    pub fn take(cluster: &Cluster, gateways: Option<&Gateways>, deadline: Instant) -> Result<Self, Failure> {
        let lists = gateways.and_then(|gateways| gateways.lists(cluster, &[&POLECATS, &PODS], None, deadline));
        if let Some((listing, lists)) = lists.and_then(|lists| Some((Self::of(&lists).ok()?, lists))) {
            return listing.hiding(lists.failure, &lists.stderr);
        }
        let said = cluster.list(&format!("{KIND},pods"), deadline).map_err(unknown)?;
        Self::parse(&said.stdout)?.hiding(said.failure, &said.stderr)
    }

    /// # Errors
    /// It is no listing.
    fn of(lists: &Lists) -> Result<Self, Failure> {
        let (polecats, mut pods) = (lists.of(0, "polecats")?, lists.of::<PodObject>(1, "pods")?);
        pods.retain(|pod| pod.metadata.labels.contains_key(LABEL));
        Ok(Self { polecats, pods, pods_hidden: None })
    }

    /// The same without the kind of which kubectl has said this. Whoever may see the polecats but not their pods at least learns
    /// their names.
    ///
    /// # Errors
    /// It is not the pods.
    fn hiding(self, failure: Option<Failure>, said: &str) -> Result<Self, Failure> {
        match failure {
            Some(failure) if failure.kind != Kind::Forbidden || said.contains(KIND) => Err(failure),
            pods_hidden => Ok(Self { pods_hidden, ..self }),
        }
    }

    /// Take kubectl's JSON apart.
    ///
    /// # Errors
    /// It is none, or only a part of one.
    pub fn parse(json: &[u8]) -> Result<Self, Failure> {
        let mut listing = Self::default();
        for item in kubectl_error::items(json, "polecats")? {
            match item {
                Item::Polecat(object) => listing.polecats.push(*object),
                Item::Pod(pod) if pod.metadata.labels.contains_key(LABEL) => listing.pods.push(*pod),
                Item::Pod(_) | Item::Other => {}
            }
        }
        Ok(listing)
    }

    /// The newest pod of a polecat; while one is replaced there are two.
    pub fn pod_of(&self, polecat: &Object) -> Option<&PodObject> {
        let mine = self.pods.iter().filter(|pod| pod.metadata.labels.get(LABEL) == Some(&polecat.metadata.name));
        mine.max_by_key(|pod| (pod.metadata.deletion_timestamp.is_none(), &pod.metadata.creation_timestamp))
    }

    /// What its pod is called, or will be.
    pub fn pod_name(&self, polecat: &Object) -> Option<ObjectName> {
        let there = self.pod_of(polecat).map(|pod| pod.metadata.name.clone());
        let said = Some(polecat.status.pod_name.clone()).filter(|name| !name.is_empty());
        there.or(said).unwrap_or_else(|| format!("polecat-{}", polecat.metadata.name)).parse().ok()
    }
}

/// What a failure means on a cluster without Gas Town.
pub fn unknown(failure: Failure) -> Failure {
    if !["doesn't have a resource type", "no matches for kind"].iter().any(|words| failure.reason.contains(words)) {
        return failure;
    }
    Failure::new(Kind::Missing, "this cluster knows no polecats: Gas Town's operator is not installed in it")
        .with_remedy("install the Gas Town operator, or take this source out of discover: in workers.yaml")
}

//! The polecats and pods of a namespace, as far as they matter here.

use std::time::Instant;

use serde::{Deserialize, Deserializer};

use crate::cluster::Cluster;
use crate::cluster::kubectl_error;
use crate::cluster::pod::listing::{Metadata, PodObject};
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;

/// The kind with its group, so that kubectl takes no other for it.
pub const KIND: &str = "polecats.gastown.gastown.io";
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
    /// Ask the cluster: one kubectl process.
    ///
    /// # Errors
    /// It did not say, or has no polecats' definition.
    pub fn take(cluster: &Cluster, deadline: Instant) -> Result<Self, Failure> {
        let said = cluster.list(&format!("{KIND},pods"), deadline).map_err(unknown)?;
        let mut listing = Self::parse(&said.stdout)?;
        match said.failure {
            // Whoever may see the polecats but not their pods at least learns their names.
            Some(failure) if failure.kind == Kind::Forbidden && !said.stderr.contains(KIND) => {
                listing.pods_hidden = Some(failure)
            }
            Some(failure) => return Err(failure),
            None => {}
        }
        Ok(listing)
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

/// A cluster without Gas Town.
fn unknown(failure: Failure) -> Failure {
    if !failure.reason.contains("doesn't have a resource type") {
        return failure;
    }
    Failure::new(Kind::Missing, "this cluster knows no polecats: Gas Town's operator is not installed in it")
        .with_remedy("install the Gas Town operator, or take this source out of discover: in workers.yaml")
}

//! The Deployments, StatefulSets and pods of a namespace, as far as they matter for finding a worker's pod.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Deserialize;

use crate::cluster::gateway::{Gateways, Lists};
use crate::cluster::resource::{DEPLOYMENTS, PODS, Resource, STATEFUL_SETS};
use crate::cluster::{Cluster, kubectl_error};
use crate::failure::{Failure, Kind};

/// What a namespace holds.
#[derive(Debug, Default)]
pub struct Listing {
    pub pods: Vec<PodObject>,
    pub deployments: Vec<Owner>,
    pub stateful_sets: Vec<Owner>,
    /// Why some kinds are not in it.
    pub lacking: Option<Failure>,
    /// The operator may not list pods, so that one that is not here may well be there.
    pub pods_hidden: bool,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
enum Item {
    Pod(Box<PodObject>),
    Deployment(Owner),
    StatefulSet(Owner),
    #[serde(other)]
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    pub name: String,
    pub uid: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub owner_references: Vec<OwnerReference>,
    /// RFC 3339 in UTC, so that texts compare like times.
    pub creation_timestamp: String,
    pub deletion_timestamp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    pub kind: String,
    pub name: String,
    pub controller: bool,
}

/// A Deployment or a StatefulSet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owner {
    pub metadata: Metadata,
    pub spec: OwnerSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OwnerSpec {
    pub replicas: Option<u32>,
    pub selector: Selector,
}

/// Which labels the pods have. `matchLabels` and `matchExpressions` must all hold.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    pub match_labels: BTreeMap<String, String>,
    pub match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Expression {
    pub key: String,
    pub operator: String,
    pub values: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodObject {
    pub metadata: Metadata,
    pub spec: PodSpec,
    pub status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    pub active_deadline_seconds: Option<u64>,
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    pub ephemeral_containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub env: Vec<Variable>,
}

/// A variable of a container's environment; one that comes from elsewhere has no value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Variable {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    pub phase: String,
    /// When the node took it, RFC 3339: the deadline counts from here.
    pub start_time: Option<String>,
    pub reason: String,
    pub message: String,
    pub conditions: Vec<Condition>,
    pub container_statuses: Vec<ContainerStatus>,
    pub init_container_statuses: Vec<ContainerStatus>,
    pub ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub reason: String,
    pub message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    pub name: String,
    pub restart_count: u64,
    pub state: ContainerState,
    pub last_state: ContainerState,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    pub running: Option<Running>,
    pub waiting: Option<Waiting>,
    pub terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// RFC 3339.
    pub started_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    pub reason: String,
    pub message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    pub exit_code: i32,
    pub reason: String,
    /// RFC 3339.
    pub finished_at: Option<String>,
}

impl Listing {
    /// Ask the cluster: one kubectl process, unless there is a gateway to it.
    ///
    /// # Errors
    /// Nothing could be listed.
    pub fn take(cluster: &Cluster, gateways: Option<&Gateways>, deadline: Instant) -> Result<Self, Failure> {
        const KINDS: [&Resource; 3] = [&DEPLOYMENTS, &STATEFUL_SETS, &PODS];
        let lists = gateways.and_then(|gateways| gateways.lists(cluster, &KINDS, None, deadline));
        if let Some(listing) = lists.and_then(|lists| Self::of(&lists).ok()) {
            return Ok(listing);
        }
        let said = cluster.list("deployments,statefulsets,pods", deadline)?;
        let listing = Self::parse(&said.stdout)?;
        match said.failure {
            Some(failure) if failure.kind != Kind::Forbidden && listing.pods.is_empty() => Err(failure),
            failure => Ok(listing.lacking(failure, &said.stderr)),
        }
    }

    /// The pods with these labels, asked for in the same way.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn pods(
        cluster: &Cluster,
        gateways: Option<&Gateways>,
        selector: &str,
        deadline: Instant,
    ) -> Result<Vec<PodObject>, Failure> {
        let lists = gateways.and_then(|gateways| gateways.lists(cluster, &[&PODS], Some(selector), deadline));
        let pods = lists.filter(|lists| lists.failure.is_none()).and_then(|lists| lists.of(0, "pods").ok());
        match pods {
            Some(pods) => Ok(pods),
            None => Ok(Self::parse(&cluster.list_labelled("pods", selector, deadline)?.whole()?)?.pods),
        }
    }

    /// # Errors
    /// It is no listing.
    fn of(lists: &Lists) -> Result<Self, Failure> {
        let [deployments, stateful_sets] = [lists.of(0, "deployments")?, lists.of(1, "statefulsets")?];
        let listing = Self { deployments, stateful_sets, pods: lists.of(2, "pods")?, ..Self::default() };
        Ok(listing.lacking(lists.failure.clone(), &lists.stderr))
    }

    /// The same without the kinds of which kubectl has said this. Whoever may not list Deployments can still have workers that are
    /// plain pods.
    fn lacking(self, failure: Option<Failure>, said: &str) -> Self {
        let pods_hidden = said.lines().any(|line| line.contains("cannot list resource \"pods\""));
        Self { lacking: failure, pods_hidden, ..self }
    }

    /// Take kubectl's JSON apart.
    ///
    /// # Errors
    /// It is none, or only a part of one.
    pub fn parse(json: &[u8]) -> Result<Self, Failure> {
        let mut listing = Self::default();
        for item in kubectl_error::items(json, "pods")? {
            match item {
                Item::Pod(pod) => listing.pods.push(*pod),
                Item::Deployment(owner) => listing.deployments.push(owner),
                Item::StatefulSet(owner) => listing.stateful_sets.push(owner),
                Item::Other => {}
            }
        }
        Ok(listing)
    }
}

impl Selector {
    /// Whether a pod with these labels is selected. An empty selector selects nothing: no Deployment has one.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let empty = self.match_labels.is_empty() && self.match_expressions.is_empty();
        !empty
            && self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|expression| expression.matches(labels))
    }
}

impl Expression {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

//! What there is of a worker that is to go, by its labels.

use std::time::Instant;

use serde_json::Value;

use super::names::Names;
use super::present::{self, Secret};
use crate::cluster::Cluster;
use crate::failure::{Failure, Kind};

/// The kinds of a worker's objects that can be listed by who may make workers.
const KINDS: &str = "deployments,networkpolicies,serviceaccounts,persistentvolumeclaims";

/// A worker's objects, as kubectl names them (`deployment/NAME`).
pub struct Leftovers {
    objects: Vec<String>,
    claims: Vec<String>,
    has_deployment: bool,
    /// A Secret that is called like the worker's, and is not.
    pub theirs: Option<String>,
}

impl Leftovers {
    /// # Errors
    /// The cluster did not say.
    pub fn find(cluster: &Cluster, names: &Names, deadline: Instant) -> Result<Self, Failure> {
        let found = cluster.select(KINDS, &names.label(), deadline)?;
        let is = |object: &Value, kind: &str| object["kind"] == kind;
        let has_deployment = found.iter().any(|object| is(object, "Deployment"));
        let (claims, objects): (Vec<_>, Vec<_>) = found.iter().partition(|object| is(object, "PersistentVolumeClaim"));
        let targets = |objects: Vec<&Value>| objects.into_iter().map(present::target).collect::<Vec<_>>();
        let mut all = Self { objects: targets(objects), claims: targets(claims), has_deployment, theirs: None };
        let secret = format!("secret/{}", names.secrets());
        match whose_secret(cluster, names, deadline)? {
            Secret::Nobodys => {}
            Secret::Ours(_) => all.objects.push(secret),
            Secret::Theirs => all.theirs = Some(secret),
        }
        Ok(all)
    }

    /// Whether there may be a pod.
    pub fn has_deployment(&self) -> bool {
        self.has_deployment
    }

    /// What is to be deleted.
    pub fn targets(&self, data_too: bool) -> Vec<String> {
        let claims = self.claims.iter().filter(|_| data_too);
        self.objects.iter().chain(claims).cloned().collect()
    }

    /// What stays.
    pub fn kept(&self, data_too: bool) -> &[String] {
        if data_too { &[] } else { &self.claims }
    }
}

/// A Secret that would be refused if it was made now is not there, and neither is one without its namespace.
fn whose_secret(cluster: &Cluster, names: &Names, deadline: Instant) -> Result<Secret, Failure> {
    match present::secret(cluster, names, deadline) {
        Err(Failure { kind: Kind::Failed | Kind::Missing, .. }) => Ok(Secret::Nobodys),
        secret => secret,
    }
}

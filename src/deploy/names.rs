//! What the objects of a worker are called.

use serde_json::Value;

use crate::exit::{Code, Problem};
use crate::registry::names::{ObjectName, WorkerName};
use crate::registry::worker::PodRef;

/// What objects are called before the worker's name: worker `worker-1` is Deployment `factory-worker-1`.
const PREFIX: &str = "factory-";

/// The label that says which worker an object belongs to.
pub const LABEL: &str = "factory-worker/name";

/// Kubernetes allows this many characters in the value of a label, which the Deployment's name is.
const LABEL_LIMIT: usize = 63;

/// The name of a worker's Deployment, from which those of its other objects follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub deployment: ObjectName,
}

impl Names {
    /// The names of a worker that we make.
    ///
    /// # Errors
    /// The worker's name is too long for them.
    pub fn new(worker: &WorkerName) -> Result<Self, Problem> {
        let text = format!("{PREFIX}{worker}");
        if text.len() > LABEL_LIMIT {
            let limit = LABEL_LIMIT - PREFIX.len();
            let what = format!("{worker:?} is too long for a worker on Kubernetes: a label has at most {LABEL_LIMIT} characters");
            return Err(Problem::new(Code::Usage, what, format!("choose a name of at most {limit} characters")));
        }
        match text.parse() {
            Ok(deployment) => Ok(Self { deployment }),
            Err(error) => Err(Problem::new(Code::Usage, format!("{error}"), "")),
        }
    }

    /// The names of a worker that is registered as `pod`; `None` when that is no Deployment.
    pub fn registered(pod: &PodRef) -> Option<Self> {
        match pod {
            PodRef::Any(name) | PodRef::Deployment(name) => Some(Self { deployment: name.clone() }),
            PodRef::Pod(_) | PodRef::StatefulSet(_) => None,
        }
    }

    /// What its objects are labelled with, see [`LABEL`]: the name of the worker, whatever it is registered as.
    pub fn label(&self) -> String {
        let name = self.deployment.as_str();
        format!("{LABEL}={}", name.strip_prefix(PREFIX).unwrap_or(name))
    }

    /// Whether an object is this worker's.
    pub fn has(&self, object: &Value) -> bool {
        let label = object["metadata"]["labels"][LABEL].as_str().unwrap_or_default();
        format!("{LABEL}={label}") == self.label()
    }

    /// The claim of its volume.
    pub fn data(&self) -> String {
        format!("{}-data", self.deployment)
    }

    pub fn secrets(&self) -> String {
        format!("{}-secrets", self.deployment)
    }

    /// The selector of its pods.
    pub fn selector(&self) -> String {
        format!("app={}", self.deployment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_called_after_the_worker() {
        let names = Names::new(&"worker-1".parse().unwrap()).unwrap();
        assert_eq!(names.deployment.as_str(), "factory-worker-1");
        assert_eq!((names.data().as_str(), names.secrets().as_str()), ("factory-worker-1-data", "factory-worker-1-secrets"));
        assert_eq!(names.selector(), "app=factory-worker-1");
    }

    #[test]
    fn a_name_that_no_label_holds_is_refused() {
        assert!(Names::new(&"a".repeat(55).parse().unwrap()).is_ok());
        let problem = Names::new(&"a".repeat(56).parse().unwrap()).unwrap_err();
        assert!(problem.to_string().contains("at most 55 characters"), "{problem}");
        assert!(problem.to_string().starts_with("\"aaaa"), "{problem}");
    }
}

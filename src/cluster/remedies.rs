//! What a failure is told with once it is known which cluster it is about: the flags that lead there, in every command of a
//! remedy; and that there is no kubeconfig, where kubectl only says what follows from that.

use std::path::Path;

use super::login::kubeconfig_files;
use super::{Cluster, kubectl_error};
use crate::failure::Failure;
use crate::registry::names::ObjectName;
use crate::terminal::{neutralise, shell};

impl Cluster {
    /// The failure as one of this cluster.
    pub fn named(&self, failure: Failure) -> Failure {
        self.without_kubeconfig(failure).with_kubectl(|| self.words())
    }

    /// kubectl with the flags of [`Cluster::command`], as one types it.
    pub fn words(&self) -> String {
        let flag =
            |name: &str, value: Option<&str>| value.map(|value| format!(" --{name}={}", shell::word(value))).unwrap_or_default();
        let kubeconfig = self.kubeconfig.as_deref().map(Path::to_string_lossy);
        let namespace = self.namespace.as_ref().map(ObjectName::as_str);
        format!(
            "kubectl{}{}{}",
            flag("kubeconfig", kubeconfig.as_deref()),
            flag("context", self.context.as_deref()),
            flag("namespace", namespace)
        )
    }

    /// kubectl takes a kubeconfig that is not there for an empty one, and misses a context, or a server, in it.
    fn without_kubeconfig(&self, mut failure: Failure) -> Failure {
        if !kubectl_error::is_about_kubeconfig(&failure) {
            return failure;
        }
        let files = kubeconfig_files(self);
        if files.is_empty() || files.iter().any(|file| file.exists()) {
            return failure;
        }
        let files: Vec<String> = files.iter().map(|file| neutralise::line(&file.to_string_lossy())).collect();
        failure.reason = format!("there is no kubeconfig: {}", files.join(", "));
        failure.with_remedy(match self.kubeconfig {
            Some(_) => "correct kubeconfig: in workers.yaml (or --kubeconfig), or put it there",
            None => "put it there, let $KUBECONFIG name another, or set kubeconfig: in workers.yaml",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn cluster(kubeconfig: Option<&Path>) -> Cluster {
        let namespace = Some("factory".parse().unwrap());
        Cluster { kubeconfig: kubeconfig.map(Path::to_owned), context: Some("it's prod".to_owned()), namespace }
    }

    #[test]
    fn commands_in_remedies_lead_to_the_cluster() {
        let failure = Failure::new(Kind::Unreachable, "refused");
        let named = cluster(Some(Path::new("/k/config"))).named(failure);
        let expected = "does `kubectl --kubeconfig=/k/config --context='it'\\''s prod' --namespace=factory get pods` answer?";
        assert!(named.remedy().ends_with(expected), "{}", named.remedy());
        let other = Cluster { kubeconfig: None, context: None, namespace: None };
        assert!(other.named(named).remedy().ends_with(expected), "whoever knew it first knew it best");
    }

    #[test]
    fn what_a_context_is_called_cannot_deceive_who_reads_the_command() {
        let context = Some("a\n\u{202e}b".to_owned());
        let words = Cluster { kubeconfig: None, context, namespace: None }.words();
        assert_eq!(words, "kubectl --context=$'a\\n\\U0000202eb'");
    }

    #[test]
    fn a_kubeconfig_that_is_not_there_is_said() {
        let missed = || kubectl_error::classify(b"Error in configuration: context was not found for specified context: c\n", b"");
        let directory = tempfile::tempdir().unwrap();
        let there = directory.path().join("config");
        let named = cluster(Some(&there)).named(missed());
        assert_eq!(named.reason, format!("there is no kubeconfig: {}", there.display()));
        assert!(named.remedy().contains("kubeconfig:"), "{}", named.remedy());
        std::fs::write(&there, "").unwrap();
        assert_eq!(cluster(Some(&there)).named(missed()).reason, missed().reason);
    }
}

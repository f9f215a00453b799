//! What decides about what kubectl and its login plugins do for whoever starts them: a hub that was started in other surroundings
//! would do otherwise, so who differs asks by itself.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsStr;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, kubectl, login};

/// What the variables of login plugins begin with.
const PREFIXES: [&str; 6] = ["AWS_", "CLOUDSDK_", "GOOGLE_", "AZURE_", "AAD_", "KUBE"];
const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// The surroundings of a process. Values are told as numbers only: some are secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    kubectl: Option<PathBuf>,
    kubeconfigs: Vec<PathBuf>,
    variables: BTreeMap<String, u64>,
}

impl Surroundings {
    /// Of this process.
    pub fn here() -> Self {
        Self {
            kubectl: kubectl::program().ok().map(|path| real(&path)),
            kubeconfigs: login::kubeconfig_files(&Cluster { kubeconfig: None, context: None, namespace: None })
                .iter()
                .map(|path| real(path))
                .collect(),
            variables: env::vars_os().filter_map(|(name, value)| counted(&name, &value)).collect(),
        }
    }

    /// How these differ from others, in a few words; `None` when they do not.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let told = |path: &Option<PathBuf>| path.as_ref().map_or_else(|| "none".to_owned(), |path| path.display().to_string());
        if self.kubectl != other.kubectl {
            return Some(format!("its kubectl is {}, not {}", told(&other.kubectl), told(&self.kubectl)));
        }
        if self.kubeconfigs != other.kubeconfigs {
            return Some("its kubeconfig is another one".to_owned());
        }
        let names: BTreeSet<_> = self.variables.keys().chain(other.variables.keys()).collect();
        let differs = names.into_iter().find(|name| self.variables.get(*name) != other.variables.get(*name))?;
        Some(format!("its {differs} is another one"))
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A variable that counts, as its name and a number for its value.
fn counted(name: &OsStr, value: &OsStr) -> Option<(String, u64)> {
    let name = name.to_str()?;
    let upper = name.to_ascii_uppercase();
    // The files are compared by themselves.
    let counts = name != "KUBECONFIG"
        && (name == "HOME" || PROXIES.contains(&upper.as_str()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    counts.then(|| (name.to_owned(), hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Surroundings {
        let variables = variables.iter().filter_map(|(name, value)| counted(name.as_ref(), value.as_ref())).collect();
        Surroundings { kubectl: Some("/bin/kubectl".into()), kubeconfigs: vec!["/k".into()], variables }
    }

    #[test]
    fn what_decides_about_a_login_is_compared() {
        let here = with(&[("HOME", "/h"), ("AWS_PROFILE", "a"), ("PWD", "/x")]);
        assert_eq!(here.difference(&with(&[("HOME", "/h"), ("AWS_PROFILE", "a"), ("PWD", "/y")])), None);
        let differs = |variables: &[(&str, &str)]| here.difference(&with(variables)).unwrap();
        assert_eq!(differs(&[("HOME", "/h"), ("AWS_PROFILE", "b")]), "its AWS_PROFILE is another one");
        assert_eq!(differs(&[("HOME", "/h")]), "its AWS_PROFILE is another one");
        assert_eq!(differs(&[("HOME", "/h"), ("AWS_PROFILE", "a"), ("https_proxy", "p")]), "its https_proxy is another one");
        let other = Surroundings { kubectl: None, ..here.clone() };
        assert_eq!(here.difference(&other).unwrap(), "its kubectl is none, not /bin/kubectl");
    }

    #[test]
    fn no_value_is_told() {
        let told = serde_json::to_string(&with(&[("AWS_SECRET_ACCESS_KEY", "geheim")])).unwrap();
        assert!(told.contains("AWS_SECRET_ACCESS_KEY") && !told.contains("geheim"), "{told}");
    }
}

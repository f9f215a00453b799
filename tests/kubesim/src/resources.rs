//! The kinds of objects this cluster knows: those that are built in, and custom ones that a test registers.

use std::sync::{Arc, RwLock};

/// A kind of object and where it lives in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub short: Vec<String>,
    pub namespaced: bool,
    /// Subresources, e.g. `exec`.
    pub subresources: Vec<String>,
    /// A test registered it: clients know no schema of it.
    pub custom: bool,
}

impl Kind {
    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// `deployments.apps`, or `pods`: how messages name the resource.
    pub fn qualified(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// `Deployment.apps`, or `Pod`: how validation names the kind.
    pub fn kind_and_group(&self) -> String {
        match self.group.as_str() {
            "" => self.kind.clone(),
            group => format!("{}.{group}", self.kind),
        }
    }

    pub fn singular(&self) -> String {
        self.kind.to_lowercase()
    }

    pub fn has(&self, subresource: &str) -> bool {
        self.subresources.iter().any(|there| there == subresource)
    }
}

/// `group version kind plural short,names scope subresources`, a dash for none.
const BUILT_IN: &str = "
    -                          v1 Namespace              namespaces              ns      cluster    status
    -                          v1 Node                   nodes                   no      cluster    status
    -                          v1 Pod                    pods                    po      namespaced exec,log,status
    -                          v1 Service                services                svc     namespaced status
    -                          v1 ConfigMap              configmaps              cm      namespaced -
    -                          v1 Secret                 secrets                 -       namespaced -
    -                          v1 ServiceAccount         serviceaccounts         sa      namespaced -
    -                          v1 PersistentVolumeClaim  persistentvolumeclaims  pvc     namespaced status
    -                          v1 ResourceQuota          resourcequotas          quota   namespaced status
    -                          v1 Event                  events                  ev      namespaced -
    apps                       v1 Deployment             deployments             deploy  namespaced scale,status
    apps                       v1 ReplicaSet             replicasets             rs      namespaced scale,status
    apps                       v1 StatefulSet            statefulsets            sts     namespaced scale,status
    networking.k8s.io          v1 NetworkPolicy          networkpolicies         netpol  namespaced -
    rbac.authorization.k8s.io  v1 Role                   roles                   -       namespaced -
    rbac.authorization.k8s.io  v1 RoleBinding            rolebindings            -       namespaced -
    rbac.authorization.k8s.io  v1 ClusterRole            clusterroles            -       cluster    -
    rbac.authorization.k8s.io  v1 ClusterRoleBinding     clusterrolebindings     -       cluster    -
";

fn built_in() -> impl Iterator<Item = Kind> {
    let words = |list: &str| if list == "-" { Vec::new() } else { list.split(',').map(str::to_owned).collect() };
    BUILT_IN.lines().filter(|line| !line.trim().is_empty()).map(move |line| {
        let [group, version, kind, plural, short, scope, subresources] =
            line.split_whitespace().collect::<Vec<_>>().try_into().expect("seven columns");
        Kind {
            group: group.trim_matches('-').to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            short: words(short),
            namespaced: scope == "namespaced",
            subresources: words(subresources),
            custom: false,
        }
    })
}

/// All kinds of one cluster.
#[derive(Debug)]
pub struct Resources {
    kinds: RwLock<Vec<Arc<Kind>>>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { kinds: RwLock::new(built_in().map(Arc::new).collect()) }
    }
}

impl Resources {
    /// The kind behind a path.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Kind>> {
        self.all().into_iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    /// A kind that is surely there.
    ///
    /// # Panics
    /// When it is neither built in nor registered: a mistake in a test.
    pub fn get(&self, plural: &str) -> Arc<Kind> {
        self.all().into_iter().find(|kind| kind.plural == plural).unwrap_or_else(|| panic!("no resource {plural}"))
    }

    pub fn all(&self) -> Vec<Arc<Kind>> {
        self.kinds.read().unwrap().clone()
    }

    /// The group versions that have a kind, the core group first, each once.
    pub fn group_versions(&self) -> Vec<(String, String)> {
        let mut seen = Vec::new();
        for kind in self.all() {
            let pair = (kind.group.clone(), kind.version.clone());
            if !seen.contains(&pair) {
                seen.push(pair);
            }
        }
        seen
    }

    /// Register a custom kind.
    pub fn add(&self, kind: Kind) {
        self.kinds.write().unwrap().push(Arc::new(kind));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_as_it_looks() {
        let all = Resources::default();
        let pods = all.find("", "v1", "pods").unwrap();
        assert!(pods.namespaced && pods.has("exec") && pods.api_version() == "v1");
        let deployments = all.get("deployments");
        assert_eq!((deployments.api_version().as_str(), deployments.qualified().as_str()), ("apps/v1", "deployments.apps"));
        assert!(!all.get("namespaces").namespaced && all.get("secrets").short.is_empty());
    }
}

//! When a cluster is none for a gateway, by what is known without starting one: the kubeconfig, and what was found before.

use crate::cluster::login::{self, Obstacle};
use crate::cluster::{Cluster, kubectl};
use crate::state::gateways;

/// Why not, and what could be done about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfit {
    pub why: String,
    pub remedy: &'static str,
}

/// What stands in the way for good, as long as the kubeconfig is as it is.
pub fn by_kubeconfig(cluster: &Cluster) -> Option<Unfit> {
    let (why, remedy) = match login::obstacle(cluster)? {
        Obstacle::Proxy => (
            "there is an HTTP or SOCKS proxy on the way, which kubectl proxy leaves out where an exec leaves HTTP",
            "if the API server can be reached without it, name its host in NO_PROXY, or leave proxy-url out of the kubeconfig",
        ),
        Obstacle::Terminal => (
            "its login plugin insists on a terminal",
            "set interactiveMode: IfAvailable in the kubeconfig, if the plugin can do without",
        ),
        Obstacle::Questions => ("kubectl asks for a user name each time", "have the kubeconfig say who you are"),
        Obstacle::NoContext => ("the kubeconfig has no such context", "`kubectl config get-contexts` lists those there are"),
    };
    Some(Unfit { why: why.to_owned(), remedy })
}

/// What was found within a day.
pub fn by_experience(cluster: &Cluster) -> Option<String> {
    gateways::why_not(&name(cluster))
}

/// Keep what was found; `None` when it works after all.
pub fn note(cluster: &Cluster, why: Option<&str>) {
    gateways::note(&name(cluster), why);
}

/// What leads to the cluster, as one text: another kubectl may do better.
fn name(cluster: &Cluster) -> String {
    let kubeconfig = match &cluster.kubeconfig {
        Some(path) => path.to_string_lossy().into_owned(),
        None => std::env::var("KUBECONFIG").unwrap_or_default(),
    };
    let program = kubectl::program().unwrap_or_default();
    format!("{} {kubeconfig} {}", program.display(), cluster.context.as_deref().unwrap_or_default())
}

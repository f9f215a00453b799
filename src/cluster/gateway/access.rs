//! What goes through a gateway: kubectl itself refuses everything else, whoever asks it.

use super::http::Method;
use crate::cluster::resource::{DEPLOYMENTS, PODS, POLECATS, Resource, STATEFUL_SETS};
use crate::registry::names::ObjectName;

/// What may be asked through a gateway.
#[derive(Debug, Clone)]
pub enum Access {
    /// Commands in the pods of these namespaces (an exec is a GET), their logs, what they are, and what owns them. No method
    /// that changes an object.
    Workers(Vec<ObjectName>),
    /// Lists of the polecats in these namespaces and of their pods, and what a command about them needs beside.
    Polecats(Vec<ObjectName>, Polecats),
    /// Everything about the objects of one kind in a namespace; its path in the API, `/api/v1/namespaces/NS/configmaps`.
    Objects(String),
}

/// What a command about polecats needs beside lists of them and of their pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polecats {
    /// To look at one pod, and into its log.
    pub looks: bool,
    /// To change a polecat in this way. kubectl tells apart methods for all paths together: it lets the pods be changed so, too.
    pub changes: Option<Method>,
}

/// kubectl's commas separate expressions, and its own default refuses every exec.
const NOTHING: &str = "^$";
const CHANGES: [Method; 4] = [Method::Post, Method::Put, Method::Patch, Method::Delete];
const NAME: &str = "[a-z0-9.-]+";

impl Access {
    /// The flags for `kubectl proxy`.
    pub fn flags(&self) -> Vec<String> {
        let mut flags = vec![format!("--reject-paths={NOTHING}"), format!("--accept-paths={}", self.paths())];
        let changes = match self {
            Self::Objects(_) => return flags,
            Self::Workers(_) => None,
            Self::Polecats(_, polecats) => polecats.changes,
        };
        let rejected: Vec<_> = CHANGES.into_iter().filter(|method| Some(*method) != changes).map(Method::word).collect();
        flags.push(format!("--reject-methods=^({})$", rejected.join("|")));
        flags
    }

    /// The expression for paths, anchored at both ends.
    fn paths(&self) -> String {
        match self {
            Self::Objects(path) => format!("^{}(/{NAME})?$", literal(path)),
            Self::Workers(namespaces) => {
                let in_all = |resource: &Resource, below: &str| in_all(namespaces, resource, below);
                let pods = in_all(&PODS, &format!("(/{NAME}(/(exec|log))?)?"));
                let owners = [&DEPLOYMENTS, &STATEFUL_SETS].map(|owner| in_all(owner, &format!("(/{NAME})?")));
                format!("^/({pods}|{}|{})$", owners.join("|"), in_all(&POLECATS, ""))
            }
            Self::Polecats(namespaces, Polecats { looks, changes }) => {
                let pods = in_all(namespaces, &PODS, &if *looks { format!("(/{NAME}(/log)?)?") } else { String::new() });
                let polecats = in_all(namespaces, &POLECATS, &changes.map_or(String::new(), |_| format!("(/{NAME})?")));
                format!("^/({pods}|{polecats})$")
            }
        }
    }
}

/// An expression for these objects in all of these namespaces, and what is below.
fn in_all(namespaces: &[ObjectName], resource: &Resource, below: &str) -> String {
    let names: Vec<_> = namespaces.iter().map(ObjectName::as_str).collect();
    format!("{}{below}", literal(&resource.below(&format!("({})", names.join("|")))))
}

/// A path as an expression that means nothing but it.
fn literal(path: &str) -> String {
    path.replace('.', "[.]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<ObjectName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn an_expression_has_both_ends_and_no_comma() {
        for (access, paths) in [
            (
                Access::Workers(names(&["factory", "gc.x"])),
                "^/(api/v1/namespaces/(factory|gc[.]x)/pods(/[a-z0-9.-]+(/(exec|log))?)?|\
                 apis/apps/v1/namespaces/(factory|gc[.]x)/deployments(/[a-z0-9.-]+)?|\
                 apis/apps/v1/namespaces/(factory|gc[.]x)/statefulsets(/[a-z0-9.-]+)?|\
                 apis/gastown[.]gastown[.]io/v1alpha1/namespaces/(factory|gc[.]x)/polecats)$",
            ),
            (
                Access::Polecats(names(&["gastown"]), Polecats { looks: true, changes: None }),
                "^/(api/v1/namespaces/(gastown)/pods(/[a-z0-9.-]+(/log)?)?|\
                 apis/gastown[.]gastown[.]io/v1alpha1/namespaces/(gastown)/polecats)$",
            ),
            (
                Access::Polecats(names(&["gastown"]), Polecats { looks: false, changes: Some(Method::Delete) }),
                "^/(api/v1/namespaces/(gastown)/pods|\
                 apis/gastown[.]gastown[.]io/v1alpha1/namespaces/(gastown)/polecats(/[a-z0-9.-]+)?)$",
            ),
            (Access::Objects("/api/v1/namespaces/gc/configmaps".to_owned()), "^/api/v1/namespaces/gc/configmaps(/[a-z0-9.-]+)?$"),
        ] {
            assert_eq!(access.paths(), paths);
            assert!(!access.flags().iter().any(|flag| flag.contains(',')), "{:?}", access.flags());
        }
    }

    #[test]
    fn a_method_that_is_not_needed_is_refused() {
        let rejected = |access: Access| {
            access.flags().into_iter().find_map(|flag| flag.strip_prefix("--reject-methods=").map(str::to_owned))
        };
        let polecats = |changes| Access::Polecats(names(&["gastown"]), Polecats { looks: false, changes });
        assert_eq!(rejected(Access::Workers(names(&["factory"]))).as_deref(), Some("^(POST|PUT|PATCH|DELETE)$"));
        assert_eq!(rejected(polecats(None)).as_deref(), Some("^(POST|PUT|PATCH|DELETE)$"));
        assert_eq!(rejected(polecats(Some(Method::Patch))).as_deref(), Some("^(POST|PUT|DELETE)$"));
        assert_eq!(rejected(polecats(Some(Method::Delete))).as_deref(), Some("^(POST|PUT|PATCH)$"));
    }
}

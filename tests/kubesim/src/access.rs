//! Who may do what: logins, the roles that are bound to them, and what a test forbids on top of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::core::Core;
use crate::record::Call;

/// Whoever comes without TLS.
pub const NOBODY_IN_PARTICULAR: &str = "kubesim";

/// A user and the token that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub token: String,
    /// May do everything; others may do what their roles say.
    admin: bool,
}

#[derive(Debug, Default)]
pub struct Access {
    logins: Mutex<HashMap<String, Login>>,
    forbidden: Mutex<Vec<(String, String)>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Access {
    /// Let somebody in.
    pub fn add(&self, user: &str, admin: bool) -> Login {
        self.add_by(user, format!("token-of-{user}"), admin)
    }

    /// Let somebody in by a password, as an authenticating proxy does before an API server (which itself knows none any more).
    pub fn add_by_password(&self, user: &str, password: &str) -> Login {
        self.add_by(user, STANDARD.encode(format!("{user}:{password}")), true)
    }

    fn add_by(&self, user: &str, token: String, admin: bool) -> Login {
        let login = Login { user: user.to_owned(), token, admin };
        locked(&self.logins).insert(login.token.clone(), login.clone());
        login
    }

    /// Let a login expire.
    pub fn remove(&self, login: &Login) {
        locked(&self.logins).remove(&login.token);
    }

    /// The user whose token this is.
    pub fn user(&self, token: &str) -> Option<String> {
        locked(&self.logins).get(token).map(|login| login.user.clone())
    }

    /// Forbid something to everybody; `resource` with its subresource: `pods/exec`.
    pub fn forbid(&self, verb: &str, resource: &str) {
        locked(&self.forbidden).push((verb.to_owned(), resource.to_owned()));
    }

    pub fn forbid_nothing(&self) {
        locked(&self.forbidden).clear();
    }

    fn is_forbidden(&self, verb: &str, resource: &str) -> bool {
        let matches = |pattern: &str, word: &str| pattern == "*" || pattern == word;
        locked(&self.forbidden).iter().any(|(verbs, resources)| matches(verbs, verb) && matches(resources, resource))
    }

    fn is_admin(&self, user: &str) -> bool {
        user == NOBODY_IN_PARTICULAR || locked(&self.logins).values().any(|login| login.user == user && login.admin)
    }
}

/// Whether the user of a request may make it. `group` is that of its resource.
pub fn is_allowed(core: &Core, call: &Call, group: &str) -> bool {
    if core.access.is_forbidden(&call.verb, &call.resource) {
        return false;
    }
    core.access.is_admin(&call.user) || a_role_allows(core, call, group)
}

fn a_role_allows(core: &Core, call: &Call, group: &str) -> bool {
    let bound_everywhere = bindings(core, "clusterrolebindings", "");
    let bound_here = if call.namespace.is_empty() { Vec::new() } else { bindings(core, "rolebindings", &call.namespace) };
    let bindings = bound_everywhere.iter().chain(&bound_here).filter(|binding| is_bound(binding, &call.user));
    bindings.filter_map(|binding| role(core, binding)).any(|role| {
        let rules = role["rules"].as_array().into_iter().flatten();
        rules.into_iter().any(|rule| rule_allows(rule, call, group))
    })
}

fn bindings(core: &Core, plural: &str, namespace: &str) -> Vec<std::sync::Arc<Value>> {
    core.store.list(&core.resources.get(plural), namespace).0
}

/// A user by its name, or a service account by the name that the API knows it under.
fn is_bound(binding: &Value, user: &str) -> bool {
    let subjects = binding["subjects"].as_array().into_iter().flatten();
    subjects.into_iter().any(|subject| {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => name == user,
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().unwrap_or_default();
                user == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

fn role(core: &Core, binding: &Value) -> Option<std::sync::Arc<Value>> {
    let (reference, namespace) = (&binding["roleRef"], binding["metadata"]["namespace"].as_str().unwrap_or_default());
    let name = reference["name"].as_str()?;
    match reference["kind"].as_str()? {
        "Role" => core.store.get(&core.resources.get("roles"), namespace, name).ok(),
        _ => core.store.get(&core.resources.get("clusterroles"), "", name).ok(),
    }
}

fn rule_allows(rule: &Value, call: &Call, group: &str) -> bool {
    let has = |list: &str, word: &str| {
        let words = rule[list].as_array().into_iter().flatten();
        words.into_iter().any(|there| there == "*" || there == word)
    };
    let names =
        rule["resourceNames"].as_array().is_none_or(|names| names.is_empty() || names.iter().any(|name| *name == *call.name));
    has("verbs", &call.verb) && has("apiGroups", group) && has("resources", &call.resource) && names
}

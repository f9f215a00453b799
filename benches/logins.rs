//! Somebody who logs in with a plugin, beside somebody who has a token: what it costs that one goes alone at first, by a kubectl of
//! its own, before the others share one.

use std::process::Command;

use kubesim::Kubeconfig;
use serde_json::json;

use crate::pods::{WORKERS, far_away};
use crate::table::{Bound, Row};
use crate::timing::{SLOWEST_ROUNDS, in_turn};

/// Hands out what it was given, at once.
const PLUGIN: &str =
    r#"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$0""#;

/// Twenty workers, by a user of either kind.
pub fn list() -> Row {
    let operator = far_away(WORKERS);
    let login = operator.cluster.admin("ann");
    let [with, without] = ["with", "without"].map(|name| operator.cluster.directory().join(name));
    let plugin = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", PLUGIN, login.token],
        "interactiveMode": "IfAvailable",
    }});
    Kubeconfig::new().secure("ann", &operator.cluster, plugin).write(&with);
    Kubeconfig::new().login("ann", &operator.cluster, &login).write(&without);
    let list = |kubeconfig: &std::path::Path| -> Command {
        let mut list = operator.world.command(&["list"]);
        list.env("KUBECONFIG", kubeconfig);
        list
    };
    // Which pods there are is found for each of them before.
    for kubeconfig in [&with, &without] {
        let listed = list(kubeconfig).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&listed.stdout).matches("running").count(), WORKERS);
    }
    let pair = in_turn(SLOWEST_ROUNDS, list(&with), list(&without));
    Row::time("`list`, 20 pods, with a login plugin", pair, "the same with a token", Bound::Times(1.5))
}

//! The environment of an agent's container: what Gas City gives it, without what is only true on the controller.

use std::collections::BTreeMap;

use super::SESSION;
use super::payload::{Payload, WORKSPACE};
use crate::gascity::variables::variable;

/// What the controller is told and an agent must not be.
const CONTROLLERS: [&str; 12] = [
    "BEADS_DOLT_SERVER_HOST",
    "BEADS_DOLT_SERVER_PORT",
    "GC_BEADS",
    "GC_SESSION",
    "GC_EVENTS",
    "GC_DOLT_HOST",
    "GC_DOLT_PORT",
    "GC_K8S_DOLT_HOST",
    "GC_K8S_DOLT_PORT",
    "GC_MAIL",
    "GC_MCP_MAIL_URL",
    "GC_MCP_MAIL_PROJECT",
];

/// The variables of the container, each once.
///
/// # Errors
/// The payload names a Dolt host without a port.
pub fn of(payload: &Payload) -> Result<BTreeMap<String, String>, String> {
    let mut env = payload.env.clone();
    env.retain(|name, _| !CONTROLLERS.contains(&name.as_str()));
    let mut set = |name: &str, value: String| drop(env.insert(name.to_owned(), value));
    if let Some((host, port)) = dolt(payload)? {
        for (name, value) in [("GC_DOLT_HOST", &host), ("GC_DOLT_PORT", &port)] {
            set(name, value.clone());
        }
        for (name, value) in [("BEADS_DOLT_SERVER_HOST", host), ("BEADS_DOLT_SERVER_PORT", port)] {
            set(name, value);
        }
    }
    let city = payload.city();
    set("GC_CITY", WORKSPACE.to_owned());
    set("GC_DIR", payload.directory());
    let host = setting("GC_K8S_MCP_MAIL_HOST", "mcp-mail.gc.svc.cluster.local");
    let port = setting("GC_K8S_MCP_MAIL_PORT", "8765");
    set("GC_MCP_MAIL_URL", format!("http://{host}:{port}"));
    // All agents of a city share one name for their mail.
    set("GC_MCP_MAIL_PROJECT", if city.is_empty() { WORKSPACE } else { city }.to_owned());
    set("GC_MAIL", "exec:gc-mail-mcp-agent-mail".to_owned());
    set("GC_TMUX_SESSION", SESSION.to_owned());
    set("CLAUDE_CONFIG_DIR", "/home/gcagent/.claude".to_owned());
    Ok(env)
}

/// Where the agent's Dolt server is: the payload's own, or the cluster's when the payload knows but the controller's port.
fn dolt(payload: &Payload) -> Result<Option<(String, String)>, String> {
    let given = |name: &str| payload.env.get(name).filter(|value| !value.is_empty()).cloned();
    match (given("GC_DOLT_HOST"), given("GC_DOLT_PORT")) {
        (Some(host), Some(port)) => Ok(Some((host, port))),
        (Some(_), None) => Err("session payload requires GC_DOLT_PORT when GC_DOLT_HOST is set".to_owned()),
        (None, Some(_)) => {
            Ok(Some((setting("GC_K8S_DOLT_HOST", "dolt.gc.svc.cluster.local"), setting("GC_K8S_DOLT_PORT", "3307"))))
        }
        (None, None) => Ok(None),
    }
}

/// A variable of our own environment, or what the script takes instead.
pub fn setting(name: &str, otherwise: &str) -> String {
    variable(name).unwrap_or_else(|| otherwise.to_owned())
}

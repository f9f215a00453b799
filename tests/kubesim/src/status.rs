//! `v1.Status` objects, worded as a real API server words them: kubectl prints these texts, and users search for them.

use serde_json::{Value, json};

use crate::apply::Conflict;
use crate::http::Response;
use crate::resources::Kind;

/// A refusal of the API server.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Value,
}

impl Status {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        self.details = json!({ "name": name, "kind": kind.plural });
        if !kind.group.is_empty() {
            self.details["group"] = json!(kind.group);
        }
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// `what` is the resource, with its subresource: `pods/exec`.
    pub fn forbidden(kind: &Kind, name: &str, user: &str, verb: &str, what: &str, namespace: &str) -> Self {
        let place = match namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let object = if name.is_empty() { kind.qualified() } else { format!("{} \"{name}\"", kind.qualified()) };
        let group = &kind.group;
        let message =
            format!("{object} is forbidden: User \"{user}\" cannot {verb} resource \"{what}\" in API group \"{group}\" {place}");
        Self::new(403, "Forbidden", message).about(kind, name)
    }

    /// What is no resource, such as `/livez`, is named by its path.
    pub fn forbidden_path(user: &str, verb: &str, path: &str) -> Self {
        Self::new(403, "Forbidden", format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\""))
    }

    /// The API server takes no such object here.
    pub fn not_admitted(kind: &Kind, name: &str, why: &str) -> Self {
        Self::new(403, "Forbidden", format!("{} \"{name}\" is forbidden: {why}", kind.qualified())).about(kind, name)
    }

    pub fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", kind.qualified())).about(kind, name)
    }

    /// A path that the server does not know.
    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// The client takes only kinds of answers that are not served.
    pub fn not_acceptable() -> Self {
        Self::new(406, "NotAcceptable", "only the following media types are accepted: application/json")
    }

    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", kind.qualified())).about(kind, name)
    }

    /// Nothing can be made in a namespace that is being deleted.
    pub fn namespace_is_ending(kind: &Kind, name: &str, namespace: &str) -> Self {
        let message = format!(
            "{} \"{name}\" is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
            kind.qualified()
        );
        Self::new(403, "Forbidden", message).about(kind, name)
    }

    /// Somebody else changed the object since the caller read it.
    pub fn conflict(kind: &Kind, name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the \
             latest version and try again",
            kind.qualified()
        );
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// A configuration sets fields otherwise than their owners.
    pub fn apply_conflict(kind: &Kind, name: &str, conflicts: &[Conflict]) -> Self {
        let said: Vec<String> = conflicts
            .iter()
            .map(|conflict| format!("conflict with \"{}\" using {}: {}", conflict.manager, conflict.version, conflict.field()))
            .collect();
        let message = match &said[..] {
            [one] => format!("Apply failed with 1 conflict: {one}"),
            many => format!("Apply failed with {} conflicts: {}", many.len(), many.join("\n")),
        };
        let mut status = Self::new(409, "Conflict", message).about(kind, name);
        let causes = conflicts.iter().map(|conflict| {
            let message = format!("conflict with \"{}\" using {}", conflict.manager, conflict.version);
            json!({ "reason": "FieldManagerConflict", "message": message, "field": conflict.field() })
        });
        status.details["causes"] = causes.collect();
        status
    }

    /// A watch from a version that is no longer kept.
    pub fn gone(from: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {from} ({oldest})"))
    }

    pub fn unsupported_media_type(given: &str, supported: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {supported} (got {given:?})"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub fn invalid(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is invalid: {why}", kind.kind_and_group());
        let mut status = Self::new(422, "Invalid", message).about(kind, name);
        status.details["kind"] = json!(kind.kind);
        // kubectl shows these, and not the message.
        if let Some((field, message)) = why.split_once(": ") {
            status.details["causes"] = json!([{ "reason": "FieldValueInvalid", "message": message, "field": field }]);
        }
        status
    }

    pub fn too_many_requests() -> Self {
        let mut status = Self::new(429, "TooManyRequests", "Too many requests, please try again later.");
        status.details = json!({ "retryAfterSeconds": 1 });
        status
    }

    pub fn internal(error: &str) -> Self {
        let mut status = Self::new(500, "InternalError", format!("Internal error occurred: {error}"));
        status.details = json!({ "causes": [{ "message": error }] });
        status
    }

    pub fn unavailable() -> Self {
        Self::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    }

    /// How an exec tells that its command ended with a status other than 0.
    pub fn exit_code(code: i32) -> Self {
        let message = format!("command terminated with non-zero exit code: command terminated with exit code {code}");
        let mut status = Self::new(500, "NonZeroExitCode", message);
        status.details = json!({ "causes": [{ "reason": "ExitCode", "message": code.to_string() }] });
        status
    }

    /// The object as it is sent.
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            object["details"] = self.details.clone();
        }
        object
    }
}

impl From<Status> for Response {
    fn from(status: Status) -> Self {
        let response = Response::json(status.code, &status.to_json());
        match status.code {
            429 => response.header("Retry-After", "1"),
            _ => response,
        }
    }
}

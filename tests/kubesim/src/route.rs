//! What a request is about: its path and method, taken apart.

use std::sync::Arc;

use crate::http::Request;
use crate::record::Call;
use crate::resources::{Kind, Resources};
use crate::reviews::Review;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `/version`, `/livez` and the like, discovery, schemas: nothing about objects.
    About(Vec<String>),
    /// A question of a user about itself.
    Review(Review),
    Objects(Target),
    /// There is no such resource.
    Nowhere,
}

/// Objects of a kind: all of them, those of a namespace, or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub kind: Arc<Kind>,
    /// Empty: all namespaces, or a kind that lives in none.
    pub namespace: String,
    /// Empty: all.
    pub name: String,
    pub subresource: String,
}

impl Target {
    /// `pods/exec`
    pub fn resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.kind.plural.clone(),
            subresource => format!("{}/{subresource}", self.kind.plural),
        }
    }
}

impl Route {
    pub fn of(resources: &Resources, request: &Request) -> Self {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        if let Some(review) = Review::at(&path) {
            return Self::Review(review);
        }
        let (group, version, rest) = match path[..] {
            ["api", version, ref rest @ ..] if !rest.is_empty() => ("", version, rest.to_vec()),
            ["apis", group, version, ref rest @ ..] if !rest.is_empty() => (group, version, rest.to_vec()),
            _ => return Self::About(request.path.clone()),
        };
        let known = |plural: &str| resources.find(group, version, plural);
        let (namespace, rest) = match rest[..] {
            // A namespace itself has subresources, too; no resource is called like one of them.
            ["namespaces", namespace, plural, ..] if known(plural).is_some() => (namespace, &rest[2..]),
            _ => ("", &rest[..]),
        };
        let (plural, name, subresource) = match *rest {
            [plural] => (plural, "", ""),
            [plural, name] => (plural, name, ""),
            [plural, name, subresource] => (plural, name, subresource),
            _ => return Self::Nowhere,
        };
        let Some(kind) = known(plural).filter(|kind| subresource.is_empty() || kind.has(subresource)) else {
            return Self::Nowhere;
        };
        let owned = str::to_owned;
        Self::Objects(Target { kind, namespace: owned(namespace), name: owned(name), subresource: owned(subresource) })
    }

    /// What the record keeps of the request.
    pub fn call(&self, request: &Request, user: &str) -> Call {
        let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let mut call = Call {
            method: request.method.clone(),
            path: format!("/{}{mark}{}", request.path.join("/"), query.join("&")),
            user: user.to_owned(),
            user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
            line: request.line,
            ..Call::default()
        };
        if let Self::Review(review) = self {
            call.verb = "create".to_owned();
            call.resource = review.kind().plural;
        }
        if let Self::Objects(target) = self {
            call.verb = verb(request, target).to_owned();
            call.resource = target.resource();
            call.namespace = target.namespace.clone();
            call.name = target.name.clone();
            if target.subresource == "exec" {
                let words = request.query.iter().filter(|(name, _)| name == "command");
                call.input = request.input.clone();
                call.command = words.map(|(_, word)| word.clone()).collect();
            }
        }
        call
    }
}

/// What permissions call this request.
pub fn verb(request: &Request, target: &Target) -> &'static str {
    match (request.method.as_str(), target.name.is_empty()) {
        ("GET" | "HEAD", _) if request.flag("watch") => "watch",
        ("GET" | "HEAD", true) => "list",
        ("GET" | "HEAD", false) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "deletecollection",
        ("DELETE", false) => "delete",
        _ => "",
    }
}

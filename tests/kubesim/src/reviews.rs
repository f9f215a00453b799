//! What users may ask about themselves: `kubectl auth can-i`, `kubectl auth whoami`.

use serde_json::{Value, json};

use crate::access::is_allowed;
use crate::core::Core;
use crate::http::{Request, Response};
use crate::protobuf::Message;
use crate::record::Call;
use crate::reply::Reply;
use crate::resources::Kind;
use crate::status::Status;

/// What a user asks about itself. Everybody may, as a real cluster's `system:basic-user` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// May I do this?
    Access,
    /// Who am I?
    Identity,
}

impl Review {
    /// The review at a path.
    pub fn at(path: &[&str]) -> Option<Self> {
        match path {
            ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] => Some(Self::Access),
            ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"] => Some(Self::Identity),
            _ => None,
        }
    }

    /// What messages call it.
    pub fn kind(self) -> Kind {
        let (group, kind, plural) = match self {
            Self::Access => ("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
            Self::Identity => ("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"),
        };
        Kind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            short: Vec::new(),
            namespaced: false,
            subresources: Vec::new(),
            custom: false,
        }
    }

    /// # Errors
    /// The question makes no sense.
    pub fn answer(self, core: &Core, request: &Request, user: &str) -> Result<Reply, Status> {
        if request.method != "POST" {
            return Err(Status::method_not_allowed());
        }
        let nonsense = || Status::bad_request("the review makes no sense");
        match self {
            Self::Access => question(request, user).ok_or_else(nonsense).map(|question| may(core, &question).into()),
            Self::Identity => Ok(who(user).into()),
        }
    }
}

struct Question {
    /// As if it were made.
    call: Call,
    group: String,
}

fn question(request: &Request, user: &str) -> Option<Question> {
    let is_protobuf = request.header("content-type").is_some_and(|kind| kind.contains("protobuf"));
    let [namespace, verb, group, resource, subresource, name] =
        if is_protobuf { from_protobuf(&request.body)? } else { from_json(&request.body)? };
    let resource = if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") };
    Some(Question { call: Call { user: user.to_owned(), verb, resource, namespace, name, ..Call::default() }, group })
}

const NAMES: [&str; 6] = ["namespace", "verb", "group", "resource", "subresource", "name"];
/// The same fields' numbers in `ResourceAttributes` of authorization/v1.
const NUMBERS: [u64; 6] = [1, 2, 3, 5, 6, 7];

fn from_json(body: &[u8]) -> Option<[String; 6]> {
    let review: Value = serde_json::from_slice(body).ok()?;
    let attributes = review["spec"].get("resourceAttributes").cloned().unwrap_or_default();
    Some(NAMES.map(|name| attributes[name].as_str().unwrap_or_default().to_owned()))
}

fn from_protobuf(body: &[u8]) -> Option<[String; 6]> {
    let spec = Message::unwrap(body)?.message(2)?;
    let attributes = spec.message(1);
    Some(NUMBERS.map(|number| attributes.as_ref().map(|attributes| attributes.text(number)).unwrap_or_default()))
}

fn may(core: &Core, question: &Question) -> Response {
    // What is no resource (`/livez`) may be read by everybody.
    let allowed = question.call.resource.is_empty() || is_allowed(core, &question.call, &question.group);
    let review = json!({
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {},
        "status": { "allowed": allowed },
    });
    Response::json(201, &review)
}

fn who(user: &str) -> Response {
    let review = json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "status": { "userInfo": { "username": user, "groups": ["system:authenticated"] } },
    });
    Response::json(201, &review)
}

//! Objects through gateways, as kubectl would have them: what it would print of them, change, or delete.
//!
//! Only good answers are taken. Whatever else comes, kubectl is asked the same: it has the words for all that can be wrong, and
//! knows other ways. What may have changed something is not sent again.

use std::thread;
use std::time::Instant;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Answer, Gateway, Gateways, Method, escaped, refusal};
use crate::cluster::kubectl::LISTING_CAP;
use crate::cluster::objects::Change;
use crate::cluster::resource::Resource;
use crate::cluster::{Cluster, kubectl_error, login};
use crate::failure::{Failure, Kind};
use crate::process;
use crate::registry::names::ObjectName;
use crate::terminal::neutralise;

/// So many objects are asked for at once, as kubectl does.
const PAGE: u32 = 500;
/// Who owns what is patched, as `kubectl patch` has it.
const PATCHER: &str = "kubectl-patch";

/// All objects of some kinds.
#[derive(Debug)]
pub struct Lists {
    /// The pages of each kind, as JSON; none of one that the operator may not list.
    pages: Vec<Vec<Vec<u8>>>,
    /// That there are such kinds, and what kubectl would say of them.
    pub failure: Option<Failure>,
    pub stderr: String,
}

impl Lists {
    /// Those of the kind in this place, which kubectl calls so; none of one that may not be listed.
    ///
    /// # Errors
    /// It is no list.
    pub fn of<T: DeserializeOwned>(&self, place: usize, what: &str) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        for page in self.pages.get(place).into_iter().flatten() {
            all.extend(kubectl_error::items(page, what)?);
        }
        Ok(all)
    }
}

/// What a list says of itself.
#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
}

#[derive(Deserialize)]
struct PageMetadata {
    /// Where the next page begins; nothing on the last one.
    #[serde(default)]
    r#continue: String,
}

impl Gateways {
    /// All objects of these kinds, with these labels if any are said; `None` when kubectl has to be asked.
    pub fn lists(
        &self,
        cluster: &Cluster,
        kinds: &[&'static Resource],
        selector: Option<&str>,
        deadline: Instant,
    ) -> Option<Lists> {
        let query = selector.map(|selector| format!("&labelSelector={}", escaped(selector))).unwrap_or_default();
        let (gateway, namespace, _) = self.way(cluster, deadline)?;
        let turn = login::turn(cluster, Some(deadline)).ok()?;
        let pages = |kind: &Resource| pages(&gateway, &kind.path(&namespace), &query, deadline);
        let all: Vec<_> = thread::scope(|scope| {
            let (pages, turn, manner) = (&pages, &turn, login::manner());
            // On behalf of the thread that asks for all of them, and in its turn.
            let on_its_own = |kind: &'static Resource| {
                scope.spawn(move || {
                    let (_acting, _held) = (login::acting(manner), turn.hold());
                    pages(kind)
                })
            };
            let (first, others) = kinds.split_first()?;
            let others: Vec<_> = others.iter().map(|kind| on_its_own(kind)).collect();
            let first = pages(first);
            Some(std::iter::once(first).chain(others.into_iter().map(|other| other.join().ok().flatten())).collect())
        })?;
        let mut lists = Lists { pages: Vec::new(), failure: None, stderr: String::new() };
        for pages in all {
            match pages? {
                Ok(pages) => lists.pages.push(pages),
                Err(refused) => {
                    lists.stderr += &refused;
                    lists.pages.push(Vec::new());
                }
            }
        }
        // kubectl has printed a list by then.
        let failure = || cluster.named(kubectl_error::classify(lists.stderr.as_bytes(), b"{"));
        lists.failure = (!lists.stderr.is_empty()).then(failure);
        Some(lists)
    }

    /// One object, when it is there.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub fn object(
        &self,
        cluster: &Cluster,
        kind: &Resource,
        name: &ObjectName,
        deadline: Instant,
    ) -> Result<Option<Value>, Failure> {
        let path = |namespace: &ObjectName| format!("{}/{name}", kind.path(namespace));
        match self.ask(cluster, Method::Get, path, None, deadline) {
            Some(Ok(answer)) if answer.status == 404 && is_missing(&answer) => return Ok(None),
            Some(Ok(Answer { status: 200, body })) => {
                if let Ok(object) = serde_json::from_slice(&body) {
                    return Ok(Some(object));
                }
            }
            _ => {}
        }
        cluster.get(&kind.target(name), deadline)
    }

    /// A merge patch of one object.
    ///
    /// # Errors
    /// As [`Cluster::patch`].
    pub fn patch(
        &self,
        cluster: &Cluster,
        kind: &Resource,
        name: &ObjectName,
        patch: &Value,
        change: Change,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let rehearsal = if change == Change::DryRun { "&dryRun=All" } else { "" };
        let path = |namespace: &ObjectName| format!("{}/{name}?fieldManager={PATCHER}{rehearsal}", kind.path(namespace));
        if self.change(cluster, Method::Patch, path, patch, deadline)? == Changed::Yes {
            return Ok(());
        }
        cluster.patch(&kind.target(name), patch, change, deadline).map(drop)
    }

    /// Begin to delete these objects; those that are not there are no error.
    ///
    /// # Errors
    /// As [`Cluster::delete`].
    pub fn delete(
        &self,
        cluster: &Cluster,
        kind: &Resource,
        names: &[&ObjectName],
        change: Change,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let rehearsal = if change == Change::DryRun { json!(["All"]) } else { json!([]) };
        let options =
            json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "dryRun": rehearsal });
        for (place, name) in names.iter().enumerate() {
            let path = |namespace: &ObjectName| format!("{}/{name}", kind.path(namespace));
            if self.change(cluster, Method::Delete, path, &options, deadline)? == Changed::NotSent {
                let left: Vec<String> = names[place..].iter().map(|name| kind.target(name)).collect();
                return cluster.delete(&left, change, deadline).map(drop);
            }
        }
        Ok(())
    }

    /// Change something, or see that it is not there.
    ///
    /// # Errors
    /// It may have been changed, and nobody says so.
    fn change(
        &self,
        cluster: &Cluster,
        method: Method,
        path: impl FnOnce(&ObjectName) -> String,
        body: &Value,
        deadline: Instant,
    ) -> Result<Changed, Failure> {
        match self.ask(cluster, method, path, Some(body), deadline) {
            None => Ok(Changed::NotSent),
            Some(Err(failure)) => Err(failure),
            Some(Ok(answer)) => match answer.status {
                200..=299 => Ok(Changed::Yes),
                404 if method == Method::Delete && is_missing(&answer) => Ok(Changed::Yes),
                // It was refused, and kubectl has the words for that.
                400..=499 => Ok(Changed::NotSent),
                _ => Err(cluster.named(refusal(&answer))),
            },
        }
    }

    /// What the API answers at a path in the cluster's namespace; `None` when this is not the way to it, and nothing was asked.
    fn ask(
        &self,
        cluster: &Cluster,
        method: Method,
        path: impl FnOnce(&ObjectName) -> String,
        body: Option<&Value>,
        deadline: Instant,
    ) -> Option<Result<Answer, Failure>> {
        let (gateway, namespace, _) = self.way(cluster, deadline)?;
        // One that has gone meanwhile has not heard it.
        gateway.connect().ok()?;
        let answer = ask(&gateway, method, &path(&namespace), body, deadline);
        Some(answer.map_err(|failure| cluster.named(gateway.explained(failure))))
    }
}

fn ask(gateway: &Gateway, method: Method, path: &str, body: Option<&Value>, deadline: Instant) -> Result<Answer, Failure> {
    process::say(|| format!("{} {path}", method.word()));
    gateway.ask(method, path, body, deadline)
}

/// All objects at a path, or what kubectl would say of that they may not be listed; `None` when it has to be asked.
fn pages(gateway: &Gateway, path: &str, query: &str, deadline: Instant) -> Option<Result<Vec<Vec<u8>>, String>> {
    let (mut pages, mut next, mut length) = (Vec::new(), String::new(), 0);
    while length <= LISTING_CAP {
        let path = format!("{path}?limit={PAGE}{query}{next}");
        match ask(gateway, Method::Get, &path, None, deadline).ok()? {
            Answer { status: 200, body } => {
                let page: Page = serde_json::from_slice(&body).ok()?;
                length += body.len();
                pages.push(body);
                match page.metadata.r#continue.as_str() {
                    "" => return Some(Ok(pages)),
                    more => next = format!("&continue={}", escaped(more)),
                }
            }
            refused => return Some(Err(forbidden(&refused)?)),
        }
    }
    None
}

/// What became of something that was to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    Yes,
    NotSent,
}

/// Whether an answer says that there is no such object, rather than no such kind.
fn is_missing(answer: &Answer) -> bool {
    refusal(answer).kind == Kind::Missing
}

/// What kubectl says of a kind that may not be listed; `None` when it is something else that is wrong.
fn forbidden(answer: &Answer) -> Option<String> {
    let status: Value = serde_json::from_slice(&answer.body).ok()?;
    let message = status["message"].as_str().filter(|_| answer.status == 403 && status["reason"] == "Forbidden")?;
    Some(format!("Error from server (Forbidden): {}\n", neutralise::line(message)))
}

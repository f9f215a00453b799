//! The ConfigMaps that hold the events, and the one that counts them.

use std::time::Instant;

use serde_json::{Value, json};

use super::event::Event;
use crate::cluster::Cluster;
use crate::cluster::gateway::watch::{Following, Told, Which};
use crate::cluster::gateway::{Access, Answer, Gateway, Method, escaped, refusal};
use crate::failure::{Failure, Kind};
use crate::gascity::label;
use crate::registry::names::ObjectName;
use crate::remote::script;
use crate::terminal::{self, neutralise};

/// Selects events.
pub const COMPONENT: &str = "gc/component=event";
/// The labels by which events can be selected.
pub const TYPE: &str = "gc/type";
pub const ACTOR: &str = "gc/actor";

const COUNTER: &str = "gc-events-seq";
/// Says which of us changed the counter, the last one first, so that a lost answer can be made up for. The script leaves it as it is.
const WRITERS: &str = "factory-worker/writers";
/// How many of them it names: more than can have come since a request whose answer we wait for.
const REMEMBERED: usize = 100;
/// As many as kubectl asks for at a time.
const PAGE: usize = 500;

/// The events of a city.
pub struct Store {
    gateway: Gateway,
    path: String,
}

/// The counter as it was read.
pub struct Counter {
    /// The number of the latest event.
    pub seq: u64,
    object: Value,
}

impl Counter {
    /// The change that gives the next event this number.
    pub fn step_to(self, seq: u64) -> Step {
        let (mut object, writer) = (self.object, script::nonce());
        let all: Vec<&str> = [writer.as_str()].into_iter().chain(writers(&object)).take(REMEMBERED).collect();
        let all = all.join(" ");
        object["data"]["seq"] = json!(seq.to_string());
        object["metadata"]["annotations"][WRITERS] = json!(all);
        Step { object, writer }
    }
}

/// A change of the counter that nobody else can make.
pub struct Step {
    object: Value,
    writer: String,
}

/// Who changed the counter, the last one first.
fn writers(counter: &Value) -> impl Iterator<Item = &str> {
    counter["metadata"]["annotations"][WRITERS].as_str().unwrap_or_default().split_whitespace()
}

/// What became of something that was to be written.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    Done,
    /// Somebody else was faster.
    Conflict,
}

impl Store {
    /// The way to the events; the cluster is not asked yet.
    ///
    /// # Errors
    /// kubectl does not start.
    pub fn open(cluster: &Cluster, namespace: &ObjectName, deadline: Instant) -> Result<Self, Failure> {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        let gateway = Gateway::start(cluster, &Access::Objects(path.clone()), deadline)?;
        Ok(Self { gateway, path })
    }

    /// The counter, when there is one.
    ///
    /// # Errors
    /// The cluster did not say, or the counter counts nothing.
    pub fn counter(&self, deadline: Instant) -> Result<Option<Counter>, Failure> {
        let Some(object) = self.get(COUNTER, deadline)? else { return Ok(None) };
        let said = object.pointer("/data/seq").and_then(Value::as_str).unwrap_or_default();
        match said.trim().parse() {
            Ok(seq) => Ok(Some(Counter { seq, object })),
            Err(_) => Err(Failure::new(Kind::Failed, format!("ConfigMap {COUNTER} counts {:?}", neutralise::line(said)))),
        }
    }

    /// Make the counter; that it is there already is no error.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_counter(&self, seq: u64, deadline: Instant) -> Result<(), Failure> {
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": COUNTER, "labels": { "app.kubernetes.io/managed-by": "gascity", "gc/component": "event-seq" } },
            "data": { "seq": seq.to_string() },
        });
        let answer = self.gateway.ask(Method::Post, &self.path, Some(&object), deadline)?;
        if is_good(&answer) || answer.status == 409 { Ok(()) } else { Err(refusal(&answer)) }
    }

    /// Take a step of the counter, unless somebody has changed it since it was read. Asked again after a failure it is still taken
    /// once at most: [`Self::has_taken`] knows whether it was.
    ///
    /// # Errors
    /// The cluster refused, or did not say.
    pub fn take(&self, step: &Step, deadline: Instant) -> Result<Written, Failure> {
        match self.gateway.ask(Method::Put, &format!("{}/{COUNTER}", self.path), Some(&step.object), deadline)? {
            answer if is_good(&answer) => Ok(Written::Done),
            // It was changed, or deleted.
            Answer { status: 404 | 409, .. } => Ok(Written::Conflict),
            answer => Err(refusal(&answer)),
        }
    }

    /// Whether this step was taken, though nobody said so.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn has_taken(&self, step: &Step, deadline: Instant) -> Result<bool, Failure> {
        let counter = self.counter(deadline)?;
        Ok(counter.is_some_and(|counter| writers(&counter.object).any(|writer| writer == step.writer)))
    }

    /// Write an event under its number, as often as it takes: written twice it is there once.
    ///
    /// # Errors
    /// The cluster refused, or did not say.
    pub fn write(&self, event: &Event, deadline: Instant) -> Result<Written, Failure> {
        let object = object_of(event);
        let answer = self.gateway.ask(Method::Post, &self.path, Some(&object), deadline)?;
        if is_good(&answer) {
            return Ok(Written::Done);
        }
        if answer.status != 409 {
            return Err(refusal(&answer));
        }
        // Perhaps it is ours, and the answer to the first try was lost.
        let there = self.get(&name_of(event), deadline)?;
        let same = there.is_some_and(|there| there["data"]["event"] == object["data"]["event"]);
        Ok(if same { Written::Done } else { Written::Conflict })
    }

    /// The selected events, in no particular order, and the version of the store that this is.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn list(&self, selector: &str, deadline: Instant) -> Result<(Vec<Event>, String), Failure> {
        let mut events = Vec::new();
        let mut next = format!("&limit={PAGE}");
        loop {
            let path = format!("{}?labelSelector={}{next}", self.path, escaped(selector));
            let answer = self.gateway.ask(Method::Get, &path, None, deadline)?;
            // It took too long since the first page: once more, in one piece.
            if answer.status == 410 && !next.is_empty() {
                (events, next) = (Vec::new(), String::new());
                continue;
            }
            let list = object(&answer)?;
            let items =
                list["items"].as_array().ok_or_else(|| Failure::new(Kind::Incomplete, "the cluster's answer is no list"))?;
            events.extend(items.iter().filter_map(event_of));
            let word = |field: &str| list["metadata"][field].as_str().unwrap_or_default().to_owned();
            match word("continue") {
                end if end.is_empty() => return Ok((events, word("resourceVersion"))),
                more => next = format!("&limit={PAGE}&continue={}", escaped(&more)),
            }
        }
    }

    /// What happens to events after a version of the store, for so many seconds. It has to be granted by the deadline.
    ///
    /// # Errors
    /// It cannot be asked for.
    pub fn watch(&self, version: &str, lasts: u64, deadline: Instant) -> Result<Following, Failure> {
        Following::begin(&self.gateway, Which { path: &self.path, selector: COMPONENT, version, lasts }, deadline)
    }

    /// What a watch of ours tells by then.
    ///
    /// # Errors
    /// It was not granted.
    pub fn told(&self, following: &mut Following, until: Instant) -> Result<Told, Failure> {
        following.next(&self.gateway, until)
    }

    fn get(&self, name: &str, deadline: Instant) -> Result<Option<Value>, Failure> {
        let answer = self.gateway.ask(Method::Get, &format!("{}/{name}", self.path), None, deadline)?;
        match answer.status {
            404 if refusal(&answer).kind == Kind::Missing => Ok(None),
            _ => object(&answer).map(Some),
        }
    }
}

/// The event that a ConfigMap holds. One that makes no sense is said, and passed over.
pub fn event_of(object: &Value) -> Option<Event> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let text = object.pointer("/data/event").and_then(Value::as_str).unwrap_or_default();
    match Event::stored(text, name) {
        Ok(event) => Some(event),
        Err(why) => {
            terminal::note(&neutralise::line(&format!("factory-worker: ConfigMap {name} is passed over: {why}")));
            None
        }
    }
}

fn object_of(event: &Event) -> Value {
    let label = |field: &str| label::value(&event.text(field).unwrap_or_default(), '_');
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name_of(event),
            "labels": {
                "app.kubernetes.io/managed-by": "gascity",
                "gc/component": "event",
                TYPE: label("type"),
                ACTOR: label("actor"),
            },
        },
        "data": { "event": event.line() },
    })
}

fn name_of(event: &Event) -> String {
    format!("gc-evt-{:010}", event.seq())
}

fn is_good(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

fn object(answer: &Answer) -> Result<Value, Failure> {
    if !is_good(answer) {
        return Err(refusal(answer));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::new(Kind::Incomplete, format!("the cluster's answer is cut: {error}")))
}

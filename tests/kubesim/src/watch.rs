//! Watches: what changes, as it changes.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::core::Core;
use crate::http::{Chunks, Request};
use crate::reply::Reply;
use crate::route::Target;
use crate::selectors::Selector;
use crate::status::Status;
use crate::store::Change;

/// How often a client that asked for it is told how far it is.
const BOOKMARK_EVERY: Duration = Duration::from_secs(1);
/// How often it is seen to whether the client is still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a watch lasts that says nothing about that.
const LONG: Duration = Duration::from_secs(3600);

struct Watch {
    core: Arc<Core>,
    target: Target,
    selector: Selector,
    bookmarks: bool,
    until: Instant,
}

/// Answer a list request with `watch=true`.
///
/// # Errors
/// A selector that is none.
pub fn answer(core: &Arc<Core>, request: &Request, target: &Target) -> Result<Reply, Status> {
    let mut selector = Selector::of(request, &target.kind)?;
    if !target.name.is_empty() {
        selector = selector.and_name(&target.name);
    }
    let number = |name: &str| request.parameter(name).and_then(|text| text.parse::<u64>().ok());
    let watch = Watch {
        core: Arc::clone(core),
        target: target.clone(),
        selector,
        bookmarks: request.flag("allowWatchBookmarks"),
        until: Instant::now() + number("timeoutSeconds").map_or(LONG, Duration::from_secs),
    };
    let from = number("resourceVersion").unwrap_or(0);
    // Clients that list by watching ask for what is there first, and for a mark behind it.
    let with_mark = request.flag("sendInitialEvents");
    Ok(Reply::Stream("application/json", Box::new(move |chunks| watch.run(from, with_mark, chunks))))
}

impl Watch {
    fn run(&self, from: u64, with_mark: bool, chunks: &mut Chunks<'_>) -> io::Result<()> {
        let mut seen = from;
        if from == 0 || with_mark {
            let (objects, revision) = self.core.store.list(&self.target.kind, &self.target.namespace);
            for object in objects.iter().filter(|object| self.selector.matches(object)) {
                send(chunks, "ADDED", object)?;
            }
            seen = revision;
            if with_mark {
                self.bookmark(seen, json!({ "k8s.io/initial-events-end": "true" }), chunks)?;
            }
        }
        let mut next_bookmark = Instant::now() + BOOKMARK_EVERY;
        while Instant::now() < self.until && !self.core.store.is_closed() {
            let changes = match self.core.store.changes_after(seen, self.until.min(Instant::now() + LOOK_EVERY)) {
                Ok(changes) => changes,
                Err(gone) => return send(chunks, "ERROR", &gone.to_json()),
            };
            for change in &changes {
                seen = change.revision;
                self.tell(change, chunks)?;
            }
            if self.bookmarks && Instant::now() >= next_bookmark {
                next_bookmark = Instant::now() + BOOKMARK_EVERY;
                self.bookmark(seen, Value::Null, chunks)?;
            }
            chunks.is_read()?;
        }
        Ok(())
    }

    /// What a change is to somebody who sees only selected objects.
    fn tell(&self, change: &Change, chunks: &mut Chunks<'_>) -> io::Result<()> {
        if !change.concerns(&self.target.kind, &self.target.namespace) {
            return Ok(());
        }
        let selected = |object: &Option<Arc<Value>>| object.clone().filter(|object| self.selector.matches(object));
        match (selected(&change.before), selected(&change.after)) {
            (None, None) => Ok(()),
            (None, Some(new)) => send(chunks, "ADDED", &new),
            (Some(_), Some(new)) => send(chunks, "MODIFIED", &new),
            (Some(old), None) => {
                let mut last = Value::clone(&old);
                last["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                send(chunks, "DELETED", &last)
            }
        }
    }

    fn bookmark(&self, revision: u64, annotations: Value, chunks: &mut Chunks<'_>) -> io::Result<()> {
        let kind = &self.target.kind;
        let mut metadata = json!({ "resourceVersion": revision.to_string(), "creationTimestamp": null });
        if !annotations.is_null() {
            metadata["annotations"] = annotations;
        }
        send(chunks, "BOOKMARK", &json!({ "kind": kind.kind, "apiVersion": kind.api_version(), "metadata": metadata }))
    }
}

fn send(chunks: &mut Chunks<'_>, kind: &str, object: &Value) -> io::Result<()> {
    let mut line = json!({ "type": kind, "object": object }).to_string().into_bytes();
    line.push(b'\n');
    chunks.send(&line)
}

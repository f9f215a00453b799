//! `pods/log`: what a container's first process has written.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::api::container_name;
use crate::container::Container;
use crate::core::Core;
use crate::http::{Chunks, Request, Response};
use crate::reply::Reply;
use crate::route::Target;
use crate::status::Status;

/// How often somebody who follows a log is shown what is new.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// # Errors
/// There is no such pod or container, or it has not run yet.
pub fn answer(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let pod = core.store.get(&target.kind, &target.namespace, &target.name)?;
    let name = container_name(&pod, &target.name, request.parameter("container").unwrap_or_default())?;
    let waiting = || {
        let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array).into_iter().flatten();
        let mine = statuses.into_iter().find(|status| status["name"] == name.as_str());
        let reason = mine.and_then(|status| status.pointer("/state/waiting/reason")).and_then(Value::as_str);
        let reason = match reason {
            Some("ErrImagePull") => "image can't be pulled",
            Some("ImagePullBackOff") => "trying and failing to pull image",
            reason => reason.unwrap_or("ContainerCreating"),
        };
        Status::bad_request(format!("container \"{name}\" in pod \"{}\" is waiting to start: {reason}", target.name))
    };
    let container = if request.flag("previous") {
        let none = || format!("previous terminated container \"{name}\" in pod \"{}\" not found", target.name);
        core.node.previous_container(&pod, &name).ok_or_else(|| Status::bad_request(none()))?
    } else {
        core.node.last_container(&pod, &name).ok_or_else(waiting)?
    };
    let mut log = File::open(container.log_path()).map_err(|_| waiting())?;
    let mut text = Vec::new();
    log.read_to_end(&mut text).map_err(|error| Status::internal(&error.to_string()))?;
    let number = |name: &str| request.parameter(name).and_then(|text| text.parse::<usize>().ok());
    // When the last of it was written is known, and all that is asked for so is whether anything was.
    let age = log.metadata().and_then(|about| about.modified()).ok().and_then(|written| written.elapsed().ok());
    if number("sinceSeconds").is_some_and(|seconds| age.is_some_and(|age| age > Duration::from_secs(seconds as u64))) {
        text.clear();
    }
    let mut start = number("tailLines").map_or(0, |lines| start_of_last(&text, lines));
    if let Some(limit) = number("limitBytes") {
        text.truncate(start + limit);
    }
    if !request.flag("follow") {
        return Ok(Response::text(200, "").with_body(text.split_off(start)).into());
    }
    start = start.min(text.len());
    let text = text.split_off(start);
    Ok(Reply::Stream("text/plain", Box::new(move |chunks| follow(&text, log, &container, chunks))))
}

/// Where the last `lines` lines begin.
fn start_of_last(text: &[u8], lines: usize) -> usize {
    let end = text.len().saturating_sub(1); // a newline at the very end ends the last line
    let breaks = text[..end].iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    match lines {
        0 => text.len(),
        lines => breaks.into_iter().nth(lines - 1).unwrap_or(0),
    }
}

fn follow(so_far: &[u8], mut log: File, container: &Arc<Container>, chunks: &mut Chunks<'_>) -> io::Result<()> {
    chunks.send(so_far)?;
    loop {
        let ended = container.is_stopped();
        let mut more = Vec::new();
        log.read_to_end(&mut more)?;
        chunks.send(&more)?;
        if ended {
            return Ok(());
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines() {
        let text = b"one\ntwo\nthree\n";
        let last = |lines| &text[start_of_last(text, lines)..];
        assert_eq!(last(0), b"");
        assert_eq!(last(1), b"three\n");
        assert_eq!(last(2), b"two\nthree\n");
        assert_eq!(last(9), text);
        assert_eq!(start_of_last(b"", 3), 0);
    }
}

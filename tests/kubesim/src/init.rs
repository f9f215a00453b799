//! Init containers: one after the other, each to its end, before the others begin.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::container::Container;
use crate::core::Core;
use crate::entrypoint;
use crate::node;
use crate::stage::Stage;
use crate::status::Status;
use crate::store::now;

/// Run a pod's init containers; false when one fails, or the pod ends before.
///
/// # Errors
/// One cannot be started.
pub fn run(core: &Arc<Core>, pod: &Value) -> Result<bool, String> {
    for (place, spec) in pod["spec"]["initContainers"].as_array().into_iter().flatten().enumerate() {
        let container = Arc::new(core.node.make_container(core, pod, spec)?);
        if place == 0 {
            node::set_stage(core, pod, Stage::ContainerCreating);
        }
        if !core.node.put(core, pod, vec![Arc::clone(&container)]) {
            return Ok(false);
        }
        tell(core, pod, spec, json!({ "running": { "startedAt": now() } }));
        let code = run_one(core, &container, spec)?;
        let good = code == 0;
        core.node.take_out(pod, &container);
        core.node.keep_log(pod, &container);
        if container.is_stopped() {
            return Ok(false);
        }
        let ended = json!({ "exitCode": code, "reason": if good { "Completed" } else { "Error" }, "finishedAt": now() });
        tell(core, pod, spec, json!({ "terminated": ended }));
        if !good {
            node::set_stage(core, pod, Stage::InitFailed);
            return Ok(false);
        }
    }
    Ok(true)
}

fn run_one(core: &Arc<Core>, container: &Arc<Container>, spec: &Value) -> Result<i32, String> {
    match entrypoint::spawn(container, spec, &core.node.image(spec))? {
        Some(mut child) => Ok(child.wait().ok().and_then(|status| status.code()).unwrap_or(137)),
        None => Ok(0),
    }
}

fn tell(core: &Core, pod: &Value, spec: &Value, state: Value) {
    let metadata = &pod["metadata"];
    let (namespace, name) = (metadata["namespace"].as_str().unwrap_or_default(), metadata["name"].as_str().unwrap_or_default());
    let _ = core.store.edit(&core.pods, namespace, name, |there| {
        if there["metadata"]["uid"] != metadata["uid"] {
            return Err(Status::not_found(&core.pods, name));
        }
        there["status"]["initContainerStatuses"] = json!([{
            "name": spec["name"], "image": spec["image"], "imageID": "", "ready": false, "restartCount": 0, "state": state,
        }]);
        Ok(())
    });
}

//! The first process of a container: what a pod's spec or its image says, its log, and what its end means.

use std::fs::File;
use std::process::Child;
use std::sync::Arc;
use std::thread;

use serde_json::Value;

use crate::container::Container;
use crate::core::Core;
use crate::image::Image;
use crate::node;
use crate::process::in_session_of_its_own;
use crate::stage::Stage;

/// Start it, if there is one.
///
/// # Errors
/// It cannot be started.
pub fn spawn(container: &Arc<Container>, spec: &Value, image: &Image) -> Result<Option<Child>, String> {
    let log = File::create(container.log_path()).map_err(|error| error.to_string())?;
    let argv = argv(spec, image);
    if argv.is_empty() {
        return Ok(None);
    }
    let mut command = container.command(&argv)?;
    command.stdout(log.try_clone().map_err(|error| error.to_string())?).stderr(log);
    in_session_of_its_own(&mut command, false);
    let child = command.spawn().map_err(|error| format!("{argv:?}: {error}"))?;
    container.begins_with(child.id() as i32);
    Ok(Some(child))
}

/// The same for a container on whose end the pod's stage depends; without a first process it just stays.
///
/// # Errors
/// It cannot be started.
pub fn start(core: &Arc<Core>, pod: &Value, container: &Arc<Container>, spec: &Value, image: &Image) -> Result<(), String> {
    let Some(mut child) = spawn(container, spec, image)? else { return Ok(()) };
    let (core, pod, container) = (Arc::clone(core), pod.clone(), Arc::clone(container));
    thread::spawn(move || {
        let well = child.wait().is_ok_and(|status| status.success());
        container.first_has_ended();
        if !container.is_stopped() {
            node::enter(&core, &pod, ended(&pod, well));
        }
    });
    Ok(())
}

/// `command` replaces the image's entrypoint, `args` what follows it.
fn argv(spec: &Value, image: &Image) -> Vec<String> {
    let words = |field: &str| {
        let words = spec[field].as_array()?;
        Some(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>())
    };
    let mut argv = words("command").unwrap_or_else(|| image.entrypoint.clone());
    argv.extend(words("args").unwrap_or_default());
    argv
}

fn ended(pod: &Value, well: bool) -> Stage {
    match pod["spec"]["restartPolicy"].as_str() {
        Some("Never") if well => Stage::Completed,
        Some("OnFailure") if well => Stage::Completed,
        Some("Never") => Stage::Failed,
        _ => Stage::CrashLoopBackOff,
    }
}

//! Startup probes: commands that say when a container has started.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::container::Container;

/// Probes are asked more often than a kubelet would: tests wait for them.
const PERIOD: Duration = Duration::from_millis(100);

/// Whether a container of this spec has to say that it has started.
pub fn is_wanted(spec: &Value) -> bool {
    spec.pointer("/startupProbe/exec/command").is_some()
}

/// Wait until the probe succeeds; false when the container ended before.
pub fn wait(spec: &Value, container: &Container) -> bool {
    let words = spec.pointer("/startupProbe/exec/command").and_then(Value::as_array);
    let argv: Vec<String> = words.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect();
    while !container.is_stopped() {
        let asked = container.command(&argv).map(|mut command| command.stdout(Stdio::null()).stderr(Stdio::null()).status());
        if asked.is_ok_and(|status| status.is_ok_and(|status| status.success())) {
            return !container.is_stopped();
        }
        thread::sleep(PERIOD);
    }
    false
}

//! Volumes of claims: directories that outlive the pods that mount them. Only those below a container's HOME are here. Scratch
//! space is there in containers with a root directory of their own; what else a pod mounts (Secrets as files) it does without.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::container::Container;

/// The HOME of an image whose pod does not say another one.
const HOME: &str = "/root";

/// Where the data of a claim is.
pub fn directory(node: &Path, namespace: &str, claim: &str) -> PathBuf {
    node.join("volumes").join(namespace).join(claim)
}

/// Put a container's volumes into place.
///
/// # Errors
/// The directories cannot be written.
pub fn mount(node: &Path, pod: &Value, spec: &Value, container: &Container) -> io::Result<()> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let scratch = node.join("scratch").join(pod["metadata"]["uid"].as_str().unwrap_or_default());
    let mut mounts = String::new();
    for mount in list(spec, "volumeMounts") {
        let volume = list(&pod["spec"], "volumes").find(|volume| volume["name"] == mount["name"]);
        if let (Some(_), Some(name), Some(path)) =
            (volume.and_then(|volume| volume.get("emptyDir")), mount["name"].as_str(), mount["mountPath"].as_str())
        {
            fs::create_dir_all(scratch.join(name))?;
            mounts.push_str(&format!("{} {path}\n", scratch.join(name).display()));
        }
        let claim = volume.and_then(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str());
        let below = mount["mountPath"].as_str().and_then(|path| path.strip_prefix(home(spec))?.strip_prefix('/'));
        let (Some(claim), Some(below)) = (claim, below) else { continue };
        let data = directory(node, namespace, claim);
        fs::create_dir_all(&data)?;
        let place = container.home().join(below);
        place.parent().map(fs::create_dir_all).transpose()?;
        symlink(data, place)?;
    }
    container.mounts(&mounts, spec["workingDir"].as_str().unwrap_or("/"))
}

fn home(spec: &Value) -> &str {
    let variable = list(spec, "env").find(|variable| variable["name"] == "HOME");
    variable.and_then(|variable| variable["value"].as_str()).unwrap_or(HOME)
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

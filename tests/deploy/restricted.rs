//! The rules of the Pod Security level `restricted`, as the standard lists them
//! (https://kubernetes.io/docs/concepts/security/pod-security-standards), each as a question to a pod.

use serde_json::Value;

/// A rule, by the name of its control, and what a pod does against it.
type Rule = (&'static str, fn(&Value) -> bool);

/// All controls of `baseline` and of `restricted` for Linux pods; true means that the pod keeps the rule.
pub const RULES: &[Rule] = &[
    ("HostProcess", |pod| everywhere(pod, "/windowsOptions/hostProcess", |value| value.is_none_or(|value| value == false))),
    ("Host Namespaces", |pod| {
        ["hostNetwork", "hostPID", "hostIPC"].iter().all(|name| pod.get(name).is_none_or(|value| value == false))
    }),
    ("Privileged Containers", |pod| containers(pod).all(|one| one.pointer("/securityContext/privileged") != Some(&true.into()))),
    ("Capabilities (baseline)", |pod| containers(pod).all(|one| added(one).all(|name| BASELINE_CAPABILITIES.contains(&name)))),
    ("HostPath Volumes", |pod| volumes(pod).all(|volume| volume.get("hostPath").is_none())),
    ("Host Ports", |pod| ports(pod).all(|port| port.get("hostPort").is_none_or(|value| value == 0))),
    ("Host Probes / Lifecycle Hooks", |pod| containers(pod).all(|one| !names_a_host(one))),
    ("AppArmor", |pod| {
        everywhere(pod, "/appArmorProfile/type", |value| {
            value.is_none_or(|value| value == "RuntimeDefault" || value == "Localhost")
        })
    }),
    ("SELinux", |pod| everywhere(pod, "/seLinuxOptions", |value| value.is_none())),
    ("/proc Mount Type", |pod| everywhere(pod, "/procMount", |value| value.is_none_or(|value| value == "Default"))),
    ("Sysctls", |pod| pod.pointer("/securityContext/sysctls").is_none()),
    ("Volume Types", |pod| {
        volumes(pod).all(|volume| VOLUMES.iter().any(|kind| volume.get(kind).is_some()) && volume.as_object().unwrap().len() == 2)
    }),
    ("Privilege Escalation", |pod| {
        containers(pod).all(|one| one.pointer("/securityContext/allowPrivilegeEscalation") == Some(&false.into()))
    }),
    ("Running as Non-root", |pod| of_each(pod, "/securityContext/runAsNonRoot", |value| value == Some(&true.into()))),
    ("Running as Non-root user", |pod| everywhere(pod, "/runAsUser", |value| value.is_none_or(|value| value != 0))),
    ("Seccomp", |pod| {
        of_each(pod, "/securityContext/seccompProfile/type", |value| {
            value.is_some_and(|value| value == "RuntimeDefault" || value == "Localhost")
        })
    }),
    ("Capabilities", |pod| {
        let drops_all =
            |one: &Value| one.pointer("/securityContext/capabilities/drop").is_some_and(|list| list == &Value::from(vec!["ALL"]));
        containers(pod).all(|one| drops_all(one) && added(one).all(|name| name == "NET_BIND_SERVICE"))
    }),
];

const VOLUMES: &[&str] =
    &["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

const BASELINE_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers", "ephemeralContainers"].into_iter().flat_map(move |name| list(pod, name))
}

fn volumes(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "volumes")
}

fn ports(pod: &Value) -> impl Iterator<Item = &Value> {
    containers(pod).flat_map(|one| list(one, "ports"))
}

fn added(container: &Value) -> impl Iterator<Item = &str> {
    let added = container.pointer("/securityContext/capabilities/add").and_then(Value::as_array);
    added.into_iter().flatten().filter_map(Value::as_str)
}

fn names_a_host(container: &Value) -> bool {
    let handlers = ["/livenessProbe", "/readinessProbe", "/startupProbe", "/lifecycle/postStart", "/lifecycle/preStop"];
    let named = |handler: &str, how: &str| container.pointer(&format!("{handler}/{how}/host")).is_some();
    handlers.iter().any(|handler| named(handler, "httpGet") || named(handler, "tcpSocket"))
}

/// Whether a field of the security context is good in the pod and in every container.
fn everywhere(pod: &Value, field: &str, good: fn(Option<&Value>) -> bool) -> bool {
    let path = format!("/securityContext{field}");
    good(pod.pointer(&path)) && containers(pod).all(|one| good(one.pointer(&path)))
}

/// Whether a field is good for every container, which has the pod's when it has none of its own.
fn of_each(pod: &Value, path: &str, good: fn(Option<&Value>) -> bool) -> bool {
    containers(pod).all(|one| good(one.pointer(path).or(pod.pointer(path))))
}

//! A cluster, as tests handle it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::access::Login;
use crate::controllers::Controllers;
use crate::core::{Core, Settings};
use crate::faults::{Fault, Requests};
use crate::kubeconfig::Kubeconfig;
use crate::node;
use crate::pod::Pod;
use crate::published::Published;
use crate::ran::Ran;
use crate::reap::{self, Guard};
use crate::record::Calls;
use crate::resources::Kind;
use crate::server::Server;
use crate::volumes;
use crate::workload::{Owner, Workload};

/// A simulated cluster. Everything in it ends when it is dropped, also when a test fails or is killed.
#[derive(Debug)]
pub struct Cluster {
    // In the order in which they end.
    server: Server,
    pub(crate) core: Arc<Core>,
    directory: TempDir,
    _guard: Guard,
}

impl Cluster {
    /// A running cluster with the namespace `default` and nothing in it.
    ///
    /// # Panics
    /// This machine does not let us: no port, no directory, no sh.
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("ks").tempdir().expect("a directory");
        let guard = Guard::of(directory.path()).expect("a guard");
        let settings = Settings { minor: kubectl_minor().to_owned(), aggregated_discovery: true, ..Settings::default() };
        let core = Arc::new(Core::new(directory.path().to_owned(), settings));
        let server = Server::start(Arc::clone(&core)).expect("a port");
        let cluster = Self { server, core, directory, _guard: guard };
        cluster.namespace("default");
        let core = Arc::clone(&cluster.core);
        thread::spawn(move || node::run(&core));
        let controllers = Controllers::new(Arc::clone(&cluster.core));
        thread::spawn(move || controllers.run());
        cluster.kubeconfig_with(&Kubeconfig::new().context("kubesim", &cluster));
        cluster
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.server.address(), self.core.settings().path)
    }

    /// The same with TLS, for [`Self::authority`] to vouch for: there a login is needed.
    pub fn secure_url(&self) -> String {
        format!("https://{}{}", self.server.address(), self.core.settings().path)
    }

    /// Where it listens: plainly, and with TLS.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Have the API below a path from now on, as behind Rancher (`/k8s/clusters/c-1`), and nothing anywhere else.
    pub fn serves_below(&self, path: &str) {
        self.core.settings().path = path.to_owned();
        self.kubeconfig_with(&Kubeconfig::new().context("kubesim", self));
    }

    /// Take request lines of any length, as an API server without anything in front of it does. Without this a line of
    /// more than 8,190 bytes is refused, as nginx does it.
    pub fn takes_long_request_lines(&self) {
        self.core.settings().longest_line = usize::MAX;
    }

    /// Speak the older protocol of execs alone, as API servers before 1.30 do; kubectl of today falls back to one that is not
    /// served here.
    pub fn speaks_only_v4(&self) {
        self.core.settings().only_v4 = true;
    }

    /// The certificate of this cluster's own authority, as PEM.
    pub fn authority(&self) -> &str {
        &self.server.authority().pem
    }

    /// The certificate for 127.0.0.1 that this authority has given, and its key, as PEM: for something else in front of it.
    pub fn certificate(&self) -> (&str, &str) {
        let authority = self.server.authority();
        (&authority.certificate, &authority.key)
    }

    /// Let in somebody who may do everything.
    pub fn admin(&self, user: &str) -> Login {
        self.core.access.add(user, true)
    }

    /// Somebody who may do everything, and proves who he is by a password.
    pub fn admin_by_password(&self, user: &str, password: &str) -> Login {
        self.core.access.add_by_password(user, password)
    }

    /// Let in somebody who may do what the roles say that are bound to them; a service account is the user
    /// `system:serviceaccount:NAMESPACE:NAME`.
    pub fn user(&self, user: &str) -> Login {
        self.core.access.add(user, false)
    }

    /// Let a login expire: its token is worth nothing any more.
    pub fn expire(&self, login: &Login) {
        self.core.access.remove(login);
    }

    /// Forbid something to everybody: `forbid("create", "pods/exec")`; `*` is anything.
    pub fn forbid(&self, verb: &str, resource: &str) {
        self.core.access.forbid(verb, resource);
    }

    /// Let a webhook have a word in everything that does not take part in rehearsals: each of them fails.
    pub fn rehearsals_fail(&self) {
        self.core.settings().rehearsals_fail = true;
    }

    /// Let no volume be made larger.
    pub fn volumes_cannot_grow(&self) {
        self.core.settings().volumes_grow = false;
    }

    /// Take back what was forbidden.
    pub fn forbid_nothing(&self) {
        self.core.access.forbid_nothing();
    }

    /// A kubeconfig whose current context `kubesim` is this cluster.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    fn kubeconfig_with(&self, kubeconfig: &Kubeconfig) {
        kubeconfig.write(&self.kubeconfig());
    }

    /// Have a namespace, if it is not there yet.
    pub fn namespace(&self, name: &str) {
        let namespace = json!({
            "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        let _ = self.core.store.create(&self.core.namespaces, "", namespace);
    }

    /// Know a custom kind, as if its definition had been applied: `registers("example.com/v1", "Widget", "widgets")`.
    pub fn registers(&self, api_version: &str, kind: &str, plural: &str) {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.core.resources.add(Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            short: Vec::new(),
            namespaced: true,
            subresources: vec!["status".to_owned()],
            custom: true,
        });
    }

    /// Describe a pod that nobody replaces.
    pub fn pod(&self, name: &str) -> Workload<'_> {
        Workload::new(self, Owner::None, name)
    }

    /// Describe a Deployment: its pods carry a hash in their names.
    pub fn deployment(&self, name: &str) -> Workload<'_> {
        Workload::new(self, Owner::Deployment, name)
    }

    /// Describe a StatefulSet: its pods are called `NAME-0`, `NAME-1` …
    pub fn stateful_set(&self, name: &str) -> Workload<'_> {
        Workload::new(self, Owner::StatefulSet, name)
    }

    /// Describe an image for pods that come from manifests.
    pub fn image(&self, name: &str) -> Published<'_> {
        Published::new(self, name)
    }

    /// Where the data of a claim is, whether or not a pod has mounted it yet.
    pub fn volume(&self, namespace: &str, claim: &str) -> PathBuf {
        volumes::directory(self.directory.path(), namespace, claim)
    }

    /// A pod that is there.
    ///
    /// # Panics
    /// It is not there.
    pub fn find_pod(&self, namespace: &str, name: &str) -> Pod {
        let object = self.core.store.get(&self.core.pods, namespace, name);
        Pod::of(&self.core, &object.unwrap_or_else(|status| panic!("{}", status.message)))
    }

    /// Any object as JSON, `None` when it is not there. `resource` is its plural: `deployments`.
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let kind = self.core.resources.get(resource);
        self.core.store.get(&kind, namespace, name).ok().map(|object| Value::clone(&object))
    }

    /// `cluster.when(execs().of("worker-1").once()).then(Fault::Status(503))`
    pub fn when(&self, requests: Requests) -> When<'_> {
        When { cluster: self, requests }
    }

    /// Let everything be well again.
    pub fn lift_all_faults(&self) {
        self.core.faults.lift_all();
        self.accept_connections();
    }

    /// Refuse connections from now on, as when nothing listens there; open ones stay.
    pub fn refuse_connections(&self) {
        self.server.refuse();
    }

    /// # Panics
    /// Somebody else took the port meanwhile.
    pub fn accept_connections(&self) {
        self.server.accept().expect("our port");
    }

    /// Reset every connection that is open now.
    pub fn drop_connections(&self) {
        self.server.drop_connections();
    }

    /// Break every open exec to pods whose names begin so, now: a `Fault::Cut` or `Fault::Freeze`, whose own time does not
    /// count. Says how many these were.
    pub fn break_open_execs(&self, pods: &str, fault: &Fault) -> usize {
        self.core.links.break_all(pods, fault)
    }

    /// How long pods are Terminating before they are gone; nothing at first.
    pub fn stopping_takes(&self, time: Duration) {
        self.core.settings().stopping_takes = time;
    }

    /// How long it takes until a lost pod is replaced; nothing at first.
    pub fn replacing_takes(&self, time: Duration) {
        self.core.settings().replacing_takes = time;
    }

    /// Answer discovery with a list per group version, as servers before Kubernetes 1.26 do, also to clients that would take all at once.
    pub fn discovers_plainly(&self) {
        self.core.settings().aggregated_discovery = false;
    }

    /// Forget the history: a watch that continues from it is told 410.
    pub fn compact(&self) {
        self.core.store.compact();
    }

    /// Be an API server of the same objects whose versions count from the beginning again, as after its database was restored
    /// from a copy: a watch from a version that is yet to come is granted, and tells nothing up to there.
    pub fn count_versions_anew(&self) {
        self.core.store.restart();
    }

    /// Every request so far.
    pub fn calls(&self) -> Calls {
        self.core.record.so_far()
    }

    pub fn forget_calls(&self) {
        self.core.record.clear();
    }

    /// The real kubectl on this cluster, with a HOME of the cluster's own.
    pub fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.directory.path()).env("KUBECONFIG", self.kubeconfig());
        // A quarter of what it costs to start is Go's collector, which has nothing to collect there.
        command.env("GOGC", "off");
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Run it to its end.
    ///
    /// # Panics
    /// There is no kubectl.
    pub fn kubectl(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.kubectl_command(arguments).output().expect("kubectl"))
    }

    /// A directory that is removed with the cluster.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.core.store.close();
        self.server.refuse();
        self.server.drop_connections();
        self.core.node.stop_all();
        // Also what a pod that was just starting has begun.
        reap::kill_processes_of(self.directory.path());
    }
}

/// Requests for which a fault is wanted.
#[derive(Debug)]
#[must_use = "say what happens then"]
pub struct When<'a> {
    cluster: &'a Cluster,
    requests: Requests,
}

impl<'a> When<'a> {
    /// Let this happen to them, until the rule is lifted.
    pub fn then(self, fault: Fault) -> Rule<'a> {
        let id = self.cluster.core.faults.add(self.requests, fault);
        Rule { cluster: self.cluster, id }
    }
}

/// A fault that is on. Dropping this value leaves it on.
#[derive(Debug)]
pub struct Rule<'a> {
    cluster: &'a Cluster,
    id: u64,
}

impl Rule<'_> {
    /// Let it be over.
    pub fn lift(self) {
        self.cluster.core.faults.lift(self.id);
    }
}

/// The minor version of the kubectl on PATH, e.g. `32`. Asked once per process.
fn kubectl_minor() -> &'static str {
    static MINOR: OnceLock<String> = OnceLock::new();
    MINOR.get_or_init(|| {
        let output = Command::new("kubectl").args(["version", "--client", "--output=json"]).output();
        let said: Value = output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok()).unwrap_or_default();
        let minor = said["clientVersion"]["minor"].as_str().unwrap_or_default();
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() { "32".to_owned() } else { digits }
    })
}

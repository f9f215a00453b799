//! A simulated Kubernetes cluster for the real kubectl.
//!
//! A server on 127.0.0.1 that speaks enough of the Kubernetes API, with pods that are process trees on this machine: each
//! container is a directory with its own HOME, TMUX_TMPDIR and PATH, and its sessions run in a real tmux server. What can go
//! wrong in a real cluster can be switched on and off while everything runs, and every request is recorded.
//!
//! ```no_run
//! use kubesim::{Cluster, Fault, execs};
//!
//! let cluster = Cluster::start();
//! let worker = cluster.deployment("worker-1").in_namespace("factory").session("qa", "cat").start();
//! cluster.when(execs().of("worker-1").once()).then(Fault::cut_after_bytes(20).looking_like_success());
//! cluster.kubectl(&["exec", "--namespace=factory", "deploy/worker-1", "--", "tmux", "list-sessions"]);
//! assert_eq!(cluster.calls().execs().len(), 1);
//! worker.pod().delete(); // and another one comes
//! ```
//!
//! Beside it stands what tests with a cluster and tests without one share: a [`Terminal`], [`eventually`], [`mod@tmux`] asked
//! from the side, and a program that [`Ran`].

mod access;
mod admission;
mod api;
mod applets;
mod apply;
mod claims;
mod cluster;
mod configuration;
mod container;
mod controllers;
mod core;
mod discovery;
mod entrypoint;
mod events;
mod exec;
mod faults;
mod fields;
mod http;
mod image;
mod init;
mod kubeconfig;
mod line;
mod links;
mod logs;
mod namespaces;
mod node;
mod objects;
mod openapi;
mod outgoing;
mod patch;
mod pod;
mod probe;
mod process;
mod program_file;
mod protobuf;
mod published;
mod ran;
mod reap;
mod record;
mod reply;
mod resources;
mod reviews;
mod route;
mod selectors;
mod server;
mod stage;
mod status;
mod store;
mod table;
mod terminal;
mod tls;
pub mod tmux;
mod volumes;
mod waiting;
mod watch;
mod websocket;
mod wire;
mod workload;

pub use access::Login;
pub use applets::link_applets;
pub use cluster::{Cluster, Rule, When};
pub use faults::{After, Farewell, Fault, Requests, everything, execs, lists, requests, requests_for, watches};
pub use image::Oddity;
pub use kubeconfig::Kubeconfig;
pub use pod::Pod;
pub use process::{Process, Resizer};
pub use program_file::write_executable;
pub use published::Published;
pub use ran::Ran;
pub use reap::{Guard, kill_processes_of};
pub use record::{Call, Calls, Input};
pub use stage::Stage;
pub use terminal::Terminal;
pub use waiting::{PATIENCE, eventually, eventually_or_show};
pub use workload::{Running, Workload};

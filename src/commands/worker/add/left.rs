//! What an `add` that fails or is interrupted leaves on the cluster, and the commands that go on or take it away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::plan::{Plan, Planned};
use crate::signals::{self, Listening};
use crate::terminal::{neutralise, progress, shell};

/// What has been begun and not finished, by worker.
#[derive(Clone, Default)]
pub struct Left(Arc<Mutex<BTreeMap<String, Begun>>>);

struct Begun {
    /// `deployment/NAME`
    targets: Vec<String>,
    where_it_is: String,
    go_on: String,
    /// `None` for a worker that is registered: it is no leftover.
    take_away: Option<String>,
}

impl Left {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Begun>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// These objects of a worker are about to be applied.
    pub fn begin(&self, plan: &Plan, worker: &Planned, targets: impl IntoIterator<Item = String>) {
        let mut all = self.all();
        let begun = all.entry(worker.name.to_string()).or_insert_with(|| Begun {
            targets: Vec::new(),
            where_it_is: format!("in namespace {}", plan.shape.namespace),
            go_on: same_command(),
            take_away: (!worker.registered).then(|| remove_command(plan, worker)),
        });
        begun.targets.extend(targets);
    }

    /// A worker is ready and registered.
    pub fn done(&self, worker: &Planned) {
        self.all().remove(worker.name.as_str());
    }

    /// What there is of a worker that failed, for a person; nothing when nothing was begun.
    pub fn lines(&self, worker: &Planned) -> Vec<String> {
        self.all().get(worker.name.as_str()).map(|begun| begun.lines("there is now")).unwrap_or_default()
    }

    /// From now on an interruption says what there is.
    pub fn listen(&self) -> Listening {
        let left = self.clone();
        signals::listen(move |_| {
            let all = left.all();
            crate::terminal::restore();
            for (worker, begun) in all.iter() {
                let lines = begun.lines("there is, or may be").join("\n  ");
                let text = neutralise::lines(&format!("factory-worker: {worker} was interrupted\n  {lines}"));
                progress::undisturbed(|| eprintln!("{text}"));
            }
            drop(all);
            signals::end();
        })
    }
}

impl Begun {
    fn lines(&self, there: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if self.take_away.is_some() {
            lines.push(format!("{there}, {}: {}; nothing of it is in the registry", self.where_it_is, self.targets.join(", ")));
        }
        lines.push(format!("`{}` goes on", self.go_on));
        lines.extend(self.take_away.as_ref().map(|command| format!("`{command}` takes it away")));
        lines
    }
}

fn same_command() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    shell::line(&std::iter::once("factory-worker".to_owned()).chain(words).collect::<Vec<_>>())
}

fn remove_command(plan: &Plan, worker: &Planned) -> String {
    let mut words = vec!["factory-worker".to_owned(), "worker".to_owned(), "remove".to_owned(), worker.name.to_string()];
    words.extend(["--namespace".to_owned(), plan.shape.namespace.to_string()]);
    words.extend(plan.cluster.context.iter().flat_map(|context| ["--context".to_owned(), context.clone()]));
    let kubeconfig = plan.cluster.kubeconfig.iter();
    words.extend(kubeconfig.flat_map(|path| ["--kubeconfig".to_owned(), path.display().to_string()]));
    shell::line(&words)
}

//! Giving what was found a worker's name that nobody else has.

use std::collections::BTreeMap;

use super::cache;
use super::{Finding, names};
use crate::cluster::pod::Resolver;
use crate::failure::Failure;
use crate::registry::Registry;
use crate::registry::names::WorkerName;
use crate::registry::origin::Origin;
use crate::registry::source::Source;
use crate::registry::worker::{Place, PodPlace, PodRef, Worker};
use crate::remote::session::Answer;
use crate::terminal::neutralise;

/// A worker that was found, and what is known about it already.
#[derive(Debug)]
pub struct Joining {
    pub worker: Worker,
    pub told: Option<Result<Answer, Failure>>,
}

/// What became of a source's findings.
#[derive(Debug, Default)]
pub struct Joined {
    pub workers: Vec<Joining>,
    /// Those whose name somebody else has, a line each.
    pub warnings: Vec<String>,
}

/// Who has which name: the file's workers first, then the sources in the file's order.
pub struct Claims {
    owners: BTreeMap<WorkerName, String>,
}

impl Claims {
    /// The names that the file gives.
    pub fn of(registry: &Registry) -> Self {
        let path = registry.path.display();
        let listed = registry.workers.iter().filter(|worker| worker.origin == Origin::File).map(|worker| &worker.name);
        // Who has its name today must not lose it when the entry is corrected.
        let names = listed.chain(registry.invalid.iter().map(|invalid| &invalid.name));
        Self { owners: names.map(|name| (name.clone(), format!("{path} has a worker of that name"))).collect() }
    }

    /// Name what the source has found, and remember it for later processes.
    pub fn join(&mut self, source: &Source, found: Vec<Finding>) -> Joined {
        let mut joined = Joined::default();
        for (name, finding) in named(&source.prefix, found) {
            if let Some(owner) = self.owners.get(&name) {
                let called = neutralise::line(&finding.called);
                joined.warnings.push(format!("{name} ({called}) of {source} is left out: {owner}"));
                continue;
            }
            let worker = source.worker(name, finding.pod, finding.origin);
            if let (Place::Pod(place @ PodPlace { pod: PodRef::Deployment(_), .. }), Some(current)) =
                (&worker.place, &finding.current)
            {
                Resolver::new(place.clone()).note(current);
            }
            joined.workers.push(Joining { worker, told: finding.told });
        }
        cache::keep(source, joined.workers.iter().map(|joining| &joining.worker));
        self.claim(source, joined.workers.iter().map(|joining| &joining.worker));
        joined
    }

    /// What the source said last; its names are its own, also while it does not answer.
    pub fn join_kept(&mut self, source: &Source) -> Vec<Worker> {
        let mut workers = cache::workers(source);
        workers.retain(|worker| !self.owners.contains_key(&worker.name));
        self.claim(source, workers.iter());
        workers
    }

    fn claim<'a>(&mut self, source: &Source, workers: impl Iterator<Item = &'a Worker>) {
        self.owners.extend(workers.map(|worker| (worker.name.clone(), format!("{source} has one of that name"))));
    }
}

/// A name for each, without two of the same. Names that need no writing go first, so that no other can take theirs.
fn named(prefix: &str, found: Vec<Finding>) -> BTreeMap<WorkerName, Finding> {
    let mut all = BTreeMap::new();
    let mut others = Vec::new();
    for finding in found {
        match names::plain(prefix, &finding.called) {
            Some(name) if !all.contains_key(&name) => drop(all.insert(name, finding)),
            Some(_) => others.push((format!("{} {}", finding.called, finding.pod), finding)),
            None => others.push((finding.called.clone(), finding)),
        }
    }
    for (text, finding) in others {
        let free =
            [6, 13].into_iter().filter_map(|letters| names::mapped(prefix, &text, letters)).find(|name| !all.contains_key(name));
        all.extend(free.map(|name| (name, finding)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(called: &str, pod: &str) -> Finding {
        let pod = PodRef::Pod(pod.parse().unwrap());
        Finding { called: called.to_owned(), pod, current: None, origin: Origin::Pods, told: None }
    }

    fn names(found: &[(&str, &str)]) -> Vec<(String, String)> {
        let found = found.iter().map(|(called, pod)| finding(called, pod)).collect();
        named("", found).into_iter().map(|(name, finding)| (name.to_string(), finding.pod.to_string())).collect()
    }

    #[test]
    fn who_needs_no_other_name_keeps_its_own() {
        let written = names::mapped("", "A_B", 6).unwrap().to_string();
        let both = names(&[("A_B", "one"), (&written, "two")]);
        assert_eq!(both.len(), 2);
        assert!(both.contains(&(written, "pod/two".to_owned())), "{both:?}");
    }

    #[test]
    fn two_of_one_name_become_two() {
        let both = names(&[("same", "one"), ("same", "two")]);
        assert_eq!((both.len(), both[0].clone()), (2, ("same".to_owned(), "pod/one".to_owned())));
    }

    #[test]
    fn the_name_of_an_entry_that_cannot_be_used_is_not_free() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("workers.yaml");
        std::fs::write(&path, "workers:\n  - {name: fleet, pod: [x]}\ndiscover:\n  - pods: {selector: a=b}\n").unwrap();
        let registry = Registry::load(Some(&path)).unwrap();
        let mut claims = Claims::of(&registry);
        let joined = claims.join(&registry.sources[0], vec![finding("fleet", "fleet-1"), finding("other", "other-1")]);
        assert_eq!(joined.workers.iter().map(|joining| joining.worker.name.as_str()).collect::<Vec<_>>(), ["other"]);
        let expected = format!("fleet (fleet) of discover:pods is left out: {} has a worker of that name", path.display());
        assert_eq!(joined.warnings, [expected]);
    }
}

//! `wait`: until sessions are in a state.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::live::{self, Seen};
use super::{Context, target};
use crate::cli::{Until, Wait};
use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::registry::names::{Address, WorkerName};
use crate::remote::session::{Session, SessionId};
use crate::terminal::neutralise;

/// Who waits without an end waits this long each time.
const LONG: Duration = Duration::from_secs(3600);

pub fn run(context: &Context, args: &Wait) -> Result<Code> {
    let addresses = args.addresses.iter().map(|text| address(text)).collect::<Result<Vec<_>>>()?;
    let names: BTreeSet<_> = addresses.iter().map(|address| address.worker.clone()).collect();
    let registry = context.registry_with(&names.iter().cloned().collect::<Vec<_>>())?;
    let workers = target::workers(&registry, &names.into_iter().collect::<Vec<_>>())?;
    let Until::Gone = args.until;
    let mut waiting = Waiting::for_these(addresses);
    let news = live::follow(context, &registry, workers);
    let end = args.time.map(|time| Instant::now() + time);
    loop {
        let left = end.map_or(LONG, |end| end.saturating_duration_since(Instant::now()));
        match news.recv_timeout(left) {
            Ok(seen) => {
                for address in waiting.hear(seen) {
                    writeln!(io::stdout(), "{}", neutralise::line(&address.to_string()))?;
                }
                if waiting.is_over(args.any) {
                    return Ok(Code::Done);
                }
            }
            Err(RecvTimeoutError::Timeout) if end.is_none() => {}
            Err(_) => return Err(waiting.problem().into()),
        }
    }
}

fn address(text: &str) -> Result<Address> {
    text.parse().map_err(|error| Problem::new(Code::Usage, format!("{error}"), "an address is WORKER/SESSION").into())
}

/// Sessions that are waited for.
struct Waiting {
    sessions: Vec<Awaited>,
    /// Why workers do not answer; `None` of those that have said nothing yet.
    silent: BTreeMap<WorkerName, Option<Failure>>,
}

struct Awaited {
    address: Address,
    /// What it is, once it was seen: it may be called otherwise later on.
    identity: Option<Identity>,
    is_gone: bool,
}

/// What no other session of a worker has.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    pod: Option<String>,
    id: Option<SessionId>,
    created: Option<u64>,
}

impl Identity {
    fn of(pod: Option<&String>, session: &Session) -> Self {
        Self { pod: pod.cloned(), id: session.id.clone(), created: session.created }
    }
}

impl Waiting {
    fn for_these(addresses: Vec<Address>) -> Self {
        let silent = addresses.iter().map(|address| (address.worker.clone(), None)).collect();
        let sessions = addresses.into_iter().map(|address| Awaited { address, identity: None, is_gone: false });
        Self { sessions: sessions.collect(), silent }
    }

    /// Take in what is seen; gives those that have gone by that.
    fn hear(&mut self, seen: Seen) -> Vec<Address> {
        let answer = match seen.answer {
            Ok(answer) => answer,
            Err(failure) => {
                self.silent.insert(seen.worker, Some(failure));
                return Vec::new();
            }
        };
        self.silent.remove(&seen.worker);
        let mut gone = Vec::new();
        for awaited in self.sessions.iter_mut().filter(|awaited| awaited.address.worker == seen.worker && !awaited.is_gone) {
            let identity = |session: &Session| Identity::of(seen.pod.as_ref(), session);
            let found = match &awaited.identity {
                Some(known) => answer.sessions.iter().find(|session| identity(session) == *known),
                None => answer.sessions.iter().find(|session| session.name == awaited.address.session),
            };
            match found {
                Some(session) => awaited.identity = Some(identity(session)),
                None => {
                    awaited.is_gone = true;
                    gone.push(awaited.address.clone());
                }
            }
        }
        gone
    }

    fn is_over(&self, any: bool) -> bool {
        let mut sessions = self.sessions.iter();
        if any { sessions.any(|awaited| awaited.is_gone) } else { sessions.all(|awaited| awaited.is_gone) }
    }

    /// The time is over.
    fn problem(&self) -> Problem {
        let left: Vec<_> = self.sessions.iter().filter(|awaited| !awaited.is_gone).collect();
        let named = left.iter().map(|awaited| awaited.address.to_string()).collect::<Vec<_>>().join(", ");
        match left.iter().find_map(|awaited| self.silent.get_key_value(&awaited.address.worker)) {
            Some((worker, None)) => {
                let what = format!("the time is over, and worker {worker} has not answered");
                Problem::new(Code::Unreachable, neutralise::line(&what), "give it longer with --for")
            }
            Some((worker, Some(failure))) => {
                let what = format!("the time is over, and worker {worker} {}: {failure}", failure.predicate());
                Problem::new(Code::Unreachable, neutralise::line(&what), failure.remedy())
            }
            None => Problem::new(Code::Failed, neutralise::line(&format!("the time is over, and not gone: {named}")), ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use crate::remote::list;

    fn hear(waiting: &mut Waiting, pod: &str, answer: Result<&str, Failure>) -> Vec<String> {
        let answer = answer.map(|listing| list::told(listing, "0", None).unwrap());
        let seen = Seen { worker: "w".parse().unwrap(), pod: Some(pod.to_owned()), answer };
        waiting.hear(seen).iter().map(Address::to_string).collect()
    }

    fn waiting(addresses: &[&str]) -> Waiting {
        Waiting::for_these(addresses.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn a_session_that_is_renamed_is_not_gone_and_no_answer_proves_nothing() {
        let mut waiting = waiting(&["w/qa", "w/dev"]);
        assert_eq!(hear(&mut waiting, "p", Ok("S $0 1 0 10 qa\nS $1 1 0 11 dev\n")), [""; 0]);
        assert_eq!(hear(&mut waiting, "p", Err(Failure::new(Kind::Unreachable, "no answer"))), [""; 0]);
        assert_eq!(hear(&mut waiting, "p", Ok("S $0 1 0 10 other\n")), ["w/dev"]);
        assert!(waiting.is_over(true) && !waiting.is_over(false));
        // Another one of its name is another one.
        assert_eq!(hear(&mut waiting, "p", Ok("S $2 1 0 12 qa\n")), ["w/qa"]);
        assert!(waiting.is_over(false));
    }

    #[test]
    fn what_is_not_there_is_gone_and_what_is_in_another_pod_is_another_one() {
        let mut waiting = waiting(&["w/qa", "w/none"]);
        assert_eq!(hear(&mut waiting, "p", Ok("S $0 1 0 10 qa\n")), ["w/none"]);
        assert_eq!(hear(&mut waiting, "p2", Ok("S $0 1 0 10 qa\n")), ["w/qa"]);
    }

    #[test]
    fn at_the_end_it_is_said_who_is_left_and_who_does_not_answer() {
        let mut waiting = waiting(&["w/qa", "w/dev"]);
        hear(&mut waiting, "p", Ok("S $0 1 0 10 qa\n"));
        let problem = waiting.problem();
        assert_eq!((problem.code, problem.to_string().lines().next().unwrap().contains("not gone: w/qa")), (Code::Failed, true));
        hear(&mut waiting, "p", Err(Failure::new(Kind::Unreachable, "no answer")));
        assert_eq!(waiting.problem().code, Code::Unreachable);
    }
}

use super::*;
use crate::failure::Kind;
use crate::registry::invalid::List;
use crate::registry::origin::{self, System};
use crate::registry::worker::{Commands, Place, Preset, ViewMode};
use crate::remote::session::SessionId;

fn worker(name: &str) -> Worker {
    Worker {
        name: name.parse().unwrap(),
        place: Place::Local("/nowhere".into()),
        tmux: vec!["tmux".to_owned()],
        view: ViewMode::default(),
        commands: Commands { preset: Preset::Factory, status: None, queue: None, dispatch: None },
        origin: origin::Origin::File,
    }
}

fn registry(names: &[&str], sources: Vec<Source>) -> Registry {
    let workers = names.iter().map(|name| worker(name)).collect();
    Registry {
        live: true,
        path: "/workers.yaml".into(),
        exists: true,
        workers,
        sources,
        invalid: Vec::new(),
        town: source(),
        active_within: Duration::from_secs(60),
        session_wait: Duration::from_secs(1),
    }
}

fn workers(names: &[&str]) -> Workers {
    Workers::new(&registry(names, Vec::new()))
}

fn source() -> Source {
    let Worker { tmux, view, commands, .. } = worker("w");
    Source {
        system: System::GasTown,
        number: None,
        selector: None,
        prefix: String::new(),
        namespace: None,
        context: None,
        kubeconfig: None,
        container: None,
        stuck_after: Duration::from_secs(1),
        tmux,
        view,
        commands,
    }
}

/// Let these answer, by their names.
fn answer(workers: &mut Workers, name: &str, answer: Result<Vec<Session>, Failure>) {
    workers.take(&name.parse().unwrap(), answer);
}

#[test]
fn what_a_source_finds_comes_behind_and_goes_when_it_is_gone() {
    let mut workers = Workers::new(&registry(&["a"], vec![source()]));
    workers.ask();
    assert!(workers.ask_sources() && !workers.ask_sources());
    assert_eq!(workers.headline(), "0 of 2 answered, asking a, discover:gastown…");
    answer(&mut workers, "a", Ok(vec![session("s")]));
    workers.join(0, vec![worker("p"), worker("q")]);
    answer(&mut workers, "p", Ok(vec![session("log")]));
    answer(&mut workers, "q", Ok(vec![session("log")]));
    assert_eq!(texts(&workers), ["a/s", "p/log", "q/log"]);
    assert!(workers.ask_sources());
    workers.join(0, vec![worker("q"), worker("r")]);
    assert_eq!(texts(&workers), ["a/s", "q/log"]);
    answer(&mut workers, "q", Ok(vec![]));
    answer(&mut workers, "r", Ok(vec![]));
    assert!(workers.ask_sources());
    workers.silent(0, refused());
    assert_eq!(texts(&workers), ["a/s", "discover:gastown"]);
    assert_eq!(workers.headline(), "1 session on 1 worker, 1 did not answer");
    let target = Target { worker: source().name(), session: None };
    assert_eq!(workers.refusal(&target, false).unwrap(), "discover:gastown is unreachable: connection refused");
}

fn session(name: &str) -> Session {
    Session {
        id: SessionId::parse("$1"),
        name: name.parse().unwrap(),
        windows: 1,
        attached: 0,
        created: None,
        last_output: None,
        age: Some(Duration::from_secs(5)),
        in_mode: false,
        told: None,
    }
}

fn texts(workers: &Workers) -> Vec<String> {
    workers.rows().into_iter().map(|row| row.text).collect()
}

fn refused() -> Failure {
    Failure::new(Kind::Unreachable, "connection refused")
}

#[test]
fn an_entry_that_cannot_be_used_is_a_row_with_the_reason_and_nothing_else() {
    let invalid = |name: &str, number| Invalid {
        name: name.parse().unwrap(),
        list: List::Workers,
        number,
        behind: 1,
        line: 3,
        column: 5,
        reason: "no pod".to_owned(),
    };
    let registry = Registry { invalid: vec![invalid("bad", 1), invalid("a", 3)], ..registry(&["a"], Vec::new()) };
    let mut workers = Workers::new(&registry);
    assert_eq!(workers.ask().len(), 1);
    answer(&mut workers, "a", Ok(vec![session("s")]));
    assert_eq!(texts(&workers), ["a/s", "bad", "workers#3"]);
    assert_eq!(workers.headline(), "1 session on 1 worker, 2 invalid");
    let bad = Target { worker: "bad".parse().unwrap(), session: None };
    assert_eq!(workers.refusal(&bad, false).unwrap(), "bad is invalid: /workers.yaml:3:5: no pod");
    assert_eq!(workers.refusal(&"a/s".parse().unwrap(), true), None);
}

#[test]
fn rows_keep_the_registrys_order_and_those_without_a_session_come_last() {
    let mut workers = workers(&["a", "b", "c", "d"]);
    workers.ask();
    answer(&mut workers, "d", Ok(vec![session("x")]));
    answer(&mut workers, "a", Err(refused()));
    answer(&mut workers, "c", Ok(vec![]));
    answer(&mut workers, "b", Ok(vec![session("z"), session("y")]));
    assert_eq!(texts(&workers), ["b/z", "b/y", "d/x", "c", "a"]);
}

#[test]
fn the_headline_names_who_is_waited_for() {
    let mut workers = workers(&["a", "b", "c"]);
    assert_eq!(workers.ask().len(), 3);
    answer(&mut workers, "b", Ok(vec![session("s")]));
    assert_eq!(workers.headline(), "1 of 3 answered, asking a, c…");
    answer(&mut workers, "a", Ok(vec![session("s"), session("t")]));
    answer(&mut workers, "c", Err(refused()));
    assert_eq!(workers.headline(), "3 sessions on 2 workers, 1 did not answer");
}

#[test]
fn who_is_being_asked_is_not_asked_twice_and_keeps_its_rows() {
    let mut workers = workers(&["a", "b"]);
    workers.ask();
    answer(&mut workers, "a", Ok(vec![session("s")]));
    assert_eq!(workers.ask(), [worker("a")]);
    assert_eq!(texts(&workers), ["a/s"]);
}

#[test]
fn only_a_row_with_a_session_takes_what_needs_one() {
    let mut workers = workers(&["a", "b"]);
    answer(&mut workers, "a", Ok(vec![]));
    answer(&mut workers, "b", Err(refused()));
    let worker = |name: &str| Target { worker: name.parse().unwrap(), session: None };
    assert_eq!(workers.refusal(&worker("a"), true).unwrap(), "a has no session");
    assert_eq!(workers.refusal(&worker("a"), false), None);
    assert_eq!(workers.refusal(&worker("b"), false).unwrap(), "b is unreachable: connection refused");
    assert_eq!(workers.refusal(&"a/s".parse().unwrap(), true), None);
}

//! How it is with a worker, for people: `running`, or what its one agent does.

use crate::registry::origin::Origin;
use crate::remote::session::{Answer, Standing, State};
use crate::terminal::style::Style;

/// `running`, `working (12m, 48m left)`, `failed (exit 3, 5m ago)`, and how to show it.
pub fn of(answer: &Answer) -> (String, Style) {
    let Some(Standing { state, detail, .. }) = &answer.standing else { return ("running".to_owned(), Style::Good) };
    let style = match state {
        State::Working | State::Done => Style::Good,
        State::Failed | State::Stuck => Style::Bad,
        _ => Style::Dim,
    };
    let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    (format!("{}{detail}", state.word()), style)
}

/// What the system says in which a worker was found, by its words; hostile until neutralised.
pub fn facts(origin: &Origin) -> Vec<(&'static str, String)> {
    let facts = match origin {
        Origin::File | Origin::Pods => Vec::new(),
        Origin::GasCity(agent) => {
            vec![("session", Some(agent.session.clone())), ("agent", agent.agent.clone()), ("city", agent.city.clone())]
        }
        Origin::GasTown(polecat) => vec![
            ("rig", Some(polecat.rig.clone())),
            ("bead", polecat.bead.clone()),
            ("branch", Some(polecat.branch.clone())),
            ("deadline", polecat.deadline.clone()),
            ("phase", polecat.phase.clone()),
        ],
    };
    facts.into_iter().filter_map(|(fact, value)| Some((fact, value?))).collect()
}

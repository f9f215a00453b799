//! `polecat status`: one of them.

use std::io::{self, Write};

use anyhow::Result;

use super::{list, town};
use crate::cli::polecat::PolecatStatus;
use crate::cluster::gateway::Polecats;
use crate::commands::Context;
use crate::commands::worker_state;
use crate::exit::{Code, Problem};
use crate::registry::origin::Origin;
use crate::terminal::style::Style;
use crate::terminal::{json, neutralise};

pub fn run(context: &Context, args: &PolecatStatus) -> Result<Code> {
    let mut resident = town::find(context, &args.polecat, Polecats { looks: true, changes: None })?;
    // What nobody can say changes nothing.
    let _ = resident.listen(context);
    let found = &resident.found;
    let mut out = io::stdout().lock();
    if args.json {
        json::write_line(&mut out, &list::row_json(&resident.town, found))?;
    } else if let Ok(answer) = &found.told {
        let (status, style) = worker_state::of(answer);
        let name = found.polecat.name.as_str();
        writeln!(out, "{}  {}  {}", Style::Bold.paint(name), found.pod, style.paint(&neutralise::line(&status)))?;
        for (fact, value) in worker_state::facts(&Origin::GasTown(Box::new(found.polecat.clone()))) {
            writeln!(out, "{fact:<9} {}", neutralise::line(&value))?;
        }
    }
    match &found.told {
        Ok(_) => Ok(Code::Done),
        Err(failure) => {
            let what = format!("polecat {}: {}: {failure}", found.polecat.name, failure.status());
            Err(Problem::new(failure.code(), what, failure.remedy()).into())
        }
    }
}

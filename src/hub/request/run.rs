//! `run`: a command on a worker, over its relay.

use std::io::{self, BufRead, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::hub::link;
use crate::hub::serve::Hub;
use crate::hub::wire::{self, Ran, Run, Taken};
use crate::process::{Output, Request};

pub fn answer(hub: &Hub, run: Run, from: &mut impl BufRead, client: &UnixStream) -> io::Result<()> {
    let Run { registry, worker, place, argv, reads_to_end, timeout, stdin } = run;
    let deadline = Instant::now() + Duration::from_millis(timeout);
    let served = hub.registry(&registry);
    let there = served.fleet.link(&worker).filter(|link| link.is_live() && link.place() == place);
    let Some(link) = there else {
        return wire::write(client, &Taken::Direct(format!("{worker} is not there")));
    };
    wire::write(client, &Taken::Yes)?;
    let stdin = wire::read_bytes(from, stdin)?;
    if wire::read_bytes(from, 1)? != [wire::STILL_WANTED] {
        return Ok(());
    }
    let request = Request { argv: &argv, stdin: &stdin, reads_to_end, deadline };
    let answer = link.run(request).unwrap_or_else(|| Err(link::no_relay()));
    link.is_changed();
    match answer {
        Ok(Output { status, stdout, stderr }) => {
            let ran = Ran { status, stdout: stdout.len(), stderr: stderr.len(), pod: link.pod() };
            wire::write(client, &Ok::<_, Failure>(ran))?;
            (&*client).write_all(&stdout)?;
            (&*client).write_all(&stderr)
        }
        Err(failure) => wire::write(client, &Err::<Ran, _>(failure)),
    }
}

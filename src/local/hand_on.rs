//! The end of a popup of the plugin: what is pressed from then on goes to what is beneath it, in order.
//!
//! tmux gives a popup's program every key until it has seen its end, and what that program has not read is lost then: a prefix,
//! so that the key behind it is typed into the session below. A client that is read-only has no key for a popup: tmux keeps
//! them, and takes them when the popup is closed and the key's binding has made the client writable again
//! (`tmux-plugin/factory-worker.tmux`). What came before goes along as commands that the binding runs first.

use std::time::Duration;

use anyhow::Result;
use tmux_interface::{ListClients, ListKeys, RefreshClient, SetOption};

use super::ids::ClientName;
use super::keys::Bindings;
use super::replay;
use super::tmux::Tmux;
use crate::terminal::pressed::{self, Pressed};

/// The option with what the binding is to run first; the client's process is behind it.
const PRESSED_OPTION: &str = "@factory-worker-pressed-";
/// How long what tmux has written to the popup's terminal may be on its way to us.
const ON_ITS_WAY: Duration = Duration::from_millis(5);

/// The client whose popup ends.
struct Holder {
    process: String,
    prefixes: Vec<String>,
}

/// Hand on what nobody has read, and all that is pressed from now on. The popup has to close next.
///
/// # Errors
/// tmux does not do it; what is pressed now is the popup's, and lost with it.
pub fn hand_on(tmux: &Tmux) -> Result<()> {
    let Some(client) = &tmux.client else { return Ok(()) };
    let Some(holder) = hold(tmux, client)? else { return Ok(()) };
    let Pressed { blind, meant } = pressed::take(ON_ITS_WAY)?;
    let mut events = replay::from_prefix(blind, &holder.prefixes);
    events.extend(meant);
    if events.is_empty() {
        return Ok(());
    }
    let bindings = Bindings::of(tmux.run(&[ListKeys::new().build()])?);
    let commands = replay::commands(&events, &holder.prefixes, &bindings);
    // One that fails keeps none of the others from running.
    let each: Vec<_> = commands.iter().map(|command| format!("if-shell -F 1 {}", replay::quoted(command))).collect();
    let option = format!("{PRESSED_OPTION}{}", holder.process);
    tmux.run(&[SetOption::new().global().option(option).value(each.join(" ; ")).build()]).map(drop)
}

/// Keep the client's keys from the popup; `None` when it has gone.
fn hold(tmux: &Tmux, client: &ClientName) -> Result<Option<Holder>> {
    let mut hold = RefreshClient::new().target_client(client.as_str()).build();
    hold.push_option("-f", "read-only");
    let list = ListClients::new().format("#{client_pid} #{prefix} #{prefix2} #{client_name}").build();
    let listing = tmux.run(&[hold, list])?;
    Ok(listing.lines().find_map(|line| {
        let mut fields = line.splitn(4, ' ');
        let mut field = || fields.next().map(str::to_owned);
        let (process, prefixes) = (field()?, vec![field()?, field()?]);
        (fields.next()? == client.as_str()).then_some(Holder { process, prefixes })
    }))
}

//! The operator's own tmux: its version, the options that sessions need, and the plugin's keys.

use super::Check;
use crate::local::keys::Bindings;
use crate::local::tmux::{self, Tmux};
use crate::local::version::Version;

/// An option of the operator's tmux that decides how much of a session comes through.
struct Wanted {
    name: &'static str,
    good: &'static [&'static str],
    /// What is lost otherwise.
    otherwise: &'static str,
    remedy: &'static str,
}

/// Half a second on every Esc is felt; this much is not, in milliseconds.
const SHORT_ESCAPE: u32 = 100;

const WANTED: [Wanted; 5] = [
    Wanted {
        name: "set-clipboard",
        good: &["on"],
        otherwise: "what sessions copy does not reach the clipboard",
        remedy: "set -s set-clipboard on",
    },
    Wanted { name: "mouse", good: &["on"], otherwise: "wheel and clicks do not reach sessions", remedy: "set -g mouse on" },
    Wanted {
        name: "default-terminal",
        good: &["tmux-256color", "screen-256color", "tmux-direct", "xterm-256color"],
        otherwise: "sessions show fewer colours than they could",
        remedy: "set -g default-terminal tmux-256color",
    },
    Wanted {
        name: "focus-events",
        good: &["on"],
        otherwise: "programs in sessions do not know when you look at them",
        remedy: "set -s focus-events on",
    },
    Wanted {
        name: "extended-keys",
        good: &["on", "always"],
        otherwise: "Shift-Enter and the like do not reach sessions",
        remedy: "set -s extended-keys on",
    },
];

/// The plugin's keys: what they are for, and the default.
const KEYS: [(&str, &str); 4] = [("pick", "W"), ("peek", "P"), ("dispatch", "G"), ("nudge", "N")];

/// What the plugin's bindings hold, and nobody else's (`tmux-plugin/factory-worker.tmux`).
const OURS: &str = "tmux-plugin/factory-worker";

/// For a server that `$TMUX` names and that does not answer as it should.
const NO_SERVER: &str = "run it in a window of a tmux that runs; after an upgrade of tmux its server has to be started anew";

/// Every check of the operator's tmux.
pub fn tmux() -> Vec<Check> {
    let found = match tmux::version() {
        Ok(found) => found,
        Err(error) => return vec![Check::problem("tmux", &error, "install tmux 3.2 or newer")],
    };
    let mut checks = vec![tmux_version("tmux", &found)];
    match Tmux::current() {
        Ok(tmux) => match options(&tmux) {
            Ok(options) => checks.extend(options.into_iter().chain(keys(&tmux))),
            // Whoever does not say that knows nothing of the plugin either.
            Err(error) => checks.push(Check::problem("options and keys", &error, NO_SERVER)),
        },
        Err(_) => checks.push(Check::skip("options and keys", "not inside tmux", "run `factory-worker doctor` in tmux")),
    }
    checks
}

/// Whether a tmux, here or on a worker, is new enough.
pub fn tmux_version(name: &str, found: &str) -> Check {
    // The oldest with display-popup, and with client features by `-T`.
    if Version::parse(found).at_least(3, 2) {
        Check::ok(name, found)
    } else {
        Check::fail(name, format!("{found} is too old"), "install tmux 3.2 or newer")
    }
}

fn options(tmux: &Tmux) -> anyhow::Result<Vec<Check>> {
    let values = tmux.options(&WANTED.map(|wanted| wanted.name))?;
    let mut checks: Vec<Check> = WANTED.iter().zip(values).map(|(wanted, value)| wanted.check(&value)).collect();
    checks.extend(tmux.option("escape-time").ok().map(|value| escape_time(&value)));
    Ok(checks)
}

/// tmux waits so long behind an Esc for the rest of an Alt key; its own default was 500 ms until 3.6.
fn escape_time(value: &str) -> Check {
    match value.parse::<u32>() {
        Ok(time) if time <= SHORT_ESCAPE => Check::ok("escape-time", value),
        _ => Check::warn(
            "escape-time",
            format!("{value}: Esc takes so many milliseconds, and with a letter soon after it is an Alt key"),
            "in ~/.tmux.conf: set -s escape-time 10",
        ),
    }
}

impl Wanted {
    fn check(&self, value: &str) -> Check {
        if self.good.contains(&value) {
            return Check::ok(self.name, value);
        }
        let found = if value.is_empty() { "not set" } else { value };
        Check::warn(self.name, format!("{found}: {}", self.otherwise), format!("in ~/.tmux.conf: {}", self.remedy))
    }
}

fn keys(tmux: &Tmux) -> Vec<Check> {
    let loaded = tmux.is_set("@factory-worker-bound").unwrap_or(false);
    if !loaded {
        let remedy = "load it in ~/.tmux.conf: run-shell PATH/factory-worker.tmux, or with TPM";
        return vec![Check::warn("plugin", "it is not loaded in this tmux", remedy)];
    }
    match tmux.bindings() {
        Ok(bindings) => KEYS.iter().map(|(what, default)| key(tmux, &bindings, what, default)).collect(),
        Err(error) => vec![Check::problem("keys", &error, NO_SERVER)],
    }
}

/// One of the plugin's keys. A default gives way to the user's own binding, so it may be that it is bound to nothing of ours.
fn key(tmux: &Tmux, bindings: &Bindings, what: &str, default: &str) -> Check {
    let name = format!("{what} key");
    let option = format!("@factory-worker-{what}-key");
    let chosen = match tmux.is_set(&option) {
        Ok(true) => tmux.option(&option).unwrap_or_default(),
        _ => default.to_owned(),
    };
    if chosen.is_empty() {
        return Check::ok(name, format!("not bound, as {option} says"));
    }
    // Only a key that goes by another name there, or is free, is asked for by itself.
    match bindings.behind_prefix(&chosen).map(str::to_owned).or_else(|| tmux.binding(&chosen)) {
        Some(binding) if binding.contains(OURS) && binding.contains(&format!(" {what} ")) => {
            Check::ok(name, format!("prefix {chosen}"))
        }
        Some(binding) if binding.contains(OURS) => Check::warn(
            name,
            format!("prefix {chosen} does something else of ours"),
            format!("set -g {option} KEY, another one for each"),
        ),
        Some(_) => Check::warn(name, format!("prefix {chosen} is bound to something else"), format!("set -g {option} KEY")),
        None => Check::warn(name, format!("prefix {chosen} is not bound"), "load the plugin again: tmux source ~/.tmux.conf"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::doctor::Verdict;

    #[rstest]
    #[case("3.3a", Verdict::Ok)]
    #[case("next-3.8", Verdict::Ok)]
    #[case("master", Verdict::Ok)]
    #[case("3.1c", Verdict::Fail)]
    #[case("2.9", Verdict::Fail)]
    fn tmux_below_3_2_is_too_old(#[case] found: &str, #[case] verdict: Verdict) {
        assert_eq!(tmux_version("tmux", found).verdict, verdict);
    }

    #[test]
    fn an_option_that_is_off_says_what_is_lost() {
        let check = WANTED[1].check("off");
        assert_eq!((check.verdict, check.remedy.as_deref()), (Verdict::Warn, Some("in ~/.tmux.conf: set -g mouse on")));
        assert_eq!(WANTED[1].check("on").verdict, Verdict::Ok);
    }
}

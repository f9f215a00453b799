//! The programs that our scripts need on a worker. Each script says at its top which these are, in a line `# Needs: …`; a shell's
//! own commands are not among them.

use super::Check;
use crate::remote::examine::Found;

const BOUNDED: &str = include_str!("../remote/bounded.sh");
const REAP: &str = include_str!("../remote/reap.sh");

/// What needs them, and the scripts that do it.
const SCRIPTS: [(&str, &[&str]); 3] = [
    ("list and status need", &[include_str!("../remote/list.sh"), include_str!("../remote/command_each.sh"), BOUNDED]),
    ("nudge needs", &[include_str!("../remote/nudge/nudge.sh")]),
    (
        "windows need",
        &[
            include_str!("../view/client/enter.sh"),
            include_str!("../view/client/older.sh"),
            include_str!("../view/client/same.sh"),
            include_str!("../view/client/keys.sh"),
            include_str!("../view/client/find.sh"),
            include_str!("../view/client/session_options.sh"),
            REAP,
        ],
    ),
];

/// What Gas City's session provider does in its agents' pods, by our `gc-session`.
const GAS_CITY: (&str, &[&str]) = (
    "gc-session needs",
    &[
        include_str!("../gascity/session/alive.sh"),
        include_str!("../gascity/session/city.sh"),
        include_str!("../gascity/session/execute.sh"),
        include_str!("../gascity/session/file.sh"),
        include_str!("../gascity/session/log.sh"),
        include_str!("../gascity/session/meta.sh"),
        include_str!("../gascity/session/nudge.sh"),
        include_str!("../gascity/session/ready.sh"),
        include_str!("../gascity/session/receive.sh"),
        include_str!("../gascity/session/staged.sh"),
        include_str!("../gascity/session/unpack.sh"),
    ],
);

/// All of them, each once.
pub fn needed() -> Vec<&'static str> {
    let scripts = SCRIPTS.iter().chain([&GAS_CITY]).flat_map(|(_, scripts)| scripts.iter());
    let mut all: Vec<_> = scripts.flat_map(|script| of(script)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn of(script: &'static str) -> impl Iterator<Item = &'static str> {
    script.lines().filter_map(|line| line.strip_prefix("# Needs: ")).flat_map(str::split_whitespace)
}

const REMEDY: &str = "install coreutils and sed, or busybox, in the image";

/// Whether they are there.
pub fn check(found: &Found) -> Check {
    const NAME: &str = "programs";
    let lacking: Vec<_> = SCRIPTS.iter().filter_map(|what| lacks(what, found)).collect();
    if lacking.is_empty() {
        return Check::ok(NAME, "all that our scripts need");
    }
    Check::fail(NAME, format!("not all are there: {}", lacking.join("; ")), REMEDY)
}

/// Whether an agent's pod has what Gas City's session provider needs in it. A city may have another one.
pub fn check_agent(found: &Found) -> Check {
    const NAME: &str = "programs for Gas City";
    match lacks(&GAS_CITY, found) {
        None => Check::ok(NAME, "all that gc-session needs"),
        Some(lacking) => Check::warn(NAME, format!("not all are there: {lacking}"), REMEDY),
    }
}

/// What cannot be done, and for want of what.
fn lacks((what, scripts): &(&str, &'static [&'static str]), found: &Found) -> Option<String> {
    let there = |program: &&str| found.programs.iter().any(|there| there == program);
    let mut absent: Vec<_> = scripts.iter().flat_map(|script| of(script)).filter(|program| !there(program)).collect();
    absent.sort_unstable();
    absent.dedup();
    (!absent.is_empty()).then(|| format!("{what} {}", absent.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_names_a_program_calls_it() {
        for (what, scripts) in SCRIPTS.into_iter().chain([GAS_CITY]) {
            for script in scripts {
                let code: Vec<_> = script.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
                let words = code.iter().flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
                let calls = |program: &str| words.clone().any(|word| word == program);
                let never: Vec<_> = of(script).filter(|program| !calls(program)).collect();
                assert_eq!(never, [""; 0], "{what}");
            }
        }
        assert!(needed().contains(&"head"), "{:?}", needed());
    }
}

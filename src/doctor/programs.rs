//! The programs that our scripts need on a worker. Each script says at its top which these are, in a line `# Needs: …`; a shell's
//! own commands are not among them.

use super::Check;
use crate::remote::examine::Found;

const BOUNDED: &str = include_str!("../remote/bounded.sh");
const REAP: &str = include_str!("../remote/reap.sh");

/// What cannot be done without them, and the scripts that do it.
const SCRIPTS: [(&str, &[&str]); 3] = [
    ("list and status", &[include_str!("../remote/list.sh"), include_str!("../remote/command_each.sh"), BOUNDED]),
    ("nudge", &[include_str!("../remote/nudge/nudge.sh")]),
    ("windows", &[include_str!("../view/client/enter.sh"), include_str!("../view/client/session_options.sh"), REAP]),
];

/// All of them, each once.
pub fn needed() -> Vec<&'static str> {
    let mut all: Vec<_> = SCRIPTS.iter().flat_map(|(_, scripts)| scripts.iter()).flat_map(|script| of(script)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn of(script: &'static str) -> impl Iterator<Item = &'static str> {
    script.lines().filter_map(|line| line.strip_prefix("# Needs: ")).flat_map(str::split_whitespace)
}

/// Whether they are there.
pub fn check(found: &Found) -> Check {
    const NAME: &str = "programs";
    let there = |program: &&str| found.programs.iter().any(|there| there == program);
    let lacks = |(what, scripts): &(&str, &'static [&'static str])| {
        let mut absent: Vec<_> = scripts.iter().flat_map(|script| of(script)).filter(|program| !there(program)).collect();
        absent.sort_unstable();
        absent.dedup();
        (!absent.is_empty()).then(|| format!("{what} need {}", absent.join(", ")))
    };
    let lacking: Vec<_> = SCRIPTS.iter().filter_map(lacks).collect();
    if lacking.is_empty() {
        return Check::ok(NAME, "all that our scripts need");
    }
    Check::fail(NAME, format!("not all are there: {}", lacking.join("; ")), "install coreutils and sed, or busybox, in the image")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_names_a_program_calls_it() {
        for (what, scripts) in SCRIPTS {
            for script in scripts {
                let code: Vec<_> = script.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
                let calls = |program: &str| code.iter().any(|line| line.contains(&format!("{program} ")));
                let never: Vec<_> = of(script).filter(|program| !calls(program)).collect();
                assert_eq!(never, [""; 0], "{what}");
            }
        }
        assert!(needed().contains(&"head"), "{:?}", needed());
    }
}

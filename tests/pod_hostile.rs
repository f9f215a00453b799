//! Pods that mean harm, or are odd in ways that real images are: nothing they say executes, redirects or reaches the
//! terminal raw, and what can work in them works.

#[path = "support/operator.rs"]
mod operator;
mod support;

use kubesim::{Cluster, Oddity};
use operator::Operator;
use rstest::rstest;
use support::{HOSTILE_NAMES, long_name};

/// What has no business in a table, a peek that is piped, or an error.
#[track_caller]
fn assert_plain(text: &str) {
    let bad = text.chars().find(|&c| c != '\n' && (c.is_control() || ('\u{80}'..'\u{a0}').contains(&c) || is_override(c)));
    assert!(bad.is_none(), "{bad:?} in {text:?}");
}

fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn hostile_session_names_are_shown_and_reached() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("start", "cat").start();
    let (pod, long) = (worker.pod(), long_name());
    let names: Vec<&str> = HOSTILE_NAMES.iter().copied().chain([long.as_str()]).collect();
    for (number, name) in names.iter().enumerate() {
        pod.session(name, &format!("echo this is number {number}.; cat"));
    }
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let row = &operator.rows()[0];
    let listed: Vec<&str> = row["sessions"].as_array().unwrap().iter().filter_map(|session| session["name"].as_str()).collect();
    for (number, name) in names.iter().enumerate() {
        assert!(listed.contains(name), "{name:?} is not among {listed:?}");
        let ran = operator.run(&["peek", &format!("w/{name}")]).expect(0);
        assert!(ran.stdout.contains(&format!("this is number {number}.")), "{name:?}: {}", ran.stdout);
    }
    let ran = operator.run(&["list"]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    assert_plain(&ran.stdout);
    operator.world.assert_nothing_executed();
}

#[test]
fn hostile_pane_text_is_neutralised() {
    let cluster = Cluster::start();
    let text = r"\033]0;title\007\033]52;c;aGk=\007\033P1$q\033\\\033[21t\033[c\033[31mred\033[0m\033[?1049h\302\233c \342\200\256 #(touch pwned) end";
    let worker = cluster.deployment("fleet").session("qa", &format!("printf '{text}'; cat")).start();
    support::eventually("the text", || worker.pod().pane("qa").contains("end").then_some(()));
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let ran = operator.run(&["peek", "w/qa"]).expect(0);
    assert_plain(&ran.stdout);
    let ran = operator.run(&["--color=always", "peek", "w/qa"]).expect(0);
    assert_plain(&without_colours(&ran.stdout));
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |sum, part| {
        let (parameters, rest) = part.split_once('m').unwrap_or_else(|| panic!("no colour: {part:?}"));
        assert!(parameters.chars().all(|c| c.is_ascii_digit() || matches!(c, ';' | ':')), "{parameters:?}");
        sum + rest
    })
}

#[rstest]
#[case::escapes("printf '\\033]0;x\\007\\302\\233\\342\\200\\256\\n' >&2; exit 1")]
#[case::long("yes | head -c 20000000")]
#[case::long_errors("yes | head -c 3000000 >&2; head -c 3000000 /dev/zero >&2; exit 1")]
#[case::invalid("printf '\\377\\376\\000'")]
#[case::deep("i=0; while [ $i -lt 20000 ]; do printf '['; i=$((i + 1)); done")]
fn a_hostile_queue_costs_only_the_queue_or_this_worker(#[case] script: &str) {
    let cluster = Cluster::start();
    let queue = format!("#!/bin/sh\n{script}\n");
    cluster.deployment("fleet").script("queue", &queue).session("qa", "cat").start();
    cluster.deployment("good").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: queue}").worker("x", "good", "");
    let ran = operator.run(&["list"]).expect(0);
    assert_plain(&ran.stdout);
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{}", ran.stdout);
    let first = rows[1];
    assert!((first.contains("running") && first.trim_end().ends_with('?')) || first.contains("incomplete"), "{first}");
    assert!(rows[2].contains("running"), "{}", rows[2]);
}

#[test]
fn thousands_of_sessions_and_a_tmux_that_lies() {
    let cluster = Cluster::start();
    let lies = "#!/bin/sh\ncase \"$*\" in\n*list-sessions*) i=0; while [ $i -lt 10000 ]; do echo \"S \\$$i 1 0 1700000000 session-$i\"; i=$((i + 1)); done ;;\n*) exec /usr/bin/tmux \"$@\" ;;\nesac\n";
    cluster.deployment("fleet").script("tmux", lies).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let row = &operator.rows()[0];
    assert_eq!(row["sessions"].as_array().map(Vec::len), Some(10_000), "{}", row["reason"]);
    assert_eq!(operator.run(&["list"]).expect(0).stdout.lines().count(), 2);
}

#[test]
fn a_tmux_server_that_dies_in_the_middle_of_its_answer() {
    let cluster = Cluster::start();
    let dies = "#!/bin/sh\ncase \"$*\" in\n*list-*) echo 'S $0 1 0 1700000000 half'; /usr/bin/tmux kill-server; echo 'server exited unexpectedly' >&2; exit 1 ;;\n*) exec /usr/bin/tmux \"$@\" ;;\nesac\n";
    cluster.deployment("fleet").script("tmux", dies).session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let row = &operator.rows()[0];
    assert_ne!((row["status"].as_str(), row["sessions"].as_array().map(Vec::len)), (Some("running"), Some(0)), "{row}");
}

#[rstest]
#[case::read_only(&[Oddity::ReadOnly], &[])]
#[case::no_terminfo(&[Oddity::NoTerminfo], &[])]
#[case::other_user(&[Oddity::OtherUser], &[])]
#[case::all_of_them(&[Oddity::ReadOnly, Oddity::NoTerminfo, Oddity::OtherUser], &[])]
#[case::utf8_locale(&[], &[("LANG", "C.UTF-8")])]
#[case::hostile_environment(&[], &[("TMUX", "/nowhere,1,0"), ("POSIXLY_CORRECT", "1"), ("IFS", "x")])]
fn odd_surroundings_still_answer(#[case] oddities: &[Oddity], #[case] env: &[(&str, &str)]) {
    let cluster = Cluster::start();
    let plain = cluster.deployment("fleet").session("grün ☃", "echo ready; exec bash --norc");
    let odd = oddities.iter().fold(plain, |workload, oddity| workload.with(*oddity));
    let worker = env.iter().fold(odd, |workload, (name, value)| workload.env(name, value)).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    support::eventually("the prompt", || worker.pod().pane("grün ☃").contains("ready\n").then_some(()));
    assert_eq!(operator.rows()[0]["sessions"][0]["name"], "grün ☃");
    assert!(operator.run(&["peek", "w/grün ☃"]).expect(0).stdout.contains("ready"));
    support::eventually("bash to be there", || worker.pod().pane("grün ☃").contains("bash-").then_some(()));
    operator.run(&["nudge", "w/grün ☃", "echo $((40 + 2))"]).expect(0);
    support::eventually("the answer", || worker.pod().pane("grün ☃").contains("\n42\n").then_some(()));
}

#[test]
fn forty_workers_are_asked_at_once() {
    let cluster = Cluster::start();
    let mut operator = Operator::of(cluster);
    for number in 0..40 {
        let name = format!("w{number}");
        operator.cluster.pod(&name).start();
        operator = operator.worker(&name, &format!("pod/{name}"), "");
    }
    let (ran, calls) = operator.watched(&["list"]);
    assert_eq!(ran.expect(0).stdout.matches("running").count(), 40);
    assert_eq!(calls.execs().len(), 40);
}

//! Completion in real shells: TAB is pressed at a real prompt, and the command that runs tells what it was given.

mod support;

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use rstest::rstest;
use support::shells::{Prompt, Shell};
use support::{HOSTILE_NAMES, ROOT, World, eventually};

/// A worker for every hostile name, so that `w07/` is completed to one address.
fn hostile_world() -> World {
    let mut world = World::new();
    for place in 0..HOSTILE_NAMES.len() {
        world = world.worker(&format!("w{place:02}"));
    }
    for (place, name) in HOSTILE_NAMES.iter().enumerate() {
        world.session(&format!("w{place:02}"), name, "exec cat");
    }
    world.run(&["list"]).expect(0);
    world
}

#[rstest]
#[case(Shell::Bash)]
#[case(Shell::Zsh)]
#[case(Shell::Fish)]
fn every_name_becomes_one_word_and_executes_nothing(#[case] shell: Shell) {
    let world = hostile_world();
    let prompt = Prompt::new(&world, shell);
    for (place, name) in HOSTILE_NAMES.iter().enumerate() {
        let address = format!("w{place:02}/{name}");
        assert_eq!(prompt.complete(&format!("args peek w{place:02}/")), ["peek", &address]);
    }
    world.assert_nothing_executed();
}

#[rstest]
fn a_word_is_completed_however_its_beginning_is_quoted(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new().worker("w").worker("other");
    for name in [
        "with space",
        "it's",
        "say \"hi\" for $5 `x`!",
        "a=b@c",
        "#(touch pwned)",
        "-dash",
        "grün-日本語",
        "cites \"x\"",
        "boys'",
        "two a",
        "two b",
    ] {
        world.session("w", name, "exec cat");
    }
    world.run(&["list"]).expect(0);
    let prompt = Prompt::new(&world, shell);
    let cases = [
        ("args peek w/with", "w/with space"),
        ("args peek w/with\\ s", "w/with space"),
        ("args peek 'w/with s", "w/with space"),
        ("args peek \"w/with s", "w/with space"),
        ("args peek \"w/with", "w/with space"),
        ("args peek w/it\\'", "w/it's"),
        ("args peek \"w/it'", "w/it's"),
        ("args peek \"w/it", "w/it's"),
        ("args peek 'w/it", "w/it's"),
        ("args peek w/say", "w/say \"hi\" for $5 `x`!"),
        ("args peek 'w/say \"h", "w/say \"hi\" for $5 `x`!"),
        ("args peek \"w/say", "w/say \"hi\" for $5 `x`!"),
        ("args peek w/a", "w/a=b@c"),
        ("args peek w/a=", "w/a=b@c"),
        ("args peek w/a=b@", "w/a=b@c"),
        ("args peek 'w/#", "w/#(touch pwned)"),
        ("args peek w/-", "w/-dash"),
        ("args peek w/gr", "w/grün-日本語"),
        ("args peek w/grün", "w/grün-日本語"),
        ("args peek w/grün-日", "w/grün-日本語"),
        ("args peek \"w/cites", "w/cites \"x\""),
        ("args peek 'w/boys", "w/boys'"),
        // Several fit: what they have in common is typed.
        ("args peek w/tw", "w/two "),
        ("args peek oth", "other"),
    ];
    for (line, address) in cases {
        assert_eq!(prompt.complete(line), ["peek", address], "{shell:?}: {line}");
    }
    world.assert_nothing_executed();
}

#[rstest]
fn commands_options_and_values_are_completed(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new().worker("alpha").worker("beta");
    world.session("beta", "only", "exec cat");
    world.run(&["list"]).expect(0);
    fs::write(world.home().join("a file.yaml"), "workers: []").unwrap();
    let prompt = Prompt::new(&world, shell);
    let cases: &[(&str, &[&str])] = &[
        ("args disp", &["dispatch"]),
        ("args list --wi", &["list", "--wide"]),
        ("args --wo", &["--workers"]),
        ("args --color=alw", &["--color=always"]),
        ("args --color nev", &["--color", "never"]),
        ("args status al", &["status", "alpha"]),
        // What is on the line already is not offered again.
        ("args list alpha ", &["list", "alpha", "beta"]),
        ("args peek beta --session ", &["peek", "beta", "--session", "only"]),
        // Nobody knows the projects, and file names would be silly.
        ("args dispatch alpha --project ", &["dispatch", "alpha", "--project"]),
        ("args nudge beta/only ", &["nudge", "beta/only"]),
        // File names are the shell's business.
        ("args --workers a\\ f", &["--workers", "a file.yaml"]),
        ("args config sho", &["config", "show"]),
    ];
    for (line, words) in cases {
        assert_eq!(prompt.complete(line), *words, "{shell:?}: {line}");
    }
    // Those of another registry, where the line names one.
    fs::write(world.home().join("other.yaml"), "workers: [{name: gamma, local: /nonexistent}]").unwrap();
    assert_eq!(prompt.complete("args --workers ~/other.yaml status g").last().unwrap(), "gamma");
}

#[rstest]
fn a_redirection_takes_a_file_and_is_no_word_of_the_command(
    #[values(Shell::Bash, Shell::BashWithPackage, Shell::Zsh, Shell::Fish)] shell: Shell,
) {
    let world = World::new().worker("alpha").worker("provider");
    world.session("alpha", "only", "exec cat");
    world.run(&["list"]).expect(0);
    for file in ["prompt.txt", "answer to it.txt"] {
        fs::write(world.home().join(file), "").unwrap();
    }
    let prompt = Prompt::new(&world, shell);
    let cases: &[(&str, &[&str])] = &[
        // A shell does not run what it cannot redirect.
        ("args nudge alpha/only < pro", &["nudge", "alpha/only"]),
        ("args nudge alpha/only <pro", &["nudge", "alpha/only"]),
        ("args nudge alpha/only <./pro", &["nudge", "alpha/only"]),
        ("args nudge < prompt.txt alp", &["nudge", "alpha/only"]),
        ("args nudge <prompt.txt 2>/dev/null alp", &["nudge", "alpha/only"]),
        ("args list 2>/dev/null alp", &["list", "alpha"]),
    ];
    for (line, words) in cases {
        assert_eq!(prompt.complete(line), *words, "{shell:?}: {line}");
    }
    for redirection in [">ans", "> ans", "2> ans", ">>ans", "2>>ans"] {
        assert_eq!(prompt.complete(&format!("args list {redirection}")), ["list"], "{shell:?}: {redirection}");
    }
    let mut files: Vec<_> = fs::read_dir(world.home()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.retain(|name| !name.to_string_lossy().starts_with('.'));
    files.sort();
    assert_eq!(files, ["answer to it.txt", "prompt.txt"], "{shell:?} made another file");
}

#[rstest]
fn contexts_are_those_of_the_kubeconfig(#[values(Shell::Bash, Shell::BashWithPackage, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new();
    let kubeconfig = |name: &str| format!("{{kind: Config, contexts: [{{name: \"{name}\", context: {{}}}}]}}");
    fs::create_dir(world.home().join(".kube")).unwrap();
    fs::write(world.home().join(".kube/config"), kubeconfig("arn:aws:eks:x/mine")).unwrap();
    fs::write(world.home().join("other"), kubeconfig("theirs")).unwrap();
    // Nobody is asked: there is no kubectl that could.
    let asked = world.path("asked");
    world.script("kubectl", &format!("#!/bin/sh\ntouch '{}'\nexit 1\n", asked.display()));
    let prompt = Prompt::new(&world, shell);
    let cases: &[(&str, &str)] = &[
        ("args worker add x --context ar", "arn:aws:eks:x/mine"),
        ("args worker add x --context arn:aws", "arn:aws:eks:x/mine"),
        ("args polecat list --kubeconfig ~/other --context ", "theirs"),
    ];
    for (line, context) in cases {
        assert_eq!(prompt.complete(line).last().unwrap(), context, "{shell:?}: {line}");
    }
    assert!(!asked.exists());
}

#[rstest]
fn the_script_says_nothing_about_a_broken_registry(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new();
    fs::write(world.registry_path(), "workers: [").unwrap();
    let prompt = Prompt::new(&world, shell);
    prompt.enter("clear");
    assert_eq!(prompt.complete("args peek w"), ["peek", "w"]);
    let screen = prompt.screen().text();
    assert!(!screen.contains("yaml") && !screen.contains("factory-worker"), "{screen}");
}

/// The candidates for the last of `words`.
fn candidates(world: &World, words: &[&str]) -> String {
    let index = words.len().to_string();
    let mut arguments = vec!["complete", "--index", &index, "--", "factory-worker"];
    arguments.extend(words);
    let ran = world.run(&arguments).expect(0);
    assert_eq!(ran.stderr, "");
    ran.stdout
}

/// Pretend that `worker` said this long ago that it has the session `session`.
fn remember(world: &World, worker: &str, session: &str, seconds: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let known = serde_json::json!({ worker: { "asked": now - seconds * 1000, "sessions": [session] } });
    let directory = world.path("state/factory-worker");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("sessions.json"), known.to_string()).unwrap();
}

#[test]
fn a_young_answer_is_used_without_asking() {
    let world = World::new().worker("w");
    world.session("w", "real", "exec cat");
    remember(&world, "w", "remembered", 1);
    assert_eq!(candidates(&world, &["peek", "w"]), "w/remembered\n");
    assert_eq!(candidates(&world, &["peek", "w"]), "w/remembered\n");
}

#[test]
fn an_old_answer_is_used_at_once_and_renewed_behind() {
    let world = World::new().worker("w");
    world.session("w", "real", "exec cat");
    remember(&world, "w", "remembered", 60);
    assert_eq!(candidates(&world, &["peek", "w"]), "w/remembered\n");
    eventually("the renewed answer", || (candidates(&world, &["peek", "w"]) == "w/real\n").then_some(()));
}

#[test]
fn without_an_answer_the_workers_are_asked() {
    let world = World::new().worker("w");
    world.session("w", "real", "exec cat");
    eventually("the answer", || (candidates(&world, &["peek", "w"]) == "w/real\n").then_some(()));
}

#[test]
fn a_slow_worker_costs_one_renewal_however_often_tab_is_pressed() {
    let world = World::new();
    let go = world.path("go");
    let script = format!(
        "#!/bin/sh\necho started >>'{}'\nuntil [ -e '{}' ]; do sleep 0.05; done\nexec tmux \"$@\"\n",
        world.path("starts").display(),
        go.display()
    );
    let tmux = world.script("slow-tmux", &script);
    let world = world.worker_with("w", &format!("tmux: {}", tmux.display())).worker("quick");
    world.session("w", "late", "exec cat");
    world.session("quick", "there", "exec cat");
    // The quick one is known by its own, the slow one by its name only.
    eventually("the quick worker", || (candidates(&world, &["peek", ""]) == "w\nquick/there\n").then_some(()));
    candidates(&world, &["peek", ""]);
    candidates(&world, &["peek", ""]);
    assert_eq!(fs::read_to_string(world.path("starts")).unwrap(), "started\n");
    fs::write(go, "").unwrap();
    eventually("the slow worker", || (candidates(&world, &["peek", "w"]) == "w/late\n").then_some(()));
}

#[test]
fn a_worker_that_fails_keeps_its_sessions_and_is_left_alone_for_a_while() {
    let world = World::new();
    let script = format!("#!/bin/sh\necho started >>'{}'\nexit 1\n", world.path("starts").display());
    let tmux = world.script("broken-tmux", &script);
    let world = world.worker_with("w", &format!("tmux: {}", tmux.display()));
    remember(&world, "w", "remembered", 60);
    assert_eq!(candidates(&world, &["peek", "w"]), "w/remembered\n");
    let starts = || fs::read_to_string(world.path("starts")).unwrap_or_default();
    eventually("the worker to be asked", || (!starts().is_empty()).then_some(()));
    eventually("the failure to be noted", || {
        let noted = fs::read_to_string(world.path("state/factory-worker/sessions.json")).unwrap();
        let noted: serde_json::Value = serde_json::from_str(&noted).unwrap();
        let age =
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64 - noted["w"]["asked"].as_u64().unwrap();
        (age < 30_000).then_some(())
    });
    let before = starts();
    assert_eq!(candidates(&world, &["peek", "w"]), "w/remembered\n");
    assert_eq!(starts(), before);
}

#[test]
fn zsh_finds_the_installed_script_by_itself() {
    let world = World::new().worker("w");
    world.session("w", "with space", "exec cat");
    world.run(&["list"]).expect(0);
    let functions = world.path("site-functions");
    fs::create_dir(&functions).unwrap();
    fs::copy(format!("{ROOT}/shell/completions/factory-worker.zsh"), functions.join("_factory-worker")).unwrap();
    let load = format!("fpath=({} $fpath); autoload -Uz compinit; compinit -D; compdef args=factory-worker", functions.display());
    let prompt = Prompt::with(&world, Shell::Zsh, &load);
    // The first call is the file itself, the second the function that it defined.
    assert_eq!(prompt.complete("args peek w/"), ["peek", "w/with space"]);
    assert_eq!(prompt.complete("args peek w/"), ["peek", "w/with space"]);
}

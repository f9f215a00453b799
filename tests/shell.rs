//! The `factory` function in real shells: `factory worker …` is ours, everything else goes through untouched.

mod support;

use std::fs;

use rstest::rstest;
use support::shells::{Prompt, Shell, script, words_of};
use support::{HOSTILE_NAMES, Ran, World};

/// A script that writes its words to FILE and its standard input to FILE.in, says what it is on both streams, and
/// ends with STATUS.
fn recorder(world: &World, name: &str, status: u8) {
    let file = world.path(name);
    let file = file.display();
    world.script(
        name,
        &format!(
            "#!/bin/sh\nprintf '%s\\0' \"$@\" >'{file}'\ncat >'{file}.in'\necho {name} out\necho {name} err >&2\nexit {status}\n"
        ),
    );
}

/// Source our script and call `factory` with `arguments`.
fn factory(world: &World, shell: Shell, arguments: &[&str], input: &[u8]) -> Ran {
    let all = if shell == Shell::Fish { "$argv" } else { "\"$@\"" };
    let script = format!("source '{}'; factory {all}", script(shell));
    Ran::with_input(shell.command(world, &script, arguments), input)
}

/// The words that the recorder of this name got, and its standard input.
fn recorded(world: &World, name: &str) -> (Vec<String>, Vec<u8>) {
    let file = world.path(name);
    (words_of(&fs::read(&file).unwrap()), fs::read(file.with_extension("in")).unwrap())
}

#[rstest]
fn the_word_worker_is_ours(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new();
    recorder(&world, "factory-worker", 5);
    recorder(&world, "factory", 1);
    let mut arguments = vec!["worker", "nudge", "", "two\nlines", "*"];
    arguments.extend(HOSTILE_NAMES);
    let ran = factory(&world, shell, &arguments, b"in\0put\n").expect(5);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("factory-worker out\n", "factory-worker err\n"));
    let (words, input) = recorded(&world, "factory-worker");
    assert_eq!(words, arguments[1..]);
    assert_eq!(input, b"in\0put\n");
    assert!(!world.path("factory").exists());
    world.assert_nothing_executed();
}

#[rstest]
fn everything_else_goes_to_the_real_factory(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new();
    recorder(&world, "factory-worker", 1);
    recorder(&world, "factory", 42);
    for first in ["queue", "workers", "--", "-worker", "", "WORKER", "factory"] {
        let mut arguments = vec![first, "worker", "", "two\nlines", "*"];
        arguments.extend(HOSTILE_NAMES);
        let ran = factory(&world, shell, &arguments, b"in\0put\n").expect(42);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("factory out\n", "factory err\n"));
        let (words, input) = recorded(&world, "factory");
        assert_eq!(words, arguments, "{shell:?}");
        assert_eq!(input, b"in\0put\n");
    }
    assert!(!world.path("factory-worker").exists());
}

#[rstest]
fn bytes_that_are_no_text_go_through(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    recorder(&world, "factory", 0);
    let all = if shell == Shell::Fish { "$argv" } else { "\"$@\"" };
    let mut command = shell.command(&world, &format!("source '{}'; factory {all}", script(shell)), &["queue"]);
    Ran::from(command.arg(OsStr::from_bytes(b"\xff\xfe \x1b\\")).output().unwrap()).expect(0);
    assert_eq!(fs::read(world.path("factory")).unwrap(), b"queue\0\xff\xfe \x1b\\\0");
}

#[rstest]
fn without_words_the_real_factory_gets_none(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new();
    world.script("factory", "#!/bin/sh\necho $#\n");
    assert_eq!(factory(&world, shell, &[], b"").expect(0).stdout, "0\n");
}

#[rstest]
#[case(Shell::Bash, "factory: command not found")]
#[case(Shell::Zsh, "command not found: factory")]
#[case(Shell::Fish, "Unknown command: factory")]
fn without_a_real_factory_the_shell_says_so(#[case] shell: Shell, #[case] said: &str) {
    let world = World::new();
    let ran = factory(&world, shell, &["queue", "list"], b"").expect(127);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[rstest]
fn the_original_spelling_is_completed(#[values(Shell::Bash, Shell::Zsh, Shell::Fish)] shell: Shell) {
    let world = World::new().worker("w");
    world.session("w", "with space", "exec cat");
    world.run(&["list"]).expect(0);
    let prompt = Prompt::new(&world, shell);
    // Twice: sourcing again, as many start files do, changes nothing.
    prompt.enter(&format!("source '{0}'; source '{0}'", script(shell)));
    // From here on what would run ours tells its words; completing goes on through the real one.
    prompt.record("factory");
    assert_eq!(prompt.complete("factory worker pee"), ["worker", "peek"]);
    assert_eq!(prompt.complete("factory worker peek w/"), ["worker", "peek", "w/with space"]);
    assert_eq!(prompt.complete("factory wor"), ["worker"]);
}

//! Containers whose surroundings are not those of this machine.

use kubesim::{Cluster, Oddity, Ran, Workload};

fn run(change: impl FnOnce(Workload<'_>) -> Workload<'_>, script: &str) -> Ran {
    let cluster = Cluster::start();
    change(cluster.pod("p").session("qa", "cat")).start();
    cluster.kubectl(&["exec", "p", "--", "sh", "-c", script])
}

#[test]
fn nothing_can_be_written_but_tmux_works() {
    let script = "tmux list-sessions -F '#{session_name}' && ! touch /x 2>/dev/null && ! touch ~/x 2>/dev/null && ! touch /usr/x 2>/dev/null";
    let ran = run(|pod| pod.with(Oddity::ReadOnly), script).expect(0);
    assert_eq!(ran.stdout, "qa\n");
}

#[test]
fn no_terminal_is_described() {
    let ran =
        run(|pod| pod.with(Oddity::NoTerminfo), "infocmp xterm >/dev/null 2>&1 && echo there; tmux list-sessions >/dev/null")
            .expect(0);
    assert_eq!(ran.stdout, "");
}

#[test]
fn another_user_without_a_name() {
    let ran =
        run(|pod| pod.with(Oddity::OtherUser), "id -u; id -un 2>/dev/null; touch ~/x && tmux list-sessions -F '#{session_name}'")
            .expect(0);
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), ["12345", "12345", "qa"]);
}

#[test]
fn all_of_them_at_once() {
    let script = "echo $(id -u) $(tmux list-sessions -F '#{session_name}')";
    let ran = run(|pod| pod.with(Oddity::ReadOnly).with(Oddity::NoTerminfo).with(Oddity::OtherUser), script).expect(0);
    assert_eq!(ran.stdout, "12345 qa\n");
}

#[test]
fn the_locale_is_posix_unless_the_image_says_otherwise() {
    let script = "printf 'ü' | wc -m; locale charmap";
    assert_eq!(run(|pod| pod, script).expect(0).stdout, "2\nANSI_X3.4-1968\n");
    assert_eq!(run(|pod| pod.env("LANG", "C.UTF-8"), script).expect(0).stdout, "1\nUTF-8\n");
}

#[test]
fn nothing_but_busybox_and_tmux() {
    let script = "for program in grep ps stty dd tail sed tr base64 gunzip sleep sh; do readlink \"$(command -v $program)\"; done | sort -u
        command -v bash perl locale python3 kubectl
        readlink /proc/$$/exe
        tmux run-shell 'readlink /proc/$$/exe >~/shell-of-tmux' && cat ~/shell-of-tmux
        tmux list-sessions -F '#{session_name}'";
    let ran = run(|pod| pod.with(Oddity::Busybox), script).expect(0);
    let [programs, rest @ ..] = &ran.stdout.lines().collect::<Vec<_>>()[..] else { panic!("{ran:?}") };
    assert!(programs.ends_with("/busybox"), "{ran:?}");
    assert_eq!(rest, [programs, programs, "qa"], "{ran:?}");
}

#[test]
fn a_first_process_that_reaps_nothing_keeps_the_zombies() {
    let script = "read -r name </proc/1/comm; echo $name; (sleep 0 & sleep 0 &); \
        until [ \"$(ps -o stat,args | grep -c '^Z')\" -eq 2 ]; do sleep 0.01; done; \
        read -r _ _ _ parent _ </proc/$$/stat; echo $parent; tmux list-sessions -F '#{session_name}'; exit 7";
    for kind in [&[Oddity::ReapsNothing][..], &[Oddity::ReapsNothing, Oddity::Busybox]] {
        let ran = run(|pod| kind.iter().fold(pod, |pod, oddity| pod.with(*oddity)), script).expect(7);
        // What an exec starts is nobody's child in there.
        assert_eq!(ran.stdout, "sleep\n0\nqa\n", "{kind:?}");
    }
}

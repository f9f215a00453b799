//! What commands leave behind: on this machine, on its terminal, and in the pod.

#![allow(dead_code)] // every test binary uses its own part

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kubesim::Pod;

use crate::support::{BIN, Screen, World, eventually};

/// What a terminal's program can have switched on, by tmux's names for it.
const MODES: &str = "alternate #{alternate_on} cursor #{cursor_flag} insert #{insert_flag} origin #{origin_flag} wrap #{wrap_flag} \
                     keypad #{keypad_flag} #{keypad_cursor_flag} mouse #{mouse_any_flag} #{mouse_button_flag} #{mouse_all_flag} \
                     #{mouse_standard_flag} #{mouse_sgr_flag} #{mouse_utf8_flag} region #{scroll_region_upper} #{scroll_region_lower}";

/// What runs on the operator's machine on behalf of a world, but for tmux and the shells in it: id and command line.
pub fn running(world: &World) -> Vec<(i32, String)> {
    let needle = format!("HOME={}\0", world.home().display()).into_bytes();
    let of_this_world = |directory: fs::DirEntry| {
        let id = directory.file_name().to_str()?.parse().ok()?;
        let environment = fs::read(directory.path().join("environ")).ok()?;
        let ours = environment.windows(needle.len()).any(|window| window == needle);
        let words = fs::read(directory.path().join("cmdline")).ok()?;
        ours.then(|| (id, String::from_utf8_lossy(&words).replace('\0', " ")))
    };
    let all = fs::read_dir("/proc").unwrap().flatten().filter_map(of_this_world);
    all.filter(|(_, command)| command.contains("kubectl") || command.starts_with(BIN)).collect()
}

/// Their command lines.
pub fn processes(world: &World) -> Vec<String> {
    running(world).into_iter().map(|(_, command)| command).collect()
}

/// The modes of the terminal of a screen without the plugin: the tty's own, and those that a program can set.
pub fn modes(screen: &Screen<'_>, world: &World) -> String {
    let file = world.path("stty");
    let _ = fs::remove_file(&file);
    screen.enter(&format!("clear; stty -a >{0}.new; mv {0}.new {0}", file.display()));
    let tty = eventually("the terminal's modes", || fs::read_to_string(&file).ok());
    format!("{tty}{}", screen.inner(&["display-message", "-p", "-t", "main:", MODES]))
}

/// A pod as it was before anybody spoke to it.
pub struct Untouched {
    pod: Pod,
    processes: usize,
    written: &'static [&'static str],
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Untouched {
    /// `written` are the files in its HOME that its own programs write.
    pub fn of(pod: &Pod, written: &'static [&'static str]) -> Self {
        Self { pod: pod.clone(), processes: pod.processes().len(), written, files: files(pod, written) }
    }

    /// Wait until nothing that was started in it runs any more, then look whether it is as it was.
    #[track_caller]
    pub fn assert(&self) {
        eventually("what was started in the pod to end", || (self.pod.processes().len() <= self.processes).then_some(()));
        assert_eq!(files(&self.pod, self.written), self.files, "files in the pod");
        if self.processes > 0 {
            let options = self.pod.tmux(&["show-options", "-s", ";", "list-buffers", "-F", "buffer #{buffer_name}"]);
            assert!(!options.contains("factory-worker"), "{options}");
            assert_eq!(self.pod.clients(), [] as [String; 0]);
        }
    }
}

/// All files in its HOME and in its directory for temporary ones, but for those that its own programs write.
fn files(pod: &Pod, written: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let home = pod.home();
    let own = |path: &Path| written.iter().any(|name| path == home.join(name));
    let mut left = vec![home.with_file_name("tmp"), home.clone()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                // tmux makes one for its socket, also when nobody starts a server.
                left.push(entry.path());
            } else {
                let content = if kind.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
                found.insert(entry.path(), content);
            }
        }
    }
    found.retain(|path, _| !own(path));
    found
}

/// A directory for temporary files for whatever is started in this world.
pub fn with_own_tmpdir(world: World) -> World {
    let directory = world.path("tmp");
    fs::create_dir_all(&directory).unwrap();
    world.env("TMPDIR", directory.to_str().unwrap())
}

/// On this machine there is nothing but what is known: no process, no temporary file.
#[track_caller]
pub fn assert_clean(world: &World) {
    eventually("our processes to end", || processes(world).is_empty().then_some(()));
    assert_eq!(names(&world.path("tmp")), [] as [String; 0], "temporary files");
    eventually("the last socket to go", || names(&world.path("run/factory-worker")).is_empty().then_some(()));
    let state = names(&world.path("state/factory-worker"));
    let known = |name: &String| Path::new(name).extension().is_some_and(|kind| kind == "json" || kind == "lock");
    assert!(state.iter().all(|name| known(name) && !name.contains(".new")), "{state:?}");
    // kubectl's own cache is kubectl's business.
    assert!(names(&world.home()).iter().all(|name| name == ".factory" || name == ".kube"), "{:?}", names(&world.home()));
    assert_eq!(names(&world.home().join(".factory")), ["workers.yaml"]);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

//! Real shells, with our scripts loaded and a program at hand that tells what it was called with.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{BIN, ROOT, Ran, Screen, World, eventually};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    Bash,
    /// bash with the package bash-completion, as most people have it.
    BashWithPackage,
    Zsh,
    Fish,
}

/// The file of that package which a start file loads.
const PACKAGE: &str = "/usr/share/bash-completion/bash_completion";

impl Shell {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash | Self::BashWithPackage => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// Fails with the command that installs the shell when it is not there: what is not tested is not known to work.
    fn must_be_installed(self) {
        let name = self.name();
        let there = Command::new(name).arg("--version").output().is_ok();
        assert!(there, "{name} is not installed; `apt-get install {name}` (or `make test`) does it");
        let complete = self != Self::BashWithPackage || fs::exists(PACKAGE).unwrap();
        assert!(complete, "bash-completion is not installed; `apt-get install bash-completion` (or `make test`) does it");
    }

    /// Run `script` without the user's own start files; `arguments` are its positional parameters.
    pub fn command(self, world: &World, script: &str, arguments: &[&str]) -> Command {
        self.must_be_installed();
        let mut command = world.program(self.name());
        match self {
            Self::Bash | Self::BashWithPackage => command.args(["--norc", "--noprofile", "-c", script, "bash"]),
            Self::Zsh => command.args(["-f", "-c", script, "zsh"]),
            Self::Fish => command.args(["--no-config", "-c", script, "--"]),
        };
        command.args(arguments);
        command
    }

    pub fn run(self, world: &World, script: &str, arguments: &[&str]) -> Ran {
        Ran::from(self.command(world, script, arguments).output().unwrap())
    }

    /// The line that starts the shell at a prompt, without the user's own start files.
    fn start(self) -> &'static str {
        match self {
            Self::Bash | Self::BashWithPackage => "PS1='bash> ' exec bash --norc --noprofile -i",
            Self::Zsh => "PS1='zsh> ' exec zsh -f -i",
            Self::Fish => "exec fish --no-config -i -C 'function fish_prompt; echo \"fish> \"; end; function fish_greeting; end'",
        }
    }

    /// The line that loads what a user of the shell has loaded anyway, the completions, and those for `args` as well.
    fn load(self) -> &'static str {
        match self {
            Self::Bash => "eval \"$(factory-worker completions bash)\"; complete -F _factory_worker args",
            Self::BashWithPackage => {
                ". /usr/share/bash-completion/bash_completion; eval \"$(factory-worker completions bash)\"; complete -F _factory_worker args"
            }
            Self::Zsh => {
                "autoload -Uz compinit; compinit -D; eval \"$(factory-worker completions zsh)\"; compdef _factory-worker args"
            }
            Self::Fish => "factory-worker completions fish | source; complete -c args -w factory-worker",
        }
    }
}

/// A shell at its prompt, with the completions loaded.
pub struct Prompt<'a> {
    world: &'a World,
    screen: Screen<'a>,
    shell: Shell,
}

impl<'a> Prompt<'a> {
    pub fn new(world: &'a World, shell: Shell) -> Self {
        Self::with(world, shell, shell.load())
    }

    /// The same, with the completions loaded by this line.
    pub fn with(world: &'a World, shell: Shell, load: &str) -> Self {
        shell.must_be_installed();
        programs(world);
        let screen = world.screen_with("");
        screen.enter(shell.start());
        screen.wait(&format!("{}> ", shell.name()));
        let prompt = Self { world, screen, shell };
        prompt.enter(load);
        prompt
    }

    /// Type a line, and wait until it has run.
    pub fn enter(&self, line: &str) {
        let done = self.world.path("done");
        let _ = fs::remove_file(&done);
        self.screen.enter(&format!("{line}; touch {}", done.display()));
        eventually(&format!("{line:?} to run; the screen:\n{}", self.screen.text()), || done.exists().then_some(()));
    }

    /// Type `line`, press TAB, then Enter: the words that the command `args` got.
    #[track_caller]
    pub fn complete(&self, line: &str) -> Vec<String> {
        let file = self.world.path("called-with");
        let _ = fs::remove_file(&file);
        self.screen.type_text(line);
        self.screen.keys(&["Tab"]);
        self.screen.keys(&["Enter"]);
        let what = format!("{line:?} to be run by {:?}", self.shell);
        let words = eventually(&what, || fs::read(&file).ok());
        words_of(&words)
    }

    /// Make the function NAME tell its words as `args` does; how NAME is completed stays as it is.
    pub fn record(&self, name: &str) {
        let all = if self.shell == Shell::Fish { "$argv" } else { "\"$@\"" };
        match self.shell {
            Shell::Fish => self.enter(&format!("functions -e {name}; function {name}; args {all}; end")),
            Shell::Bash | Shell::BashWithPackage | Shell::Zsh => self.enter(&format!("function {name}() {{ args {all}; }}")),
        }
    }

    pub fn screen(&self) -> &Screen<'a> {
        &self.screen
    }
}

/// Put `factory-worker` on the world's PATH, and `args`, which writes its words to a file in one go.
pub fn programs(world: &World) {
    let script = format!(
        "#!/bin/sh\nprintf '%s\\0' \"$@\" >'{file}.new'\nmv '{file}.new' '{file}'\n",
        file = world.path("called-with").display()
    );
    world.script("args", &script);
    let link = world.path("bin/factory-worker");
    let _ = fs::remove_file(&link);
    symlink(BIN, link).unwrap();
}

/// The words that `printf '%s\0'` wrote.
pub fn words_of(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.strip_suffix('\0').map(|text| text.split('\0').map(str::to_owned).collect()).unwrap_or_default()
}

/// A file of `shell/`.
pub fn script(shell: Shell) -> String {
    format!("{ROOT}/shell/factory-worker.{}", shell.name())
}

//! The kubectls that one of our commands runs, to be run again without it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::operator::Operator;
use crate::timing::time;

pub struct Execs {
    /// A file of arguments, each followed by NUL, for each kubectl that asks the cluster before there can be an exec.
    questions: Vec<PathBuf>,
    /// The arguments of all execs, each behind the file that it reads.
    execs: PathBuf,
    /// How many words each exec has.
    words: usize,
}

impl Execs {
    /// Those of a command that makes so many execs.
    pub fn of(operator: &Operator, arguments: &[&str], count: usize) -> Self {
        let directory = operator.world.path("kubectls");
        fs::create_dir(&directory).unwrap();
        // What an exec is told on standard input is kept beside its arguments.
        let noting = format!(
            "#!/bin/sh\ncase \" $* \" in\n*' proxy '*)\n\techo 'error: unknown command' >&2\n\texit 1\n\t;;\nesac\nfile='{}'/$$\nprintf '%s\\0' \"$@\" >\"$file\"\ncase \" $* \" in\n*' -i '*)\n\tcat >\"$file.input\"\n\t\
             exec kubectl \"$@\" <\"$file.input\"\n\t;;\nesac\nexec kubectl \"$@\"\n",
            directory.display()
        );
        let noting = operator.world.script("noting-kubectl", &noting);
        time(operator.world.command(arguments).env("FACTORY_KUBECTL", noting));
        let is_exec = |argv: &[u8]| argv.split(|&byte| byte == 0).any(|word| word == b"exec");
        let all = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        let all = all.filter(|path| path.extension().is_none());
        let (execs, questions): (Vec<_>, Vec<_>) = all.partition(|path| is_exec(&fs::read(path).unwrap()));
        assert_eq!(execs.len(), count);
        let execs: Vec<_> = execs.iter().map(|path| (path.with_extension("input"), fs::read(path).unwrap())).collect();
        let longest = execs.iter().map(|(_, exec)| words(exec)).max().unwrap();
        let with_input = |(input, exec): (PathBuf, Vec<u8>)| {
            [input.to_str().unwrap().as_bytes(), b"\0", padded(exec, longest).as_slice()].concat()
        };
        let execs: Vec<_> = execs.into_iter().map(with_input).collect();
        let file = operator.world.path("all-execs");
        fs::write(&file, execs.concat()).unwrap();
        Self { questions, execs: file, words: longest + 1 }
    }

    /// How many of them ask the cluster.
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// All questions at the same time, and then so many execs at a time.
    pub fn run(&self, operator: &Operator, parallel: usize) -> Command {
        let mut script: String =
            self.questions.iter().map(|question| format!("xargs -0 kubectl <'{}' &\n", question.display())).collect();
        let execs = self.execs.display();
        let exec = "file=$1; shift; exec kubectl \"$@\" <\"$file\"";
        script += &format!("wait\nexec xargs -0 -P{parallel} -n{} -a '{execs}' sh -c '{exec}' sh\n", self.words);
        let mut command = operator.world.program("sh");
        command.args(["-c", &script]);
        command
    }
}

fn words(exec: &[u8]) -> usize {
    exec.iter().filter(|&&byte| byte == 0).count()
}

/// The same exec in so many words, as xargs wants them: a flag may be said twice.
fn padded(mut exec: Vec<u8>, wanted: usize) -> Vec<u8> {
    const QUIET: &[u8] = b"--quiet\0";
    let flag = exec.windows(QUIET.len()).position(|part| part == QUIET).unwrap();
    let more = QUIET.repeat(wanted - words(&exec));
    exec.splice(flag..flag, more);
    exec
}

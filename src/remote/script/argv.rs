//! How a script travels to a terminal: its standard input is the operator's keyboard, so it stands in argv, with its words.
//!
//! It is packed, because argv is a part of a URL, and nginx takes no more than 8 KiB of that unless it is told to.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{quoted_line, stripped};

const PACKED: &str = include_str!("packed.sh");
const PLAIN: &str = include_str!("plain.sh");
/// The forms of such a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// gzip in base64. The worker needs `tr`, `base64` and `gunzip`; one that cannot unpack it exits with
    /// [`CANNOT_UNPACK`].
    Packed,
    /// As it is.
    Plain,
}

/// The exit status of a worker that cannot unpack a script. Nothing of it ran then.
pub const CANNOT_UNPACK: i32 = 83;

/// The argv that runs `script` with these words, in processes that carry `tag` (FACTORY_WORKER_VIEW): the same for all but its
/// last two words.
pub fn argv<'a>(script: &str, words: impl IntoIterator<Item = &'a str>, form: Form, tag: &str) -> Vec<String> {
    // One command: a shell runs nothing of it before it has read its end.
    let text = format!("{{\nset -- {}\n{script}}}\n", quoted_line(words));
    let (run, text) = match form {
        Form::Packed => (PACKED, packed(&text)),
        Form::Plain => (PLAIN, text),
    };
    vec!["sh".to_owned(), "-c".to_owned(), stripped(run).trim_end().to_owned(), text, tag.to_owned()]
}

fn packed(text: &str) -> String {
    let zip = || -> io::Result<Vec<u8>> {
        let mut zip = GzEncoder::new(Vec::new(), Compression::best());
        zip.write_all(text.as_bytes())?;
        zip.finish()
    };
    // Memory takes all that is written, so there is always something; a worker would say that it cannot unpack nothing.
    URL_SAFE.encode(zip().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use rstest::rstest;

    use super::*;

    const SCRIPT: &str = "printf '%s\\0' \"$FACTORY_WORKER_VIEW\" \"$@\"\nexit 7\n";
    const WORDS: [&str; 12] = [
        "",
        " a  b ",
        "it's",
        "\"q\" \\ \\n `id` $(id) $HOME",
        "two\nlines\n",
        "\n#.",
        "ü日本🚀\u{81}\u{88}",
        "-n",
        "''",
        "{a,b}",
        "~",
        "A=b",
    ];

    fn run(argv: &[String], sh: &str, path: &str) -> Output {
        let directory = tempfile::tempdir().unwrap();
        let program = which::which(sh).unwrap_or_else(|_| panic!("{sh} is missing; make/need.sh test installs it"));
        std::os::unix::fs::symlink(program, directory.path().join("sh")).unwrap();
        let path = format!("{}:{path}", directory.path().display());
        Command::new(directory.path().join("sh")).args(&argv[1..]).env("PATH", path).output().unwrap()
    }

    #[rstest]
    fn words_arrive_as_they_are(#[values("dash", "busybox", "bash")] sh: &str, #[values(Form::Packed, Form::Plain)] form: Form) {
        let output = run(&argv(SCRIPT, WORDS, form, "tag.1"), sh, &std::env::var("PATH").unwrap());
        let said = ["tag.1"].into_iter().chain(WORDS).map(|word| format!("{word}\0")).collect::<String>();
        assert_eq!(String::from_utf8_lossy(&output.stdout), said);
        assert_eq!((output.status.code(), output.stderr), (Some(7), Vec::new()));
    }

    /// Only these programs are there.
    #[rstest]
    #[case::all(&["printf", "tr", "base64", "gunzip"], 7)]
    #[case::neither(&["tr", "base64"], CANNOT_UNPACK)]
    #[case::no_base64(&["tr", "gunzip"], CANNOT_UNPACK)]
    #[case::no_tr(&["base64", "gunzip"], CANNOT_UNPACK)]
    #[case::none(&[], CANNOT_UNPACK)]
    fn a_worker_that_cannot_unpack_says_so(#[case] programs: &[&str], #[case] status: i32) {
        let directory = tempfile::tempdir().unwrap();
        let busybox = which::which("busybox").unwrap();
        for program in programs {
            std::os::unix::fs::symlink(&busybox, directory.path().join(program)).unwrap();
        }
        let path = directory.path().to_str().unwrap();
        let output = run(&argv(SCRIPT, WORDS, Form::Packed, "tag.1"), "dash", path);
        assert_eq!((output.status.code(), output.stderr), (Some(status), Vec::new()));
        assert_eq!(output.stdout.is_empty(), status == CANNOT_UNPACK);
        let output = run(&argv(SCRIPT, WORDS, Form::Plain, "tag.1"), "dash", path);
        assert_eq!(output.status.code(), Some(7));
    }

    /// A script that was cut, which no connection does, or that a broken program unpacked in part.
    #[rstest]
    fn a_part_of_a_script_never_runs(
        #[values("dash", "busybox", "bash")] sh: &str,
        #[values(Form::Packed, Form::Plain)] form: Form,
    ) {
        let whole = argv("echo all\nexit 7\n", ["a word"], form, "tag.1");
        let path = std::env::var("PATH").unwrap();
        for length in 0..whole[3].len() {
            let mut cut = whole.clone();
            cut[3].truncate(length);
            let output = run(&cut, sh, &path);
            let seen = (output.status.code() == Some(7), String::from_utf8_lossy(&output.stdout).into_owned());
            // All of the text can be there without gzip's own end.
            let expected = [(false, String::new()), (true, "all\n".to_owned())];
            assert!(expected.contains(&seen), "{length}: {output:?}");
        }
    }
}

//! The command line that is being completed.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The words of a command line and which of them the cursor is in.
pub struct Line {
    /// Without quotes, the command's own name first.
    pub words: Vec<OsString>,
    pub index: usize,
}

impl Line {
    /// `factory worker …`, the original spelling, is taken for `factory-worker …`.
    pub fn new(words: &[OsString], index: usize) -> Self {
        let original = matches!(words, [program, worker, ..]
            if worker == "worker" && Path::new(program).file_name() == Some(OsStr::new("factory")));
        let from = if original && index > 1 { 1 } else { 0 };
        let mut words: Vec<_> = words.iter().skip(from).take(index + 1 - from).cloned().collect();
        // A shell may not count the empty word under the cursor.
        words.resize(index + 1 - from, OsString::new());
        Self { words, index: index - from }
    }

    /// The word under the cursor.
    pub fn current(&self) -> String {
        self.words.last().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The words between the command's name and the cursor.
    pub fn before(&self) -> &[OsString] {
        self.words.get(1..self.index).unwrap_or_default()
    }

    /// The registry that the line names with `--workers`.
    pub fn registry(&self) -> Option<PathBuf> {
        self.file("--workers")
    }

    /// The file that the line names with this option.
    pub fn file(&self, option: &str) -> Option<PathBuf> {
        let mut words = self.before().iter().map(|word| word.to_string_lossy());
        while let Some(word) = words.next() {
            match word.strip_prefix(option) {
                Some("") => return words.next().map(|file| home(&file)),
                Some(value) if value.starts_with('=') => return Some(home(&value[1..])),
                _ => {}
            }
        }
        None
    }
}

/// The shell expands `~/` when the command runs, and has not done so yet.
fn home(file: &str) -> PathBuf {
    match (file.strip_prefix("~/"), env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn line(words: &[&str], index: usize) -> Line {
        Line::new(&words.iter().map(Into::into).collect::<Vec<_>>(), index)
    }

    #[rstest]
    #[case(&["fw", "--workers", "/a b", "peek", ""], Some("/a b"))]
    #[case(&["fw", "peek", "--workers=/x", ""], Some("/x"))]
    #[case(&["fw", "peek", ""], None)]
    fn the_registry_of_the_line(#[case] words: &[&str], #[case] file: Option<&str>) {
        assert_eq!(line(words, words.len() - 1).registry().as_deref(), file.map(Path::new));
    }

    #[test]
    fn an_index_behind_the_words_means_an_empty_word() {
        let line = line(&["fw", "peek"], 2);
        assert_eq!((line.current().as_str(), line.words.len()), ("", 3));
    }

    #[test]
    fn words_behind_the_cursor_do_not_count() {
        assert_eq!(line(&["fw", "pe", "w/s"], 1).current(), "pe");
    }

    #[test]
    fn the_word_worker_itself_is_left_to_factory() {
        assert_eq!(line(&["factory", "worker"], 1).words, ["factory", "worker"]);
        assert_eq!(line(&["factory", "worker", "li"], 2).words, ["worker", "li"]);
    }
}

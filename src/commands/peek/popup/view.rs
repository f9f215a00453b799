//! What is to be seen in the popup just now.

use super::footer::{Footer, Says};
use super::history::{History, Taken};
use super::scroll::{Move, Room, Scroll};
use super::search::Wanted;
use crate::exit::Code;
use crate::failure::Failure;
use crate::terminal::style::Style;
use crate::terminal::{neutralise, pane, wrap};

const ASKING: &str = "asking…";
/// A longer text than this is nothing that anybody searches for.
const LONGEST: usize = 200;

pub struct View {
    /// Whose session it is, harmless.
    title: String,
    /// Columns and rows of the terminal.
    size: (usize, usize),
    history: History,
    scroll: Scroll,
    /// Why the last look failed.
    failure: Option<Failure>,
    wanted: Option<Wanted>,
    /// The line in which it was found last.
    found: Option<usize>,
    /// What is typed to be searched for.
    prompt: Option<String>,
    said: String,
}

impl View {
    pub fn new(title: &str, size: (usize, usize)) -> Self {
        Self {
            title: neutralise::line(title),
            size,
            history: History::default(),
            scroll: Scroll::default(),
            failure: None,
            wanted: None,
            found: None,
            prompt: None,
            said: String::new(),
        }
    }

    pub fn resize(&mut self, size: (usize, usize)) {
        self.size = size;
    }

    /// What the popup ends with when it is left now.
    pub fn code(&self) -> Code {
        self.failure.as_ref().map_or(Code::Done, Failure::code)
    }

    /// A look was taken. One that failed takes nothing away.
    pub fn look(&mut self, look: Result<Vec<u8>, Failure>) {
        match look {
            Ok(pane) => {
                self.failure = None;
                let lines = pane::text(&pane).lines().map(str::to_owned).collect();
                match self.history.take(lines, self.scroll.read()) {
                    Taken::Without(gone) => {
                        self.scroll.lose(gone);
                        self.found = self.found.and_then(|found| found.checked_sub(gone));
                    }
                    Taken::Instead => self.found = None,
                }
            }
            Err(failure) => self.failure = Some(failure),
        }
    }

    /// Say this until the next key.
    pub fn say(&mut self, text: &str) {
        self.said = neutralise::line(text);
    }

    pub fn hush(&mut self) {
        self.said.clear();
    }

    pub fn go(&mut self, to: Move) {
        let room = self.room();
        self.scroll.go(to, room);
    }

    /// Ask what to search for.
    pub fn ask(&mut self) {
        self.prompt = Some(String::new());
    }

    pub fn is_asking(&self) -> bool {
        self.prompt.is_some()
    }

    /// Text for the question; a line's end ends it.
    pub fn type_in(&mut self, text: &str) {
        if let Some(prompt) = &mut self.prompt {
            let line = text.lines().next().unwrap_or_default();
            let room = LONGEST.saturating_sub(prompt.chars().count());
            prompt.extend(line.chars().filter(|&c| !neutralise::deceives(c)).take(room));
        }
    }

    /// Take back the last letter; with none left, the question.
    pub fn rub_out(&mut self) {
        if self.prompt.as_mut().is_some_and(|prompt| prompt.pop().is_none()) {
            self.prompt = None;
        }
    }

    pub fn clear(&mut self) {
        self.prompt.iter_mut().for_each(String::clear);
    }

    pub fn stop_asking(&mut self) {
        self.prompt = None;
    }

    /// Search for what was typed; for what was searched for before when that is nothing.
    pub fn search(&mut self) {
        let Some(typed) = self.prompt.take() else { return };
        match Wanted::new(&typed) {
            Some(wanted) => {
                self.wanted = Some(wanted);
                self.found = None;
                self.find("not found");
            }
            None if self.wanted.is_some() => self.further(),
            None => {}
        }
    }

    /// Go to the next place further up.
    pub fn further(&mut self) {
        match self.wanted {
            Some(_) => self.find("not found further up"),
            None => self.say("nothing to search for yet: / asks"),
        }
    }

    /// Up from the place that was found last, or from what is shown when that is not in sight any more.
    fn find(&mut self, otherwise: &str) {
        let Some(wanted) = &self.wanted else { return };
        let room = self.room();
        let first = self.scroll.first(room);
        let shown = first..first + room.rows;
        let from = self.found.filter(|found| shown.contains(found)).unwrap_or(shown.end.min(room.lines));
        let found = (0..from).rev().find(|&line| self.history.line(line).is_some_and(|line| wanted.is_in(line)));
        match found {
            Some(line) => {
                self.found = Some(line);
                self.scroll.show(line, room);
            }
            None => {
                let said = format!("{otherwise}: {}", wanted.text());
                self.say(&said);
            }
        }
    }

    /// The rows of the terminal from the top, none wider than it is.
    pub fn rows(&self) -> Vec<String> {
        let (columns, rows) = self.size;
        let room = self.room();
        let first = self.scroll.first(room);
        let mut shown: Vec<String> = if self.history.len() > 0 {
            let line = |line: &str| {
                let line = self.wanted.as_ref().map_or_else(|| line.to_owned(), |wanted| wanted.marked(line));
                neutralise::cut(&line, columns)
            };
            self.history.lines(first, room.rows).map(line).collect()
        } else {
            self.instead().into_iter().map(|line| neutralise::cut(&line, columns)).take(room.rows).collect()
        };
        shown.resize(room.rows, String::new());
        shown.extend(self.failed().into_iter().map(|line| Style::Bad.paint(&neutralise::cut(&line, columns))));
        let footer = self.footer().lines(self.scroll.below(room));
        shown.extend(footer.into_iter().map(|line| format!("\x1b[2m{line}\x1b[0m")));
        shown.truncate(rows);
        shown
    }

    /// What stands where nothing was seen yet.
    fn instead(&self) -> Vec<String> {
        match &self.failure {
            Some(failure) => told(failure, self.size.0),
            None => vec![ASKING.to_owned()],
        }
    }

    /// Why what was seen before is not seen any more: as much of it as there is room for.
    fn failed(&self) -> Vec<String> {
        let Some(failure) = self.failure.as_ref().filter(|_| self.history.len() > 0) else { return Vec::new() };
        let mut lines = told(failure, self.size.0);
        lines.truncate((self.size.1 / 3).max(1));
        lines
    }

    fn footer(&self) -> Footer<'_> {
        let says = match (&self.prompt, self.said.as_str()) {
            (Some(typed), _) => Says::Prompt(typed),
            (None, "") => Says::Keys,
            (None, said) => Says::Text(said),
        };
        Footer { title: &self.title, says, columns: self.size.0, rows: self.size.1 }
    }

    fn room(&self) -> Room {
        let rows = self.size.1.saturating_sub(self.footer().height() + self.failed().len());
        Room { lines: self.history.len(), rows }
    }
}

/// What failed, and what to do about it.
fn told(failure: &Failure, columns: usize) -> Vec<String> {
    let wrapped = |text: &str, columns: usize| match text {
        "" => Vec::new(),
        text => wrap::lines(&neutralise::line(text), columns.max(1)),
    };
    let remedy = wrapped(&failure.remedy(), columns.saturating_sub(2));
    wrapped(&failure.reason, columns).into_iter().chain(remedy.into_iter().map(|line| format!("  {line}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use rstest::rstest;
    use unicode_width::UnicodeWidthStr;

    const KEYS: &str = "w/qa · Enter open · n nudge · / search · arrows scroll · Esc leave";

    fn pane(lines: std::ops::Range<usize>) -> Vec<u8> {
        lines.map(|line| format!("line {line}.\n")).collect::<String>().into_bytes()
    }

    /// Eight rows of text and the keys.
    fn view() -> View {
        View::new("w/qa", (80, 9))
    }

    fn seen(lines: std::ops::Range<usize>) -> View {
        let mut view = view();
        view.look(Ok(pane(lines)));
        view
    }

    fn plain(view: &View) -> Vec<String> {
        view.rows().iter().map(|row| neutralise::plain(row.as_bytes())).collect()
    }

    fn unreachable() -> Failure {
        Failure::new(Kind::Unreachable, "connection refused").with_remedy("check the VPN")
    }

    #[test]
    fn it_follows_the_end_until_somebody_goes_up() {
        let mut view = seen(0..100);
        assert_eq!((plain(&view)[7].as_str(), plain(&view)[8].as_str()), ("line 99.", KEYS));
        view.look(Ok(pane(5..105)));
        assert_eq!(plain(&view)[7], "line 104.");
        view.go(Move::Up(3));
        assert_eq!(plain(&view)[7], "line 101.");
        view.look(Ok(pane(50..150)));
        assert_eq!(plain(&view)[7], "line 101.");
        assert_eq!(plain(&view)[8], "w/qa · 48 below · Enter open · n nudge · / search · arrows scroll · Esc leave");
        view.go(Move::Top);
        assert_eq!(plain(&view)[0], "line 0.", "what looks do not reach any more is lost");
        view.go(Move::Bottom);
        view.look(Ok(pane(60..160)));
        assert_eq!(plain(&view)[7], "line 159.");
    }

    #[test]
    fn what_failed_is_told_with_its_remedy_and_what_was_seen_stays() {
        let mut view = view();
        assert_eq!((plain(&view)[0].as_str(), view.code()), (ASKING, Code::Done));
        view.look(Err(unreachable()));
        assert_eq!(plain(&view)[..2], ["connection refused", "  check the VPN"]);
        assert_eq!((plain(&view)[8].as_str(), view.code()), (KEYS, Code::Unreachable));
        view.look(Ok(pane(0..100)));
        assert_eq!((plain(&view)[7].as_str(), view.code()), ("line 99.", Code::Done));
        view.look(Err(unreachable()));
        assert_eq!(plain(&view)[5..], ["line 99.", "connection refused", "  check the VPN", KEYS]);
        assert_eq!(view.code(), Code::Unreachable);
        view.look(Ok(pane(0..100)));
        assert_eq!(plain(&view)[7], "line 99.");
    }

    fn search(view: &mut View, text: &str) {
        view.ask();
        view.type_in(text);
        view.search();
    }

    #[test]
    fn a_search_goes_up_from_what_is_shown_and_further_with_each_key() {
        let mut view = seen(0..100);
        search(&mut view, "LINE 5".to_lowercase().as_str());
        assert_eq!(plain(&view)[4], "line 59.", "{:?}", plain(&view));
        view.further();
        assert_eq!(plain(&view)[3..5], ["line 58.", "line 59."]);
        for _ in 0..8 {
            search(&mut view, "");
        }
        assert!(plain(&view).contains(&"line 50.".to_owned()) && !plain(&view)[8].contains("not found"));
        view.further();
        assert!(plain(&view).contains(&"line 5.".to_owned()));
        view.further();
        assert_eq!(plain(&view)[8], "not found further up: line 5");
        view.hush();
        assert!(plain(&view)[8].ends_with("Esc leave"));
        search(&mut view, "Line");
        assert_eq!(plain(&view)[8], "not found: Line");
    }

    #[test]
    fn what_is_found_is_marked_and_stays_where_it_is() {
        let mut view = seen(0..100);
        search(&mut view, "99");
        assert_eq!(view.rows()[7], "line \x1b[0;7m99\x1b[0m.");
        view.look(Ok(pane(0..200)));
        assert_eq!(plain(&view)[7], "line 99.");
    }

    #[test]
    fn a_question_takes_text_and_nothing_else() {
        let mut view = seen(0..100);
        view.type_in("lost");
        assert!(!view.is_asking());
        view.ask();
        view.type_in("a\u{202e}b\x1b[2Jc\nnext");
        assert!(plain(&view)[8].starts_with("/ab[2Jc "), "{:?}", plain(&view));
        view.rub_out();
        assert!(plain(&view)[8].starts_with("/ab[2J "));
        view.clear();
        view.rub_out();
        assert!(!view.is_asking());
        view.further();
        assert!(plain(&view)[8].starts_with("nothing to search for"));
    }

    #[rstest]
    #[case(1, 1)]
    #[case(2, 2)]
    #[case(30, 8)]
    #[case(60, 20)]
    fn all_fits_whatever_the_size(#[case] columns: usize, #[case] rows: usize) {
        let mut view = View::new("w/#(touch x) \x1b]0;t\x07日本", (columns, rows));
        let long = format!("\x1b[31m{}\x1b[2J\x07\n", "日本 long".repeat(40)).repeat(50);
        let mut looks = [Ok(long.into_bytes()), Err(unreachable())].into_iter();
        loop {
            let shown = view.rows();
            assert!(shown.len() <= rows);
            for row in shown {
                let text = neutralise::plain(row.as_bytes());
                assert!(text.width() <= columns && !text.contains('\x1b'), "{row:?}");
                assert!(!row.contains("\x1b[2J") && !row.contains('\x07'), "{row:?}");
            }
            let Some(look) = looks.next() else { break };
            view.look(look);
            view.go(Move::PageUp);
            search(&mut view, "long");
        }
    }
}

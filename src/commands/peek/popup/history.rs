//! What the looks have shown so far, as one text: what a later look does not reach back to any more is kept.

use std::cmp::Reverse;
use std::hash::{BuildHasher, RandomState};

/// More than this is not kept of what looks do not reach back to, in bytes.
const MOST: usize = 8 << 20;
/// What a line takes beside its text.
const LINE: usize = size_of::<String>();

/// The lines in their order.
#[derive(Default)]
pub struct History {
    /// Above what the last look has shown.
    kept: Vec<String>,
    size: usize,
    /// What the last look has shown.
    seen: Vec<String>,
    hasher: RandomState,
}

/// What became of the lines that were there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// They are still there, but for so many at the top.
    Without(usize),
    /// Others are there.
    Instead,
}

impl History {
    pub fn len(&self) -> usize {
        self.kept.len() + self.seen.len()
    }

    /// These lines, or those of them that there are.
    pub fn lines(&self, from: usize, count: usize) -> impl Iterator<Item = &str> {
        self.kept.iter().chain(&self.seen).skip(from).take(count).map(String::as_str)
    }

    pub fn line(&self, at: usize) -> Option<&str> {
        self.kept.get(at).or_else(|| self.seen.get(at.checked_sub(self.kept.len())?)).map(String::as_str)
    }

    /// The next look. `read` is the first line that somebody reads and that has to stay, where there is one.
    pub fn take(&mut self, look: Vec<String>, read: Option<usize>) -> Taken {
        if read.is_some() && self.size > MOST {
            // There is no room for more below what is read.
            return Taken::Without(0);
        }
        let gone = match self.gone(&look) {
            Some(gone) => gone,
            None if read.is_some() => self.seen.len(),
            None => {
                *self = Self { seen: look, ..Self::default() };
                return Taken::Instead;
            }
        };
        let before = std::mem::replace(&mut self.seen, look);
        self.kept.extend(before.into_iter().take(gone));
        self.size = self.kept.iter().map(|line| line.len() + LINE).sum();
        Taken::Without(self.forget(read.unwrap_or(usize::MAX)))
    }

    /// Forget what is too much, at most so many lines. How many.
    fn forget(&mut self, most: usize) -> usize {
        let mut too_many = 0;
        for line in self.kept.iter().take(most) {
            if self.size <= MOST {
                break;
            }
            self.size -= line.len() + LINE;
            too_many += 1;
        }
        self.kept.drain(..too_many);
        too_many
    }

    /// How many lines of the last look this one does not reach back to: that many for which most of the others are where they
    /// would be then. `None`: they have nothing in common.
    fn gone(&self, look: &[String]) -> Option<usize> {
        // What is blank is nothing in common.
        let marks = |lines: &[String]| -> Vec<Option<u64>> {
            lines.iter().map(|line| (!line.trim().is_empty()).then(|| self.hasher.hash_one(line))).collect()
        };
        let (before, now) = (marks(&self.seen), marks(look));
        let agree = |gone: usize| before[gone..].iter().zip(&now).filter(|(one, other)| one.is_some() && one == other).count();
        let most_agree = |gone: usize| {
            let there = before[gone..].iter().zip(&now).filter(|(one, _)| one.is_some()).count();
            gone == 0 || 2 * agree(gone) > there
        };
        let (agreeing, Reverse(gone)) =
            (0..before.len()).filter(|&gone| most_agree(gone)).map(|gone| (agree(gone), Reverse(gone))).max()?;
        (agreeing > 0).then_some(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn lines(text: &str) -> Vec<String> {
        text.split_terminator('|').map(str::to_owned).collect()
    }

    fn of(looks: &[&str], read: Option<usize>) -> (String, Taken) {
        let mut history = History::default();
        let mut taken = Taken::Instead;
        for look in looks {
            taken = history.take(lines(look), read);
        }
        (history.lines(0, usize::MAX).collect::<Vec<_>>().join("|"), taken)
    }

    #[rstest]
    #[case::grown(&["a|b", "a|b|c"], "a|b|c")]
    #[case::moved_on(&["a|b|c", "b|c|d", "c|d|e"], "a|b|c|d|e")]
    #[case::box_below_drawn_anew(&["a|b|c|d|box 1", "c|d|e|f|box 2"], "a|b|c|d|e|f|box 2")]
    #[case::screen_drawn_anew(&["head|1|tail", "head|2|tail"], "head|2|tail")]
    #[case::all_alike(&["y|y|y", "y|y|y"], "y|y|y")]
    #[case::blanks_are_nothing_in_common(&["a||", "||b"], "||b")]
    #[case::one_line_by_chance(&["a|b|c|d|e", "d|x|y|z|a"], "d|x|y|z|a")]
    fn looks_are_put_together(#[case] looks: &[&str], #[case] text: &str) {
        assert_eq!(of(looks, None).0, text);
    }

    #[test]
    fn what_has_nothing_in_common_stands_instead_or_below_what_is_read() {
        assert_eq!(of(&["a|b", "x|y"], None), ("x|y".to_owned(), Taken::Instead));
        assert_eq!(of(&["a|b", "x|y"], Some(0)), ("a|b|x|y".to_owned(), Taken::Without(0)));
    }

    /// A look at lines that take a tenth of what is kept each.
    fn large(number: usize) -> Vec<String> {
        (number..number + 3).map(|number| format!("{number}{}", "x".repeat(MOST / 10))).collect()
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for_and_what_is_read_stays() {
        let mut history = History::default();
        let taken: Vec<_> = (0..30).map(|number| history.take(large(number), None)).collect();
        assert_eq!((taken[29], history.len()), (Taken::Without(1), 12));
        let mut read = 2;
        for number in 30..90 {
            let Taken::Without(gone) = history.take(large(number), Some(read)) else { panic!("all has gone") };
            read -= gone;
            assert!(history.line(read).is_some_and(|line| line.starts_with("22x")), "what is read has gone");
            assert!(history.len() < 20, "{}", history.len());
        }
        history.take(large(90), None);
        assert!(history.line(history.len() - 1).is_some_and(|line| line.starts_with("92x")));
    }
}

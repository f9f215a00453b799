//! What a relay tells by itself: pieces as `watch.sh` writes them, between what else comes on standard error.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::list;
use super::super::session::Answer;
use crate::failure::{Failure, Kind};

/// What begins a piece, before the tag.
const BEGIN: u8 = 0x1e;
/// The most that a piece may have behind the tag, in bytes.
const PIECE: usize = 512;
/// The most that may come in a second unasked, in bytes.
const PER_SECOND: usize = 64 << 10;
const SECOND: Duration = Duration::from_secs(1);

/// Something that a worker tells by itself.
#[derive(Debug, PartialEq)]
pub enum News {
    /// A look has found these sessions.
    Sessions(Answer),
    /// A look has found what the one before has found.
    Same,
    /// What a look has found is no listing.
    NoListing(Failure),
    /// Somebody in the worker has announced something: a hook of an agent, mostly. It may also be that the tmux server has ended.
    Announced,
}

/// Takes the pieces out of what comes, and makes news of them.
#[derive(Debug)]
pub struct Pieces {
    /// What a piece begins with.
    begin: Vec<u8>,
    /// The listing that is being told.
    listing: Vec<u8>,
    /// One of each kind at most, the newest.
    news: VecDeque<News>,
    /// When the second began in which so many bytes have come.
    second: Instant,
    taken: usize,
    /// Too much has come.
    is_flooded: bool,
}

impl Pieces {
    pub fn new(tag: &str) -> Self {
        let begin = [&[BEGIN], tag.as_bytes()].concat();
        let (second, news) = (Instant::now(), VecDeque::new());
        Self { begin, listing: Vec::new(), news, second, taken: 0, is_flooded: false }
    }

    /// Take every whole piece out of what was said on standard error, and leave the rest. Where one has come in part, what is behind
    /// its beginning is still missing.
    pub fn take_out_of(&mut self, errors: &mut Vec<u8>) {
        let mut from = 0;
        while let Some(at) = find(&errors[from..], &self.begin).map(|at| from + at) {
            let text = at + self.begin.len();
            let longest = errors.len().min(text + PIECE);
            match errors[text..longest].iter().position(|&byte| byte == b'\n') {
                Some(length) => {
                    self.hear(&errors[text..text + length]);
                    errors.drain(at..=text + length);
                    from = at;
                }
                // What never ends is no piece of ours.
                None if longest == text + PIECE => {
                    self.is_flooded = true;
                    return;
                }
                None => return,
            }
        }
    }

    /// Leave of what was said only what may be the beginning of a piece.
    pub fn forget_others(&self, errors: &mut Vec<u8>) {
        let may_begin = |at: usize| errors[at..].starts_with(&self.begin) || self.begin.starts_with(&errors[at..]);
        let at = (0..errors.len()).find(|&at| may_begin(at)).unwrap_or(errors.len());
        errors.drain(..at);
    }

    /// The next of them.
    ///
    /// # Errors
    /// It tells more than anybody may.
    pub fn next(&mut self) -> Result<Option<News>, Failure> {
        if self.is_flooded {
            return Err(Failure::new(Kind::Incomplete, "it tells too much by itself"));
        }
        Ok(self.news.pop_front())
    }

    fn hear(&mut self, piece: &[u8]) {
        let now = Instant::now();
        if now.saturating_duration_since(self.second) >= SECOND {
            (self.second, self.taken) = (now, 0);
        }
        self.taken += piece.len() + self.begin.len();
        let Some((letter, text)) = piece.split_first().filter(|_| self.taken <= PER_SECOND) else {
            self.is_flooded = true;
            return;
        };
        match letter {
            b'+' => self.listing.extend(text),
            b'L' => self.listing.extend([text, b"\n"].concat()),
            b'.' => {
                let listing = std::mem::take(&mut self.listing);
                let end = String::from_utf8_lossy(text);
                let (status, now) = end.split_once(' ').unwrap_or_default();
                self.add(match list::told(&String::from_utf8_lossy(&listing), status, now.parse().ok()) {
                    Ok(answer) => News::Sessions(answer),
                    Err(failure) => News::NoListing(failure),
                });
            }
            b'=' => self.add(News::Same),
            b'A' => self.add(News::Announced),
            _ => self.is_flooded = true,
        }
    }

    /// Who has not heard the last of its kind need not hear it any more.
    fn add(&mut self, news: News) {
        let is_look = |news: &News| *news != News::Announced;
        match (&news, self.news.iter().any(is_look)) {
            // It is as it was by the look that nobody has heard of yet.
            (News::Same, true) => {}
            _ => {
                self.news.retain(|old| is_look(old) != is_look(&news));
                self.news.push_back(news);
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "0123456789abcdef";

    fn piece(text: &str) -> Vec<u8> {
        format!("\u{1e}{TAG}{text}\n").into_bytes()
    }

    fn look() -> Vec<u8> {
        let session = "S $0 1 0 1700000000 a name that is told in two pieces: ü";
        let (begin, end) = session.as_bytes().split_at(session.len() - 1);
        let begin = [format!("\u{1e}{TAG}+").as_bytes(), begin, b"\n"].concat();
        let end = [format!("\u{1e}{TAG}L").as_bytes(), end, b"\n"].concat();
        let rest = ["Lthose are all", "LP $0 1700000050 11 0", ".0 1700000060"].map(piece).concat();
        [begin, end, rest].concat()
    }

    fn all(pieces: &mut Pieces) -> Vec<News> {
        std::iter::from_fn(|| pieces.next().unwrap()).collect()
    }

    #[test]
    fn a_look_is_told_whatever_comes_between_its_pieces_and_however_it_is_cut() {
        let mut said = b"an error\n".to_vec();
        for piece in look().split_inclusive(|&byte| byte == b'\n') {
            said.extend_from_slice(piece);
            said.extend_from_slice(b"half an ");
        }
        for cut in 0..said.len() {
            let mut pieces = Pieces::new(TAG);
            let mut errors = said[..cut].to_vec();
            pieces.take_out_of(&mut errors);
            errors.extend_from_slice(&said[cut..]);
            pieces.take_out_of(&mut errors);
            let rest = format!("an error\n{}", "half an ".repeat(5));
            assert_eq!(String::from_utf8_lossy(&errors), rest, "{cut}");
            let [News::Sessions(answer)] = &all(&mut pieces)[..] else { panic!("{cut}") };
            let session = &answer.sessions[0];
            assert_eq!(session.name.as_str(), "a name that is told in two pieces: ü");
            assert_eq!(session.age, Some(Duration::from_secs(10)));
        }
    }

    #[test]
    fn of_each_kind_the_newest_is_told() {
        let mut pieces = Pieces::new(TAG);
        let no_server = [piece("Lno server running on /x"), piece(".1 ")].concat();
        let mut said = [look(), piece("A"), piece("=1"), no_server, piece("="), piece("A")].concat();
        pieces.take_out_of(&mut said);
        let news = all(&mut pieces);
        assert!(matches!(&news[..], [News::Sessions(answer), News::Announced] if answer.sessions.is_empty()), "{news:?}");
        pieces.take_out_of(&mut piece("="));
        assert_eq!(all(&mut pieces), [News::Same]);
        pieces.take_out_of(&mut [piece("Llost server"), piece(".1 ")].concat());
        assert!(matches!(&all(&mut pieces)[..], [News::NoListing(_)]));
    }

    #[test]
    fn who_tells_too_much_or_nonsense_is_not_listened_to() {
        let endless = [format!("\u{1e}{TAG}L").into_bytes(), vec![b'x'; 1000]].concat();
        for said in [endless, piece("?"), piece(""), piece(&"L".repeat(400)).repeat(200)] {
            let mut pieces = Pieces::new(TAG);
            pieces.take_out_of(&mut said.clone());
            assert_eq!(pieces.next().unwrap_err().kind, Kind::Incomplete);
        }
        // Another one's tag means nothing.
        let mut pieces = Pieces::new(TAG);
        let mut said = b"\x1efedcba9876543210A\n".to_vec();
        pieces.take_out_of(&mut said);
        assert_eq!((said.len(), all(&mut pieces).len()), (19, 0));
    }
}

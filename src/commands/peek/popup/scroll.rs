//! Which lines of a text are shown, in so many rows.

/// The last ones, whatever comes, until somebody goes up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Scroll {
    /// The first line that is shown, when it stays where it is.
    top: Option<usize>,
}

/// How somebody moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Up(usize),
    Down(usize),
    PageUp,
    PageDown,
    Top,
    Bottom,
}

/// The room: so many lines there are, and so many rows for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub lines: usize,
    pub rows: usize,
}

impl Room {
    /// The first line that is shown when the last one is at the bottom.
    fn lowest(self) -> usize {
        self.lines.saturating_sub(self.rows)
    }

    /// A line of the page before stays in sight.
    fn page(self) -> usize {
        self.rows.saturating_sub(1).max(1)
    }
}

impl Scroll {
    /// The first line that is shown.
    pub fn first(self, room: Room) -> usize {
        self.top.map_or(room.lowest(), |top| top.min(room.lowest()))
    }

    /// How many lines there are below those that are shown.
    pub fn below(self, room: Room) -> usize {
        room.lowest() - self.first(room)
    }

    /// The first line that has to stay, when somebody reads it.
    pub fn read(self) -> Option<usize> {
        self.top
    }

    /// At the bottom, it follows again.
    pub fn go(&mut self, to: Move, room: Room) {
        let first = self.first(room);
        let top = match to {
            Move::Up(lines) => first.saturating_sub(lines),
            Move::Down(lines) => first.saturating_add(lines),
            Move::PageUp => first.saturating_sub(room.page()),
            Move::PageDown => first.saturating_add(room.page()),
            Move::Top => 0,
            Move::Bottom => room.lowest(),
        };
        self.top = (top < room.lowest()).then_some(top);
    }

    /// Have this line in sight, in the middle unless it is already there, and stay.
    pub fn show(&mut self, line: usize, room: Room) {
        let first = self.first(room);
        let is_in_sight = (first..first + room.rows).contains(&line);
        self.top = Some(if is_in_sight { first } else { line.saturating_sub(room.rows / 2).min(room.lowest()) });
    }

    /// So many lines at the top are there no more.
    pub fn lose(&mut self, lines: usize) {
        self.top = self.top.map(|top| top.saturating_sub(lines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn room(lines: usize) -> Room {
        Room { lines, rows: 10 }
    }

    #[rstest]
    #[case::nothing(&[], 90)]
    #[case::up(&[Move::Up(3)], 87)]
    #[case::up_and_down(&[Move::Up(3), Move::Down(1)], 88)]
    #[case::no_further_down(&[Move::Down(3)], 90)]
    #[case::no_further_up(&[Move::Top, Move::Up(3)], 0)]
    #[case::page(&[Move::PageUp], 81)]
    #[case::page_down(&[Move::Top, Move::PageDown], 9)]
    #[case::bottom(&[Move::Top, Move::Bottom], 90)]
    fn it_moves_within_the_text(#[case] moves: &[Move], #[case] first: usize) {
        let mut scroll = Scroll::default();
        moves.iter().for_each(|&to| scroll.go(to, room(100)));
        assert_eq!((scroll.first(room(100)), scroll.below(room(100))), (first, 90 - first));
    }

    #[test]
    fn at_the_bottom_it_follows_and_above_it_stays() {
        let mut scroll = Scroll::default();
        assert_eq!(scroll.first(room(120)), 110);
        scroll.go(Move::Up(1), room(120));
        assert_eq!((scroll.first(room(150)), scroll.below(room(150))), (109, 31));
        scroll.go(Move::Down(31), room(150));
        assert_eq!((scroll.first(room(151)), scroll.read()), (141, None));
    }

    #[rstest]
    #[case::text_that_fits(Room { lines: 5, rows: 10 })]
    #[case::no_text(Room { lines: 0, rows: 10 })]
    #[case::no_row(Room { lines: 0, rows: 0 })]
    fn where_there_is_nothing_above_it_goes_on_following(#[case] room: Room) {
        for to in [Move::Up(1), Move::PageUp, Move::Top, Move::Bottom] {
            let mut scroll = Scroll::default();
            scroll.go(to, room);
            assert_eq!((scroll, scroll.first(room)), (Scroll::default(), 0));
        }
    }

    #[test]
    fn a_line_is_shown_in_the_middle_unless_it_is_in_sight() {
        let mut scroll = Scroll::default();
        scroll.show(95, room(100));
        assert_eq!((scroll.first(room(100)), scroll.first(room(200))), (90, 90), "it does not stay");
        scroll.show(50, room(100));
        assert_eq!(scroll.first(room(100)), 45);
        scroll.show(2, room(100));
        assert_eq!(scroll.first(room(100)), 0);
    }

    #[test]
    fn what_is_shown_stays_when_lines_above_it_go_and_when_the_text_gets_short() {
        let mut scroll = Scroll::default();
        scroll.go(Move::Up(50), room(100));
        scroll.lose(30);
        assert_eq!((scroll.first(room(70)), scroll.first(room(12))), (10, 2));
        scroll.lose(30);
        assert_eq!(scroll.first(room(70)), 0);
    }
}

//! The table that `make bench` prints: markdown, as the README has it.

use std::time::Duration;

use crate::timing::Pair;

/// What a measured time is held to.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// This long at most.
    Time(Duration),
    /// This much longer than the raw command at most.
    Over(Duration),
    /// This many times as long as the raw command at most.
    Times(f64),
}

/// One claim.
#[derive(Clone)]
pub struct Row {
    cells: [String; 7],
    holds: bool,
}

impl Row {
    /// A command's median, and that of the raw command `beside` it.
    pub fn time(name: &str, pair: Pair, beside: &str, bound: Bound) -> Self {
        let (bound, holds) = match bound {
            Bound::Time(most) => (format!("≤ {}", milliseconds(most)), pair.ours <= most),
            Bound::Over(more) => (format!("≤ raw + {}", milliseconds(more)), pair.ours <= pair.raw + more),
            Bound::Times(most) => (format!("≤ {most:.2} × raw"), pair.ratio <= most),
        };
        Self::new([name, &milliseconds(pair.ours), beside, &milliseconds(pair.raw), &format!("{:.2}", pair.ratio), &bound], holds)
    }

    /// A number of bytes, with nothing beside it.
    pub fn size(name: &str, bytes: u64, most: u64) -> Self {
        Self::new([name, &megabytes(bytes), "-", "-", "-", &format!("≤ {}", megabytes(most))], bytes <= most)
    }

    fn new(cells: [&str; 6], holds: bool) -> Self {
        let [name, measured, beside, raw, ratio, bound] = cells.map(str::to_owned);
        let verdict = if holds { "holds" } else { "MISSED" }.to_owned();
        Self { cells: [name, measured, beside, raw, ratio, bound, verdict], holds }
    }
}

/// Whether no bound is missed.
pub fn all_hold(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.holds)
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 100.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

const HEADINGS: [&str; 7] = ["what", "median", "raw command beside it", "its median", "ratio", "bound", ""];

/// Print the rows under their headings.
pub fn print(rows: &[Row]) {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| row.cells.clone()));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    for line in &lines {
        let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("| {} |", cells.join(" | "));
    }
}

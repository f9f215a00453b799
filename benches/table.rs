//! The table that `make bench` prints.

use std::time::Duration;

/// What a measured time is held to.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// This long at most.
    Time(Duration),
    /// This much longer than the raw command at most.
    Over(Duration),
}

/// One claim.
pub struct Row {
    name: &'static str,
    measured: String,
    raw: String,
    ratio: String,
    bound: String,
    holds: bool,
}

impl Row {
    /// A command's median and that of the raw command `beside` it.
    pub fn time(name: &'static str, ours: Duration, raw: Duration, beside: &str, bound: Bound) -> Self {
        let (bound, holds) = match bound {
            Bound::Time(most) => (format!("≤ {}", milliseconds(most)), ours <= most),
            Bound::Over(more) => (format!("≤ raw + {}", milliseconds(more)), ours <= raw + more),
        };
        let ratio = format!("{:.1} × {beside}", ours.as_secs_f64() / raw.as_secs_f64());
        Self { name, measured: milliseconds(ours), raw: milliseconds(raw), ratio, bound, holds }
    }

    /// A number of bytes, with nothing beside it.
    pub fn size(name: &'static str, bytes: u64, most: u64) -> Self {
        let dash = || "-".to_owned();
        let bound = format!("≤ {}", megabytes(most));
        Self { name, measured: megabytes(bytes), raw: dash(), ratio: dash(), bound, holds: bytes <= most }
    }

    pub fn holds(&self) -> bool {
        self.holds
    }

    fn cells(&self) -> [&str; 6] {
        [self.name, &self.measured, &self.raw, &self.ratio, &self.bound, if self.holds { "holds" } else { "MISSED" }]
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Print the rows under their headings.
pub fn print(rows: &[Row]) {
    let mut lines = vec![["", "median", "raw median", "ratio", "bound", "verdict"]];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for line in &lines {
        let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

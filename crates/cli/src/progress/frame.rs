//! The two lines that a terminal shows, for any width.

use super::estimate::{Counts, clock, percent, remaining};
use super::stage::ShownStage;
use crate::output::printable;
use quarry_runs::grouped;
use std::time::Duration;

const LONGEST_BAR: usize = 40;
const SHORTEST_BAR: usize = 8;

const GREEN: &str = "\u{1b}[32m";
const PLAIN: &str = "\u{1b}[0m";

/// Returns the lines for a terminal of this width. Neither is wider, and the last column stays
/// free, because some terminals wrap the line there.
pub(super) fn lines(
    counts: &Counts,
    elapsed: Duration,
    last: &str,
    columns: usize,
    is_coloured: bool,
) -> [String; 2] {
    let fraction = counts.fraction();
    let rows = &counts.rows;
    let more = [
        (counts.stage == ShownStage::Asking || counts.stage == ShownStage::Finished).then(|| {
            format!(
                "{} of {} rows done",
                grouped(rows.done),
                grouped(rows.total)
            )
        }),
        Some(clock(elapsed)),
        remaining(fraction, elapsed).map(|left| format!("about {} left", clock(left))),
    ];
    let more: Vec<String> = more.into_iter().flatten().collect();
    of_fraction(fraction, &more, &doing(counts, last), columns, is_coloured)
}

/// Returns the lines for a fraction of the work: a bar with as many of the texts as have room, and what
/// is being done.
pub(super) fn of_fraction(
    fraction: f64,
    more: &[String],
    doing: &str,
    columns: usize,
    is_coloured: bool,
) -> [String; 2] {
    let room = columns.saturating_sub(1);
    let mut top = format!("{:3} %", percent(fraction));
    for part in more {
        if top.len() + 2 + part.len() <= room {
            top.push_str("  ");
            top.push_str(part);
        }
    }
    let bar = room.saturating_sub(top.len() + 3).min(LONGEST_BAR);
    let top = if bar >= SHORTEST_BAR {
        format!("[{}] {top}", drawn(fraction, bar, is_coloured))
    } else {
        cut(&top, room)
    };
    [top, cut(doing, room)]
}

fn drawn(fraction: f64, length: usize, is_coloured: bool) -> String {
    let filled = usize::try_from(percent(fraction)).unwrap_or(0) * length / 100;
    let (filled, empty) = ("#".repeat(filled), "-".repeat(length - filled));
    if is_coloured {
        format!("{GREEN}{filled}{PLAIN}{empty}")
    } else {
        format!("{filled}{empty}")
    }
}

/// Returns what the run is doing.
fn doing(counts: &Counts, last: &str) -> String {
    let rows = &counts.rows;
    match counts.stage {
        ShownStage::Copying => "copying the data".to_owned(),
        ShownStage::Planning => "planning: reading the data".to_owned(),
        ShownStage::Finished => "finished".to_owned(),
        ShownStage::Asking if rows.merged >= rows.total && rows.round == 0 => {
            "joining the result".to_owned()
        }
        ShownStage::Asking => {
            let counted = format!(
                "{} written, {} asked, {} merged",
                grouped(rows.written),
                grouped(rows.asked),
                grouped(rows.merged)
            );
            if last.is_empty() {
                counted
            } else {
                format!("{counted}; {last}")
            }
        }
    }
}

/// Cuts the text to this many columns. A character outside ASCII counts as two columns, the most
/// that a character has.
fn cut(text: &str, columns: usize) -> String {
    let mut taken = 0;
    printable(text)
        .chars()
        .take_while(|one| {
            taken += if one.is_ascii() { 1 } else { 2 };
            taken <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quarry_local_stack::WorkRows;

    fn counts(total: u64, done: u64) -> Counts {
        Counts {
            stage: ShownStage::Asking,
            data_bytes: 1,
            bytes_copied: 1,
            rows: WorkRows {
                total,
                written: total,
                asked: done,
                merged: done,
                done,
                ..WorkRows::default()
            },
        }
    }

    fn width(line: &str) -> usize {
        line.chars()
            .map(|one| if one.is_ascii() { 1 } else { 2 })
            .sum()
    }

    #[test]
    fn rows_per_cent_and_times_stand_beside_the_bar() {
        let elapsed = Duration::from_secs(12);
        let counts = counts(200_000, 100_000);
        let [top, doing] = lines(&counts, elapsed, "slice 2: done", 90, false);
        assert_eq!(
            top,
            "[###############-------------]  56 %  100,000 of 200,000 rows done  0:12  about 0:09 left"
        );
        assert_eq!(
            doing,
            "200,000 written, 100,000 asked, 100,000 merged; slice 2: done"
        );
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        let shown =
            |is_coloured| lines(&counts(10, 5), Duration::ZERO, "", 80, is_coloured).concat();
        assert!(!shown(false).contains('\u{1b}'));
        assert!(shown(true).contains(GREEN) && shown(true).contains(PLAIN));
    }

    proptest! {
        #[test]
        fn no_line_is_as_wide_as_the_terminal(
            total in 0_u64..5_000_000_000,
            done in 0_u64..5_000_000_000,
            seconds in 0_u64..1_000_000,
            last in ".{0,300}",
            columns in 1_usize..300,
        ) {
            let elapsed = Duration::from_secs(seconds);
            for line in lines(&counts(total, done), elapsed, &last, columns, false) {
                prop_assert!(width(&line) < columns, "{} in {columns}: {line}", width(&line));
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}

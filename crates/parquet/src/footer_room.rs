//! How many row groups the footer of a result has room for, and how its parts share them.
//!
//! A footer describes every column of every row group. A row group is in memory while it is written, so
//! a wide table of many bytes has a long footer.

use crate::footer::MAX_FOOTER;

/// The most bytes of rows, decoded and with their results, that planning foresees for a row group. It is
/// in memory as a whole.
const FORESEEN_GROUP_BYTES: u64 = 64 << 20;

/// The most bytes that the encoding adds to a value: the length of a text.
const LENGTH_BYTES: u64 = 4;

/// The room for row groups in the footer of a joined file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FooterRoom {
    groups: u64,
    columns: u64,
}

/// A part of a joined file, as it is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedPart {
    /// Its rows.
    pub rows: u64,
    /// The bytes of the rows, decoded, with the results that are expected.
    pub bytes: u64,
}

/// How many row groups a part may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartGroups {
    most: u64,
    rows: u64,
}

impl FooterRoom {
    /// Returns the room in a footer that has `other_bytes` without row groups, of which each takes
    /// `group_bytes` for its columns.
    pub(crate) fn new(other_bytes: u64, group_bytes: u64, columns: u64) -> Self {
        Self {
            groups: MAX_FOOTER.saturating_sub(other_bytes) / group_bytes.max(1),
            columns,
        }
    }

    /// The most row groups of the joined file.
    pub fn groups(&self) -> u64 {
        self.groups
    }

    /// Returns how many row groups the joined file must have room for, if no row group has more than
    /// 64 MiB of rows. A part has one row group, and a share of the others in proportion to its rows.
    pub fn needed(&self, parts: &[PlannedPart]) -> u64 {
        let count = parts.len() as u64;
        let all_rows = rows(parts);
        let needed = parts.iter().filter(|part| part.rows > 0).map(|part| {
            let lengths = u128::from(part.rows) * u128::from(self.columns * LENGTH_BYTES);
            let bytes = u128::from(part.bytes) + lengths;
            let groups = bytes.div_ceil(u128::from(FORESEEN_GROUP_BYTES)).max(1);
            let others = ((groups - 1) * all_rows).div_ceil(u128::from(part.rows));
            count.saturating_add(u64::try_from(others).unwrap_or(u64::MAX))
        });
        needed.max().unwrap_or(count)
    }

    /// Returns how many row groups a part with `part_rows` of the `all_rows` rows may have, if there are
    /// `parts` parts. All parts together have at most [`groups`](Self::groups), unless there are more
    /// parts.
    pub fn of_part(&self, parts: u64, part_rows: u64, all_rows: u64) -> PartGroups {
        let others = u128::from(self.groups.saturating_sub(parts));
        let share = others * u128::from(part_rows) / u128::from(all_rows.max(1));
        PartGroups {
            most: u64::try_from(share).unwrap_or(u64::MAX).saturating_add(1),
            rows: part_rows,
        }
    }
}

fn rows(parts: &[PlannedPart]) -> u128 {
    parts.iter().map(|part| u128::from(part.rows)).sum()
}

impl PartGroups {
    /// Whether a row group may be closed now, when `closed` of them are closed and `rows` rows are
    /// written: the groups are not used up faster than the rows, and the last one is for the end.
    pub(crate) fn leave_room(&self, closed: u64, rows: u64) -> bool {
        let used = u128::from(closed) + 1;
        used < u128::from(self.most)
            && used * u128::from(self.rows) <= u128::from(self.most) * u128::from(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn part(rows: u64, mib: u64) -> PlannedPart {
        PlannedPart {
            rows,
            bytes: mib * MIB,
        }
    }

    fn room(groups: u64) -> FooterRoom {
        FooterRoom { groups, columns: 0 }
    }

    #[test]
    fn a_part_has_one_row_group_and_its_share_of_the_others() {
        let most = |parts, part_rows, all_rows| room(100).of_part(parts, part_rows, all_rows).most;
        assert_eq!(most(4, 25, 100), 25);
        assert_eq!(most(4, 0, 100), 1);
        assert_eq!(most(100, 1, 100), 1);
        assert_eq!(most(101, 1, 101), 1);
        assert_eq!(most(1, 7, 7), 100);
        let uneven = [1, 2, 3, 1_000];
        let all: u64 = uneven.iter().map(|rows| most(4, *rows, 1_006)).sum();
        assert!(all <= 100, "{all}");
    }

    #[test]
    fn what_is_needed_is_what_gives_each_part_its_row_groups() {
        assert_eq!(room(9).needed(&[]), 0);
        assert_eq!(room(9).needed(&[part(10, 1), part(10, 64)]), 2);
        assert_eq!(room(9).needed(&[part(10, 65)]), 2);
        // The second part needs three, and has a quarter of the rows.
        let parts = [part(30, 1), part(10, 129)];
        let needed = room(9).needed(&parts);
        assert_eq!(needed, 2 + 8);
        assert_eq!(room(needed).of_part(2, 10, 40).most, 3);
        assert_eq!(room(needed - 1).of_part(2, 10, 40).most, 2);
        // A column adds the length of its text to each row.
        let wide = FooterRoom {
            groups: 9,
            columns: 1_000,
        };
        assert_eq!(wide.needed(&[part(100_000, 1)]), 6);
    }

    #[test]
    fn row_groups_are_not_used_up_before_the_rows() {
        let groups = PartGroups { most: 4, rows: 100 };
        assert!(!groups.leave_room(0, 24) && groups.leave_room(0, 25));
        assert!(!groups.leave_room(1, 49) && groups.leave_room(1, 50));
        assert!(groups.leave_room(2, 75));
        assert!(!groups.leave_room(3, 100) && !groups.leave_room(3, 1_000));
    }
}

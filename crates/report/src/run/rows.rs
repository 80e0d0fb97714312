//! Single rows.

use crate::page::{HtmlPage, Value};
use crate::run_report::SampleRow;

/// Adds single rows with their cells.
pub(super) fn add_sample(page: &mut HtmlPage, rows: &[SampleRow]) {
    if rows.is_empty() {
        return;
    }
    page.section("Rows before and after");
    for row in rows {
        page.part(&format!("{} row {}", row.table, row.row));
        for (caption, cells) in [("Before", &row.before), ("After", &row.after)] {
            page.table(
                caption,
                &["Column", "Cell"],
                cells.iter().map(|(column, cell)| {
                    vec![
                        Value::heading(column),
                        Value::text(cell.clone().unwrap_or_default()),
                    ]
                }),
            );
        }
    }
}

//! Single rows.

use crate::page::{HtmlPage, Value};
use crate::run::answers::counted_from;
use crate::run_report::SampleRow;
use quarry_result::summary::Summary;

/// Adds single rows with their cells.
pub(super) fn add_sample(page: &mut HtmlPage, rows: &[SampleRow], summary: &Summary) {
    if rows.is_empty() {
        return;
    }
    page.section("Rows before and after");
    if summary.rows.left_out_as_errors > 0 {
        page.remark(&format!("Rows are {}.", counted_from(summary, false)));
    }
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

//! HTML pages about results, each one file for a browser or a printer.
//!
//! A page needs no network and no script. It follows the colours that the reader prefers, light or
//! dark, and every chart has its figures in a table beside it. All texts of rows, answers and names
//! are escaped, so that a cell with `<script>` stays text.
//!
//! Limits: the crate does no input or output; values go in, and the text of the page comes out.

mod chart;
mod comparison;
mod escape;
mod page;
mod run;
mod run_report;
mod style;
mod timeline;
mod visible;

pub use comparison::comparison_page;
pub use run::run_page;
pub use run_report::{AskedTexts, RowFailures, RunReport, SampleRow, TableFindings};

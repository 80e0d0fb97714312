//! Runs of a deployment, as the people who follow them see them: facts about a run go in, and its
//! status comes out, as values and as text.
//!
//! Limits: all figures are from the run's folder and the services' lists at the time of reading.
//! Answers that are not stored yet are not counted.

mod facts;
mod list;
mod name;
mod outlook;
mod slices;
mod status;
mod words;

pub use facts::{PlanFacts, RunFacts, RunFailure, cost_of};
pub use list::{RunLine, table};
pub use name::{NameError, RunChoice, check_name, choose, new_name};
pub use outlook::{before_redrive, before_stop};
pub use quarry_result::digits::grouped;
pub use slices::{RoundAt, SliceStages, rounds_to_read};
pub use status::{JobAtWork, RowFigures, RunStatus, TokenFigures, end_in_words};
pub use words::{counted, size, state, time};

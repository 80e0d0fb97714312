//! What `finish` promises: the result holds every slice's part in order, the summary says what the
//! receipts say, and `finish` does not report a run as done if its rows do not add up.

mod refusals;
mod repetitions;
mod results;
mod summaries;
mod support;
mod turns;

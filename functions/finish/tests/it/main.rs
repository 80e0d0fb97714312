//! What `finish` promises: the result is every slice's part in order, the summary says what the
//! receipts say, and a run whose rows do not add up is not reported as done.

mod refusals;
mod repetitions;
mod results;
mod summaries;
mod support;
mod turns;

//! What `submit` promises: a round gets one job, however often `submit` is called; the job has the
//! settings of the run; and if the service does not create it, the error has the service's words
//! and the remedy.

mod jobs;
mod refusals;
mod repetitions;
mod support;

//! What `submit` promises: a round gets one job however often it is asked for, with what the settings
//! say, and a job that the service does not create fails with its words and what to do.

mod jobs;
mod refusals;
mod repetitions;
mod support;

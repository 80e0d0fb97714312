//! What `check` promises: it waits for a live job, it records the end of a job once and in the
//! service's words, and every refusal by AWS has a name.

mod ends;
mod refusals;
mod support;
mod waits;

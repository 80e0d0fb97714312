//! What `check` promises: a job that lives is waited for, the end of one is kept once and in the
//! service's words, and what AWS refuses has a name.

mod ends;
mod refusals;
mod support;
mod waits;

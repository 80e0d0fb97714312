//! Promise: requests that cannot work are refused before anything is paid for, over objects in
//! memory.

mod models;
mod prompts;
mod support;
mod tables;

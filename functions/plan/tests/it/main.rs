//! Promise: what a model does not have is refused in planning, by name, before anything is paid for.

mod models;

//! Pages as a browser gets them.

mod comparison;
mod page;
mod run;

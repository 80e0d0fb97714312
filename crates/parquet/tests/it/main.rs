//! What the Parquet crate promises its callers.

mod cells;
mod claims;
mod damage;
mod fixture;
mod footers;
mod groups;
mod legacy;
mod list_lengths;
mod memory;
mod notes;
mod parts;
mod random;
mod splice;
mod tables;

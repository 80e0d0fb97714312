//! Parquet tables from the outside.

mod cells;
mod damage;
mod fixture;
mod parts;
mod splice;
mod tables;

//! Parquet tables from the outside.

mod cells;
mod damage;
mod fixture;
mod legacy;
mod parts;
mod random;
mod splice;
mod tables;

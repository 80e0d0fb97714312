//! Any Parquet file is refused by name, or its rows pass through.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("parquet", input));

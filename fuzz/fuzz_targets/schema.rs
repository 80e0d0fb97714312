//! Any schema is refused by its place, or answers are read by it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("schema", input));

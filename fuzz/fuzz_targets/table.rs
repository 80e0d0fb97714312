//! The rows of a table do not depend on how its bytes are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("table", input));

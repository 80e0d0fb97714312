//! Any prompts file is refused, or its prompt shows each cell once.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("prompts", input));

//! Any input of an execution is either read or a bad request.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("execution_input", input));

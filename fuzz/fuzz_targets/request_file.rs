//! Any `request.json` is either read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("request_file", input));

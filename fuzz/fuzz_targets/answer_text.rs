//! Any answer text has a reading, and no part of an object passes as one.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("answer_text", input));

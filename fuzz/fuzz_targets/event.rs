//! Any event starts runs in its pipeline's folders, or fails by name.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| quarry_fuzz_targets::check("event", input));

//! Any footer of a Parquet file is either read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

// The reader catches the decoder's panics, so a panic is a finding only if it reaches the fuzzer. The
// fuzzer's own hook would end the program at each of them.
fuzz_target!(init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))), |input: &[u8]| {
    quarry_fuzz_targets::check("parquet_footer", input);
});

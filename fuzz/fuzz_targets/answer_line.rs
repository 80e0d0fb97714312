//! Any line of Bedrock output is either read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use quarry_answer::{LineBody, Reader, read_line};

fuzz_target!(|line: &[u8]| {
    if let Ok(line) = read_line(line)
        && let LineBody::Output(output) = line.body
        && let Ok(answer) = quarry_model::read_output(output)
    {
        let _ = Reader::new(None, false).read(&answer);
    }
});

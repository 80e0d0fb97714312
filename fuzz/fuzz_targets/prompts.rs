//! Any prompts file is either read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use quarry_prompt::Prompts;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(prompts) = Prompts::parse(bytes) {
        let _ = prompts.template("selected_rule_names");
    }
});

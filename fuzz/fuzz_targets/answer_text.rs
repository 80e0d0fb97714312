//! Any answer text is either read or refused, and text that parses is never repaired.

#![no_main]

use libfuzzer_sys::fuzz_target;
use quarry_answer::{Reader, Schema};
use std::sync::{Arc, LazyLock};

static SCHEMA: LazyLock<Option<Arc<Schema>>> = LazyLock::new(|| {
    let schema = serde_json::json!({
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b"]},
            "score": {"type": "number"},
            "count": {"type": "integer"},
            "good": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["kind"],
    });
    Schema::compile(&schema).ok().map(Arc::new)
});

fuzz_target!(|text: &str| {
    for prefilled in [false, true] {
        let reading = Reader::new(SCHEMA.clone(), prefilled).read_text(text);
        if serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok() && !prefilled {
            assert!(!reading.repaired, "what parses was repaired: {text}");
        }
        let _ = Reader::new(None, prefilled).read_text(text);
    }
});

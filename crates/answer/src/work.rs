//! Counts the bytes that a search or a parse looks at, so that a test can show that the work for an
//! answer does not grow with the square of its length. Outside of tests, nothing is counted.

/// Counts bytes that were looked at.
#[inline]
pub(crate) fn looked_at(bytes: usize) {
    #[cfg(test)]
    tests::LOOKED_AT.with(|all| all.set(all.get() + bytes as u64));
    #[cfg(not(test))]
    let _ = bytes;
}

/// Returns the offset of a pattern in a text, as `str::find` does, and counts the bytes up to it.
pub(crate) fn find(text: &str, pattern: &str) -> Option<usize> {
    let found = text.find(pattern);
    looked_at(found.unwrap_or(text.len()));
    found
}

#[cfg(test)]
mod tests {
    use crate::{Reader, Schema};
    use serde_json::json;
    use std::cell::Cell;
    use std::sync::Arc;

    thread_local! {
        pub(super) static LOOKED_AT: Cell<u64> = const { Cell::new(0) };
    }

    fn work(reader: &Reader, text: &str) -> u64 {
        LOOKED_AT.set(0);
        let _ = reader.read_text(text);
        LOOKED_AT.get()
    }

    fn readers() -> [Reader; 2] {
        let schema = Schema::compile(&json!({
            "properties": {"a": {"type": "string"}, "b": {"type": "array"}},
            "required": ["b"],
        }))
        .expect("valid schema");
        [
            Reader::new(Some(Arc::new(schema)), false),
            Reader::new(None, false),
        ]
    }

    /// An answer twice as long takes at most some twice the work, whatever it repeats.
    #[test]
    fn the_work_for_an_answer_grows_with_its_length_only() {
        let parts = [
            "<parameter name=\"x\">",
            "</a><parameter name=\"b\">[1]",
            "<|channel|>analysis<|message|>",
            "<|channel|>analysis",
            "<|channel|>",
            "<|start|>",
            "[THINK]",
            "[/THINK]",
            "<think>",
            "<think ",
            "<think></think>",
            "<think><think></think>",
            "</think>",
            "{\"a\":\"x\"}<think>",
            "{\"a\":\"x\"}</think",
            "◁think▷",
            "<x:think>",
            "<!--",
            "<!-- -->",
            "~~a",
            "~~a~~~",
            "~~a\n",
            "~",
            "`",
            "```thinking\n",
            "```thinking\na```",
            "```a",
            "{\"a\":",
            "{\"a\":\"x\"}",
            "{\"a\":\"x\"} ",
            "{\"a\":\"„x\"}",
            "{\"a\":\"„x\" y\"}",
            "{\"a\":\"„x\" y",
            "{\"a\":\"„x\" y\"} {",
            "{\"a\":\"x\"}{",
            "{\"a\":\"x\"}\"",
            "[{\"a\":\"x\"},",
            "\"a\":{\"a\":\"x\"},",
            "\"a\":{\"b\":",
            "{a:",
            "{'a':",
            "{'a':'x'}",
            "{/*",
            "{\\\"a\\\":",
            "{“a”:",
            "｛a：",
            "Final answer: ",
            "Final answer: {\"a\":\"x\"}",
            "Thought: ",
            "Thought: {\"a\":\"x\"} ",
            "That is wrong? ",
            "Wait. ",
            "a word ",
            "a: y\n",
            "a: y z\n",
            "b: [1]\n",
            "b: no\n",
            "The a should be y z. ",
            "The b is not y. ",
            "The answer should be y. ",
            "<answer>y</answer>",
            "<answer>",
            "\n",
            " ",
            "{",
            "}",
            "\"",
            "\\",
            "„",
            "{\"draft\":{\"a\":\"x\"}}",
        ];
        // Long enough for every bound on the number of trials.
        let (once, twice) = (5_000, 10_000);
        let mut grown = Vec::new();
        let around = [
            ("", ""),
            ("", "{\"b\":[]}"),
            ("{\"a\":\"x\"}<think>", " "),
            ("{\"a\":\"x\",\"b\":[]}\n", ""),
        ];
        for (part, reader) in parts
            .iter()
            .flat_map(|part| readers().map(|reader| (part, reader)))
        {
            let repeated = |length: usize| part.repeat(length / part.len());
            let mut forms: Vec<[String; 2]> = around
                .iter()
                .map(|(before, after)| {
                    [once, twice].map(|length| format!("{before}{}{after}", repeated(length)))
                })
                .collect();
            forms.push([once, twice].map(|length| in_member(&repeated(length))));
            for [short, long] in forms {
                let (small, large) = (work(&reader, &short), work(&reader, &long));
                if large > small * 5 / 2 + 50_000 {
                    let begin = &short[..short.floor_char_boundary(40)];
                    grown.push(format!("{begin}…: {small} and {large}"));
                }
            }
        }
        assert!(grown.is_empty(), "bytes looked at: {grown:#?}");
    }

    fn in_member(text: &str) -> String {
        let json = serde_json::to_string(&format!("x</a>{text}")).expect("JSON");
        format!("{{\"a\":{json}}}")
    }
}

//! Each text of the service leads to the next form: `tests/refusals.json` has texts that users of
//! the service report and, for a few parameters, texts of the same form that nobody has reported.
//!
//! A case has what the model accepts (beyond text and sampling), what a run demands, and the forms
//! that its refusals lead to, one after the other; `null` if there is no other form.

use quarry_model::{BodySettings, CapabilityOverrides, KnownModel, RequestBuilder, RequestForm};
use serde_json::{Value, json};

#[test]
fn each_refusal_leads_to_the_next_form_of_the_model() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../refusals.json")).expect("cases");
    assert!(cases.len() >= 20, "cases are missing");
    for case in cases {
        let about = case["about"].as_str().expect("about");
        let requests = requests(&case);
        let mut form = requests.first_form();
        assert_eq!(
            serde_json::to_value(&form).expect("plain data"),
            case["first"],
            "{about}"
        );
        for step in case["steps"].as_array().expect("steps") {
            let refusal = step["refusal"].as_str().expect("refusal");
            let next = requests.form_after(&form, refusal);
            assert_eq!(
                serde_json::to_value(&next).expect("plain data"),
                step["next"],
                "{about}: {refusal}"
            );
            if let Some(next) = next {
                assert!(requests.takes(&next), "{about}: {refusal}");
                form = next;
            }
        }
    }
}

fn requests(case: &Value) -> RequestBuilder {
    let overrides = CapabilityOverrides::parse(&case["capabilities"].to_string());
    let capabilities = KnownModel::of("").overridden(&overrides.expect("capabilities"));
    let settings = BodySettings {
        thinking_off: case["thinking"] == "off",
        effort: (case["effort"] == "low").then_some("low"),
        ..BodySettings::default()
    };
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let has_schema = case["schema"].as_bool().unwrap_or(true);
    RequestBuilder::new(
        settings,
        capabilities,
        Some("You are a classifier."),
        has_schema.then_some(&schema),
    )
}

/// Whatever the service replies, a run is sent in a bounded number of forms.
#[test]
fn no_refusal_leads_in_a_circle() {
    let requests = requests(&json!({
        "capabilities": {
            "body": "anthropic_messages", "invocation": "InvokeModel", "tools": true, "structured_output": true,
            "prefill": true, "thinking": "on_by_default", "forced_tool_with_thinking": true, "effort": true,
        },
        "thinking": "off", "effort": "low",
    }));
    let texts = [
        "tool_choice is refused",
        "tools are refused",
        "output_config: refused",
        "prefill is refused",
        "temperature and top_p are refused",
        "top_p is refused",
        "max_tokens is too large, at most 20000",
        "max_tokens is too large, must be less than 20000",
        "thinking is refused",
        "effort is refused",
        "system messages are refused",
        "Extra inputs are not permitted",
    ];
    let mut open = vec![requests.first_form()];
    let mut seen: Vec<RequestForm> = Vec::new();
    while let Some(form) = open.pop() {
        if seen.contains(&form) {
            continue;
        }
        for text in texts {
            if let Some(next) = requests.form_after(&form, text) {
                assert_ne!(next, form, "{text}");
                assert!(next.without.is_superset(&form.without), "{text}");
                assert!(next.enforcement >= form.enforcement, "{text}");
                assert!(
                    next.max_tokens.unwrap_or(u64::MAX) <= form.max_tokens.unwrap_or(u64::MAX),
                    "{text}"
                );
                open.push(next);
            }
        }
        seen.push(form);
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

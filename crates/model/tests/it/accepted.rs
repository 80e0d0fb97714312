//! No record is sent in a form that the model refuses, whatever the model accepts, whatever a run
//! demands, and whatever the service has refused before.

use quarry_model::{
    BodyForm, BodySettings, Capabilities, Enforcement, Invocation, KnownModel, Parameter,
    RequestBuilder, RequestForm, Thinking,
};
use serde_json::{Value, json};

const THINKING: [Thinking; 4] = [
    Thinking::None,
    Thinking::OffByDefault,
    Thinking::OnByDefault,
    Thinking::Always,
];

/// Texts of refusals that together lead to every other form.
const REFUSALS: [&str; 7] = [
    "tool_choice is not supported",
    "tools are not supported",
    "output_config: Extra inputs are not permitted",
    "prefill is not supported",
    "temperature and top_p cannot both be specified",
    "thinking is not supported",
    "system messages are not supported",
];

/// Every combination of the facts that determine a request.
fn models() -> impl Iterator<Item = Capabilities> {
    let bodies = [
        (BodyForm::AnthropicMessages, Invocation::InvokeModel),
        (BodyForm::Converse, Invocation::InvokeModel),
        (BodyForm::Converse, Invocation::Converse),
    ];
    (0..1_u32 << 8).flat_map(move |bits| {
        let is = move |bit: u32| bits >> bit & 1 == 1;
        bodies.into_iter().flat_map(move |(body, invocation)| {
            THINKING.into_iter().map(move |thinking| Capabilities {
                body,
                invocation,
                thinking,
                prefill: is(0),
                sampling: is(1),
                temperature_with_top_p: is(2),
                tools: is(3),
                forced_tool: is(4),
                forced_tool_with_thinking: is(5),
                structured_output: is(6),
                effort: is(7),
                ..*KnownModel::of("").capabilities()
            })
        })
    })
}

fn settings() -> impl Iterator<Item = BodySettings> {
    [
        (false, None),
        (true, None),
        (false, Some("high")),
        (true, Some("low")),
    ]
    .into_iter()
    .map(|(thinking_off, effort)| BodySettings {
        thinking_off,
        effort,
        ..BodySettings::default()
    })
}

/// Returns the part of a body that the model refuses.
fn refused(model: &Capabilities, settings: &BodySettings, body: &Value) -> Option<&'static str> {
    let thinking_off =
        body.get("thinking").is_some() || body.get("additionalModelRequestFields").is_some();
    let thinks = match model.thinking {
        Thinking::None => false,
        Thinking::OffByDefault => body.get("reasoningConfig").is_some(),
        Thinking::OnByDefault => !thinking_off,
        Thinking::Always => true,
    };
    let any = |pointers: &[&str]| pointers.iter().any(|at| body.pointer(at).is_some());
    let temperature = any(&["/temperature", "/inferenceConfig/temperature"]);
    let top_p = any(&["/top_p", "/inferenceConfig/topP"]);
    let forced = any(&["/tool_choice", "/toolConfig/toolChoice"]);
    let effort = any(&[
        "/output_config/effort",
        "/outputConfig/effort",
        "/reasoningConfig",
    ]);
    let facts = [
        (
            "a prefill",
            any(&["/messages/1"]) && (!model.prefill || thinks),
        ),
        ("sampling", (temperature || top_p) && !model.sampling),
        (
            "both kinds of sampling",
            temperature && top_p && !model.temperature_with_top_p,
        ),
        ("a forced tool call", forced && !model.forced_tool),
        (
            "a forced tool call of a model that thinks",
            forced && thinks && !model.forced_tool_with_thinking,
        ),
        (
            "a tool",
            any(&["/tools", "/toolConfig"]) && !model.tools && !model.forced_tool,
        ),
        (
            "structured output",
            any(&["/output_config/format", "/outputConfig/textFormat"]) && !model.structured_output,
        ),
        (
            "effort",
            effort && !(model.effort && settings.effort.is_some()),
        ),
        (
            "a switch for thinking",
            thinking_off && model.thinking != Thinking::OnByDefault,
        ),
    ];
    facts
        .into_iter()
        .find_map(|(what, is_refused)| is_refused.then_some(what))
}

#[test]
fn no_record_is_sent_in_a_form_that_its_model_refuses() {
    let plain = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    // This schema can become neither a tool nor a grammar.
    let odd = json!({"type": "object", "properties": {"a b": {"$ref": "#"}}});
    let mut bodies = 0_usize;
    for model in models() {
        for settings in settings() {
            for schema in [None, Some(&plain), Some(&odd)] {
                bodies += forms_of(model, settings, schema);
            }
        }
    }
    assert!(bodies > 100_000, "{bodies}");
}

/// Checks every form of requests to the model: the first one, and the next one after each refusal. Returns their
/// number.
fn forms_of(model: Capabilities, settings: BodySettings, schema: Option<&Value>) -> usize {
    let requests = RequestBuilder::new(settings, model, Some("system"), schema);
    let mut form = requests.first_form();
    for refusal in REFUSALS {
        assert!(requests.takes(&form), "{model:?} {form}");
        let body = requests.body(&form);
        assert_eq!(refused(&model, &settings, &body), None, "{model:?} {form}");
        if let Some(schema) = schema {
            assert!(sees(&body, &form, schema), "{model:?} {form}");
        }
        if let Some(next) = requests.form_after(&form, refusal) {
            form = next;
        }
    }
    REFUSALS.len()
}

/// Whether the model sees the schema that its answers must match.
fn sees(body: &Value, form: &RequestForm, schema: &Value) -> bool {
    let text = body.to_string();
    match form.enforcement {
        Enforcement::ForcedTool | Enforcement::OfferedTool => text.contains("\"properties\":{\"a"),
        Enforcement::StructuredOutput => text.contains("json_schema"),
        _ => {
            let shown = Value::from(schema.to_string()).to_string();
            text.contains(shown.trim_matches('"'))
        }
    }
}

#[test]
fn the_prompt_is_in_the_user_turn_once_and_stays_as_it_was_written() {
    let schema = json!({"properties": {"a": {"type": "string"}}});
    for model in models().filter(|model| model.sampling && !model.effort) {
        let requests = RequestBuilder::new(
            BodySettings::default(),
            model,
            Some("system"),
            Some(&schema),
        );
        for with_system in [true, false] {
            let mut form = requests.first_form();
            if !with_system {
                form.without.insert(Parameter::System);
            }
            let body = requests.body(&form);
            let slot = format!("\"{}\"", quarry_model::PROMPT_SLOT);
            assert_eq!(body.to_string().matches(&slot).count(), 1);
            let user = body["messages"][0]["content"].to_string();
            assert!(user.contains(&slot));
            assert_eq!(body.get("system").is_some(), with_system);
            let said = if with_system {
                body["system"].to_string()
            } else {
                user
            };
            assert!(said.contains("\"system"), "{said}");
        }
    }
}

//! An object that prose, YAML or XML takes back is refused. An answer that is explained, repeated or
//! followed by prose about the input is accepted, because a refusal is paid for with another answer.

use quarry_answer::{FieldValue, ParseStatus, Reader, Schema};
use serde_json::json;
use std::sync::Arc;

/// A property with a list of values, a number, a boolean, a word and a longer text.
fn reader() -> Reader {
    let schema = Schema::compile(&json!({
        "type": "object",
        "properties": {
            "label": {"enum": ["A", "B", "gull"]},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "is_bird": {"type": "boolean"},
            "species_group": {"type": "string"},
            "reasoning": {"type": "string"},
        },
        "required": ["label", "score"],
    }))
    .expect("valid schema");
    Reader::new(Some(Arc::new(schema)), false)
}

const ANSWER: &str = r#"{"label": "A", "score": 0.5, "is_bird": true, "species_group": "duck", "reasoning": "It quacks."}"#;

/// Returns why a text is refused; `None` if it is accepted as the answer.
fn refusal(text: &str) -> Option<String> {
    let reading = reader().read_text(text);
    if reading.parse_status == ParseStatus::Success {
        assert_eq!(reading.fields[0], FieldValue::Text("A".into()), "{text}");
        return None;
    }
    Some(reading.validation_error.expect("a reason"))
}

fn behind(text: &str) -> String {
    format!("{ANSWER}\n{text}")
}

fn before(text: &str) -> String {
    format!("{text}\n{ANSWER}")
}

#[test]
fn an_object_that_prose_behind_it_takes_back_is_refused() {
    for prose in [
        "Ignore the above.",
        "Please ignore the above answer.",
        "Sorry, ignore that.",
        "Disregard my previous answer; I cannot decide.",
        "Scratch that.",
        "Forget the JSON above, I have no answer.",
        "That is wrong.",
        "Wait, that is wrong.",
        "Wait. Hmm. That's incorrect!",
        "No, this is not correct, because it is a goose.",
        "That was not the correct answer.",
        "This isn't my final answer.",
        "This is only a draft.",
        "The above is **wrong**.",
        "I read the text again. The above answer is incorrect because it is a goose.",
        "I read the text again. My answer was wrong.",
        "My previous answer is mistaken.",
        "The answer is wrong.",
        "The answer above is not right.",
        "I take that back.",
        "Actually, I made a mistake above.",
        "I was wrong, it is a goose.",
        "I meant B.",
        "Correction: it is a goose.",
        "```\nThat is wrong.\n```",
        "<think>Hm.</think>That is\nwrong.",
    ] {
        let text = behind(prose);
        let why = refusal(&text).unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(why.contains("takes the object back"), "{text}: {why}");
    }
}

#[test]
fn an_object_that_prose_before_it_denies_is_refused() {
    for prose in [
        "The answer is NOT",
        "The answer is NOT:",
        "The correct answer is not",
        "It is not:",
        "The answer is NOT the following.",
        "The answer isn't the one below:",
        "The answer is NOT this one. Look:",
        "Do not use the following:",
        "Do not return this object:",
        "Never output the following JSON:",
        "Ignore the following.",
        "The following is wrong:",
        "The following answer is incorrect:",
        "This is not the answer:",
        "This is a wrong answer:",
        "Here is an example of an incorrect answer:",
        "Wrong answer:",
        "A bad example:\n```json",
    ] {
        let text = before(prose);
        let why = refusal(&text).unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(why.contains("takes the object back"), "{text}: {why}");
    }
}

#[test]
fn another_value_of_a_property_behind_the_object_contradicts_it() {
    for text in [
        "label: B",
        "Label: B",
        "- **label**: B",
        "* `label`: `B`",
        "\"label\": \"B\",",
        "label = B",
        "Corrected label: B",
        "label: B (it honks)",
        "label: B because it honks",
        "score: 0.9",
        "is_bird: false",
        "Is bird: no",
        "Species group: goose",
        "species_group: \"grey goose\"",
        "```yaml\nlabel: B\nscore: 0.5\n```",
        "```yaml\nspecies_group: grey goose\n```",
        "I looked again.\n\nlabel: B\nscore: 0.5",
        "<label>B</label>",
        "<answer><label>B</label><score>0.5</score></answer>",
        "<species_group>grey goose</species_group>",
        "<parameter name=\"label\">B</parameter>",
        "Correction: label should be B",
        "Correction: label: B",
        "Actually, the label is B.",
        "The label should be \"B\" instead.",
        "The label should have been B, since it honks.",
        "The correct label is B.",
        "The right species group is goose.",
        "Wait, score must be 0.9.",
        "Change the label from A to B.",
        "The answer should be B.",
        "The correct answer is gull.",
        "The label is not A.",
        "The answer is not \"A\".",
    ] {
        let text = behind(text);
        let why = refusal(&text).unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(why.contains("contradicts itself"), "{text}: {why}");
        assert!(why.contains("behind it"), "{text}: {why}");
    }
}

/// Behind the object, a value can also come without the name of its property.
#[test]
fn another_value_without_a_name_behind_the_object_contradicts_it() {
    for text in [
        "**Correction:** B",
        "Answer: B",
        "**Answer: B**",
        "**Answer:** B",
        "My answer: \"B\"",
        "Final: B",
        "Revised classification: B",
        "<answer>B</answer>",
        "\\boxed{B}",
        "Thus $\\boxed{\\text{B}}$.",
        "=> B",
        "-> B",
        "→ **B**",
        "label: A → B",
        "No. B.",
        "No, B.",
        "Hmm, B.",
        "Wait. B, since it honks.",
        "So B.",
        "Sorry, it is B",
        "Actually, it's B.",
        "It is B.",
        "It's not A.",
        "It should be B.",
        "Sorry, it is a gull.",
        "The answer is B.",
        "The label is B.",
        "The correct one is B.",
        "B is the correct answer.",
        "A is wrong.",
        "A is not the right label.",
        "B, not A.",
        "B instead of A.",
        "I change my answer to B.",
        "I'm changing the label to B.",
        "Let me change that from A to B.",
        "I switch to B.",
        "I will go with B instead.",
        "It honks, I read. I choose B.",
        "Since it honks, read again.\nI'd rather pick B.",
        "Make it B.",
    ] {
        let text = behind(text);
        let why = refusal(&text).unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(why.contains("contradicts itself"), "{text}: {why}");
        assert!(why.contains("behind it"), "{text}: {why}");
    }
}

#[test]
fn the_same_value_without_a_name_and_explanations_are_accepted() {
    for text in [
        "Answer: A",
        "**Answer:** A (it quacks)",
        "Final answer: A",
        "**Final answer:**\nA",
        "Final answer: the label is A.",
        "Answer: the report says duck",
        "Answer: 3",
        "Correction: A",
        "\\boxed{A}",
        "=> A",
        "=> so it is a duck",
        "No. A.",
        "No. 3 has a goose.",
        "It is A.",
        "It is not B.",
        "It is correct.",
        "It is a duck.",
        "Is it B? No. It is A.",
        "It quacks. It is B in the other report.",
        "The answer is correct.",
        "The answer is A, because it quacks.",
        "The species group is uncertain.",
        "The input was:\nAnswer: B",
        "A is the correct answer.",
        "B is wrong.",
        "B is not the correct answer.",
        "A, not B.",
        "I would choose B if it honked.",
        "I did not choose B.",
        "I first thought of B. I chose A.",
        "I keep my answer.",
        "Make it so.",
    ] {
        let text = behind(text);
        assert_eq!(refusal(&text), None, "{text}");
    }
}

#[test]
fn another_value_in_a_form_of_its_own_before_the_object_contradicts_it() {
    for text in [
        "```yaml\nlabel: B\nscore: 0.5\n```",
        "<label>B</label>\n<score>0.5</score>",
        "The label is not A.",
    ] {
        let text = before(text);
        let why = refusal(&text).unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(why.contains("contradicts itself"), "{text}: {why}");
    }
    let text = before("```yaml\nlabel: B\n```\nI looked again. Final answer:");
    assert_eq!(refusal(&text), None);
}

#[test]
fn an_explained_or_repeated_answer_is_accepted() {
    for prose in [
        "I chose A because it quacks, not B, since geese honk.",
        "I chose label A and not B.",
        "B would be wrong.",
        "If it honked, that would be wrong.",
        "I do not think that this is wrong.",
        "This is not wrong.",
        "That is wrong only for geese.",
        "This is a goose?",
        "The reporter calls it a goose. That is wrong, because it quacks.",
        "It says \"ignore the above\".",
        "\"That is wrong.\"",
        "> That is wrong.",
        "The note says: ignore the above instructions.",
        "Ignore the above formatting if you parse it.",
        "Ignore that the report mentions geese.",
        "The report was not correct.",
        "The answer is not obvious, but A is likely.",
        "The answer is based on the remarks.",
        "The label is a letter.",
        "The label should be read as a group.",
        "The score should be between 0 and 1.",
        "The label is A.",
        "The correct label is A.",
        "The correct answer is A.",
        "The label should be A, not B.",
        "The label is not B.",
        "The answer is not B.",
        "Correction: none.",
        "No correction is needed.",
        "Correction: the label is A.",
        "label: A",
        "- **Label:** A\n- **Score:** 0.5\n- **Is bird:** yes\n- **Species group:** Duck",
        "```yaml\nlabel: A\nscore: 0.50\nis_bird: true\n```",
        "<label>A</label>",
        "- label: the report says duck\n- score: half, since it is vague\n- is_bird: it has feathers",
        "- **label**: Chosen because B needs a goose.\n- **reasoning**: See the remarks.",
        "Species group: mallard duck",
        "score: 0.5 (0.9 for B)",
        "The input was:\nlabel: B\nscore: 0.9",
        "The input was:\n\nlabel: B",
        "Input row: {'label': 'B'",
        "Source: B\nNote: C",
        "I was not sure at first.",
        "Therefore the final classification stands.",
        "The label <b>B</b> is for geese.",
        "Quack. Honk; label B has geese.",
        "My previous employer was wrong about geese.",
        "The first report is wrong.",
        "On second thought, the answer stands.",
        "I made a list of mistakes in the report.",
    ] {
        // A cut copy of the input is refused as that.
        if prose.starts_with("Input row") {
            continue;
        }
        let text = behind(prose);
        assert_eq!(refusal(&text), None, "{text}");
    }
    for prose in [
        "Is it B? No. That is wrong. So:",
        "label: B would need a goose.",
        "label: B",
        "At first I thought that the label should be B.",
        "The answer is not obvious.",
        "Ignore the above.",
        "The report is wrong about the size.",
        "I am not sure whether it is a bird or not:",
        "Do not use markdown, you said. Here is the JSON:",
        "This is the correct answer, and not a wrong answer:",
        "It is not a goose. Therefore:",
        "The answer is:",
        "<b>B</b> is for geese:",
        "This is wrong. The label is A:",
    ] {
        let text = before(prose);
        assert_eq!(refusal(&text), None, "{text}");
    }
}

fn read_output(output: &serde_json::Value) -> quarry_answer::Reading {
    let output = output.to_string();
    reader().read(&quarry_model::read_output(&output).expect("readable"))
}

#[test]
fn a_tool_call_that_the_text_behind_it_takes_back_is_refused() {
    let input: serde_json::Value = serde_json::from_str(ANSWER).expect("JSON");
    let read = |input: &serde_json::Value, text: &str| {
        read_output(&json!({
            "content": [
                {"type": "text", "text": "label: B"},
                {"type": "tool_use", "name": "structured_response", "input": input},
                {"type": "text", "text": text},
            ],
            "stop_reason": "end_turn",
        }))
    };
    for text in [
        "That is wrong. The label should be B.",
        "The label should be B.",
        "Ignore the above.",
        "{\"label\": \"B\", \"score\": 0.5}",
        "{label: 'B', score: 0.5}",
        "Answer: B",
        "<think>Hm.</think>No. B.",
    ] {
        for input in [&input, &json!(ANSWER)] {
            let reading = read(input, text);
            assert_eq!(
                reading.parse_status,
                ParseStatus::ValidationFailed,
                "{text}"
            );
            let why = reading.validation_error.expect("a reason");
            let is_named = why.contains("contradicts itself") || why.contains("takes the object");
            assert!(is_named, "{text}: {why}");
            assert!(reading.raw_response.expect("the text").contains(text));
        }
    }
    for text in [
        "I chose A, because it quacks.",
        "Answer: A",
        "Done.</think>",
        "Call me {if} needed.",
        ANSWER,
    ] {
        let reading = read(&input, text);
        let why = reading.validation_error;
        assert_eq!(
            reading.parse_status,
            ParseStatus::Success,
            "{text}: {why:?}"
        );
    }
}

#[test]
fn choices_that_differ_are_refused_together() {
    let other = ANSWER.replace("\"A\"", "\"B\"");
    let spaced = ANSWER.replace(", ", ",  ");
    let choice = |text: &str| json!({"message": {"content": text}, "finish_reason": "stop"});
    for (second, passes) in [
        (&*other, false),
        ("I cannot say.", false),
        (&*spaced, true),
        (ANSWER, true),
        ("", true),
    ] {
        let reading = read_output(&json!({"choices": [choice(ANSWER), choice(second)]}));
        let why = reading.validation_error;
        let is_success = reading.parse_status == ParseStatus::Success;
        assert_eq!(is_success, passes, "{second}: {why:?}");
        if !passes {
            let why = why.expect("a reason");
            assert!(why.contains("2 answers that are not the same"), "{why}");
            assert!(reading.raw_response.expect("both").contains(second));
        }
    }
    let output = json!({"choices": [choice("one"), choice("two")]}).to_string();
    let answer = quarry_model::read_output(&output).expect("readable");
    let reading = Reader::new(None, false).read(&answer);
    assert_eq!(reading.parse_status, ParseStatus::Error);
    assert_eq!(reading.raw_response.as_deref(), Some("one\ntwo"));
}

/// Where the object speaks of right and wrong, "that is wrong" is about the text that was graded.
#[test]
fn a_grade_is_not_taken_back_by_its_explanation() {
    let schema = Schema::compile(&json!({
        "properties": {"grade": {"enum": ["correct", "incorrect"]}},
        "required": ["grade"],
    }))
    .expect("valid schema");
    let reader = Reader::new(Some(Arc::new(schema)), false);
    for (prose, passes) in [
        ("That is wrong, because 2 + 2 is 4.", true),
        ("The answer is incorrect.", true),
        ("Ignore the above.", false),
        ("grade: correct", false),
    ] {
        let reading = reader.read_text(&format!("{{\"grade\": \"incorrect\"}}\n{prose}"));
        assert_eq!(
            reading.parse_status == ParseStatus::Success,
            passes,
            "{prose}"
        );
    }
}

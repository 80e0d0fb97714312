//! What is proposed for a table.

use expect_test::expect;
use proptest::prelude::*;
use quarry_starter::{MOST_COLUMNS, Sample, StarterTask, Unusable, left_out_in_words, propose};

/// Returns the sample of a table of these columns; row `i` has the cells that `cells(i)` returns.
fn sample<const N: usize>(
    columns: [&str; N],
    rows: usize,
    cells: impl Fn(usize) -> [String; N],
) -> Sample {
    let mut sample = Sample::new(columns.map(str::to_owned).to_vec());
    for row in 0..rows {
        sample.add(cells(row).to_vec());
    }
    sample
}

fn left_out(sample: &Sample) -> String {
    left_out_in_words(&propose(sample, StarterTask::Classify).left_out)
}

#[test]
fn free_text_comes_first_and_what_tells_a_model_nothing_is_left_out() {
    let sample = sample(
        ["nr", "size", "letter", "source", "note", "customer_id"],
        50,
        |row| {
            [
                (row + 1).to_string(),
                ["small", "large"][row % 2].to_owned(),
                format!("The parcel number {row} arrived broken and wet."),
                "web".to_owned(),
                String::new(),
                format!("c{}", row * 7),
            ]
        },
    );
    let starter = propose(&sample, StarterTask::Classify);
    assert_eq!(starter.shown, ["letter", "size"]);
    assert_eq!(
        left_out(&sample),
        "nr and customer_id (an identifier), source (the same value in each row), note (empty)"
    );
    let values = vec!["large".to_owned(), "small".to_owned()];
    assert_eq!(starter.categories, Some(("size".to_owned(), values)));
    expect![[r#"
        {
          "system_prompt": "You classify the rows of a table. Judge only by what the row says. If it does not say enough, choose unknown and lower the confidence.",
          "user_prompt_template": "One row of the table:\n\nletter: {letter}\nsize: {size}\n\nSay which label fits the row, how sure you are (0 to 1), and why.\nAnswer with one JSON object and nothing else.",
          "input_placeholders": [
            "letter",
            "size"
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&starter.prompts).expect("JSON"));
}

#[test]
fn codes_are_identifiers_and_dates_and_amounts_are_not() {
    let sample = sample(["hash", "day", "amount", "city"], 20, |row| {
        [
            format!("{:08x}", row * 7_919_331),
            format!("2024-01-{:02}", row + 1),
            format!("{}.50", 1000 - 3 * row),
            format!("Town{row}"),
        ]
    });
    assert_eq!(left_out(&sample), "hash (an identifier)");
}

#[test]
fn of_many_columns_a_first_prompt_shows_twenty() {
    let mut sample = Sample::new((0..30).map(|number| format!("c{number}")).collect());
    for row in 0..10 {
        sample.add(vec![["low", "high"][row % 2].to_owned(); 30]);
    }
    let starter = propose(&sample, StarterTask::Extract);
    assert_eq!(starter.shown.len(), MOST_COLUMNS);
    assert_eq!(starter.left_out.len(), 30 - MOST_COLUMNS);
    assert!(
        starter
            .left_out
            .iter()
            .all(|left| left.why == Unusable::TooMany)
    );
    assert_eq!(
        left_out_in_words(&starter.left_out),
        "c20, c21, c22, c23, c24 and 5 more (more columns than a first prompt needs)"
    );
}

#[test]
fn if_no_column_can_be_a_placeholder_the_whole_row_is_shown_and_none_is_left_out() {
    let sample = sample(["", "a}b", "input_data"], 4, |row| {
        [row, row, row].map(|number| format!("value {number}"))
    });
    let starter = propose(&sample, StarterTask::Summarise);
    assert!(starter.shown.is_empty());
    assert_eq!(left_out(&sample), "");
    let template = starter.prompts["user_prompt_template"]
        .as_str()
        .expect("text");
    assert!(template.contains("{input_data}"), "{template}");
    assert!(starter.prompts.get("input_placeholders").is_none());
}

#[test]
fn columns_without_a_name_are_counted_and_not_listed() {
    let sample = sample(["", "", "letter", "a}b"], 4, |row| {
        [row, row, row, row].map(|number| format!("value {number}"))
    });
    assert_eq!(
        left_out(&sample),
        "a}b and 2 columns without a name (a name that is no placeholder)"
    );
}

#[test]
fn if_each_column_has_a_reason_against_it_all_are_shown_and_none_is_left_out() {
    let sample = sample(["id", "t", "a}b"], 4, |row| {
        [row.to_string(), "x".to_owned(), "y".to_owned()]
    });
    let starter = propose(&sample, StarterTask::Classify);
    assert_eq!(starter.shown, ["id", "t"]);
    assert_eq!(left_out(&sample), "a}b (a name that is no placeholder)");
}

#[test]
fn a_table_of_two_rows_or_none_shows_all_its_columns() {
    for rows in [0, 2] {
        let sample = sample(["id", "constant"], rows, |row| {
            [row.to_string(), "x".to_owned()]
        });
        assert_eq!(
            propose(&sample, StarterTask::Classify).shown,
            ["id", "constant"]
        );
    }
}

#[test]
fn a_task_is_named_or_refused_with_the_names() {
    for task in StarterTask::ALL {
        assert_eq!(task.name().parse::<StarterTask>(), Ok(task));
    }
    let refused = "translate"
        .parse::<StarterTask>()
        .expect_err("no such task");
    assert!(
        refused.contains("classify, extract and summarise"),
        "{refused}"
    );
}

proptest! {
    /// Each column is shown or left out, never both, and each shown one has its placeholder.
    #[test]
    fn every_column_is_shown_or_left_out_once(
        names in proptest::collection::hash_set("[a-zA-Z {}]{0,6}", 1..40),
        cells in proptest::collection::vec("[a-z0-9 -]{0,12}", 0..200),
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let mut sample = Sample::new(names.clone());
        for row in cells.chunks(names.len()) {
            sample.add(row.to_vec());
        }
        let starter = propose(&sample, StarterTask::Classify);
        if starter.shown.is_empty() {
            prop_assert!(starter.left_out.is_empty());
            return Ok(());
        }
        let mut all: Vec<String> = starter.shown.clone();
        all.extend(starter.left_out.iter().map(|left| left.column.clone()));
        all.sort();
        let mut expected = names;
        expected.sort();
        prop_assert_eq!(all, expected);
        let template = starter.prompts["user_prompt_template"].as_str().unwrap_or_default();
        for column in &starter.shown {
            let placeholder = format!("{{{column}}}");
            prop_assert!(template.contains(&placeholder));
        }
    }
}

//! What a comparison of two results counts, keeps and refuses.

use expect_test::expect_file;
use proptest::prelude::*;
use quarry_comparison::{
    Comparer, ComparisonError, MOST_CATEGORIES, ResultComparison, ResultFacts, Sides, TableColumns,
    in_words,
};
use serde_json::json;

/// The result's cells of a row: kind, score, the status of the answer, whether it is valid, whether there is one, error.
type Results = [&'static str; 6];

/// A row as both results have it: the input's cell, then the cells of each result.
type Row = (&'static str, Results, Results);

const STATUS: [&str; 6] = [
    "parse_status",
    "validation_passed",
    "status",
    "error",
    "raw_response",
    "validation_error",
];

fn names(input: &[&str], prefix: &str, properties: &[&str]) -> Vec<String> {
    let results = properties.iter().chain(&STATUS);
    let results = results.map(|name| format!("{prefix}{name}"));
    input
        .iter()
        .map(|name| (*name).to_owned())
        .chain(results)
        .collect()
}

fn columns(properties: &[&str]) -> TableColumns {
    TableColumns::of(&names(&["id"], "llm_", properties), &[]).expect("a result")
}

fn same_columns() -> Sides<TableColumns> {
    Sides {
        a: columns(&["kind", "score"]),
        b: columns(&["kind", "score"]),
    }
}

fn cells(id: &str, results: [&str; 6]) -> Vec<Option<String>> {
    let results = results.map(str::to_owned).map(Some);
    [Some(id.to_owned())].into_iter().chain(results).collect()
}

fn compare(rows: &[Row]) -> ResultComparison {
    let mut comparer = Comparer::new(&same_columns(), 3).expect("the same input");
    comparer.begin_table("validation_processed_data.csv");
    for (id, a, b) in rows {
        let (a, b) = (cells(id, *a), cells(id, *b));
        comparer.row(&Sides { a: &a, b: &b }).expect("the same row");
    }
    comparer.finish()
}

fn good(kind: &'static str, score: &'static str) -> Results {
    [kind, score, "success", "True", "success", ""]
}

fn invalid() -> Results {
    ["", "", "validation_failed", "False", "success", ""]
}

fn unchecked(kind: &'static str) -> Results {
    [kind, "", "json_only", "False", "success", ""]
}

fn failed(error: &'static str) -> Results {
    ["", "", "error", "False", "error", error]
}

fn letters() -> ResultComparison {
    compare(&[
        ("1", good("bill", "0.5"), good("bill", "0.50")),
        ("2", good("bill", "0.9"), good("praise", "0.7")),
        ("3", good("praise", "1"), good("praise", "1.0")),
        ("4", good("bill", "0.1"), good("praise", "0.1")),
        ("5", good("", "0.3"), good("bill", "0.3")),
        (
            "6",
            failed("400: the record is refused"),
            good("bill", "0.5"),
        ),
        ("7", failed("429: slow\ndown"), failed("503: no")),
        ("8", good("praise", "0.5"), invalid()),
        ("9", good("bill", "0.2"), good("praise", "0.2")),
        ("10", invalid(), invalid()),
    ])
}

fn facts() -> Sides<ResultFacts> {
    let summary = json!({
        "run": "strikes-1",
        "effective_model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tokens": {"input": 1_980_122, "output": 260_310},
        "cost": {"total": "6.430000"},
    });
    Sides {
        a: ResultFacts::new("haiku", Some(&summary)),
        b: ResultFacts::new("nova/validation_processed_data.csv", None),
    }
}

#[test]
fn a_comparison_is_told_in_lines() {
    let text = in_words(&letters(), &facts());
    expect_file!["../expected/letters.txt"].assert_eq(&text);
    let programs = json!({"comparison": letters(), "results": facts()});
    let text = serde_json::to_string_pretty(&programs).expect("JSON") + "\n";
    expect_file!["../expected/letters.json"].assert_eq(&text);
}

#[test]
fn only_rows_that_both_answered_are_compared_and_every_row_counts_once() {
    let rows = letters().rows;
    assert_eq!((rows.total, rows.compared), (10, 8));
    assert_eq!((rows.failed_in_both, rows.invalid_in_both), (1, 1));
    assert_eq!((rows.failed.a, rows.failed.b), (2, 1));
    assert_eq!((rows.answered.a, rows.answered.b), (8, 9));
    assert_eq!((rows.valid.a, rows.valid.b), (Some(7), Some(7)));
    assert_eq!((rows.agree, rows.differ()), (Some(2), Some(5)));
    assert_eq!(rows.failed_anywhere(), 2);
}

/// They have no value in any property, but a gate must not pass on them.
#[test]
fn two_answers_that_break_the_schema_are_counted_apart_and_agree_in_nothing() {
    let found = compare(&[("1", invalid(), invalid()), ("2", invalid(), invalid())]);
    assert_eq!((found.rows.compared, found.rows.invalid_in_both), (2, 2));
    assert_eq!((found.rows.agree, found.rows.differ()), (Some(0), Some(0)));
    for property in &found.properties {
        assert_eq!(property.agree, 0, "{property:?}");
        assert_eq!(property.without_value.a, 2, "{property:?}");
        let pairs = property.confusion.as_ref().map(|matrix| &matrix.pairs);
        assert!(pairs.is_none_or(Vec::is_empty), "{property:?}");
    }
    assert!(found.differing.is_empty());
    let text = in_words(&found, &facts());
    assert!(text.contains("invalid in both    2\n"), "{text}");
    assert!(
        text.contains("0 of 2 rows that both answered (0.0 %)"),
        "{text}"
    );
}

/// Also where the valid answer has no value, and where the table has values of an invalid one.
#[test]
fn a_valid_answer_and_one_that_breaks_the_schema_differ() {
    let odd = ["bill", "0.5", "validation_failed", "False", "success", ""];
    for (a, b) in [
        (good("bill", "0.5"), invalid()),
        (good("", ""), invalid()),
        (good("bill", "0.5"), odd),
        (unchecked("bill"), odd),
    ] {
        let found = compare(&[("1", a, b)]);
        assert_eq!((found.rows.agree, found.rows.differ()), (Some(0), Some(1)));
        assert!(found.properties.iter().all(|property| property.agree == 0));
        assert!(!found.differing[0].invalid.a && found.differing[0].invalid.b);
        let text = in_words(&found, &facts());
        assert!(text.contains("→ invalid answer"), "{text}");
    }
}

#[test]
fn results_without_a_common_property_do_not_agree_and_do_not_differ() {
    let sides = Sides {
        a: columns(&["response"]),
        b: columns(&["kind", "score"]),
    };
    let mut comparer = Comparer::new(&sides, 3).expect("the same input");
    comparer.begin_table("a.csv");
    let row = ["1", "success", "True", "success", ""].map(|cell| Some(cell.to_owned()));
    comparer.row(&Sides { a: &row, b: &row }).expect("a row");
    let found = comparer.finish();
    assert_eq!((found.rows.compared, found.rows.agree), (1, None));
    assert_eq!(found.rows.differ(), None);
    let programs = serde_json::to_value(&found).expect("JSON");
    assert!(programs["rows"]["agree"].is_null(), "{programs}");
    let text = in_words(&found, &facts());
    let line = "same answers       - of 1 rows that both answered (the results have no property in common)";
    assert!(text.contains(line), "{text}");
}

/// Without a schema no answer is checked, so none is valid or invalid.
#[test]
fn a_result_without_a_schema_has_answered_rows_and_no_count_of_valid_ones() {
    let found = compare(&[
        ("1", unchecked("bill"), good("bill", "")),
        ("2", unchecked("praise"), invalid()),
    ]);
    assert_eq!((found.rows.valid.a, found.rows.valid.b), (None, Some(1)));
    assert_eq!((found.rows.answered.a, found.rows.answered.b), (2, 2));
    assert_eq!(found.rows.agree, Some(1));
    let of_lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("answer"));
        lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .take(2)
            .collect()
    };
    let lines = of_lines(&in_words(&found, &facts()));
    assert_eq!(lines, ["answered rows 2 2", "valid answers - 1"]);
    let neither = compare(&[("1", unchecked("bill"), unchecked("bill"))]);
    let text = in_words(&neither, &facts());
    assert!(!text.contains("valid answers"), "{text}");
}

#[test]
fn rows_that_a_result_leaves_out_are_failed_rows() {
    let mut facts = facts();
    facts.a.left_out_rows = Some(12);
    facts.b.left_out_rows = Some(0);
    let text = in_words(&letters(), &facts);
    let line = text.lines().find(|line| line.starts_with("failed rows"));
    let words: Vec<&str> = line.expect("a line").split_whitespace().collect();
    assert_eq!(words.join(" "), "failed rows 14 (12 left out) 1");
}

#[test]
fn the_rows_of_each_table_are_counted_by_what_came_back() {
    let mut comparer = Comparer::new(&same_columns(), 3).expect("the same input");
    let mut take = |a: Results, b: Results| {
        let (a, b) = (cells("1", a), cells("1", b));
        comparer.row(&Sides { a: &a, b: &b }).expect("the same row");
        *comparer.of_table()
    };
    take(good("bill", "1"), invalid());
    let first = take(failed("no"), unchecked("bill"));
    assert_eq!((first.a.valid, first.a.failed, first.a.rows()), (1, 1, 2));
    assert_eq!((first.b.invalid, first.b.unchecked), (1, 1));
    comparer.begin_table("second.csv");
    assert_eq!(comparer.of_table().a.rows(), 0);
}

#[test]
fn the_lists_end_at_their_length_and_name_rows_from_one() {
    let found = letters();
    let rows: Vec<u64> = found.differing.iter().map(|row| row.row).collect();
    assert_eq!(rows, [2, 4, 5]);
    let failed: Vec<u64> = found.failed.iter().map(|row| row.row).collect();
    assert_eq!(failed, [6, 7]);
    assert_eq!(found.failed[0].errors.b, None);
}

#[test]
fn a_property_of_many_values_has_no_matrix_and_long_values_are_cut() {
    let mut comparer = Comparer::new(&same_columns(), 2).expect("the same input");
    comparer.begin_table("a.csv");
    let long = "x".repeat(5_000);
    for number in 0..1_000 {
        let kind = format!("kind {}", number % (MOST_CATEGORIES + 1));
        let a = cells("1", [&kind, "1", "success", "True", "success", ""]);
        let b = cells("1", [&long, "2", "success", "True", "success", ""]);
        comparer.row(&Sides { a: &a, b: &b }).expect("the same row");
    }
    let found = comparer.finish();
    assert_eq!(found.properties[0].confusion, None);
    assert_eq!(found.differing.len(), 2);
    let value = found.differing[0].differences[0].values.b.as_ref();
    assert!(
        value.is_some_and(|value| value.chars().count() == 201),
        "{value:?}"
    );
    let score = found.properties[1].numbers.expect("numbers");
    assert!((score.mean_difference - 1.0).abs() < 1e-12, "{score:?}");
}

#[test]
fn results_of_different_inputs_are_refused_with_the_place() {
    let sides = |a: &[&str], b: &[&str]| Sides {
        a: TableColumns::of(&names(a, "llm_", &["kind"]), &[]).expect("a result"),
        b: TableColumns::of(&names(b, "llm_", &["kind"]), &[]).expect("a result"),
    };
    let error = Comparer::new(&sides(&["id", "text"], &["id"]), 1).expect_err("other columns");
    assert_eq!(
        error,
        ComparisonError::OtherColumns {
            column: "text".to_owned(),
            side: 'a'
        }
    );
    let mut comparer = Comparer::new(&sides(&["id"], &["id"]), 1).expect("the same columns");
    comparer.begin_table("train/train_processed_data.csv");
    let row =
        |id: &str| [id, "x", "success", "True", "success", ""].map(|cell| Some(cell.to_owned()));
    let (one, two) = (row("1"), row("2"));
    comparer
        .row(&Sides { a: &one, b: &one })
        .expect("the same row");
    let error = comparer
        .row(&Sides { a: &one, b: &two })
        .expect_err("another row");
    assert_eq!(
        error.to_string(),
        "row 2 of train/train_processed_data.csv is another one in each result: `id` is `1` in a and `2` in b; \
         compare two results of the same table"
    );
    let error = comparer.ended_early('b').to_string();
    assert!(error.contains("after row 2 in b"), "{error}");
}

#[test]
fn columns_of_input_and_result_are_told_apart() {
    let own = |columns: &[String], properties: &[&str]| {
        let properties: Vec<String> = properties.iter().map(|name| (*name).to_owned()).collect();
        TableColumns::of(columns, &properties)
    };
    let found = own(&names(&["id", ""], "llm_", &["b", "a"]), &[]).expect("a result");
    assert_eq!(found.input, ["id"]);
    assert_eq!(found.properties, ["b", "a"]);
    // The input is itself a result, with the same prefix and another one.
    let chained = names(&["id"], "llm_", &["kind"]);
    let chained: Vec<&str> = chained.iter().map(String::as_str).collect();
    let found = own(&names(&chained, "second_", &["kind"]), &[]).expect("a result");
    assert_eq!((found.input.len(), found.properties.len()), (8, 1));
    let several = names(&["id"], "llm_", &["kind", "score"]);
    let found = own(&several, &["score"]).expect("a result");
    assert_eq!(
        (found.input, found.properties),
        (vec!["id".to_owned()], vec!["score".to_owned()])
    );
    assert!(
        own(&several, &["other"]).is_err_and(|error| error.to_string().contains("`llm_other`"))
    );
    let bare = names(&["id"], "", &["kind"]);
    assert_eq!(own(&bare, &[]), Err(ComparisonError::NoPrefix));
    assert_eq!(own(&bare, &["kind"]).expect("a result").input, ["id"]);
    let table = ["id".to_owned(), "status".to_owned()];
    assert_eq!(own(&table, &[]), Err(ComparisonError::NoResult));
}

#[test]
fn properties_of_only_one_result_are_named_and_not_compared() {
    let sides = Sides {
        a: columns(&["kind", "tags"]),
        b: columns(&["reason", "kind"]),
    };
    let found = Comparer::new(&sides, 1).expect("the same input").finish();
    assert_eq!(found.only_in.a, ["tags"]);
    assert_eq!(found.only_in.b, ["reason"]);
    assert_eq!(found.properties.len(), 1);
}

fn outcome() -> impl Strategy<Value = Results> {
    let kind = prop::sample::select(vec!["", "bill", "praise", "true", "True"]);
    let score = prop::sample::select(vec!["", "1", "1.0", "0.25", "x"]);
    (kind, score, 0..4).prop_map(|(kind, score, came_back)| match came_back {
        0 => failed("503: no"),
        1 => invalid(),
        _ => good(kind, score),
    })
}

proptest! {
    #[test]
    fn figures_add_up_and_change_sides_when_the_results_do(
        rows in prop::collection::vec((outcome(), outcome()), 0..40)
    ) {
        let forward: Vec<Row> = rows.iter().map(|(a, b)| ("1", *a, *b)).collect();
        let backward: Vec<Row> = rows.iter().map(|(a, b)| ("1", *b, *a)).collect();
        let (one, other) = (compare(&forward), compare(&backward));
        prop_assert_eq!(one.rows.agree, other.rows.agree);
        prop_assert_eq!(one.rows.failed.a, other.rows.failed.b);
        let either = one.rows.failed.a + one.rows.failed.b - one.rows.failed_in_both;
        prop_assert_eq!(either, one.rows.failed_anywhere());
        for (of_one, of_other) in one.properties.iter().zip(&other.properties) {
            prop_assert_eq!(of_one.agree, of_other.agree);
            prop_assert_eq!(of_one.without_value.a, of_other.without_value.b);
            let (Some(matrix), Some(mirrored)) = (&of_one.confusion, &of_other.confusion) else {
                prop_assert_eq!(of_one.confusion.is_some(), of_other.confusion.is_some());
                continue;
            };
            let total: u64 = matrix.pairs.iter().map(|pair| pair.rows).sum();
            prop_assert!(total <= one.rows.compared - one.rows.invalid_in_both);
            prop_assert!(one.rows.valid.a.is_some() && total >= of_one.agree);
            prop_assert_eq!(&matrix.values, &mirrored.values);
            for pair in &matrix.pairs {
                prop_assert_eq!(mirrored.rows(pair.b, pair.a), pair.rows);
            }
        }
        let itself: Vec<Row> = rows.iter().map(|(a, _)| ("1", *a, *a)).collect();
        let itself = compare(&itself);
        let valid = itself.rows.compared - itself.rows.invalid_in_both;
        prop_assert_eq!(itself.rows.agree, Some(valid));
        prop_assert!(itself.differing.is_empty());
    }
}

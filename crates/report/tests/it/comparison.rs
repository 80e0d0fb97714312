//! The page about two results.

use crate::page::assert_stands_alone;
use expect_test::expect_file;
use quarry_comparison::{Comparer, ResultComparison, ResultFacts, Sides, TableColumns};
use quarry_report::comparison_page;

/// Returns columns of a result whose only input column is `id`.
fn columns(properties: &[&str]) -> TableColumns {
    let mut names = vec!["id".to_owned()];
    let status = [
        "parse_status",
        "validation_passed",
        "status",
        "error",
        "raw_response",
        "validation_error",
    ];
    names.extend(
        properties
            .iter()
            .chain(&status)
            .map(|name| format!("llm_{name}")),
    );
    TableColumns::of(&names, &[]).expect("a result")
}

fn compare(properties: &[&str], rows: &[[&[&str]; 2]]) -> ResultComparison {
    let sides = Sides {
        a: columns(properties),
        b: columns(properties),
    };
    let mut comparer = Comparer::new(&sides, 20).expect("the same input");
    comparer.begin_table("validation_processed_data.csv");
    for row in rows {
        let [a, b] = row.map(|cells| {
            let cells = ["1"].iter().chain(cells);
            cells
                .map(|cell| Some((*cell).to_owned()))
                .collect::<Vec<_>>()
        });
        comparer.row(&Sides { a: &a, b: &b }).expect("the same row");
    }
    comparer.finish()
}

fn facts(name: &str) -> ResultFacts {
    ResultFacts::new(name, None)
}

#[test]
fn a_comparison_is_a_page() {
    let bill: &[&str] = &["bill", "0.5", "success", "True", "success", ""];
    let praise: &[&str] = &["praise", "0.75", "success", "True", "success", ""];
    let failed: &[&str] = &[
        "",
        "",
        "error",
        "False",
        "error",
        "400: the record is refused",
    ];
    let comparison = compare(
        &["kind", "score"],
        &[
            [bill, bill],
            [bill, praise],
            [praise, praise],
            [praise, praise],
            [bill, failed],
        ],
    );
    let results = Sides {
        a: facts("haiku"),
        b: facts("nova"),
    };
    let page = comparison_page(&comparison, &results);
    assert_stands_alone(&page);
    expect_file!["../expected/comparison.html"].assert_eq(&page);
}

/// Names of files and properties, values and errors.
#[test]
fn markup_in_a_result_stays_text() {
    let bad = "</td></script><script>alert(1)</script><img src=x onerror='x'>";
    let a: &[&str] = &[bad, "success", "True", "success", ""];
    let b: &[&str] = &["x", "success", "True", "success", ""];
    let failed: &[&str] = &["", "error", "False", "error", bad];
    let comparison = compare(&[bad], &[[a, b], [a, b], [a, a], [a, b], [failed, b]]);
    assert!(comparison.properties[0].confusion.is_some());
    let results = Sides {
        a: facts(bad),
        b: facts("nova"),
    };
    let page = comparison_page(&comparison, &results);
    assert!(
        page.matches("&lt;script&gt;alert(1)").count() >= 7,
        "{page}"
    );
    for part in ["<script", "<img", "onerror='"] {
        assert!(!page.contains(part), "{part}");
    }
}

#[test]
fn a_value_that_cannot_be_seen_has_a_label() {
    let cells = |kind: &'static str| [kind, "success", "True", "success", ""];
    let row = |a: &'static str, b: &'static str| (cells(a), cells(b));
    let rows = [
        row("  ", "bill"),
        row("bill", "bill"),
        row("  ", "  "),
        row("bill", "  "),
    ];
    let rows: Vec<[&[&str]; 2]> = rows.iter().map(|(a, b)| [&a[..], &b[..]]).collect();
    let comparison = compare(&["kind"], &rows);
    let page = comparison_page(
        &comparison,
        &Sides {
            a: facts("a"),
            b: facts("b"),
        },
    );
    assert!(page.contains("<td>(2 blanks)</td><td>bill</td>"), "{page}");
    assert!(page.contains("<th scope=\"row\">(2 blanks)</th>"), "{page}");
}

#[test]
fn answers_that_break_the_schema_are_named_and_two_of_them_are_counted_apart() {
    let bill: &[&str] = &["bill", "success", "True", "success", ""];
    let invalid: &[&str] = &["", "validation_failed", "False", "success", ""];
    let comparison = compare(
        &["kind"],
        &[[bill, invalid], [invalid, invalid], [bill, bill]],
    );
    let results = Sides {
        a: facts("a"),
        b: facts("b"),
    };
    let page = comparison_page(&comparison, &results);
    for part in [
        "<td>bill</td><td class=\"bad\">invalid answer</td>",
        "Invalid in both</th><td class=\"n\">1</td><td class=\"n\">33.3 %</td>",
        "With the same answers</th><td class=\"n\">1</td>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_page_about_results_without_a_common_property_claims_no_agreement() {
    let sides = Sides {
        a: columns(&["response"]),
        b: columns(&["kind"]),
    };
    let mut comparer = Comparer::new(&sides, 20).expect("the same input");
    comparer.begin_table("a.csv");
    let a = ["1", "json_only", "False", "success", ""].map(|cell| Some(cell.to_owned()));
    let b = ["1", "success", "True", "success", ""].map(|cell| Some(cell.to_owned()));
    comparer.row(&Sides { a: &a, b: &b }).expect("the same row");
    let mut results = Sides {
        a: facts("a"),
        b: facts("b"),
    };
    results.b.left_out_rows = Some(3);
    let page = comparison_page(&comparer.finish(), &results);
    assert_stands_alone(&page);
    for part in [
        "With the same answers</th><td class=\"n\">–</td><td class=\"n\">–</td>",
        "have no property in common",
        "Answered rows</th><td>1</td><td>1</td>",
        "Valid answers</th><td>–</td><td>1</td>",
        "Failed rows</th><td>0</td><td>3 (3 left out)</td>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

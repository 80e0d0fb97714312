//! What holds for any rows, however they are cut into slices.

use super::*;
use proptest::prelude::*;
use quarry_answer::ParseStatus;

fn names() -> Vec<String> {
    ["a", "b"].map(str::to_owned).to_vec()
}

fn value() -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        Just(FieldValue::Null),
        any::<bool>().prop_map(FieldValue::Bool),
        any::<i64>().prop_map(FieldValue::Integer),
        (0..5_i64).prop_map(FieldValue::Integer),
        (-1e9..1e9_f64).prop_map(FieldValue::Number),
        "[a-c]{0,2}|.{60,80}".prop_map(FieldValue::Text),
        Just(FieldValue::Json("[1,\"a,b\"]".to_owned())),
        Just(FieldValue::BigInteger("9".repeat(400))),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let good = prop::collection::vec(value(), 2).prop_map(|fields| Outcome {
        good: true,
        answered: true,
        parse_status: ParseStatus::Success,
        validation_passed: true,
        fields,
        error: None,
        ..Outcome::failed(0, String::new())
    });
    let failed = "(400|500): [a-z]{1,2}".prop_map(|error| Outcome::failed(0, error));
    prop_oneof![3 => good, 1 => failed]
}

fn profile(rows: &[Outcome], first: usize) -> ProfileTally {
    let mut tally = ProfileTally::new(&names());
    for (row, outcome) in (first as u64..).zip(rows) {
        tally.add(RowPlace { table: 0, row }, outcome, true);
    }
    tally
}

proptest! {
    #[test]
    fn slices_in_any_order_have_the_profile_of_one_pass(
        rows in prop::collection::vec(outcome(), 0..300),
        cuts in prop::array::uniform2(0..300_usize),
    ) {
        let whole = profile(&rows, 0);
        let mut cuts = cuts.map(|cut| cut.min(rows.len()));
        cuts.sort_unstable();
        let [first, second] = cuts;
        let mut sum = ProfileTally::new(&names());
        for (slice, at) in [
            (&rows[second..], second),
            (&rows[..first], 0),
            (&rows[first..second], first),
        ] {
            let stored = serde_json::to_string(&profile(slice, at)).unwrap();
            sum.merge(&serde_json::from_str(&stored).unwrap());
        }
        let summaries = [&sum, &whole].map(|tally| serde_json::to_string(&tally.summary(&[None])).unwrap());
        prop_assert_eq!(&summaries[0], &summaries[1]);
    }
}

/// The largest profile: every property has as many long values as can be kept, and ranges of numbers.
#[test]
fn a_profile_stays_small_whatever_the_rows_are() {
    let names: Vec<String> = (0..300).map(|number| format!("p{number}")).collect();
    let mut tally = ProfileTally::new(&names);
    for row in 0..2_000_u16 {
        let value = if row % 2 == 0 {
            FieldValue::Text("\u{1}".repeat(usize::from(row) % 70))
        } else {
            FieldValue::Number(f64::from(row).powi(i32::from(row) % 90))
        };
        let outcome = Outcome {
            answered: true,
            validation_passed: true,
            fields: vec![value; names.len()],
            ..Outcome::failed(0, String::new())
        };
        let place = RowPlace {
            table: 0,
            row: u64::from(row),
        };
        tally.add(place, &outcome, true);
        tally.add(
            place,
            &Outcome::failed(0, format!("reason {}", "x".repeat(usize::from(row)))),
            true,
        );
    }
    assert!(serde_json::to_string(&tally).unwrap().len() < 4 << 20);
    let summary = tally.summary(&[None]);
    assert_eq!(
        (summary.properties.len(), summary.properties_left_out),
        (MOST_PROPERTIES, 100)
    );
    assert!(summary.failures.len() <= MOST_REASONS);
}

#[test]
fn values_are_shown_only_if_they_are_short_and_repeat() {
    let long = "x".repeat(LONGEST_SHOWN + 1);
    let texts = ["gull", "gull", "owl", &long, &long];
    let rows: Vec<Outcome> = texts
        .iter()
        .map(|text| Outcome {
            answered: true,
            validation_passed: true,
            fields: vec![FieldValue::Text((*text).to_owned())],
            ..Outcome::failed(0, String::new())
        })
        .collect();
    let tally = profile(&rows, 0);
    assert!(!serde_json::to_string(&tally).unwrap().contains(&long));
    let summary = tally.summary(&[None]);
    let first = &summary.properties[0];
    assert_eq!((first.values, first.distinct), (5, Some(3)));
    let shown: Vec<(&str, u64)> = first
        .most_frequent
        .iter()
        .map(|it| (it.value.as_str(), it.rows))
        .collect();
    assert_eq!(shown, [("gull", 2)]);
    assert_eq!(summary.properties[1].nulls, 5);
}

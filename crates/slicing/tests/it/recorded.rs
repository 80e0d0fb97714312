//! Sizes of a job's input, as the Python program that Quarry replaces estimated them.
//!
//! Each case of `tests/recorded/size_estimate.json` has its records (or says how to make them), the
//! program's estimate (`expected`), the size of the program's lines (`actual_bytes`), and the size
//! by this crate (`ours`) with the `reason`.

use quarry_slicing::{Marks, Place, RowSize, SliceLimits};
use serde_json::{Value, json};

#[test]
fn recorded_sizes_are_counted_and_not_estimated() {
    let cases: Value =
        serde_json::from_str(include_str!("../recorded/size_estimate.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let mut marks = Marks::new(SliceLimits {
            max_records: 45_000,
            max_bytes: 943_718_400,
            min_records: 1,
            max_row_bytes: u64::MAX,
        })
        .unwrap();
        let mut place = Place::default();
        for record in records(case) {
            let bytes = record.to_string().len() as u64 + 1;
            let size = RowSize {
                row: 1,
                record: bytes,
            };
            marks.row(place, size, true);
            place.row += 1;
            place.byte += bytes;
        }
        let counted: u64 = marks.cut(place).iter().map(|slice| slice.bytes).sum();
        assert_eq!(json!(counted), case["ours"], "{}", case["description"]);
        assert!(case["reason"].is_string(), "{}", case["description"]);
    }
}

fn records(case: &Value) -> Vec<Value> {
    if let Value::Array(records) = &case["records"] {
        return records.clone();
    }
    match case["generator"].as_str().unwrap() {
        r#"{"a": "x"*(i%50)} for i in 0..1200"# => (0..1200)
            .map(|number| json!({ "a": "x".repeat(number % 50) }))
            .collect(),
        r#"500 x {"a":1} then 500 x {"a":"x"*1000}"# => {
            let mut records = vec![json!({ "a": 1 }); 500];
            records.resize(1000, json!({ "a": "x".repeat(1000) }));
            records
        }
        other => panic!("no generator {other}"),
    }
}

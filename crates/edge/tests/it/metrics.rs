//! Promise: the output is a document of CloudWatch's embedded metric format, and the documentation
//! names every metric.

use quarry_edge::metrics::{EmbeddedMetrics, Metric, Metrics, document};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// `StandardUnit` of `PutMetricData`, as the format's specification lists it.
const UNITS: &str = "Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|\
    Bits|Kilobits|Megabits|Gigabits|Terabits|Percent|Count|Bytes/Second|Kilobytes/Second|\
    Megabytes/Second|Gigabytes/Second|Terabytes/Second|Bits/Second|Kilobits/Second|\
    Megabits/Second|Gigabits/Second|Terabits/Second|Count/Second|None";

fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value
        .get(name)
        .unwrap_or_else(|| panic!("no `{name}` in {value}"))
}

fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

fn text(value: &Value, longest: usize) -> &str {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"));
    assert!((1..=longest).contains(&text.len()), "length of {text}");
    text
}

/// Checks the rules of the specification. Returns the metrics with their values and dimensions.
pub(crate) fn read(document: &Value) -> Vec<(String, f64, Vec<String>)> {
    let metadata = member(document, "_aws");
    assert_eq!(members(metadata), ["CloudWatchMetrics", "Timestamp"]);
    assert!(member(metadata, "Timestamp").is_u64());
    let mut found = Vec::new();
    for directive in member(metadata, "CloudWatchMetrics").as_array().unwrap() {
        assert_eq!(members(directive), ["Dimensions", "Metrics", "Namespace"]);
        assert_eq!(text(member(directive, "Namespace"), 255), "Quarry");
        let sets = member(directive, "Dimensions").as_array().unwrap();
        assert_eq!(
            sets.len(),
            1,
            "each set is a metric of its own, and paid for"
        );
        let set = sets[0].as_array().unwrap();
        assert!(set.len() <= 9);
        let set: Vec<String> = set.iter().map(|name| text(name, 255).to_owned()).collect();
        for name in &set {
            text(member(document, name), 1024);
        }
        let definitions = member(directive, "Metrics").as_array().unwrap();
        assert!((1..=100).contains(&definitions.len()));
        for definition in definitions {
            assert_eq!(members(definition), ["Name", "Unit"]);
            let unit = text(member(definition, "Unit"), 255);
            assert!(UNITS.split('|').any(|known| known == unit), "{unit}");
            let name = text(member(definition, "Name"), 255);
            let value = member(document, name).as_f64().unwrap();
            found.push((name.to_owned(), value, set.clone()));
        }
    }
    found
}

#[test]
fn a_document_holds_the_specification() {
    let values: Vec<(Metric, u64)> = Metric::ALL.iter().copied().zip(1..).collect();
    let at = Duration::from_millis(1_767_323_045_678);
    let document = document("my-stack", "check", at, &values);
    let found = read(&document);
    assert_eq!(document["_aws"]["Timestamp"], 1_767_323_045_678_u64);
    assert_eq!(document["Deployment"], "my-stack");
    assert_eq!(document["Function"], "check");
    assert_eq!(found.len(), values.len());
    for (metric, value) in values {
        let (_, read, dimensions) = found
            .iter()
            .find(|(name, ..)| name == metric.name())
            .unwrap();
        assert!((read - f64::from(u32::try_from(value).unwrap())).abs() < f64::EPSILON);
        let expected: &[&str] = match metric {
            Metric::FunctionMilliseconds => &["Deployment", "Function"],
            _ => &["Deployment"],
        };
        assert_eq!(dimensions, expected, "{metric:?}");
    }
}

#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_emission_is_one_line_in_one_write() {
    let out = Out::default();
    let metrics = EmbeddedMetrics::new("my-stack".to_owned(), "submit", out.clone());
    metrics.emit(&[(Metric::JobsCreated, 1)]);
    metrics.emit(&[
        (Metric::FunctionMilliseconds, 12),
        (Metric::FunctionErrors, 0),
    ]);
    let writes = out.0.lock().unwrap();
    assert_eq!(writes.len(), 2);
    for line in writes.iter() {
        let (end, line) = line.split_last().unwrap();
        assert_eq!(*end, b'\n');
        assert!(!line.contains(&b'\n'));
        assert!(!read(&serde_json::from_slice(line).unwrap()).is_empty());
    }
}

/// Reads the table of `docs/telemetry.md`.
#[test]
fn the_documentation_has_every_metric_with_its_unit_and_no_other() {
    let text = include_str!("../../../../docs/telemetry.md");
    let documented: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((cells.next()?.trim_end_matches('`'), cells.next()?))
        })
        .filter(|(name, _)| name.starts_with(char::is_uppercase))
        .collect();
    let known: Vec<(&str, &str)> = Metric::ALL
        .iter()
        .map(|metric| (metric.name(), metric.unit()))
        .collect();
    assert_eq!(documented, known);
}

/// Returns the names of metrics that alarms and the dashboard of `infra/template.yaml` read.
fn read_by_the_template() -> BTreeSet<&'static str> {
    let template = include_str!("../../../../infra/template.yaml");
    let mut names = BTreeSet::new();
    let (mut alarm, mut widget) = (false, false);
    for line in template.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("MetricName: ").filter(|_| alarm) {
            names.insert(name);
        }
        alarm = line == "Namespace: Quarry";
        // A widget's first line names the namespace, the others repeat it with a dot.
        let own = line.strip_prefix("[\"Quarry\", \"");
        let repeated = line.strip_prefix("[\".\", \"").filter(|_| widget);
        if let Some(rest) = own.or(repeated) {
            names.extend(rest.split('"').next().filter(|name| *name != "."));
        }
        widget = (own.is_some() || repeated.is_some()) && !line.contains("]]}}");
    }
    names
}

#[test]
fn alarms_and_the_dashboard_read_every_metric_and_no_other() {
    let known: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let read = read_by_the_template();
    let unknown: Vec<_> = read.difference(&known).collect();
    assert!(unknown.is_empty(), "nobody emits {unknown:?}");
    let unread: Vec<_> = known.difference(&read).collect();
    assert_eq!(unread, [&"SlicesPlanned"], "beside slices, all are shown");
}

//! A job's work: checking its input, and writing the answers to its output.
//!
//! Memory is bounded by the longest line and one window of output lines, whatever the input's size.
//! As in the service, the lines are not in order: they are shuffled inside windows of
//! [`WINDOW_LINES`] lines or [`WINDOW_BYTES`] bytes, and the order of a line's keys varies. Both
//! depend only on the job's id. `modelInput` is echoed byte for byte.

use crate::bodies::Bodies;
use crate::config::Limits;
use crate::faults::RecordFaultKind;
use crate::hash::{Random, hash};
use crate::late::{LateObject, Lateness, OutputObject};
use crate::record::{AskedRecord, Model, RecordAsker, Refusal};
use crate::rules::{JobRequest, Location};
use crate::share::is_in_share;
use crate::storage::{self, File, Lines};
use aws_sdk_s3::Client;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

const WINDOW_LINES: usize = 4_096;
const WINDOW_BYTES: usize = 8 << 20;

/// A checked input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) files: Vec<File>,
    pub(crate) records: u64,
}

/// The totals of a job's work: the members of its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WorkTotals {
    pub(crate) total: u64,
    pub(crate) processed: u64,
    pub(crate) success: u64,
    pub(crate) error: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

/// One input line. `modelInput` is kept as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow, default)]
    record_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model_input: &'a RawValue,
}

/// Makes the checks of the status `Validating`. The error is the job's message.
pub(crate) async fn validate(
    s3: &Client,
    job_arn: &str,
    at: &Location,
    limits: &Limits,
) -> Result<Input, String> {
    let files = storage::inputs(s3, at).await?;
    let job_bytes: u64 = files.iter().map(|file| file.size).sum();
    if job_bytes > limits.max_job_bytes {
        return Err(format!(
            "The input of the job has {job_bytes} bytes, which exceeds the quota of {} bytes.",
            limits.max_job_bytes
        ));
    }
    let mut records = 0;
    for file in &files {
        if file.size > limits.max_file_bytes {
            return Err(format!(
                "The input file {} has {} bytes, which exceeds the quota of {} bytes.",
                file.uri(),
                file.size,
                limits.max_file_bytes
            ));
        }
        let in_file = validate_file(s3, file).await?;
        if in_file > limits.max_records_per_file {
            return Err(format!(
                "The input file {} has {in_file} records, which exceeds the quota of {} records \
                 per file.",
                file.uri(),
                limits.max_records_per_file
            ));
        }
        records += in_file;
    }
    if records > limits.max_records_per_job {
        return Err(format!(
            "The job has {records} records, which exceeds the quota of {} records per job.",
            limits.max_records_per_job
        ));
    }
    if records < limits.min_records_per_job.max(1) {
        return Err(format!(
            "Batch job {job_arn} contains less records ({records}) than the required minimum of: {}",
            limits.min_records_per_job.max(1)
        ));
    }
    Ok(Input { files, records })
}

async fn validate_file(s3: &Client, file: &File) -> Result<u64, String> {
    let mut lines = Lines::new(s3, file);
    let mut records = 0;
    while let Some(line) = lines.next().await? {
        records += 1;
        if let Err(problem) = read_line(&line) {
            return Err(format!(
                "Line {records} of the input file {} is not valid: {problem}.",
                file.uri()
            ));
        }
    }
    Ok(records)
}

fn read_line(line: &[u8]) -> Result<Line<'_>, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let read: Line<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if read.model_input.get().starts_with('{') {
        Ok(read)
    } else {
        Err("modelInput is no JSON object".to_owned())
    }
}

/// Everything that a job needs to do its work.
#[derive(Debug)]
pub(crate) struct SimulatedWork<'a> {
    pub(crate) s3: &'a Client,
    pub(crate) model: &'a Model,
    pub(crate) request: &'a JobRequest,
    pub(crate) job_id: &'a str,
    pub(crate) input: &'a Input,
    /// The share of the records to process.
    pub(crate) share: f64,
    /// What of the output is late.
    pub(crate) lateness: Lateness,
}

impl SimulatedWork<'_> {
    /// Writes the answers to the job's records into its folder, and then the manifest. Returns what
    /// has to be written later, too.
    pub(crate) async fn run(&self) -> Result<(WorkTotals, Vec<LateObject>), String> {
        let mut late = Vec::new();
        let mut totals = WorkTotals {
            total: self.input.records,
            ..WorkTotals::default()
        };
        let mut position = 0;
        for file in &self.input.files {
            let mut output = self.output(self.output_key(&format!("{}.out", file.name())));
            let written = self
                .answer_file(file, &mut output, &mut position, &mut totals)
                .await;
            match written {
                Ok(()) => late.extend(output.finish().await?),
                Err(problem) => {
                    output.abort().await;
                    return Err(problem);
                }
            }
        }
        let manifest = serde_json::json!({
            "totalRecordCount": totals.total,
            "processedRecordCount": totals.processed,
            "successRecordCount": totals.success,
            "errorRecordCount": totals.error,
            "inputTokenCount": totals.input_tokens,
            "outputTokenCount": totals.output_tokens,
            "inputAudioSecond": 0,
        });
        let key = self.output_key("manifest.json.out");
        let bucket = &self.request.output.bucket;
        let mut output = OutputObject::of_manifest(self.s3, bucket, key, &self.lateness);
        output.write(manifest.to_string().as_bytes()).await?;
        late.extend(output.finish().await?);
        Ok((totals, late))
    }

    fn output(&self, key: String) -> OutputObject<'_> {
        OutputObject::of_lines(self.s3, &self.request.output.bucket, key, &self.lateness)
    }

    fn output_key(&self, name: &str) -> String {
        let folder = &self.request.output.key;
        let slash = if folder.is_empty() { "" } else { "/" };
        format!("{folder}{slash}{}/{name}", self.job_id)
    }

    async fn answer_file(
        &self,
        file: &File,
        output: &mut OutputObject<'_>,
        position: &mut u64,
        totals: &mut WorkTotals,
    ) -> Result<(), String> {
        let mut random = Random::new(hash(self.job_id.as_bytes()) ^ hash(file.key.as_bytes()));
        let mut lines = Lines::new(self.s3, file);
        let mut bodies = Bodies::default();
        let mut window: Vec<String> = Vec::new();
        let mut window_bytes = 0;
        while let Some(line) = lines.next().await? {
            if is_in_share(*position, self.share) {
                let before = window.len();
                let read = read_line(&line)?;
                let body = bodies
                    .read(read.model_input.get())
                    .map_err(|error| error.to_string())?;
                self.answer_line(&read, body, *position, &mut random, &mut window, totals);
                window_bytes += window[before..].iter().map(String::len).sum::<usize>();
            }
            *position += 1;
            if window.len() >= WINDOW_LINES || window_bytes >= WINDOW_BYTES {
                flush(&mut window, &mut random, output).await?;
                window_bytes = 0;
                // Other requests get their turn between windows.
                tokio::task::yield_now().await;
            }
        }
        flush(&mut window, &mut random, output).await
    }

    fn answer_line(
        &self,
        line: &Line<'_>,
        body: &Value,
        position: u64,
        random: &mut Random,
        window: &mut Vec<String>,
        totals: &mut WorkTotals,
    ) {
        // The service generates ids for records that have none.
        let record_id = line
            .record_id
            .clone()
            .unwrap_or_else(|| random.id(11).to_ascii_uppercase().into());
        let asked = self.model.ask(
            &self.request.model_id,
            self.request.converse,
            body,
            RecordAsker::Job {
                record_id: &record_id,
                position,
            },
        );
        totals.processed += 1;
        match &asked.result {
            Ok(answered) => {
                totals.success += 1;
                totals.input_tokens += answered.input_tokens;
                totals.output_tokens += answered.output_tokens;
                if let Some(other) = &answered.other {
                    totals.input_tokens += other.input_tokens;
                    totals.output_tokens += other.output_tokens;
                }
            }
            Err(_) => totals.error += 1,
        }
        write_lines(&record_id, line.model_input.get(), &asked, random, window);
    }
}

async fn flush(
    window: &mut Vec<String>,
    random: &mut Random,
    output: &mut OutputObject<'_>,
) -> Result<(), String> {
    random.shuffle(window);
    for line in window.drain(..) {
        output.write(line.as_bytes()).await?;
    }
    Ok(())
}

/// Returns the record's lines: one, unless its fault says otherwise.
fn write_lines(
    record_id: &str,
    input: &str,
    asked: &AskedRecord,
    random: &mut Random,
    window: &mut Vec<String>,
) {
    let (name, result) = match &asked.result {
        Ok(answered) => ("modelOutput", json_text(&answered.output)),
        Err(refusal) => ("error", error_member(refusal)),
    };
    let line = write_line(record_id, input, name, &result, random);
    match asked.line {
        Some(RecordFaultKind::Missing) => {}
        Some(RecordFaultKind::Duplicate) => {
            window.push(line.clone());
            window.push(line);
        }
        Some(RecordFaultKind::ConflictingDuplicate) => {
            window.push(line);
            let other = asked.result.as_ref().ok().and_then(|a| a.other.as_ref());
            if let Some(other) = other {
                let other = json_text(&other.output);
                window.push(write_line(record_id, input, name, &other, random));
            }
        }
        Some(RecordFaultKind::UnknownId) => {
            let unknown = format!("unknown-{}", random.id(8));
            window.push(write_line(&unknown, input, name, &result, random));
        }
        Some(RecordFaultKind::MalformedLine) => {
            // Cuts the line in the middle, as if its writer had died.
            let mut end = line.len() / 2;
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            window.push(format!("{}\n", &line[..end]));
        }
        _ => window.push(line),
    }
}

/// Returns the JSON text of an output. `Value::to_string` gives the same, but through a formatter, which takes longer.
fn json_text(output: &Value) -> String {
    serde_json::to_string(output).unwrap_or_default()
}

fn error_member(refusal: &Refusal) -> String {
    let error = serde_json::json!({
        "errorCode": refusal.code,
        "errorMessage": refusal.message,
        "expired": refusal.expired,
        "retryable": refusal.retryable,
    });
    error.to_string()
}

fn write_line(
    record_id: &str,
    input: &str,
    name: &str,
    result: &str,
    random: &mut Random,
) -> String {
    let record_id = Value::from(record_id).to_string();
    let mut members = [
        ("recordId", record_id.as_str()),
        ("modelInput", input),
        (name, result),
    ];
    random.shuffle(&mut members);
    // The longest part of a line is the echoed input, so the line gets its whole room at once.
    let mut line = String::with_capacity(record_id.len() + input.len() + result.len() + 64);
    for (index, (name, json)) in members.into_iter().enumerate() {
        line.push_str(if index == 0 { "{\"" } else { ",\"" });
        line.push_str(name);
        line.push_str("\":");
        line.push_str(json);
    }
    line.push_str("}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_object_with_an_object_in_it() {
        let read = read_line(br#"{"recordId":"r\u00e4","modelInput":{"a": 1.50}}"#).unwrap();
        assert_eq!(read.record_id.as_deref(), Some("rä"));
        assert_eq!(read.model_input.get(), r#"{"a": 1.50}"#);
        assert!(read_line(br#"{"modelInput":{}}"#).is_ok());
        for bad in [
            &b""[..],
            b"[]",
            b"{\"recordId\":\"r\"}",
            b"{\"recordId\":1,\"modelInput\":{}}",
            b"{\"modelInput\":\"text\"}",
            b"{\"modelInput\":{}} x",
            b"\xff",
        ] {
            assert!(read_line(bad).is_err(), "{bad:?}");
        }
    }
}

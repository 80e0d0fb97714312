//! Writes one line of batch input for each row.

use crate::error::RenderError;
use crate::sink::JsonString;
use crate::template::{RenderOptions, Scratch, Template};
use crate::truncation::Truncation;
use quarry_table::Cells;
use quarry_table::json_text::{escape_into, write_string};
use serde_json::Value;

/// Writes records: compact JSON, one object per line, each line ended by `\n`.
///
/// The part that all records share is written once, when the encoder is created. For a record that
/// text is copied and the row's values are escaped.
#[derive(Debug, Clone)]
pub struct RecordEncoder {
    body: RequestBody,
    template: Template,
    options: RenderOptions,
    scratch: Scratch,
}

impl RecordEncoder {
    /// Creates an encoder for requests like `body`. Exactly one string value of it must be
    /// `prompt_slot`, which the prompt replaces.
    pub fn new(
        body: &Value,
        prompt_slot: &str,
        template: Template,
        options: RenderOptions,
    ) -> Result<Self, RenderError> {
        Ok(Self {
            body: RequestBody::new(body, prompt_slot)?,
            template,
            options,
            scratch: Scratch::default(),
        })
    }

    /// The text around the prompt in every record.
    pub fn body(&self) -> &RequestBody {
        &self.body
    }

    /// The template. Rows must be projected to its columns.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// How values become text.
    pub fn options(&self) -> &RenderOptions {
        &self.options
    }

    /// Appends the record of one row: `{"recordId":…,"modelInput":…}` and a line feed. Returns its
    /// length in bytes.
    ///
    /// Pass `counts` only when the record is final, because a run may render a row more than once.
    pub fn encode(
        &mut self,
        out: &mut Vec<u8>,
        record_id: &str,
        row: &impl Cells,
        counts: Option<&mut Truncation>,
    ) -> usize {
        let start = out.len();
        out.extend_from_slice(b"{\"recordId\":\"");
        escape_into(out, record_id);
        out.extend_from_slice(b"\",\"modelInput\":");
        self.model_input(out, row, counts);
        out.extend_from_slice(b"}\n");
        out.len() - start
    }

    /// Appends only the request body of one row, for a single request. Returns its length in bytes.
    pub fn model_input(
        &mut self,
        out: &mut Vec<u8>,
        row: &impl Cells,
        counts: Option<&mut Truncation>,
    ) -> usize {
        let start = out.len();
        out.extend_from_slice(&self.body.before);
        self.template.render_into(
            &mut JsonString(out),
            row,
            &self.options,
            &mut self.scratch,
            counts,
        );
        out.extend_from_slice(&self.body.behind);
        out.len() - start
    }
}

/// A request body without its prompt. The bytes before and after it are the same in every record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestBody {
    /// Up to the prompt, including its opening quote.
    before: Vec<u8>,
    /// From the prompt's closing quote on.
    behind: Vec<u8>,
}

impl RequestBody {
    /// Splits a body in which exactly one string value is `prompt_slot`.
    pub fn new(body: &Value, prompt_slot: &str) -> Result<Self, RenderError> {
        let mut halves = Halves {
            slot: prompt_slot,
            out: Vec::new(),
            cut: 0,
            found: 0,
        };
        halves.write(body);
        if halves.found != 1 {
            return Err(RenderError::PromptSlot {
                found: halves.found,
            });
        }
        let behind = halves.out.split_off(halves.cut);
        Ok(Self {
            before: halves.out,
            behind,
        })
    }

    /// Returns a request body with this prompt.
    pub fn with_prompt(&self, prompt: &str) -> Vec<u8> {
        let mut body = self.before.clone();
        let mut quoted = Vec::new();
        write_string(&mut quoted, prompt);
        // Both halves contain the slot's own quotes.
        body.extend_from_slice(&quoted[1..quoted.len() - 1]);
        body.extend_from_slice(&self.behind);
        body
    }

    /// Returns the request body of `other` with the prompt of a record. `None` if the record was
    /// not written with this body.
    ///
    /// The prompt is copied with its escapes, so the row is not needed.
    pub fn moved_to(&self, other: &Self, model_input: &[u8]) -> Option<Vec<u8>> {
        let prompt = model_input
            .strip_prefix(self.before.as_slice())?
            .strip_suffix(self.behind.as_slice())?;
        Some([&other.before, prompt, &other.behind].concat())
    }
}

/// Writes a body as compact JSON and notes where the prompt goes.
struct Halves<'a> {
    slot: &'a str,
    out: Vec<u8>,
    /// The position after the opening quote of the slot.
    cut: usize,
    found: usize,
}

impl Halves<'_> {
    fn write(&mut self, value: &Value) {
        match value {
            Value::String(text) if text == self.slot => {
                self.found += 1;
                self.out.push(b'"');
                self.cut = self.out.len();
                self.out.push(b'"');
            }
            Value::String(text) => write_string(&mut self.out, text),
            Value::Array(items) => {
                self.out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    self.comma(index);
                    self.write(item);
                }
                self.out.push(b']');
            }
            Value::Object(members) => {
                self.out.push(b'{');
                for (index, (key, member)) in members.iter().enumerate() {
                    self.comma(index);
                    write_string(&mut self.out, key);
                    self.out.push(b':');
                    self.write(member);
                }
                self.out.push(b'}');
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.out.extend_from_slice(value.to_string().as_bytes());
            }
        }
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }
}

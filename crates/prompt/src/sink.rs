//! The targets of rendering: the prompt itself, or the inside of a JSON string.

use quarry_table::json_text::escape_into;

/// Text that is known before the first row, in both forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fixed {
    pub(crate) plain: String,
    escaped: Vec<u8>,
}

impl From<String> for Fixed {
    fn from(plain: String) -> Self {
        let mut escaped = Vec::new();
        escape_into(&mut escaped, &plain);
        Self { plain, escaped }
    }
}

pub(crate) trait Sink {
    /// Appends prepared text.
    fn fixed(&mut self, text: &Fixed);
    /// Appends text of a row.
    fn text(&mut self, text: &str);
}

/// The prompt as a person reads it.
impl Sink for String {
    fn fixed(&mut self, text: &Fixed) {
        self.push_str(&text.plain);
    }

    fn text(&mut self, text: &str) {
        self.push_str(text);
    }
}

/// The prompt as the inside of a JSON string.
pub(crate) struct JsonString<'a>(pub(crate) &'a mut Vec<u8>);

impl Sink for JsonString<'_> {
    fn fixed(&mut self, text: &Fixed) {
        self.0.extend_from_slice(&text.escaped);
    }

    fn text(&mut self, text: &str) {
        escape_into(self.0, text);
    }
}

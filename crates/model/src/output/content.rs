//! The content of an answer, or why it cannot be read.

use std::borrow::Cow;

/// The part of an answer that contains the result.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AnswerContent<'a> {
    /// The input of a tool call, as JSON text.
    Tool(Cow<'a, str>),
    /// The inputs of several calls of the same tool, as JSON texts: two or more that differ.
    Tools(Vec<Cow<'a, str>>),
    /// One or more calls, and the text blocks behind the last one, joined. The text is not blank.
    Followed {
        /// The calls: [`Tool`](Self::Tool) or [`Tools`](Self::Tools).
        calls: Box<AnswerContent<'a>>,
        /// The text behind them, which may take them back.
        text: Cow<'a, str>,
    },
    /// Several candidates (`choices`, `outputs`, `results`, `generations`) that differ, two or more. None
    /// of them is empty.
    Candidates(Vec<AnswerContent<'a>>),
    /// Answer text: all text blocks joined, without reasoning.
    Text(Cow<'a, str>),
    /// A vector, as JSON text.
    Embedding(Cow<'a, str>),
    /// The answer has no content.
    #[default]
    Empty,
}

impl AnswerContent<'_> {
    /// Returns everything that the model said, each call and candidate on a line of its own; `None` if
    /// there is nothing.
    pub fn raw(&self) -> Option<String> {
        match self {
            Self::Tool(text) | Self::Text(text) | Self::Embedding(text) => Some(text.to_string()),
            Self::Tools(calls) => Some(calls.join("\n")),
            Self::Followed { calls, text } => {
                let calls = calls.raw().unwrap_or_default();
                Some(format!("{calls}\n{text}"))
            }
            Self::Candidates(all) => {
                let all: Vec<String> = all.iter().filter_map(Self::raw).collect();
                Some(all.join("\n"))
            }
            Self::Empty => None,
        }
    }
}

/// A model output from which nothing can be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableOutput {
    /// The output, or the part with the answer, does not match its shape.
    #[error("model output is not readable: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The output has none of the members that can contain an answer.
    #[error(
        "model output has no known shape: none of content, output, generation, generations, outputs, \
         choices, results, completion, text, embedding, embeddings is present"
    )]
    UnknownShape,
}

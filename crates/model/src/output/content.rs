//! The content of an answer, or why it cannot be read.

use std::borrow::Cow;

/// The part of an answer that contains the result.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AnswerContent<'a> {
    /// The input of a tool call, as JSON text.
    Tool(Cow<'a, str>),
    /// The inputs of several calls of the same tool, as JSON texts: two or more that differ.
    Tools(Vec<Cow<'a, str>>),
    /// Answer text: all text blocks joined, without reasoning.
    Text(Cow<'a, str>),
    /// A vector, as JSON text.
    Embedding(Cow<'a, str>),
    /// The answer has no content.
    #[default]
    Empty,
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

//! Proposes the first prompts and the first schema for a table, to be edited by a person.
//!
//! A new user has a table and no prompts. This crate looks at a sample of the rows and chooses the
//! columns that a model can use: free text first, then the others in the order of the table.
//! Columns that tell a model nothing are left out, each with its reason. The crate does no input or
//! output.
//!
//! ```
//! use quarry_starter::{Sample, StarterTask, left_out_in_words, propose};
//!
//! let mut sample = Sample::new(vec!["id".to_owned(), "letter".to_owned()]);
//! sample.add(vec!["1".to_owned(), "The parcel arrived broken and wet.".to_owned()]);
//! sample.add(vec!["2".to_owned(), "Thank you for the quick reply.".to_owned()]);
//! sample.add(vec!["3".to_owned(), "Where is my order of last week?".to_owned()]);
//!
//! let starter = propose(&sample, StarterTask::Classify);
//! assert_eq!(starter.shown, ["letter"]);
//! assert_eq!(left_out_in_words(&starter.left_out), "id (an identifier)");
//! assert!(starter.schema["properties"]["label"]["enum"].is_array());
//! ```

mod column;
mod sample;
mod task;

pub use column::{LeftOut, MOST_CATEGORIES, Unusable};
pub use sample::Sample;
pub use task::StarterTask;

use column::Traits;
use serde_json::{Value, json};

/// The most columns that are named as left out for the same reason.
const MOST_NAMED: usize = 5;

/// The most columns that proposed prompts show. A person can add more.
pub const MOST_COLUMNS: usize = 20;

/// Files that are ready to be edited, and what they were made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Starter {
    /// The content of `prompts.json`.
    pub prompts: Value,
    /// The content of the schema file.
    pub schema: Value,
    /// The columns that the prompt shows, in its order. Without one, the prompt shows the whole row.
    pub shown: Vec<String>,
    /// The other columns, in the order of the table.
    pub left_out: Vec<LeftOut>,
    /// A column of few values, with these values: an example of what an `enum` of the schema may
    /// contain.
    pub categories: Option<(String, Vec<String>)>,
}

/// Proposes prompts and a schema for the table of the sample. If there is a reason against each column, all
/// columns whose names can be placeholders are shown.
pub fn propose(sample: &Sample, task: StarterTask) -> Starter {
    let traits: Vec<Traits<'_>> = sample.columns().map(Traits::of).collect();
    let (mut chosen, mut left_out) = sorted_out(&traits, Traits::unusable);
    if chosen.is_empty() {
        (chosen, left_out) = sorted_out(&traits, Traits::unnameable);
    }
    // The sort is stable: within each group, the columns stay in the order of the table.
    chosen.sort_by_key(|traits| !traits.is_free_text());
    for traits in chosen.drain(MOST_COLUMNS.min(chosen.len())..) {
        left_out.push(traits.left_out(Unusable::TooMany));
    }
    starter(&traits, &chosen, left_out, task)
}

/// Proposes prompts and a schema for a sample whose columns a person has chosen. All of them are
/// shown, in the order of the sample, whatever their values are, except for those whose names cannot
/// be placeholders.
pub fn propose_of_chosen(sample: &Sample, task: StarterTask) -> Starter {
    let traits: Vec<Traits<'_>> = sample.columns().map(Traits::of).collect();
    let (chosen, left_out) = sorted_out(&traits, Traits::unnameable);
    starter(&traits, &chosen, left_out, task)
}

/// Returns the columns that are left out, in words for people: those with the same reason together.
pub fn left_out_in_words(left_out: &[LeftOut]) -> String {
    let mut groups: Vec<(Unusable, Vec<&str>)> = Vec::new();
    for LeftOut { column, why } in left_out {
        match groups.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, columns)) => columns.push(column),
            None => groups.push((*why, vec![column])),
        }
    }
    let groups = groups.iter().map(|(why, columns)| {
        let nameless = columns.iter().filter(|name| name.is_empty()).count();
        let with_name = columns.iter().filter(|name| !name.is_empty());
        let more = columns.len() - nameless;
        let mut names: Vec<String> = with_name
            .take(MOST_NAMED)
            .map(|name| (*name).to_owned())
            .collect();
        match nameless {
            0 => {}
            1 => names.push("a column without a name".to_owned()),
            many => names.push(format!("{many} columns without a name")),
        }
        if more > MOST_NAMED {
            names.push(format!("{} more", more - MOST_NAMED));
        }
        let last = names.pop().unwrap_or_default();
        let names = match names.as_slice() {
            [] => last,
            names => format!("{} and {last}", names.join(", ")),
        };
        format!("{names} ({})", why.in_words())
    });
    groups.collect::<Vec<_>>().join(", ")
}

/// Returns the columns for which there is no reason to leave them out, and the others.
fn sorted_out<'a, 'b>(
    traits: &'a [Traits<'b>],
    reason: impl Fn(&Traits<'b>) -> Option<Unusable>,
) -> (Vec<&'a Traits<'b>>, Vec<LeftOut>) {
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for traits in traits {
        match reason(traits) {
            Some(why) => left_out.push(traits.left_out(why)),
            None => chosen.push(traits),
        }
    }
    (chosen, left_out)
}

fn starter(
    all: &[Traits<'_>],
    chosen: &[&Traits<'_>],
    left_out: Vec<LeftOut>,
    task: StarterTask,
) -> Starter {
    let shown: Vec<String> = chosen
        .iter()
        .map(|traits| traits.name().to_owned())
        .collect();
    Starter {
        prompts: prompts(&shown, task),
        schema: task.schema(),
        // The whole row has every column.
        left_out: if shown.is_empty() {
            Vec::new()
        } else {
            left_out
        },
        categories: all.iter().find_map(Traits::categories),
        shown,
    }
}

fn prompts(shown: &[String], task: StarterTask) -> Value {
    let mut row: Vec<String> = shown
        .iter()
        .map(|column| format!("{column}: {{{column}}}"))
        .collect();
    if row.is_empty() {
        row.push("{input_data}".to_owned());
    }
    let template = format!(
        "One row of the table:\n\n{}\n\n{}\nAnswer with one JSON object and nothing else.",
        row.join("\n"),
        task.question()
    );
    let mut prompts = json!({
        "system_prompt": task.system_prompt(),
        "user_prompt_template": template,
    });
    if !shown.is_empty() {
        prompts["input_placeholders"] = json!(shown);
    }
    prompts
}

//! Renders the user prompt of a row.

use crate::error::RenderError;
use crate::placeholders::{PlaceholderNames, word};
use crate::rules::{Rules, Selection};
use crate::sink::{Fixed, Sink};
use crate::truncation::{FieldLimit, Truncation};
use quarry_table::{Cell, Cells};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The placeholder for the rules that a row selects.
pub(crate) const ROUTED_RULES: &str = "routed_rules";
/// The placeholder for the whole row, unless a column has this name.
const INPUT_DATA: &str = "input_data";

/// What to do with a placeholder whose column is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingColumns {
    /// A table without the column is refused before it is read ([`Template::check_columns`]). If
    /// only single rows of JSON Lines lack the key, the value is empty.
    #[default]
    Refuse,
    /// The value is `[Missing: name]`.
    Mark,
}

/// How values become text.
#[derive(Debug, Clone, Copy, Default)]
pub struct RenderOptions {
    /// What to do about missing columns.
    pub missing: MissingColumns,
    /// The greatest length of one value; `None` for any length. The cell that selects rules is
    /// never cut.
    pub field_limit: Option<FieldLimit>,
}

/// A user prompt in which the placeholders have been found.
#[derive(Debug, Clone)]
pub struct Template {
    segments: Vec<PromptSegment>,
    columns: Vec<String>,
    /// The place of each column in `columns`.
    places: HashMap<String, usize>,
    /// The names of the placeholders, either listed or found.
    names: Vec<String>,
    /// Whether they were listed.
    is_listed: bool,
    routing: Option<Routing>,
}

#[derive(Debug, Clone)]
enum PromptSegment {
    Fixed(Fixed),
    /// The value of a column, by its index in `columns`.
    Value(usize),
    RoutedRules,
}

#[derive(Debug, Clone)]
struct Routing {
    rules: Arc<Rules>,
    /// The rules' blocks, in which the placeholders have been found.
    blocks: Vec<Vec<PromptSegment>>,
    /// Index in `columns` of the column that selects the rules.
    column: usize,
}

/// Buffers for rendering that are reused for the next row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scratch {
    whole_row: Vec<u8>,
    selection: Selection,
    /// Indices of the columns whose values were cut.
    cut: BTreeSet<usize>,
}

impl Template {
    /// Finds the placeholders in a prompt.
    ///
    /// A placeholder is one of the names in single braces: `{name}`. Without names it is any
    /// sequence of letters, digits and underscores in braces. All other braces are text, so JSON in
    /// a prompt needs no escaping, and `{{name}}` is the value in braces. `{routed_rules}` is the
    /// slot for rules; it is empty unless [`with_rules`](Self::with_rules) is called.
    pub fn compile(text: &str, names: &[String]) -> Self {
        let mut template = Self {
            segments: Vec::new(),
            columns: Vec::new(),
            places: HashMap::new(),
            names: names.to_vec(),
            is_listed: !names.is_empty(),
            routing: None,
        };
        let listed = PlaceholderNames::new(names.iter().map(String::as_str));
        let rules = PlaceholderNames::new([ROUTED_RULES]);
        template.segments = template.parse(text, |rest| {
            rules.placeholder(rest).or_else(|| {
                if names.is_empty() {
                    word(rest)
                } else {
                    listed.placeholder(rest)
                }
            })
        });
        if names.is_empty() {
            template.names.clone_from(&template.columns);
        }
        template
    }

    /// Splits a text at the placeholders. `find` reads a name after an opening brace.
    fn parse<'a>(
        &mut self,
        text: &'a str,
        find: impl Fn(&'a str) -> Option<&'a str>,
    ) -> Vec<PromptSegment> {
        let mut segments = Vec::new();
        let literal = |text: &str, segments: &mut Vec<PromptSegment>| {
            if !text.is_empty() {
                segments.push(PromptSegment::Fixed(text.to_owned().into()));
            }
        };
        let mut literal_start = 0;
        let mut at = 0;
        while let Some(offset) = memchr::memchr(b'{', &text.as_bytes()[at..]) {
            let brace = at + offset;
            let rest = &text[brace + 1..];
            at = brace + 1;
            let Some(name) = find(rest) else {
                continue;
            };
            literal(&text[literal_start..brace], &mut segments);
            segments.push(if name == ROUTED_RULES {
                PromptSegment::RoutedRules
            } else {
                PromptSegment::Value(self.column(name))
            });
            at += name.len() + 1;
            literal_start = at;
        }
        literal(&text[literal_start..], &mut segments);
        segments
    }

    /// Fills the slot for rules, if there is one, with the rules that a row selects in `column`.
    /// The text of a rule is part of the prompt, so the placeholders in it are filled too.
    #[must_use]
    pub fn with_rules(mut self, rules: Arc<Rules>, column: &str) -> Self {
        if self.has_rules_slot() && !rules.is_empty() {
            let column = self.column(column);
            let names = self.names.clone();
            let names = names.iter().map(String::as_str);
            let listed = PlaceholderNames::new(names.filter(|name| *name != ROUTED_RULES));
            let blocks = rules
                .blocks()
                .map(|block| self.parse(block, |rest| listed.placeholder(rest)))
                .collect();
            self.routing = Some(Routing {
                rules,
                blocks,
                column,
            });
        }
        self
    }

    /// The columns that the prompt uses, each once. Pass them to the decoder as its projection.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The column in which rows select rules, if the prompt shows rules. If a table lacks the
    /// column, no rule is selected.
    pub fn routed_column(&self) -> Option<&str> {
        self.routing
            .as_ref()
            .and_then(|routing| self.columns.get(routing.column))
            .map(String::as_str)
    }

    /// Returns the placeholders that have no column in a table. `{input_data}` is never missing,
    /// because it means the whole row.
    pub fn missing(&self, table_columns: &[String]) -> Vec<String> {
        let in_table: HashSet<&String> = table_columns.iter().collect();
        let shown: HashSet<usize> = self.shown().collect();
        let columns = self.columns.iter().enumerate();
        columns
            .filter(|(place, name)| {
                shown.contains(place) && *name != INPUT_DATA && !in_table.contains(name)
            })
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// The places of the columns that have a placeholder, in the prompt or in a rule.
    fn shown(&self) -> impl Iterator<Item = usize> {
        let blocks = self.routing.iter().flat_map(|routing| &routing.blocks);
        let segments = self.segments.iter().chain(blocks.flatten());
        segments.filter_map(|segment| match segment {
            PromptSegment::Value(place) => Some(*place),
            PromptSegment::Fixed(_) | PromptSegment::RoutedRules => None,
        })
    }

    /// The columns that have a placeholder, in the prompt or in a rule.
    pub(crate) fn used(&self) -> HashSet<&str> {
        let names = self.shown().filter_map(|place| self.columns.get(place));
        names.map(String::as_str).collect()
    }

    /// Whether the prompt shows whole rows of a table, as JSON.
    pub fn shows_whole_row(&self, table_columns: &[String]) -> bool {
        self.places.contains_key(INPUT_DATA) && !table_columns.iter().any(|name| name == INPUT_DATA)
    }

    /// Refuses a table that lacks a column of the prompt, unless missing columns are to be marked.
    pub fn check_columns(
        &self,
        table_columns: &[String],
        missing: MissingColumns,
    ) -> Result<(), RenderError> {
        if !self.is_listed
            && let Some(name) = self.unfilled(table_columns).next()
        {
            return Err(RenderError::UnfilledColumn {
                name: name.to_owned(),
            });
        }
        let names = self.missing(table_columns);
        if names.is_empty() || missing == MissingColumns::Mark {
            return Ok(());
        }
        Err(RenderError::MissingColumns {
            missing: names,
            columns: table_columns.to_vec(),
        })
    }

    /// Returns the columns whose names the prompt has in single braces and which it does not fill,
    /// because the names are not listed, or without a list are more than one word.
    pub fn unfilled<'a>(&'a self, table_columns: &'a [String]) -> impl Iterator<Item = &'a str> {
        let columns: HashSet<&str> = table_columns.iter().map(String::as_str).collect();
        self.in_braces().filter(move |name| columns.contains(name))
    }

    /// Returns the texts in braces that are no placeholders.
    fn in_braces(&self) -> impl Iterator<Item = &str> {
        let fixed = self.segments.iter().filter_map(|segment| match segment {
            PromptSegment::Fixed(text) => Some(text.plain.as_str()),
            PromptSegment::Value(_) | PromptSegment::RoutedRules => None,
        });
        fixed
            .flat_map(|text| text.split('{').skip(1))
            .filter_map(|rest| Some(rest.split_once('}')?.0))
    }

    /// Refuses a prompt that is the same for every row, because it has no placeholder and rows
    /// select no rules.
    pub fn check_differs(&self, table_columns: &[String]) -> Result<(), RenderError> {
        if !self.columns.is_empty() {
            return Ok(());
        }
        Err(RenderError::NoColumn {
            columns: table_columns.to_vec(),
            meant: self.meant(table_columns).map(str::to_owned),
        })
    }

    /// Returns the column whose name the prompt has in another form of braces: `{{ name }}`, `{
    /// name }`.
    fn meant<'a>(&self, table_columns: &'a [String]) -> Option<&'a str> {
        let columns: HashSet<&str> = table_columns.iter().map(String::as_str).collect();
        let in_braces = self.in_braces().map(str::trim);
        in_braces
            .filter(|name| !name.is_empty())
            .find_map(|name| columns.get(name).copied())
    }

    /// Returns the prompt of one row, projected to [`columns`](Self::columns), as a person reads
    /// it.
    pub fn render(&self, row: &impl Cells, options: &RenderOptions) -> String {
        let mut prompt = String::new();
        self.render_into(&mut prompt, row, options, &mut Scratch::default(), None);
        prompt
    }

    pub(crate) fn render_into(
        &self,
        sink: &mut impl Sink,
        row: &impl Cells,
        options: &RenderOptions,
        scratch: &mut Scratch,
        counts: Option<&mut Truncation>,
    ) {
        scratch.cut.clear();
        for segment in &self.segments {
            match segment {
                PromptSegment::Fixed(text) => sink.fixed(text),
                PromptSegment::Value(place) => {
                    self.render_value(*place, sink, row, options, scratch);
                }
                PromptSegment::RoutedRules => {
                    if let Some(routing) = &self.routing {
                        self.render_rules(routing, sink, row, options, scratch);
                    }
                }
            }
        }
        if let Some(counts) = counts {
            counts.count_row(
                scratch
                    .cut
                    .iter()
                    .filter_map(|&place| self.columns.get(place)),
            );
        }
    }

    /// The rules that the row's cell selects.
    fn render_rules(
        &self,
        routing: &Routing,
        sink: &mut impl Sink,
        row: &impl Cells,
        options: &RenderOptions,
        scratch: &mut Scratch,
    ) {
        let cell = row.cell(routing.column).text().unwrap_or_default();
        let mut selection = std::mem::take(&mut scratch.selection);
        let block = |place: usize, sink: &mut _| {
            for segment in &routing.blocks[place] {
                match segment {
                    PromptSegment::Fixed(text) => Sink::fixed(sink, text),
                    PromptSegment::Value(place) => {
                        self.render_value(*place, sink, row, options, scratch);
                    }
                    PromptSegment::RoutedRules => {}
                }
            }
        };
        routing.rules.render(cell, &mut selection, sink, block);
        scratch.selection = selection;
    }

    fn render_value(
        &self,
        place: usize,
        sink: &mut impl Sink,
        row: &impl Cells,
        options: &RenderOptions,
        scratch: &mut Scratch,
    ) {
        let name = self.columns.get(place).map_or("", String::as_str);
        let text = match row.cell(place) {
            Cell::Text(text) => text,
            Cell::Missing if name == INPUT_DATA => {
                scratch.whole_row.clear();
                row.write_json(&mut scratch.whole_row);
                std::str::from_utf8(&scratch.whole_row).unwrap_or_default()
            }
            Cell::Missing if options.missing == MissingColumns::Mark => {
                sink.text("[Missing: ");
                sink.text(name);
                return sink.text("]");
            }
            Cell::Null | Cell::Missing => "",
        };
        let Some((head, marker)) = options.field_limit.and_then(|limit| limit.cut(text)) else {
            return sink.text(text);
        };
        sink.text(head);
        sink.text(marker);
        scratch.cut.insert(place);
    }

    pub(crate) fn has_rules_slot(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| matches!(segment, PromptSegment::RoutedRules))
    }

    /// Returns the index of a column, adding the column if it is new.
    fn column(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.columns.len();
        self.columns.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }
}

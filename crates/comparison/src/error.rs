//! Why two results cannot be compared.

/// Why two results cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComparisonError {
    /// The table has no status columns.
    #[error(
        "the columns of a result are missing (…parse_status to …validation_error, one after the other); give a \
         table that a run wrote"
    )]
    NoResult,
    /// Properties cannot be told from input columns.
    #[error(
        "the result columns have no prefix, so nothing tells which columns are properties; name all of \
         them with --properties a,b"
    )]
    NoPrefix,
    /// A property that was named is not there.
    #[error("there is no column `{0}`; name properties that each result has, without prefix")]
    NoProperty(String),
    /// An input column is only in one result.
    #[error("the input column `{column}` is only in {side}; compare two results of the same table")]
    OtherColumns {
        /// The column.
        column: String,
        /// The result that has it: `a` or `b`.
        side: char,
    },
    /// A cell of the input differs.
    #[error(
        "row {row} of {table} is another one in each result: `{column}` is `{in_a}` in a and `{in_b}` in b; \
         compare two results of the same table"
    )]
    OtherRow {
        /// The table's file.
        table: String,
        /// The row, from 1.
        row: u64,
        /// The column.
        column: String,
        /// The first result's cell, cut.
        in_a: String,
        /// The second result's cell, cut.
        in_b: String,
    },
    /// One result has fewer rows.
    #[error(
        "{table} ends after row {row} in {side}, and the other result has more rows; compare two results of the \
         same table (BEDROCK_SKIP_ERROR_RECORDS leaves rows out)"
    )]
    FewerRows {
        /// The table's file.
        table: String,
        /// The last row that both have.
        row: u64,
        /// The shorter result: `a` or `b`.
        side: char,
    },
}

//! A function that used up its memory. Lambda kills it, so it cannot say so itself, and what Lambda
//! says names neither the function nor the remedy.

/// Whether Lambda reports with this error and message that a function was killed. Lambda kills a
/// function only for its memory.
///
/// ```
/// use quarry_contract::memory_used_up;
///
/// assert!(memory_used_up::is_reported("Runtime.OutOfMemory", ""));
/// let message = "RequestId: 7 Error: Runtime exited with error: signal: killed";
/// assert!(memory_used_up::is_reported("Runtime.ExitError", message));
/// assert!(!memory_used_up::is_reported("Runtime.ExitError", "exit status 1"));
/// ```
pub fn is_reported(error: &str, message: &str) -> bool {
    error == "Runtime.OutOfMemory"
        || error == "Runtime.ExitError"
            && (message.ends_with("signal: killed") || message.ends_with("exit status 137"))
}

/// Returns what happened and the remedy. `function` is the function's name, if it is known.
pub fn in_words(function: Option<&str>) -> String {
    let function = function.unwrap_or("a function");
    format!(
        "{function} used up its memory each time it was called; start a new run with a smaller \
         BEDROCK_MAX_RECORDS_PER_JOB, or after a deployment with more memory (MemorySize in the template); a redrive has \
         neither"
    )
}

/// Returns the name in the ARN of a function.
///
/// ```
/// use quarry_contract::memory_used_up::name_in;
///
/// let arn = "arn:aws:lambda:us-east-1:123456789012:function:quarry-merge:12";
/// assert_eq!(name_in(arn), "quarry-merge");
/// assert_eq!(name_in("quarry-merge"), "quarry-merge");
/// ```
pub fn name_in(arn: &str) -> &str {
    let name = arn.split_once(":function:").map_or(arn, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

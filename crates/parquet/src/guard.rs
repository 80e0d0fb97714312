//! Turns panics of the decoder into errors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread becomes an error.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the decoder, which panics on some damaged pages and footers because it trusts their
/// contents. If panics unwind, the result is an error like that for other damage; a program that is
/// built to abort ends.
///
/// State that the closure has changed must not be used again after an error.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let is_guarded = keep_silent();
    let result = catch_unwind(AssertUnwindSafe(decode));
    IS_GUARDED.set(is_guarded);
    result.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let words = text.map_or_else(String::new, |text| format!(" (the decoder: {text})"));
        Err(format!("its contents contradict each other{words}"))
    })
}

/// Lets the program's hook say nothing of panics of this thread: the error says it, with the file's name.
/// Returns whether that was so before.
fn keep_silent() -> bool {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                hook(panic);
            }
        }));
    });
    IS_GUARDED.replace(true)
}

#[cfg(test)]
mod tests {
    use super::guarded;

    fn beyond_the_end() -> u8 {
        let index = std::hint::black_box(3);
        [1, 2][index]
    }

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(guarded(|| Ok::<_, String>(1)), Ok(1));
        assert_eq!(
            guarded(|| Err::<(), _>("no".to_owned())),
            Err("no".to_owned())
        );
        assert_eq!(
            guarded(|| Ok(beyond_the_end())).unwrap_err(),
            "its contents contradict each other (the decoder: index out of bounds: the len is 2 but the index is 3)"
        );
    }
}

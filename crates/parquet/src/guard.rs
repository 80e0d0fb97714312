//! Turns panics of the decoder into errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the decoder, which panics on some damaged pages and footers because it trusts their
/// contents. If panics unwind, the result is an error like that for other damage; a program that is
/// built to abort ends.
///
/// State that the closure has changed must not be used again after an error.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(text
            .unwrap_or("its contents contradict each other")
            .to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(guarded(|| Ok::<_, String>(1)), Ok(1));
        assert_eq!(
            guarded(|| Err::<(), _>("no".to_owned())),
            Err("no".to_owned())
        );
        let index = std::hint::black_box(3);
        let error = guarded(|| Ok::<_, String>([1, 2][index])).unwrap_err();
        assert!(error.contains("index out of bounds"), "{error}");
    }
}

//! What holds for every page.

/// Asserts that a page is one file without a script and without a place to load something from, and
/// that its elements are closed.
#[track_caller]
pub(crate) fn assert_stands_alone(page: &str) {
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
    for part in [
        "<script", "http:", "https:", "@import", "url(", "onload", "<img", "<iframe",
    ] {
        assert!(!page.contains(part), "{part} in {page}");
    }
    for element in [
        "main", "table", "tr", "td", "th", "svg", "section", "figure", "p", "h1", "h2", "h3",
    ] {
        let opened = page.matches(&format!("<{element}>")).count()
            + page.matches(&format!("<{element} ")).count();
        let closed = page.matches(&format!("</{element}>")).count();
        assert_eq!(opened, closed, "{element}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
}

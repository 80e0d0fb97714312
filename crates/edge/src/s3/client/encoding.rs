//! Keys and ranges as S3 writes them in headers and lists.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use quarry_contract::location::S3Uri;
use std::ops::Range;

/// The characters that are encoded in a copy source: all but the unreserved characters of URIs and
/// the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// Returns a range in a header's form, with the last byte and not the one after it.
pub(super) fn http_range(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

/// Returns `bucket/key` as the header `x-amz-copy-source` needs it: percent-encoded, with slashes
/// kept, and with the version if it is given.
pub(super) fn copy_source(from: &S3Uri, version: Option<&str>) -> String {
    let object = format!(
        "{}/{}",
        from.bucket(),
        utf8_percent_encode(from.key(), ENCODED)
    );
    match version {
        Some(version) => format!(
            "{object}?versionId={}",
            utf8_percent_encode(version, ENCODED)
        ),
        None => object,
    }
}

/// Reverses `encoding-type=url`, which writes a space as `+`.
pub(super) fn decode_key(encoded: &str) -> String {
    let spaced = encoded.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_source_is_encoded_and_keeps_its_slashes() {
        let from = S3Uri::new("bucket", "a b/ä+%?.csv").unwrap();
        let source = "bucket/a%20b/%C3%A4%2B%25%3F.csv";
        assert_eq!(copy_source(&from, None), source);
        assert_eq!(
            copy_source(&from, Some("v/1")),
            format!("{source}?versionId=v/1")
        );
    }

    #[test]
    fn a_listed_key_is_decoded_once() {
        assert_eq!(decode_key("a+b%2Bc%25%20%C3%A4/d"), "a b+c% ä/d");
        // Text that is not an escape is not changed.
        assert_eq!(decode_key("100%/%2"), "100%/%2");
        assert_eq!(decode_key("%zz"), "%zz");
    }

    #[test]
    fn a_range_is_written_with_its_last_byte() {
        assert_eq!(http_range(&(0..1)), "bytes=0-0");
        assert_eq!(http_range(&(5..10)), "bytes=5-9");
    }
}

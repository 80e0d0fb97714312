//! The reason why a row has no good answer, in a form that many rows share.

/// The longest text of a reason, characters.
const LONGEST: usize = 160;

/// Returns the first line of a text without what differs from row to row. Words with digits in them, such as the names of
/// records and jobs, become `…`, except for the code at the beginning of a service's error and for short numbers, which
/// count rounds and name limits.
pub fn generalised(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    let mut shown = String::new();
    for (place, word) in text.split(' ').enumerate() {
        if place > 0 {
            shown.push(' ');
        }
        let has_digit = word.contains(|one: char| one.is_ascii_digit());
        let is_code = place == 0 && word.trim_end_matches(':').parse::<u16>().is_ok();
        let is_short = word.len() < 3;
        if !has_digit || is_code || is_short {
            shown.push_str(word);
            continue;
        }
        shown.push('…');
        let end = word.trim_end_matches([',', ';', ':', '.', ')']);
        shown.push_str(&word[end.len()..]);
    }
    if shown.chars().count() > LONGEST {
        shown = shown.chars().take(LONGEST - 1).collect();
        shown.push('…');
    }
    shown
}

/// Returns the same without what is quoted in the text: values of an answer, as JSON.
pub(super) fn without_values(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    let mut shown = String::new();
    let (mut depth, mut in_text, mut is_escaped) = (0_u32, false, false);
    for one in text.chars() {
        if in_text {
            in_text = is_escaped || one != '"';
            is_escaped = !is_escaped && one == '\\';
            continue;
        }
        match one {
            '"' | '{' | '[' if depth == 0 => shown.push('…'),
            '"' | '{' | '[' | '}' | ']' => {}
            _ if depth == 0 => shown.push(one),
            _ => {}
        }
        match one {
            '"' => in_text = true,
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    generalised(&shown)
}

/// Returns a shorter form that more rows share: the place of a violation, or the code of a service's error.
pub(super) fn beginning(reason: &str) -> &str {
    let end = reason.find([':', ';', ',', '(']).unwrap_or(reason.len());
    reason[..end].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_neither_names_nor_values_of_a_row() {
        for (text, reason, short) in [
            (
                r#"/kind: "ZZ, 1\" of" is not one of "R1" or "R2""#,
                "/kind: … is not one of … or …",
                "/kind",
            ),
            (
                r#"the answer contradicts itself: {"a":["}"],"b":1} at byte 1, but {"a":[2"#,
                "the answer contradicts itself: … at byte 1, but …",
                "the answer contradicts itself",
            ),
            (
                "no answer came back in 4 rounds; job quarry-x-000001-3 ended as Expired: late",
                "no answer came back in 4 rounds; job … ended as Expired: late",
                "no answer came back in 4 rounds",
            ),
            (
                "400: ValidationException: no\nmore",
                "400: ValidationException: no",
                "400",
            ),
            ("", "", ""),
        ] {
            assert_eq!(without_values(text), reason);
            assert_eq!(beginning(reason), short);
        }
    }

    #[test]
    fn long_reasons_are_cut() {
        assert_eq!(generalised(&"x".repeat(1_000)).chars().count(), LONGEST);
    }
}

//! Places in S3 that stand where a file of this machine could.

use crate::failure::Failure;
use std::path::Path;

/// Whether a path is a place in S3.
pub(crate) fn is_in_s3(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.starts_with("s3://"))
}

/// Refuses a place in S3 that is written as other tools write it: it would be a file that does not exist. The error says
/// how to write it.
pub(crate) fn refuse_other_forms(path: &Path) -> Result<(), Failure> {
    let Some(text) = path.to_str() else {
        return Ok(());
    };
    match usual_form(text) {
        Some(usual) => Err(Failure::usage(format!(
            "`{text}` is a place in S3 in a form that Quarry does not read; write it as {usual}"
        ))),
        None => Ok(()),
    }
}

/// Returns the usual form of a place in S3 that has another one: capital letters or a scheme of Hadoop, a resource name
/// (ARN), or a web address. Returns nothing for all other texts.
fn usual_form(text: &str) -> Option<String> {
    if text.starts_with("s3://") {
        return None;
    }
    let (scheme, rest) = text.split_once(':')?;
    let place = match scheme.to_ascii_lowercase().as_str() {
        "s3" | "s3a" | "s3n" => rest.strip_prefix('/')?.trim_start_matches('/').to_owned(),
        "arn" => rest.split_once(":s3:::")?.1.to_owned(),
        "http" | "https" => of_web_address(rest.strip_prefix("//")?)?,
        _ => return None,
    };
    Some(format!("s3://{place}"))
}

/// Returns bucket and key of an address without its scheme. The bucket stands before the service's name or begins the
/// path (S3 user guide, "Methods for accessing a general purpose bucket").
fn of_web_address(address: &str) -> Option<String> {
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let path = path.split('?').next()?;
    let (service, _) = host.split_once(".amazonaws.com")?;
    let labels: Vec<_> = service.split('.').collect();
    let at = labels
        .iter()
        .rposition(|label| *label == "s3" || label.starts_with("s3-"))?;
    Some(match labels[..at].join(".") {
        bucket if bucket.is_empty() => path.to_owned(),
        bucket => format!("{bucket}/{path}"),
    })
}

#[cfg(test)]
mod tests {
    use super::usual_form;

    #[test]
    fn each_form_of_a_place_in_s3_has_its_usual_one() {
        for form in [
            "S3://acme/in/a.csv",
            "s3:/acme/in/a.csv",
            "s3a://acme/in/a.csv",
            "arn:aws:s3:::acme/in/a.csv",
            "arn:aws-cn:s3:::acme/in/a.csv",
            "https://acme.s3.eu-west-1.amazonaws.com/in/a.csv",
            "https://acme.s3.amazonaws.com/in/a.csv?versionId=1",
            "https://s3.eu-west-1.amazonaws.com/acme/in/a.csv",
            "https://s3-eu-west-1.amazonaws.com/acme/in/a.csv",
            "http://acme.s3.cn-north-1.amazonaws.com.cn/in/a.csv",
        ] {
            assert_eq!(
                usual_form(form).as_deref(),
                Some("s3://acme/in/a.csv"),
                "{form}"
            );
        }
    }

    #[test]
    fn files_and_other_addresses_stay_what_they_are() {
        for text in [
            "s3://acme/in/a.csv",
            "a.csv",
            "./s3/a.csv",
            "s3:a.csv",
            "C:/tables/a.csv",
            "https://example.com/a.csv",
            "https://ec2.eu-west-1.amazonaws.com/a.csv",
            "arn:aws:s3:eu-west-1:123456789012:accesspoint/a",
        ] {
            assert_eq!(usual_form(text), None, "{text}");
        }
    }
}

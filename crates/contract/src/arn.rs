//! Names of things on AWS: `arn:partition:service:region:account:resource`.

/// The parts of an ARN, as they are in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// `iam`, `bedrock`, …
    pub service: &'a str,
    /// Empty if the resource has no Region.
    pub region: &'a str,
    /// Empty if the resource belongs to no account.
    pub account: &'a str,
    /// Everything else; may contain colons.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Returns the parts of a text; `None` if it is not an ARN.
    pub fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        Some(Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        })
    }

    /// Whether the account is a valid number of 12 digits.
    pub fn has_account(&self) -> bool {
        self.account.len() == 12 && self.account.bytes().all(|b| b.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_its_colons() {
        let arn = Arn::of("arn:aws-cn:bedrock:cn-north-1::foundation-model/m-v1:0").unwrap();
        assert_eq!(
            (arn.partition, arn.service, arn.region, arn.account),
            ("aws-cn", "bedrock", "cn-north-1", "")
        );
        assert_eq!(arn.resource, "foundation-model/m-v1:0");
        assert!(!arn.has_account());
        assert!(
            Arn::of("arn:aws:iam::123456789012:role/R")
                .unwrap()
                .has_account()
        );
        for text in ["", "arn:", "arn:aws:iam::123456789012", "s3://bucket/key"] {
            assert_eq!(Arn::of(text), None, "{text}");
        }
    }
}

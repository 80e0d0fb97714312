//! Geographies of inference profiles: the prefix of a profile's id, and the Regions that can call
//! the profile.
//!
//! Source: Bedrock user guide, "Supported Regions and models for inference profiles"; checked on 28
//! November 2026.

/// Returns the geographies whose profiles a Region can call, the narrowest first. Empty if nothing
/// is known about the Region except that global profiles may exist there.
pub(crate) fn callable_from(region: &str) -> &'static [&'static str] {
    match region {
        "ap-northeast-1" | "ap-northeast-3" => &["jp", "apac", "global"],
        "ap-southeast-2" | "ap-southeast-4" => &["au", "apac", "global"],
        "ap-south-1" | "ap-south-2" => &["in", "apac", "global"],
        region if region.starts_with("us-gov-") => &["us-gov"],
        region if region.starts_with("us-") || region.starts_with("ca-") => &["us", "global"],
        region if region.starts_with("eu-") => &["eu", "global"],
        region if region.starts_with("ap-") => &["apac", "global"],
        _ => &[],
    }
}

/// Returns the geography at the beginning of a profile's id, if it is a known one.
pub(crate) fn of_profile(id: &str) -> Option<&'static str> {
    const ALL: [&str; 8] = ["apac", "au", "eu", "global", "in", "jp", "us", "us-gov"];
    let name = id.rsplit('/').next().unwrap_or(id);
    let (first, _) = name.split_once('.')?;
    ALL.into_iter().find(|geography| *geography == first)
}

/// Returns the ids of a model's profiles that may exist in a Region, as a remedy names them: `eu.m`
/// or `global.m`.
pub(crate) fn profiles(region: &str, model: &str) -> String {
    let known = callable_from(region);
    let known = if known.is_empty() { &["global"] } else { known };
    let ids: Vec<String> = known
        .iter()
        .map(|geography| format!("`{geography}.{model}`"))
        .collect();
    ids.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_calls_the_profiles_of_its_geographies() {
        for (region, ids) in [
            ("us-east-1", "`us.m` or `global.m`"),
            ("ca-central-1", "`us.m` or `global.m`"),
            ("us-gov-west-1", "`us-gov.m`"),
            ("eu-north-1", "`eu.m` or `global.m`"),
            ("ap-northeast-1", "`jp.m` or `apac.m` or `global.m`"),
            ("ap-southeast-2", "`au.m` or `apac.m` or `global.m`"),
            ("ap-south-1", "`in.m` or `apac.m` or `global.m`"),
            ("ap-southeast-1", "`apac.m` or `global.m`"),
            ("sa-east-1", "`global.m`"),
        ] {
            assert_eq!(profiles(region, "m"), ids, "{region}");
        }
    }

    #[test]
    fn a_profiles_geography_stands_before_its_model() {
        for (id, geography) in [
            ("us-gov.anthropic.claude-haiku", Some("us-gov")),
            ("au.anthropic.claude-haiku", Some("au")),
            (
                "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/global.anthropic.m",
                Some("global"),
            ),
            ("anthropic.claude-haiku", None),
            ("abc123", None),
        ] {
            assert_eq!(of_profile(id), geography, "{id}");
        }
    }
}

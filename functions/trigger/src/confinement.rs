//! Limits what one pipeline may read, write and decide.
//!
//! All pipelines of a deployment share the roles of its functions, so the roles cannot keep one
//! pipeline from another's data: whoever may write into `inbox/a/` could name `inbox/b/` as data,
//! or `results/b/` as output. This module keeps the pipelines apart. By default, a pipeline reads
//! and writes only its own prefixes; the deployment lists the places elsewhere that it may use.

use crate::places::Prefixes;
use quarry_contract::arn_prefix::ArnPrefix;
use quarry_contract::location::S3Uri;
use quarry_contract::settings::{CAPS, PRICES};
use quarry_edge::error::StepError;
use std::collections::BTreeMap;

/// Places outside the deployment's prefixes that every pipeline may use, as S3 ARNs with `*` at the
/// end: the deployment's parameters `ReadableArns` and `WritableArns`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    readable: Vec<ArnPrefix>,
    writable: Vec<ArnPrefix>,
}

impl Elsewhere {
    /// Reads both lists, as [`ArnPrefix::list`] does.
    ///
    /// # Errors
    ///
    /// `Quarry.BadRequest` names the ARN that is not an S3 ARN, or has a `*` before its end.
    pub fn new(readable: &str, writable: &str) -> Result<Self, StepError> {
        Ok(Self {
            readable: prefixes("QUARRY_READABLE", readable)?,
            writable: prefixes("QUARRY_WRITABLE", writable)?,
        })
    }
}

fn prefixes(variable: &str, arns: &str) -> Result<Vec<ArnPrefix>, StepError> {
    ArnPrefix::list(arns)
        .map_err(|invalid| StepError::bad_request(format!("{variable} has {invalid}")))
}

fn is_listed(list: &[ArnPrefix], place: &S3Uri) -> bool {
    list.iter().any(|prefix| prefix.holds(place))
}

/// Settings that a request may change if its pipeline does not say which. They decide how a table
/// is read and what the result looks like. The pipeline decides which model is used, how often it
/// is called, and what it may cost.
const CHANGEABLE_BY_DEFAULT: [&str; 14] = [
    "BEDROCK_CSV_QUOTING",
    "BEDROCK_LOG_TRUNCATIONS",
    "BEDROCK_MAX_INPUT_FIELD_LENGTH",
    "BEDROCK_MISSING_COLUMNS",
    "BEDROCK_OUTPUT_COLUMN_PREFIX",
    "BEDROCK_PROMPT_WITHOUT_COLUMNS",
    "BEDROCK_REPLACE_COLUMNS",
    "BEDROCK_ROUTED_RULES_COLUMN",
    "BEDROCK_SKIP_ERROR_RECORDS",
    "BEDROCK_TEMPERATURE",
    "BEDROCK_TOP_P",
    "BEDROCK_TRUNCATION_ENABLED",
    "BEDROCK_USE_STRUCTURED_OUTPUT",
    "BEDROCK_VALIDATION_SCHEMA",
];

/// One pipeline's limits within a deployment.
pub(crate) struct Confinement<'a> {
    prefixes: &'a Prefixes,
    elsewhere: &'a Elsewhere,
    pipeline: &'a str,
}

impl<'a> Confinement<'a> {
    pub(crate) fn new(prefixes: &'a Prefixes, elsewhere: &'a Elsewhere, pipeline: &'a str) -> Self {
        Self {
            prefixes,
            elsewhere,
            pipeline,
        }
    }

    /// Refuses a place that the pipeline may not read. `member` is the place's name in the request.
    pub(crate) fn check_read(&self, member: &str, place: &S3Uri) -> Result<(), StepError> {
        let own = [
            self.prefixes.arrivals(self.pipeline),
            self.prefixes.pipeline(self.pipeline),
            self.prefixes.pipeline_results(self.pipeline),
        ];
        if own.iter().any(|folder| contains(folder, place))
            || is_listed(&self.elsewhere.readable, place)
        {
            return Ok(());
        }
        Err(self.refused(member, place, &own, "ReadableArns"))
    }

    /// Refuses a place that the pipeline may not write to, and one that would start runs.
    pub(crate) fn check_written(&self, member: &str, place: &S3Uri) -> Result<(), StepError> {
        self.prefixes.check_written(member, place)?;
        let own = [self.prefixes.pipeline_results(self.pipeline)];
        if own.iter().any(|folder| contains(folder, place))
            || is_listed(&self.elsewhere.writable, place)
        {
            return Ok(());
        }
        Err(self.refused(member, place, &own, "WritableArns"))
    }

    fn refused(&self, member: &str, place: &S3Uri, own: &[S3Uri], parameter: &str) -> StepError {
        let own: Vec<String> = own.iter().map(ToString::to_string).collect();
        StepError::bad_request(format!(
            "`{member}` is {place}, which the pipeline `{}` may not use: list it in the deployment's parameter \
             {parameter}, or use a place below {}",
            self.pipeline,
            own.join(", ")
        ))
    }

    /// Refuses settings that only the pipeline decides. `allowed` is its `request_settings`; `*`
    /// allows every setting but the caps and the prices by which the cap on the cost holds: no request may
    /// change them.
    pub(crate) fn check_settings(
        &self,
        settings: &BTreeMap<String, String>,
        allowed: Option<&[String]>,
    ) -> Result<(), StepError> {
        let is_listed = |name: &str| match allowed {
            Some(allowed) => allowed.iter().any(|one| one == name || one == "*"),
            None => CHANGEABLE_BY_DEFAULT.contains(&name),
        };
        let is_fixed = |name: &str| CAPS.contains(&name) || PRICES.contains(&name);
        let may_be_changed = |name: &str| !is_fixed(name) && is_listed(name);
        let Some(name) = settings.keys().find(|name| !may_be_changed(name)) else {
            return Ok(());
        };
        let or_list_it = if is_fixed(name) {
            ""
        } else {
            ", or list it there in `request_settings`"
        };
        Err(StepError::bad_request(format!(
            "a request may not change {name} of the pipeline `{}`; set it in {}request.json{or_list_it}",
            self.pipeline,
            self.prefixes.pipeline(self.pipeline)
        )))
    }
}

/// Whether an object or folder is in a folder. Keys are compared as they are: S3 gives `..` no
/// meaning.
fn contains(folder: &S3Uri, place: &S3Uri) -> bool {
    folder.bucket() == place.bucket() && place.key().starts_with(folder.key())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> S3Uri {
        text.parse().unwrap()
    }

    fn prefixes() -> Prefixes {
        Prefixes::new(
            at("s3://bkt/inbox"),
            at("s3://bkt/pipelines"),
            at("s3://bkt/results"),
            at("s3://bkt/runs"),
        )
        .unwrap()
    }

    #[test]
    fn a_pipeline_reads_its_own_prefixes_and_what_is_listed() {
        let prefixes = prefixes();
        let elsewhere = Elsewhere::new(
            "arn:aws:s3:::tables, arn:aws:s3:::tables/strikes/*",
            "arn:aws-cn:s3:::out/*",
        )
        .unwrap();
        let confinement = Confinement::new(&prefixes, &elsewhere, "strikes");
        for allowed in [
            "s3://bkt/inbox/strikes/may.csv",
            "s3://bkt/inbox/strikes/",
            "s3://bkt/pipelines/strikes/prompts.json",
            "s3://bkt/results/strikes/run-1/",
            "s3://tables/strikes/a.csv",
        ] {
            confinement.check_read("data", &at(allowed)).unwrap();
        }
        for refused in [
            "s3://bkt/inbox/other/may.csv",
            "s3://bkt/inbox/strikes2/may.csv",
            "s3://bkt/inbox/",
            "s3://bkt/runs/run-1/slices/0/round-0/input/records.jsonl",
            "s3://bkt/results/other/",
            "s3://tables/strikes",
            "s3://tables/",
            "s3://tables/birds/a.csv",
            "s3://out/a.csv",
        ] {
            let error = confinement.check_read("data", &at(refused)).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(refused) && text.contains("ReadableArns"),
                "{text}"
            );
        }
        confinement
            .check_written("output", &at("s3://bkt/results/strikes/x/"))
            .unwrap();
        confinement
            .check_written("output", &at("s3://out/x/"))
            .unwrap();
        for refused in [
            "s3://bkt/results/other/x/",
            "s3://bkt/results/",
            "s3://bkt/pipelines/strikes/",
            "s3://tables/strikes/",
        ] {
            assert!(
                confinement.check_written("output", &at(refused)).is_err(),
                "{refused}"
            );
        }
    }

    #[test]
    fn an_arn_that_could_open_more_than_it_says_is_refused() {
        for bad in [
            "arn:aws:s3:::*/strikes/*",
            "arn:aws:s3:::tables/*/a",
            "arn:aws:s3:::tables/a?",
            "s3://tables/",
        ] {
            let error = Elsewhere::new(bad, "").unwrap_err();
            assert!(error.to_string().contains("QUARRY_READABLE"), "{error}");
        }
    }

    #[test]
    fn a_request_changes_what_its_pipeline_lets_it_change() {
        let (prefixes, elsewhere) = (prefixes(), Elsewhere::default());
        let confinement = Confinement::new(&prefixes, &elsewhere, "strikes");
        let settings = |name: &str| BTreeMap::from([(name.to_owned(), "1".to_owned())]);
        let check = |name: &str, allowed: Option<&[&str]>| {
            let allowed: Option<Vec<String>> =
                allowed.map(|list| list.iter().map(|one| (*one).to_owned()).collect());
            confinement.check_settings(&settings(name), allowed.as_deref())
        };
        check("BEDROCK_TEMPERATURE", None).unwrap();
        let error = check("BEDROCK_PRIMARY_MODEL_ID", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a request may not change BEDROCK_PRIMARY_MODEL_ID of the pipeline `strikes`; set it in \
             s3://bkt/pipelines/strikes/request.json, or list it there in `request_settings`"
        );
        check(
            "BEDROCK_PRIMARY_MODEL_ID",
            Some(&["BEDROCK_PRIMARY_MODEL_ID"]),
        )
        .unwrap();
        check("BEDROCK_PRIMARY_MODEL_ID", Some(&["*"])).unwrap();
        assert!(check("BEDROCK_TEMPERATURE", Some(&[])).is_err());
    }

    #[test]
    fn no_request_changes_a_cap_or_a_price_whatever_its_pipeline_lists() {
        let (prefixes, elsewhere) = (prefixes(), Elsewhere::default());
        let confinement = Confinement::new(&prefixes, &elsewhere, "strikes");
        for cap in CAPS.into_iter().chain(PRICES) {
            let settings = BTreeMap::from([(cap.to_owned(), "1".to_owned())]);
            for allowed in [None, Some(vec!["*".to_owned()]), Some(vec![cap.to_owned()])] {
                let error = confinement.check_settings(&settings, allowed.as_deref());
                assert_eq!(
                    error.unwrap_err().to_string(),
                    format!(
                        "a request may not change {cap} of the pipeline `strikes`; set it in \
                         s3://bkt/pipelines/strikes/request.json"
                    )
                );
            }
        }
    }
}

//! Names of executions that an event starts. A name depends on the event and the deployment and on
//! nothing else, so that an event that is delivered twice starts one run: Step Functions accepts a
//! name only once in 90 days. Two deployments that receive the same event start runs of different
//! names, each with a folder of its own.

use crate::callback::Callback;
use crate::digest::hex_digest;
use crate::location::S3Uri;
use std::fmt::Write;

/// Step Functions' limit (`StartExecution`, `name`), in characters.
pub const MAX_EXECUTION_NAME: usize = 80;

/// The readable part of a name, in characters: the beginning of the pipeline's name.
const READABLE: usize = 40;
/// The part of a digest that tells runs apart, in characters.
const TELLING: usize = 32;

/// Distinguishes one state of an object from its others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectState<'a> {
    /// The version id, in a bucket with versioning.
    Version(&'a str),
    /// The contents and the position in the order of writes, in a bucket without versioning.
    Written {
        /// The `ETag` without quotes.
        etag: &'a str,
        /// The event's `sequencer`; empty if it has none.
        sequencer: &'a str,
    },
}

/// Returns the name of the run that an object's arrival starts. `deployment` is the ARN of the
/// state machine.
pub fn of_object(
    deployment: &str,
    pipeline: &str,
    object: &S3Uri,
    state: ObjectState<'_>,
) -> String {
    let location = object.to_string();
    match state {
        ObjectState::Version(version) => {
            name(pipeline, &["version", &location, version, deployment])
        }
        ObjectState::Written { etag, sequencer } => name(
            pipeline,
            &["written", &location, etag, sequencer, deployment],
        ),
    }
}

/// Returns the name of the run that a pipeline's Callback step requests. `deployment` is the ARN of
/// the state machine.
pub fn of_callback(deployment: &str, callback: &Callback) -> String {
    let arn = &callback.pipeline_execution_arn;
    let token = callback.token.as_str();
    name(pipeline(callback), &["callback", arn, token, deployment])
}

/// Returns the name without the deployment. Runs that began under such a name may still have to be
/// stopped.
pub fn of_callback_in_any_deployment(callback: &Callback) -> String {
    let arn = &callback.pipeline_execution_arn;
    name(
        pipeline(callback),
        &["callback", arn, callback.token.as_str()],
    )
}

/// Returns the pipeline's name: `arn:…:pipeline/<name>/execution/<id>`.
fn pipeline(callback: &Callback) -> &str {
    let arn = &callback.pipeline_execution_arn;
    arn.split('/').nth(1).unwrap_or("pipeline")
}

/// Returns a readable start and a digest, of letters, digits and `-`. Executions, folders of job
/// files and job names all accept these.
fn name(readable: &str, identity: &[&str]) -> String {
    let mut name = String::with_capacity(MAX_EXECUTION_NAME);
    for c in readable.chars() {
        if name.len() == READABLE {
            break;
        }
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let mut name = name.trim_end_matches('-').to_owned();
    if name.is_empty() {
        "run".clone_into(&mut name);
    }
    // With the lengths in front, no two lists of texts give the same text.
    let mut framed = String::new();
    for part in identity {
        let _ = writeln!(framed, "{}:{part}", part.len());
    }
    name.push('-');
    name.push_str(&hex_digest(&framed)[..TELLING]);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MACHINE: &str = "arn:aws:states:us-east-2:123456789012:stateMachine:quarry";

    #[test]
    fn a_name_begins_with_its_pipeline() {
        let object: S3Uri = "s3://bucket/inbox/Wildlife strikes (ä)/a.csv"
            .parse()
            .unwrap();
        let name = of_object(
            MACHINE,
            "Wildlife strikes (ä)",
            &object,
            ObjectState::Version("v1"),
        );
        assert!(name.starts_with("Wildlife-strikes-"), "{name}");
        let callback = Callback {
            token: "26vcYbeWsZ".parse().unwrap(),
            pipeline_execution_arn:
                "arn:aws:sagemaker:us-east-2:123456789012:pipeline/label-strikes/execution/7pin"
                    .to_owned(),
        };
        assert!(of_callback(MACHINE, &callback).starts_with("label-strikes-"));
        assert!(of_object(MACHINE, "ä", &object, ObjectState::Version("v")).starts_with("run-"));
    }

    /// Two deployments over one bucket would otherwise share a run's folder.
    #[test]
    fn two_deployments_give_the_run_of_one_event_different_names() {
        let object: S3Uri = "s3://bucket/inbox/strikes/a.csv".parse().unwrap();
        let callback = Callback {
            token: "26vcYbeWsZ".parse().unwrap(),
            pipeline_execution_arn: "arn:aws:sagemaker:us-east-2:1:pipeline/strikes/execution/7"
                .to_owned(),
        };
        let other = "arn:aws:states:us-east-2:123456789012:stateMachine:quarry-2";
        for versioned in [true, false] {
            let name = |machine| of_object(machine, "p", &object, state(versioned, "a", "b"));
            assert_ne!(name(MACHINE), name(other));
        }
        let name = |machine| of_callback(machine, &callback);
        assert_ne!(name(MACHINE), name(other));
        assert_ne!(name(MACHINE), of_callback_in_any_deployment(&callback));
    }

    fn state<'a>(versioned: bool, first: &'a str, second: &'a str) -> ObjectState<'a> {
        if versioned {
            ObjectState::Version(first)
        } else {
            ObjectState::Written {
                etag: first,
                sequencer: second,
            }
        }
    }

    proptest! {
        /// Step Functions, the folder of job files and the names of jobs accept every name.
        #[test]
        fn names_have_few_characters_and_are_short(
            pipeline in "\\PC{0,100}", key in "\\PC{0,60}", versioned: bool, first in ".{0,20}", second in ".{0,20}",
        ) {
            let object = S3Uri::new("bucket", key).unwrap();
            let name = of_object(MACHINE, &pipeline, &object, state(versioned, &first, &second));
            prop_assert!((1..=MAX_EXECUTION_NAME).contains(&name.len()), "{}", name);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{}", name);
            prop_assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{}", name);
        }

        /// The same event gives the same name; another event gives another name.
        #[test]
        fn a_name_follows_from_the_event(
            key in "[a-z/ä ]{1,20}", first in "[a-c]{0,3}", second in "[a-c]{0,3}", versioned: bool,
            other_key in "[a-z/ä ]{1,20}", other_first in "[a-c]{0,3}", other_second in "[a-c]{0,3}",
        ) {
            let object = S3Uri::new("bucket", key.as_str()).unwrap();
            let other = S3Uri::new("bucket", other_key.as_str()).unwrap();
            let one = of_object(MACHINE, "p", &object, state(versioned, &first, &second));
            prop_assert_eq!(&one, &of_object(MACHINE, "p", &object, state(versioned, &first, &second)));
            let two = of_object(MACHINE, "p", &other, state(versioned, &other_first, &other_second));
            let same = key == other_key
                && state(versioned, &first, &second) == state(versioned, &other_first, &other_second);
            prop_assert_eq!(one == two, same);
        }
    }
}

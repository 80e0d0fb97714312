//! S3: where a bucket is, whether it sends events, and what it encrypts with.

use crate::answer::{fact, unreadable};
use aws_config::SdkConfig;
use aws_sdk_s3::types::{ServerSideEncryption, ServerSideEncryptionByDefault};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use quarry_edge::failure::Failure;
use quarry_edge::service_time::machine_time;
use quarry_preflight::{Bucket, BucketKey, Fact};

#[derive(Debug)]
pub(crate) struct Buckets {
    client: aws_sdk_s3::Client,
}

/// S3 names the bucket's Region in this header even if the request went to another Region.
const REGION_HEADER: &str = "x-amz-bucket-region";

impl Buckets {
    pub(crate) fn new(config: &SdkConfig, path_style: bool) -> Self {
        let config = aws_sdk_s3::config::Builder::from(config)
            .time_source(machine_time())
            .force_path_style(path_style);
        Self {
            client: aws_sdk_s3::Client::from_conf(config.build()),
        }
    }

    pub(crate) async fn read(
        &self,
        name: &str,
        region: &str,
    ) -> (Fact<Bucket>, Fact<bool>, Fact<BucketKey>) {
        if name.is_empty() {
            return (Fact::NotRead, Fact::NotRead, Fact::NotRead);
        }
        let bucket = self.bucket(name).await;
        // S3 returns the rest only in the bucket's own Region.
        if bucket.known().is_none_or(|bucket| bucket.region != region) {
            return (bucket, Fact::NotRead, Fact::NotRead);
        }
        let (events, encryption) = tokio::join!(self.events(name), self.encryption(name));
        (bucket, events, encryption)
    }

    async fn bucket(&self, name: &str) -> Fact<Bucket> {
        let answer = self.client.head_bucket().bucket(name).send().await;
        match answer {
            Ok(answer) => match answer.bucket_region() {
                Some(region) => Fact::Known(Bucket {
                    region: region.to_owned(),
                }),
                None => unreadable(&Failure::not_understood(
                    "HeadBucket",
                    "it does not name the bucket's Region",
                )),
            },
            Err(error) => {
                let elsewhere = error.raw_response().and_then(region_elsewhere);
                match elsewhere {
                    Some(region) => Fact::Known(Bucket { region }),
                    None => fact(Err(Failure::new(&error))),
                }
            }
        }
    }

    async fn events(&self, name: &str) -> Fact<bool> {
        let call = self.client.get_bucket_notification_configuration();
        let answer = call.bucket(name).send().await;
        fact(
            answer
                .map_err(|error| Failure::new(&error))
                .map(|answer| answer.event_bridge_configuration().is_some()),
        )
    }

    async fn encryption(&self, name: &str) -> Fact<BucketKey> {
        let answer = self
            .client
            .get_bucket_encryption()
            .bucket(name)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let rules = answer.server_side_encryption_configuration();
                let rules = rules
                    .map(aws_sdk_s3::types::ServerSideEncryptionConfiguration::rules)
                    .unwrap_or_default();
                let by_default = rules
                    .iter()
                    .find_map(|rule| rule.apply_server_side_encryption_by_default());
                Fact::Known(bucket_key(by_default))
            }
            // S3 encrypts with its own keys if the bucket has no configuration for encryption.
            Err(error) => match fact(Err(Failure::new(&error))) {
                Fact::Absent => Fact::Known(BucketKey::S3),
                other => other,
            },
        }
    }
}

fn region_elsewhere(response: &HttpResponse) -> Option<String> {
    let moved = response.status().as_u16() == 301;
    let region = response.headers().get(REGION_HEADER).filter(|_| moved)?;
    Some(region.to_owned())
}

fn bucket_key(by_default: Option<&ServerSideEncryptionByDefault>) -> BucketKey {
    let Some(by_default) = by_default else {
        return BucketKey::S3;
    };
    match (by_default.sse_algorithm(), by_default.kms_master_key_id()) {
        (ServerSideEncryption::Aes256, _) => BucketKey::S3,
        (_, None) => BucketKey::AwsManaged,
        (_, Some(key)) if key.ends_with("alias/aws/s3") => BucketKey::AwsManaged,
        (_, Some(key)) => BucketKey::Kms(key.to_owned()),
    }
}

//! Comparing the checksums that a client sends with those of the body that arrived.

use crate::error::StorageError;
use s3s::checksum::ChecksumHasher;
use s3s::dto::Checksum;
use s3s::{S3Request, TrailingHeaders};

/// The checksums that a client sends in headers or, after the body, in trailers.
#[derive(Default)]
pub(super) struct SentChecksums {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
}

impl SentChecksums {
    /// Returns a hasher for the checksums that were sent or are announced as a trailer.
    pub(super) fn hasher(&self, trailers: &str) -> ChecksumHasher {
        let announced = |name| trailers.split(',').any(|trailer| trailer.trim() == name);
        let mut hasher = ChecksumHasher::default();
        if self.crc32.is_some() || announced("x-amz-checksum-crc32") {
            hasher.crc32 = Some(s3s::crypto::Crc32::default());
        }
        if self.crc32c.is_some() || announced("x-amz-checksum-crc32c") {
            hasher.crc32c = Some(s3s::crypto::Crc32c::default());
        }
        if self.crc64nvme.is_some() || announced("x-amz-checksum-crc64nvme") {
            hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::default());
        }
        if self.sha1.is_some() || announced("x-amz-checksum-sha1") {
            hasher.sha1 = Some(s3s::crypto::Sha1::default());
        }
        if self.sha256.is_some() || announced("x-amz-checksum-sha256") {
            hasher.sha256 = Some(s3s::crypto::Sha256::default());
        }
        hasher
    }

    /// Compares the sent checksums with the computed ones.
    pub(super) fn check(
        mut self,
        computed: Checksum,
        trailers: Option<&TrailingHeaders>,
    ) -> Result<Checksum, StorageError> {
        if let Some(trailers) = trailers.and_then(TrailingHeaders::take) {
            let trailer = |name: &str| {
                let value = trailers.get(name)?.to_str().ok()?;
                Some(value.to_owned())
            };
            self.crc32 = trailer("x-amz-checksum-crc32").or(self.crc32);
            self.crc32c = trailer("x-amz-checksum-crc32c").or(self.crc32c);
            self.crc64nvme = trailer("x-amz-checksum-crc64nvme").or(self.crc64nvme);
            self.sha1 = trailer("x-amz-checksum-sha1").or(self.sha1);
            self.sha256 = trailer("x-amz-checksum-sha256").or(self.sha256);
        }
        for (name, given, computed) in [
            ("CRC32", &self.crc32, &computed.checksum_crc32),
            ("CRC32C", &self.crc32c, &computed.checksum_crc32c),
            ("CRC64NVME", &self.crc64nvme, &computed.checksum_crc64nvme),
            ("SHA1", &self.sha1, &computed.checksum_sha1),
            ("SHA256", &self.sha256, &computed.checksum_sha256),
        ] {
            if given != computed {
                return Err(StorageError::Digest(name));
            }
        }
        Ok(computed)
    }
}

/// Returns the names in `x-amz-trailer`, separated by commas.
pub(super) fn announced_trailers<T>(req: &S3Request<T>) -> String {
    let values = req.headers.get_all("x-amz-trailer").iter();
    let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

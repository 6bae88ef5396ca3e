//! One archive into a bucket: in one piece, or in parts of which an interrupted run leaves those that it got through to the next one.

use std::collections::BTreeMap;
use std::io::SeekFrom;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, MultipartUpload};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::task::JoinSet;

use super::AwsError;
use super::classify::{code, failed, found};
use super::connect::storing;
use super::storage::Store;
use crate::cloud::ArchiveSpec;
use crate::observe::Task;

/// From so many bytes on in parts.
const IN_PARTS: u64 = 16 << 20;
/// The size of all parts but the last. A part is known by its number and size alone, so a change of this needs another prefix of the keys.
const PART: u64 = 8 << 20;
/// How many parts are on their way at a time.
const AT_A_TIME: usize = 4;

/// What goes where.
pub(super) struct Upload<'a> {
    pub(super) store: &'a Store<'a>,
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    pub(super) archive: &'a ArchiveSpec,
}

impl Upload<'_> {
    pub(super) async fn run(&self, task: &Task<'_>) -> Result<(), AwsError> {
        if self.archive.size >= IN_PARTS { self.in_parts(task).await } else { self.in_one().await }
    }

    async fn in_one(&self) -> Result<(), AwsError> {
        let body = self.read(0, self.archive.size).await?;
        let request = self.store.clients.s3.put_object().bucket(self.bucket).key(self.key).body(ByteStream::from(body));
        // S3 refuses what has been damaged on its way, or since it was built.
        let request = request.checksum_sha256(&self.archive.sha256).content_type("application/zip");
        let request = request.set_expected_bucket_owner(self.store.owner());
        let answer = request.customize().config_override(storing()).send().await;
        answer.map_err(failed("s3:PutObject", self.resource()))?;
        Ok(())
    }

    async fn in_parts(&self, task: &Task<'_>) -> Result<(), AwsError> {
        let (id, there) = match self.unfinished().await? {
            Some(id) => {
                let there = self.parts(&id).await?;
                (id, there)
            }
            None => (self.begin().await?, BTreeMap::new()),
        };
        let mut done = 0;
        let mut completed = BTreeMap::new();
        let mut under_way: JoinSet<Result<(i32, u64, CompletedPart), AwsError>> = JoinSet::new();
        let count = self.archive.size.div_ceil(PART);
        for index in 0..count {
            let (start, length) = (index * PART, PART.min(self.archive.size - index * PART));
            let number = i32::try_from(index + 1).unwrap_or(i32::MAX);
            let body = self.read(start, length).await?;
            let checksum = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&body));
            // The key names the content and parts are always cut alike: a part of this number and size is this part.
            if let Some((_, tag)) = there.get(&number).filter(|(size, _)| *size == length) {
                completed.insert(number, part(number, tag, &checksum));
                done += length;
                task.advance(done);
                continue;
            }
            if under_way.len() == AT_A_TIME {
                done += take(&mut under_way, &mut completed).await?;
                task.advance(done);
            }
            let request = self.store.clients.s3.upload_part().bucket(self.bucket).key(self.key).upload_id(&id).part_number(number);
            let request = request.body(ByteStream::from(body)).checksum_sha256(&checksum).set_expected_bucket_owner(self.store.owner());
            let resource = self.resource();
            under_way.spawn(async move {
                let answer = request.customize().config_override(storing()).send().await.map_err(failed("s3:PutObject", resource))?;
                Ok((number, length, part(number, answer.e_tag().unwrap_or_default(), &checksum)))
            });
        }
        while !under_way.is_empty() {
            done += take(&mut under_way, &mut completed).await?;
            task.advance(done);
        }
        self.complete(&id, completed.into_values().collect()).await
    }

    async fn begin(&self) -> Result<String, AwsError> {
        let request = self.store.clients.s3.create_multipart_upload().bucket(self.bucket).key(self.key);
        let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256).content_type("application/zip");
        let answer = request.set_expected_bucket_owner(self.store.owner()).send().await;
        let answer = answer.map_err(failed("s3:PutObject", self.resource()))?;
        Ok(answer.upload_id.unwrap_or_default())
    }

    async fn complete(&self, id: &str, parts: Vec<CompletedPart>) -> Result<(), AwsError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.store.clients.s3.complete_multipart_upload().bucket(self.bucket).key(self.key).upload_id(id);
        let answer = request.multipart_upload(parts).set_expected_bucket_owner(self.store.owner()).send().await;
        match answer {
            Ok(_) => Ok(()),
            // The answer to the first attempt was lost; S3 has put the parts together and forgotten the upload.
            Err(error) if code(&error) == "NoSuchUpload" && self.store.has(self.bucket, self.key, self.archive.size).await => Ok(()),
            Err(error) => Err(failed("s3:PutObject", self.resource())(error)),
        }
    }

    /// The youngest upload of this archive that was begun and not finished.
    async fn unfinished(&self) -> Result<Option<String>, AwsError> {
        let uploads = list(self.store, self.bucket, self.key).await?;
        let same = uploads.into_iter().filter(|upload| {
            upload.key() == Some(self.key) && upload.checksum_algorithm().is_none_or(|algorithm| *algorithm == ChecksumAlgorithm::Sha256)
        });
        Ok(same.max_by_key(|upload| upload.initiated().map(|time| time.secs())).and_then(|upload| upload.upload_id))
    }

    /// Size and tag of the parts that it has, by number.
    async fn parts(&self, id: &str) -> Result<BTreeMap<i32, (u64, String)>, AwsError> {
        let request = self.store.clients.s3.list_parts().bucket(self.bucket).key(self.key).upload_id(id);
        let mut pages = request.set_expected_bucket_owner(self.store.owner()).into_paginator().send();
        let mut parts = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for part in page.map_err(failed("s3:ListMultipartUploadParts", self.resource()))?.parts() {
                let size = part.size().and_then(|size| u64::try_from(size).ok());
                if let (Some(number), Some(size), Some(tag)) = (part.part_number(), size, part.e_tag()) {
                    parts.insert(number, (size, tag.to_owned()));
                }
            }
        }
        Ok(parts)
    }

    async fn read(&self, start: u64, length: u64) -> Result<Vec<u8>, AwsError> {
        let path = &self.archive.path;
        let read = async {
            let mut file = tokio::fs::File::open(path).await?;
            file.seek(SeekFrom::Start(start)).await?;
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            file.take(length).read_to_end(&mut bytes).await?;
            Ok(bytes)
        };
        read.await.map_err(|source| AwsError::Archive { path: path.clone(), source })
    }

    fn resource(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }
}

fn part(number: i32, tag: &str, checksum: &str) -> CompletedPart {
    CompletedPart::builder().part_number(number).e_tag(tag).checksum_sha256(checksum).build()
}

/// Waits for one part; its size.
async fn take(
    under_way: &mut JoinSet<Result<(i32, u64, CompletedPart), AwsError>>,
    completed: &mut BTreeMap<i32, CompletedPart>,
) -> Result<u64, AwsError> {
    match under_way.join_next().await {
        Some(Ok(part)) => {
            let (number, size, part) = part?;
            completed.insert(number, part);
            Ok(size)
        }
        // Nothing stops these but the end of the program.
        Some(Err(_)) | None => Ok(0),
    }
}

async fn list(store: &Store<'_>, bucket: &str, prefix: &str) -> Result<Vec<MultipartUpload>, AwsError> {
    let mut uploads = Vec::new();
    let (mut key, mut id) = (None, None);
    loop {
        let request = store.clients.s3.list_multipart_uploads().bucket(bucket).prefix(prefix).set_expected_bucket_owner(store.owner());
        let page = request.set_key_marker(key).set_upload_id_marker(id).send().await;
        let page = page.map_err(failed("s3:ListBucketMultipartUploads", bucket))?;
        uploads.extend_from_slice(page.uploads());
        if page.is_truncated() != Some(true) {
            return Ok(uploads);
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
    }
}

/// Gives up every unfinished upload below `prefix`.
pub(super) async fn abort_all(store: &Store<'_>, bucket: &str, prefix: &str) -> Result<(), AwsError> {
    for upload in list(store, bucket, prefix).await? {
        let request = store.clients.s3.abort_multipart_upload().bucket(bucket).set_key(upload.key).set_upload_id(upload.upload_id);
        let answer = request.set_expected_bucket_owner(store.owner()).send().await;
        found(answer, &["NoSuchUpload"]).map_err(failed("s3:AbortMultipartUpload", bucket))?;
    }
    Ok(())
}

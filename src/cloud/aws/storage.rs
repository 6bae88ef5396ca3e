//! Archives on their way to Lambda: along with the call that uses them, or through a bucket where they are too large for that or the settings name one.
//!
//! A key says what is behind it (its archive's SHA-256), so nothing is uploaded twice. What a run leaves behind goes by the bucket's own rules.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::AwsError;
use super::bucket;
use super::classify::{code, failed, found};
use super::connect::Clients;
use super::names::{Names, Place};
use super::upload;
use crate::cloud::{CodeRef, CodeSpec, Removed};
use crate::model::size;
use crate::observe::{Observer, Task};

/// What `ZipFile` takes ("50 MB (zipped, for direct upload)", Lambda quotas).
const DIRECT: u64 = 50 << 20;

/// Where an archive is: what [`CodeRef::location`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location {
    /// On this machine, to be sent along.
    File(PathBuf),
    /// In a bucket of the function's region.
    Object { bucket: String, key: String },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

impl FromStr for Location {
    type Err = AwsError;

    fn from_str(text: &str) -> Result<Self, AwsError> {
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::File(PathBuf::from(path)));
        }
        let (bucket, key) = text
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(|| AwsError::NoLocation { text: text.to_owned() })?;
        Ok(Self::Object { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

/// The way of one stage's archives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Store<'a> {
    pub(super) clients: &'a Clients,
    pub(super) names: &'a Names,
    pub(super) place: &'a Place,
    /// `s3_bucket`.
    pub(super) bucket: Option<&'a str>,
}

impl Store<'_> {
    /// The bucket that the archives go through where they have to.
    pub(super) fn bucket_name(&self) -> String {
        self.bucket.map_or_else(|| self.names.bucket(self.place), str::to_owned)
    }

    /// Whose the bucket must be. One that the settings name may be shared with another account.
    pub(super) fn owner(&self) -> Option<String> {
        self.bucket.is_none().then(|| self.place.account.clone())
    }

    /// What all keys of the stage begin with.
    fn prefix(&self) -> String {
        format!("{}{}/", bucket::PREFIX, self.names.function)
    }

    /// Brings an archive to where Lambda can take it from.
    pub(super) async fn put(&self, code: &CodeSpec, observer: &dyn Observer) -> Result<CodeRef, AwsError> {
        let location = if self.bucket.is_none() && code.size <= DIRECT {
            Location::File(code.path.clone())
        } else {
            self.upload(code, observer).await?
        };
        Ok(CodeRef { code_sha256: code.code_sha256.clone(), code_size: code.size, location: location.to_string() })
    }

    /// A bucket that the settings name is needed whatever the size of the archive: it can be made before there is one.
    pub(super) async fn prepare(&self) -> Result<(), AwsError> {
        match self.bucket {
            Some(bucket) => bucket::ensure(self, bucket, bucket::look(self, bucket).await?).await,
            None => Ok(()),
        }
    }

    async fn upload(&self, code: &CodeSpec, observer: &dyn Observer) -> Result<Location, AwsError> {
        let bucket = self.bucket_name();
        let key = format!("{}{}.zip", self.prefix(), hexadecimal(&code.code_sha256));
        let (state, there) = tokio::join!(bucket::look(self, &bucket), self.has(&bucket, &key, code.size));
        bucket::ensure(self, &bucket, state?).await?;
        let location = Location::Object { bucket: bucket.clone(), key: key.clone() };
        if there {
            observer.detail(&format!("{location} is there already"));
            return Ok(location);
        }
        let task = Task::begin(observer, &format!("upload to {bucket}"), Some(code.size));
        upload::Upload { store: self, bucket: &bucket, key: &key, code }.run(&task).await?;
        task.done(&size(code.size));
        Ok(location)
    }

    /// Whether the object is there. Whatever stands in the way of knowing stands in the way of the upload too, and is reported there.
    pub(super) async fn has(&self, bucket: &str, key: &str, size: u64) -> bool {
        let request = self.clients.s3.head_object().bucket(bucket).key(key).set_expected_bucket_owner(self.owner());
        let answer = request.send().await.ok().and_then(|answer| answer.content_length());
        answer.is_some_and(|length| u64::try_from(length) == Ok(size))
    }

    /// Removes the archive from its bucket (`delete_s3_zip`), once the function has it.
    pub(super) async fn forget(&self, location: &str) -> Result<(), AwsError> {
        if let Location::Object { bucket, key } = location.parse()? {
            let request = self.clients.s3.delete_object().bucket(&bucket).key(&key).set_expected_bucket_owner(self.owner());
            request.send().await.map_err(failed("s3:DeleteObject", location))?;
        }
        Ok(())
    }

    /// Removes the stage's archives, unfinished ones too, and a bucket of our own with the last of them.
    pub(super) async fn remove(&self, dry_run: bool) -> Result<Removed, AwsError> {
        let bucket = self.bucket_name();
        if self.bucket.is_none() && !bucket::is_ours(self, &bucket).await? {
            return Ok(Removed::new());
        }
        let mut removed = Removed::new();
        let count = self.remove_objects(&bucket, dry_run).await?;
        if count > 0 {
            removed.push(format!("{count} uploads in the bucket `{bucket}`"));
        }
        if self.bucket.is_none() && dry_run {
            if self.count_all(&bucket).await? == count {
                removed.push(format!("bucket `{bucket}`"));
            }
        } else if self.bucket.is_none() {
            match self.clients.s3.delete_bucket().bucket(&bucket).set_expected_bucket_owner(self.owner()).send().await {
                Ok(_) => removed.push(format!("bucket `{bucket}`")),
                // Another stage's archives are in it; or somebody else was quicker.
                Err(error) if ["BucketNotEmpty", bucket::ABSENT].contains(&code(&error)) => {}
                Err(error) => return Err(failed("s3:DeleteBucket", &bucket)(error)),
            }
        }
        Ok(removed)
    }

    /// How many objects are in the bucket, whosever they are; more than a page of them are as good as any number.
    async fn count_all(&self, bucket: &str) -> Result<usize, AwsError> {
        let answer = self.clients.s3.list_objects_v2().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await;
        let answer = found(answer, &[bucket::ABSENT]).map_err(failed("s3:ListBucket", bucket))?;
        Ok(answer.map_or(0, |page| page.contents().len()))
    }

    async fn remove_objects(&self, bucket: &str, dry_run: bool) -> Result<usize, AwsError> {
        let s3 = &self.clients.s3;
        let request = s3.list_objects_v2().bucket(bucket).prefix(self.prefix()).set_expected_bucket_owner(self.owner());
        let mut pages = request.into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let Some(page) = found(page, &[bucket::ABSENT]).map_err(failed("s3:ListBucket", bucket))? else { return Ok(0) };
            // A page has as many keys as one call can remove.
            let keys = page.contents().iter().filter_map(|object| ObjectIdentifier::builder().key(object.key()?).build().ok());
            let keys: Vec<ObjectIdentifier> = keys.collect();
            let number = keys.len();
            count += number;
            if dry_run {
                continue;
            }
            if let Ok(keys) = Delete::builder().set_objects(Some(keys)).quiet(true).build()
                && number > 0
            {
                let request = s3.delete_objects().bucket(bucket).delete(keys).set_expected_bucket_owner(self.owner());
                let answer = request.send().await.map_err(failed("s3:DeleteObject", bucket))?;
                if let Some(error) = answer.errors().first() {
                    let code = error.code().unwrap_or_default();
                    let message = error.message().unwrap_or_default();
                    let resource = format!("{bucket}/{}", error.key().unwrap_or_default());
                    return Err(AwsError::refused("s3:DeleteObject", &resource, code, message));
                }
            }
        }
        if dry_run {
            return Ok(count);
        }
        upload::abort_all(self, bucket, &self.prefix()).await?;
        Ok(count)
    }
}

/// Digits of a base64 hash.
fn hexadecimal(base64: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

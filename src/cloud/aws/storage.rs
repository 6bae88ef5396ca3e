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
use super::configuration::Known;
use super::connect::Clients;
use super::dependencies;
use super::fleet::Fleet;
use super::names::{Names, Place};
use super::upload;
use crate::cloud::{ArchiveSpec, Removed};
use crate::model::size;
use crate::observe::{Observer, Task};

/// What `ZipFile` takes ("50 MB (zipped, for direct upload)", Lambda quotas).
const DIRECT: u64 = 50 << 20;
/// What is sent to several regions one by one, altogether: a slow line takes some seconds for it, and a bucket takes eight calls in each region.
const DIRECT_IN_ALL: u64 = 4 << 20;

/// Where an archive is: what [`crate::cloud::CodeRef::location`] says.
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
    /// How far this run has got with the bucket.
    pub(super) progress: &'a bucket::Progress,
    /// The regions of the run.
    pub(super) fleet: &'a Fleet,
    /// Bytes of all archives that go the same way now: of several regions, all of them go through buckets, or none.
    pub(super) sending: u64,
}

impl Store<'_> {
    /// The bucket that the archives go through where they have to.
    pub(super) fn bucket_name(&self) -> String {
        self.names.bucket(self.place)
    }

    /// Whether it is made, and goes with what is in it.
    fn is_ours(&self) -> bool {
        self.names.s3_bucket.is_none()
    }

    /// Whose the bucket must be. One that the settings name may be shared with another account.
    pub(super) fn owner(&self) -> Option<String> {
        self.is_ours().then(|| self.place.account.clone())
    }

    /// What the keys of the stage begin with.
    fn prefix(&self, kind: &str) -> String {
        format!("{kind}{}/", self.names.function)
    }

    /// Brings an archive to where Lambda can take it from.
    pub(super) async fn put(&self, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<Location, AwsError> {
        let regions = self.fleet.regions().len() as u64;
        if self.is_ours() && archive.size <= DIRECT && (regions <= 1 || self.sending * regions <= DIRECT_IN_ALL) {
            return Ok(Location::File(archive.path.clone()));
        }
        Box::pin(self.ship(bucket::PREFIX, archive, observer)).await
    }

    /// Brings an archive to where functions can fetch it from for as long as there are any.
    pub(super) async fn keep(&self, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<Location, AwsError> {
        Box::pin(self.ship(bucket::KEPT_PREFIX, archive, observer)).await
    }

    /// A bucket that the settings name is needed whatever the size of the archive: it can be made before there is one.
    pub(super) async fn prepare(&self) -> Result<(), AwsError> {
        match &self.names.s3_bucket {
            Some(bucket) => self.progress.ensure(self, bucket).await,
            None => Ok(()),
        }
    }

    /// What the archive is called in a bucket.
    pub(super) fn key(&self, kind: &str, archive: &ArchiveSpec) -> String {
        format!("{}{}.zip", self.prefix(kind), hexadecimal(&archive.sha256))
    }

    /// Brings the archive into the bucket, which is set up meanwhile.
    pub(super) async fn upload(&self, kind: &str, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<Location, AwsError> {
        let (bucket, key) = (self.bucket_name(), self.key(kind, archive));
        let (ready, sent) = tokio::join!(self.progress.ensure(self, &bucket), Box::pin(self.send(&key, archive, observer)));
        ready.and(sent)?;
        Ok(Location::Object { bucket, key })
    }

    /// Sends the archive into the bucket, unless it is there already.
    pub(super) async fn send(&self, key: &str, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<(), AwsError> {
        let bucket = self.bucket_name();
        if self.find(key, archive).await? {
            observer.detail(&format!("s3://{bucket}/{key} is there already"));
            return Ok(());
        }
        let task = Task::begin(observer, &format!("upload to {bucket}"), Some(archive.size));
        Box::pin(upload::Upload { store: self, bucket: &bucket, key, archive }.run(&task)).await?;
        task.done(&size(archive.size));
        Ok(())
    }

    /// Whether the archive is in the bucket, which is made if there is none.
    pub(super) async fn find(&self, key: &str, archive: &ArchiveSpec) -> Result<bool, AwsError> {
        let bucket = self.bucket_name();
        let is_there = async { !self.progress.is_new() && self.has(&bucket, key, archive.size).await };
        let (made, there) = tokio::join!(self.progress.make(self, &bucket), is_there);
        made?;
        Ok(there)
    }

    /// Whether the object is there. Whatever stands in the way of knowing stands in the way of the upload too, and is reported there.
    pub(super) async fn has(&self, bucket: &str, key: &str, size: u64) -> bool {
        let request = self.clients.s3.head_object().bucket(bucket).key(key).set_expected_bucket_owner(self.owner());
        let answer = request.send().await.ok().and_then(|answer| answer.content_length());
        answer.is_some_and(|length| u64::try_from(length) == Ok(size))
    }

    /// Lambda has the archive. With `forget` it is removed from its bucket (`delete_s3_zip`).
    pub(super) async fn taken(&self, location: &Location, forget: bool) -> Result<(), AwsError> {
        if let Location::Object { key, .. } = location {
            self.fleet.has_taken(&self.clients.region, key);
        }
        if forget { self.forget(location).await } else { Ok(()) }
    }

    pub(super) async fn forget(&self, location: &Location) -> Result<(), AwsError> {
        if let Location::Object { bucket, key } = location {
            let request = self.clients.s3.delete_object().bucket(bucket).key(key).set_expected_bucket_owner(self.owner());
            request.send().await.map_err(failed("s3:DeleteObject", location.to_string()))?;
        }
        Ok(())
    }

    /// Removes the archives of dependencies that none of these versions fetches.
    pub(super) async fn prune(&self, versions: &[Known]) -> Result<(), AwsError> {
        let bucket = self.bucket_name();
        let unused = |key: &str| !dependencies::is_used(versions, &bucket, key);
        self.remove_objects(&bucket, &self.prefix(bucket::KEPT_PREFIX), &unused, false).await?;
        Ok(())
    }

    /// Removes the stage's archives, unfinished ones too, and a bucket of our own with the last of them.
    pub(super) async fn remove(&self, dry_run: bool) -> Result<Removed, AwsError> {
        let bucket = self.bucket_name();
        if self.is_ours() && !bucket::is_ours(self, &bucket).await? {
            return Ok(Removed::new());
        }
        let mut removed = Removed::new();
        let mut count = 0;
        for prefix in [bucket::PREFIX, bucket::KEPT_PREFIX].map(|kind| self.prefix(kind)) {
            count += self.remove_objects(&bucket, &prefix, &|_| true, dry_run).await?;
            if !dry_run {
                upload::abort_all(self, &bucket, &prefix).await?;
            }
        }
        if count > 0 {
            removed.push(format!("{count} uploads in the bucket `{bucket}`"));
        }
        if self.is_ours() && dry_run {
            if self.count_all(&bucket).await? == count {
                removed.push(format!("bucket `{bucket}`"));
            }
        } else if self.is_ours() {
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

    async fn remove_objects(
        &self,
        bucket: &str,
        prefix: &str,
        which: &(dyn Fn(&str) -> bool + Sync),
        dry_run: bool,
    ) -> Result<usize, AwsError> {
        let s3 = &self.clients.s3;
        let request = s3.list_objects_v2().bucket(bucket).prefix(prefix).set_expected_bucket_owner(self.owner());
        let mut pages = request.into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let Some(page) = found(page, &[bucket::ABSENT]).map_err(failed("s3:ListBucket", bucket))? else { return Ok(0) };
            // A page has as many keys as one call can remove.
            let keys = page.contents().iter().filter_map(|object| object.key()).filter(|key| which(key));
            let keys: Vec<String> = keys.map(str::to_owned).collect();
            count += keys.len();
            if !dry_run {
                self.delete(bucket, keys).await?;
            }
        }
        Ok(count)
    }

    /// Removes these objects, with one call.
    pub(super) async fn delete(&self, bucket: &str, keys: Vec<String>) -> Result<(), AwsError> {
        let keys: Vec<ObjectIdentifier> = keys.into_iter().filter_map(|key| ObjectIdentifier::builder().key(key).build().ok()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let keys = Delete::builder().set_objects(Some(keys)).quiet(true).build().ok();
        let request = self.clients.s3.delete_objects().bucket(bucket).set_delete(keys).set_expected_bucket_owner(self.owner());
        let answer = request.send().await.map_err(failed("s3:DeleteObject", bucket))?;
        let Some(error) = answer.errors().first() else { return Ok(()) };
        let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
        let resource = format!("{bucket}/{}", error.key().unwrap_or_default());
        Err(AwsError::refused("s3:DeleteObject", &resource, code, message))
    }
}

/// Digits of a base64 hash.
pub(super) fn hexadecimal(base64: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

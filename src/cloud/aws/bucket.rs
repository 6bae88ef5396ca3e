//! The bucket that archives go through: private, encrypted, reached by TLS only, and emptied by its own rules.
//!
//! One that the settings name and that exists is used as it is.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, CreateBucketConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::AwsError;
use super::classify::{code, failed, found};
use super::names::{PROJECT_TAG, Place};
use super::policy::LANGUAGE;
use super::storage::Store;
use crate::cloud::Fingerprint;

/// How S3 says that there is none.
pub(super) const ABSENT: &str = "NoSuchBucket";
/// What the keys of archives on their way begin with: they do not stay for long.
pub(super) const PREFIX: &str = "zappa/";
/// What the keys of archives begin with that functions fetch.
pub(super) const KEPT_PREFIX: &str = "zappa-dependencies/";
/// Says how the bucket is set up. Written last: a set-up that was interrupted is done again.
const SET_UP_TAG: &str = "zappa:bucket";
/// Whether [`set_up`] makes something else than before.
const GENERATION: u32 = 2;
/// For how many days an archive is kept that nobody removed.
const KEEP_DAYS: i32 = 7;
/// For how many days an unfinished upload is.
const KEEP_UNFINISHED_DAYS: i32 = 1;

/// The bucket as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    Absent,
    /// Ours, but not yet as it should be.
    Unfinished,
    Ready,
}

/// How far this run has got with a bucket. What goes into it needs it to be there; the rest of it goes on meanwhile.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What there was of it before.
    found: OnceCell<State>,
    ready: OnceCell<()>,
}

impl Progress {
    /// Makes the bucket if there is none.
    pub(super) async fn make(&self, store: &Store<'_>, bucket: &str) -> Result<&State, AwsError> {
        let make = || {
            Box::pin(async {
                let found = look(store, bucket).await?;
                if found == State::Absent {
                    create(store, bucket).await?;
                }
                Ok(found)
            })
        };
        self.found.get_or_try_init(make).await
    }

    /// Makes of the bucket what it should be.
    pub(super) async fn ensure(&self, store: &Store<'_>, bucket: &str) -> Result<(), AwsError> {
        let is_ready = *self.make(store, bucket).await? == State::Ready;
        let ensure = || Box::pin(async { if is_ready { Ok(()) } else { set_up(store, bucket).await } });
        self.ready.get_or_try_init(ensure).await.copied()
    }

    /// Whether this run has made it: nothing can be in it that this run knows nothing of.
    pub(super) fn is_new(&self) -> bool {
        self.found.get() == Some(&State::Absent)
    }
}

/// Looks at the bucket, with one call.
async fn look(store: &Store<'_>, bucket: &str) -> Result<State, AwsError> {
    if store.names.s3_bucket.is_some() {
        // HEAD answers have no body: the code is made of the status.
        let answer = found(store.clients.s3.head_bucket().bucket(bucket).send().await, &["NotFound"]);
        let there = answer.map_err(failed("s3:ListBucket", bucket))?.is_some();
        return Ok(if there { State::Ready } else { State::Absent });
    }
    match tags(store, bucket).await? {
        None => Ok(State::Absent),
        Some(tags) if tags.iter().any(|tag| tag.key() == SET_UP_TAG && tag.value() == fingerprint(store.place, bucket)) => Ok(State::Ready),
        Some(_) => Ok(State::Unfinished),
    }
}

/// Whether the bucket with the derived name exists and was made for this project. A run that was killed while it set it up has left it without tags.
pub(super) async fn is_ours(store: &Store<'_>, bucket: &str) -> Result<bool, AwsError> {
    let Some(tags) = tags(store, bucket).await? else { return Ok(false) };
    Ok(tags.is_empty() || tags.iter().any(|tag| tag.key() == PROJECT_TAG && tag.value() == store.names.id.project))
}

/// `None`: there is no such bucket.
async fn tags(store: &Store<'_>, bucket: &str) -> Result<Option<Vec<Tag>>, AwsError> {
    let request = store.clients.s3.get_bucket_tagging().bucket(bucket).set_expected_bucket_owner(store.owner());
    match request.send().await {
        Ok(answer) => Ok(Some(answer.tag_set)),
        Err(error) if code(&error) == "NoSuchTagSet" => Ok(Some(Vec::new())),
        Err(error) if code(&error) == ABSENT => Ok(None),
        Err(error) => Err(failed("s3:GetBucketTagging", bucket)(error)),
    }
}

async fn create(store: &Store<'_>, bucket: &str) -> Result<(), AwsError> {
    let region = store.clients.region.as_str();
    let mut request = store.clients.s3.create_bucket().bucket(bucket);
    // The one region that must not be named (CreateBucket, "LocationConstraint"). Regions that the SDK does not know yet are sent as they are.
    if region != "us-east-1" {
        let location = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region));
        request = request.create_bucket_configuration(location.build());
    }
    // Another run was quicker, or only the answer was lost.
    found(request.send().await, &["BucketAlreadyOwnedByYou"]).map_err(failed("s3:CreateBucket", bucket))?;
    Ok(())
}

/// Two chains: S3 refuses a policy while it blocks public access (`OperationAborted`).
async fn set_up(store: &Store<'_>, bucket: &str) -> Result<(), AwsError> {
    tokio::try_join!(close(store, bucket), keep_tidy(store, bucket))?;
    let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build().ok();
    let tags = [tag(PROJECT_TAG, store.names.id.project.clone()), tag(SET_UP_TAG, fingerprint(store.place, bucket))];
    let tagging = Tagging::builder().set_tag_set(Some(tags.into_iter().flatten().collect())).build().ok();
    let request = store.clients.s3.put_bucket_tagging().bucket(bucket).set_tagging(tagging).set_expected_bucket_owner(store.owner());
    request.send().await.map_err(failed("s3:PutBucketTagging", bucket))?;
    Ok(())
}

/// Nobody else, and nobody without TLS.
async fn close(store: &Store<'_>, bucket: &str) -> Result<(), AwsError> {
    let s3 = &store.clients.s3;
    let blocked = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true);
    let request = s3.put_public_access_block().bucket(bucket).public_access_block_configuration(blocked.build());
    let request = request.set_expected_bucket_owner(store.owner());
    request.send().await.map_err(failed("s3:PutBucketPublicAccessBlock", bucket))?;
    let request = s3.put_bucket_policy().bucket(bucket).policy(policy(store.place, bucket).to_string());
    request.set_expected_bucket_owner(store.owner()).send().await.map_err(failed("s3:PutBucketPolicy", bucket))?;
    Ok(())
}

/// Encrypted, and nothing stays for long that is not in use.
async fn keep_tidy(store: &Store<'_>, bucket: &str) -> Result<(), AwsError> {
    let s3 = &store.clients.s3;
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build().ok();
    let rule = ServerSideEncryptionRule::builder().set_apply_server_side_encryption_by_default(default).build();
    let encryption = ServerSideEncryptionConfiguration::builder().rules(rule).build().ok();
    let request = s3.put_bucket_encryption().bucket(bucket).set_server_side_encryption_configuration(encryption);
    let request = request.set_expected_bucket_owner(store.owner());
    request.send().await.map_err(failed("s3:PutEncryptionConfiguration", bucket))?;
    let rule = |id: &str, prefix: &str| {
        let unfinished = AbortIncompleteMultipartUpload::builder().days_after_initiation(KEEP_UNFINISHED_DAYS).build();
        let rule = LifecycleRule::builder().id(id).filter(LifecycleRuleFilter::builder().prefix(prefix).build());
        rule.status(ExpirationStatus::Enabled).abort_incomplete_multipart_upload(unfinished)
    };
    let expiration = LifecycleExpiration::builder().days(KEEP_DAYS).build();
    let rules = [rule("zappa", PREFIX).expiration(expiration).build(), rule("zappa-dependencies", KEPT_PREFIX).build()];
    let lifecycle = BucketLifecycleConfiguration::builder().set_rules(Some(rules.into_iter().flatten().collect())).build().ok();
    let request = s3.put_bucket_lifecycle_configuration().bucket(bucket).set_lifecycle_configuration(lifecycle);
    let request = request.set_expected_bucket_owner(store.owner());
    request.send().await.map_err(failed("s3:PutLifecycleConfiguration", bucket))?;
    Ok(())
}

fn policy(place: &Place, bucket: &str) -> Value {
    let arn = format!("arn:{}:s3:::{bucket}", place.partition);
    json!({
        "Version": LANGUAGE,
        "Statement": [{
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    })
}

fn fingerprint(place: &Place, bucket: &str) -> String {
    Fingerprint::of(&(GENERATION, policy(place, bucket), KEEP_DAYS, KEEP_UNFINISHED_DAYS)).to_string()
}

//! One archive for several regions: sent from this machine to one of them, once, and copied from there inside AWS.

use super::AwsError;
use super::bucket;
use super::classify::failed;
use super::connect::{Clients, storing};
use super::names::{Names, Place};
use super::storage::{Location, Store};
use crate::cloud::ArchiveSpec;
use crate::model::size;
use crate::observe::{Observer, Task};

/// Where an archive of several regions lies, for the others to copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) region: String,
    bucket: String,
    /// Whose the bucket must be.
    owner: Option<String>,
}

impl Store<'_> {
    /// Brings the archive into this region's bucket.
    pub(super) async fn ship(&self, kind: &str, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<Location, AwsError> {
        if self.fleet.regions().is_empty() {
            return self.upload(kind, archive, observer).await;
        }
        let (bucket, key) = (self.bucket_name(), self.key(kind, archive));
        if !self.fleet.is_at(&self.as_origin(), &key) {
            let (ready, there) = tokio::join!(self.progress.ensure(self, &bucket), Box::pin(self.fetch(&key, archive, observer)));
            ready.and(there)?;
        }
        Ok(Location::Object { bucket, key })
    }

    async fn fetch(&self, key: &str, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<(), AwsError> {
        let own = self.as_origin();
        let cell = self.fleet.origin(key);
        // A region whose bucket cannot be had keeps nobody else waiting.
        if self.find(key, archive).await? {
            observer.detail(&format!("s3://{}/{key} is there already", own.bucket));
            // For the others, too, unless one of them was first.
            let _ = cell.set(own.clone());
        } else {
            let origin = cell.get_or_try_init(|| Box::pin(self.origin(key, archive, observer))).await?;
            self.fleet.is_now_at(origin, key);
            if *origin != own {
                self.copy(origin, key, archive, observer).await?;
            }
        }
        self.fleet.is_now_at(&own, key);
        Ok(())
    }

    async fn copy(&self, origin: &Origin, key: &str, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<(), AwsError> {
        let task = Task::begin(observer, &format!("copy from {}", origin.region), None);
        match Box::pin(self.copy_object(origin, key)).await {
            Ok(()) => task.done(&size(archive.size)),
            Err(error) => {
                drop(task);
                observer.note(&format!("{error}: it is sent from here instead"));
                self.send(key, archive, observer).await?;
            }
        }
        Ok(())
    }

    /// Removes archives that were on their way to Lambda.
    pub(super) async fn tidy_up(&self, keys: Vec<String>) -> Result<(), AwsError> {
        let gone = keys.into_iter().filter(|key| key.starts_with(bucket::PREFIX)).collect();
        self.delete(&self.bucket_name(), gone).await
    }

    async fn copy_object(&self, origin: &Origin, key: &str) -> Result<(), AwsError> {
        let source = format!("{}/{key}", origin.bucket);
        let request = self.clients.s3.copy_object().bucket(self.bucket_name()).key(key).copy_source(&source);
        let request = request.set_expected_bucket_owner(self.owner()).set_expected_source_bucket_owner(origin.owner.clone());
        let answer = request.customize().config_override(storing()).send().await;
        answer.map_err(failed("s3:CopyObject", source))?;
        Ok(())
    }

    /// Where the archive is already; else it is sent home, or to this region if home cannot be reached.
    async fn origin(&self, key: &str, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<Origin, AwsError> {
        let region = &self.clients.region;
        let holders = self.fleet.holders(&archive.sha256).await;
        for holder in holders.iter().filter(|holder| *holder != region) {
            let (there, clients) = (Elsewhere::new(self, holder), self.fleet.connect(Some(holder)).await?);
            let store = there.store(self, &clients);
            if !store.progress.is_new() && store.has(&store.bucket_name(), key, archive.size).await {
                return Ok(store.as_origin());
            }
        }
        let regions = self.fleet.regions();
        let tell = |region: &str| {
            let (count, once, each) = (regions.len(), size(archive.size), size(archive.size * regions.len() as u64));
            observer
                .note(&format!("{once} are sent to {region} once and copied from there: one by one, {count} regions would take {each}"));
        };
        if let Some(home) = holders.first().filter(|first| regions.first() == Some(*first) && *first != region) {
            let there = Elsewhere::new(self, home);
            let store = there.store(self, self.fleet.home_clients().await?);
            tell(home);
            match store.send(key, archive, observer).await {
                Ok(()) => return Ok(store.as_origin()),
                Err(error) => observer.note(&format!("{error}: another region gets it first")),
            }
        }
        tell(region);
        self.send(key, archive, observer).await?;
        Ok(self.as_origin())
    }

    fn as_origin(&self) -> Origin {
        Origin { region: self.place.region.clone(), bucket: self.bucket_name(), owner: self.owner() }
    }
}

/// The stage in another region of the run.
struct Elsewhere {
    names: Names,
    place: Place,
    progress: bucket::Progress,
}

impl Elsewhere {
    fn new(store: &Store<'_>, region: &str) -> Self {
        let bucket = store.names.home_bucket.clone().filter(|_| store.fleet.is_home(region));
        Self {
            names: Names { s3_bucket: bucket, ..store.names.clone() },
            place: Place { region: region.to_owned(), ..store.place.clone() },
            progress: bucket::Progress::default(),
        }
    }

    fn store<'a>(&'a self, here: &Store<'a>, clients: &'a Clients) -> Store<'a> {
        let is_home = here.fleet.regions().first() == Some(&self.place.region);
        let progress = if is_home { &here.fleet.home_bucket } else { &self.progress };
        Store { clients, names: &self.names, place: &self.place, progress, ..*here }
    }
}

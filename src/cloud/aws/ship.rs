//! One archive for several regions: sent from this machine to one of them, once, and copied from there inside AWS.

use super::AwsError;
use super::classify::failed;
use super::connect::{Clients, storing};
use super::names::{Names, Place};
use super::storage::{Location, Store};
use crate::cloud::ArchiveSpec;
use crate::model::size;
use crate::observe::{Observer, Task};

/// Where an archive of several regions lies, for the others to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    region: String,
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
        let own = Location::Object { bucket: bucket.clone(), key: key.clone() };
        let (ready, there) = tokio::join!(self.ensure_bucket(&bucket), self.has(&bucket, &key, archive.size));
        // A region whose bucket cannot be had keeps nobody else waiting.
        ready?;
        if there {
            observer.detail(&format!("{own} is there already"));
            return Ok(own);
        }
        let cell = self.fleet.origin(&key);
        let origin = cell.get_or_try_init(|| Box::pin(self.origin(kind, archive, observer))).await?;
        if origin.bucket == bucket {
            return Ok(own);
        }
        let task = Task::begin(observer, &format!("copy from {}", origin.region), None);
        match Box::pin(self.copy(origin, &key)).await {
            Ok(()) => task.done(&size(archive.size)),
            Err(error) => {
                drop(task);
                observer.note(&format!("{error}: it is sent from here instead"));
                self.upload(kind, archive, observer).await?;
            }
        }
        Ok(own)
    }

    async fn copy(&self, origin: &Origin, key: &str) -> Result<(), AwsError> {
        let source = format!("{}/{key}", origin.bucket);
        let request = self.clients.s3.copy_object().bucket(self.bucket_name()).key(key).copy_source(&source);
        let request = request.set_expected_bucket_owner(self.owner()).set_expected_source_bucket_owner(origin.owner.clone());
        let answer = request.customize().config_override(storing()).send().await;
        answer.map_err(failed("s3:CopyObject", source))?;
        Ok(())
    }

    /// Where the archive is already; else it is sent home, or to this region if home cannot be reached.
    async fn origin(&self, kind: &str, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<Origin, AwsError> {
        let region = &self.clients.region;
        let holders = self.fleet.holders(&archive.sha256).await;
        for holder in holders.iter().filter(|holder| *holder != region) {
            let clients = self.fleet.connect(Some(holder)).await?;
            let there = Elsewhere::new(self, holder);
            let store = there.store(self, &clients);
            if store.has(&store.bucket_name(), &self.key(kind, archive), archive.size).await {
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
            let store = Store { ready: &self.fleet.home_bucket, ..there.store(self, self.fleet.home_clients().await?) };
            tell(home);
            match store.upload(kind, archive, observer).await {
                Ok(_) => return Ok(store.as_origin()),
                Err(error) => observer.note(&format!("{error}: another region gets it first")),
            }
        }
        tell(region);
        self.upload(kind, archive, observer).await?;
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
}

impl Elsewhere {
    fn new(store: &Store<'_>, region: &str) -> Self {
        let bucket = store.names.home_bucket.clone().filter(|_| store.fleet.is_home(region));
        Self {
            names: Names { s3_bucket: bucket, ..store.names.clone() },
            place: Place { region: region.to_owned(), ..store.place.clone() },
        }
    }

    fn store<'a>(&'a self, here: &Store<'a>, clients: &'a Clients) -> Store<'a> {
        Store { clients, names: &self.names, place: &self.place, ..*here }
    }
}

//! What the adapters of one run share, where a stage is in several regions: credentials and connections, the account, the role, and which archive lies
//! where, so that each is sent from this machine once.
//!
//! A stage in one region has a fleet of one, which changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_account::types::RegionOptStatus;
use tokio::sync::{OnceCell, watch};

use super::bucket;
use super::classify::{AwsError, failed};
use super::connect::{self, Clients};
use super::names::Place;
use super::role::Role;
use super::ship::Origin;
use super::trace::Trace;
use crate::cloud::CloudError;
use crate::model::{AwsAccess, Outcome};

/// For how long it is waited to hear from every region what it has, before an archive is sent. A region that hangs takes minutes.
const LOOKS: Duration = Duration::from_secs(10);

/// What the adapters of one run share.
#[derive(Debug)]
pub struct Fleet {
    /// With the region that is home, as far as the settings say one.
    access: AwsAccess,
    trace: Option<Trace>,
    /// The regions of the run, home first; empty if there is but one, whose name does not matter.
    regions: OnceCell<Vec<String>>,
    /// The stage's home, which may be none of them.
    stage_home: OnceCell<String>,
    config: OnceCell<SdkConfig>,
    home: OnceCell<Clients>,
    /// How far this run has got with the bucket at home.
    pub(super) home_bucket: bucket::Progress,
    pub(super) account: OnceCell<Place>,
    pub(super) role: OnceCell<(Outcome, Role)>,
    /// The proofs of a domain that one of them has written or told: the certificates of all regions share one.
    pub(super) proofs: tokio::sync::Mutex<BTreeSet<String>>,
    /// Where an archive has been put first, by its hash.
    origins: Mutex<BTreeMap<String, Arc<OnceCell<Origin>>>>,
    /// Which archives this run knows to be where, by the names of the objects.
    there: Mutex<BTreeSet<(Origin, String)>>,
    /// By region, the names of objects that it needs no more.
    taken: Mutex<BTreeSet<(String, String)>>,
    /// The regions that have answered, and the hashes of what they have.
    reached: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// How many are being asked.
    asked: watch::Sender<usize>,
    /// The regions that the stage was removed from.
    left: Mutex<BTreeSet<String>>,
}

/// The regions of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enabled {
    /// The one that the settings, the profile or the environment name.
    pub home: String,
    /// All of them, sorted.
    pub regions: Vec<String>,
}

impl Fleet {
    /// Touches nothing yet.
    #[must_use]
    pub fn new(access: AwsAccess, trace: Option<Trace>) -> Self {
        Self {
            access,
            trace,
            regions: OnceCell::new(),
            stage_home: OnceCell::new(),
            config: OnceCell::new(),
            home: OnceCell::new(),
            home_bucket: bucket::Progress::default(),
            account: OnceCell::new(),
            role: OnceCell::new(),
            proofs: tokio::sync::Mutex::default(),
            origins: Mutex::default(),
            there: Mutex::default(),
            taken: Mutex::default(),
            reached: Mutex::default(),
            asked: watch::Sender::new(0),
            left: Mutex::default(),
        }
    }

    /// Says which regions the run is about, home first if it is among them. Comes before the adapters' first call.
    pub fn set_regions(&self, regions: Vec<String>, home: String) {
        // The first word holds.
        let _ = (self.regions.set(regions), self.stage_home.set(home));
    }

    /// The region that the settings, the profile or the environment name; makes no call.
    pub async fn home(&self) -> Result<String, CloudError> {
        Ok(self.connect(None).await?.region)
    }

    /// Asks the account which regions it has enabled, in whatever partition it is.
    pub async fn enabled_regions(&self) -> Result<Enabled, CloudError> {
        let clients = self.connect(None).await?;
        let request = clients.account.list_regions();
        let request = request.region_opt_status_contains(RegionOptStatus::Enabled);
        let mut pages = request.region_opt_status_contains(RegionOptStatus::EnabledByDefault).into_paginator().items().send();
        let mut regions = Vec::new();
        while let Some(region) = pages.next().await {
            regions.extend(region.map_err(failed("account:ListRegions", "the account"))?.region_name);
        }
        regions.sort();
        Ok(Enabled { home: clients.region, regions })
    }

    /// Whether the run is about several regions.
    #[must_use]
    pub fn is_several(&self) -> bool {
        !self.regions().is_empty()
    }

    pub(super) fn regions(&self) -> &[String] {
        self.regions.get().map_or(&[], Vec::as_slice)
    }

    /// Whether the stage is at home there.
    pub(super) fn is_home(&self, region: &str) -> bool {
        self.stage_home.get().is_none_or(|home| home == region)
    }

    /// Clients for one region, with the credentials and connections of all.
    pub(super) async fn connect(&self, region: Option<&str>) -> Result<Clients, AwsError> {
        connect::check_endpoints(&self.access)?;
        let config = self.config.get_or_init(|| connect::configuration(&self.access)).await;
        let trace = self.trace.as_ref().map(|trace| match region.filter(|_| !self.regions().is_empty()) {
            Some(region) => trace.of(region),
            None => trace.clone(),
        });
        Clients::new(config, region, &self.access, trace.as_ref())
    }

    pub(super) async fn home_clients(&self) -> Result<&Clients, AwsError> {
        self.home.get_or_try_init(|| self.connect(self.regions().first().map(String::as_str))).await
    }

    /// The place of an archive that is put somewhere once for all.
    pub(super) fn origin(&self, sha256: &str) -> Arc<OnceCell<Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).entry(sha256.to_owned()).or_default().clone()
    }

    /// An archive lies there.
    pub(super) fn is_now_at(&self, place: &Origin, key: &str) {
        self.there.lock().unwrap_or_else(PoisonError::into_inner).insert((place.clone(), key.to_owned()));
    }

    /// Whether an archive is known to lie there.
    pub(super) fn is_at(&self, place: &Origin, key: &str) -> bool {
        self.there.lock().unwrap_or_else(PoisonError::into_inner).contains(&(place.clone(), key.to_owned()))
    }

    /// Lambda has taken an archive, and the region needs it no more.
    pub(super) fn has_taken(&self, region: &str, key: &str) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert((region.to_owned(), key.to_owned()));
    }

    /// The objects that lie in a region, but for those that another one has to copy yet: one of `failed`.
    pub(super) fn at(&self, region: &str, failed: &[&str]) -> Vec<String> {
        let there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        let origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_copied = |place: &Origin, key: &String| origins.get(key).is_some_and(|cell| cell.get() == Some(place));
        let is_wanted = |key: &String| failed.iter().any(|failed| !taken.contains(&((*failed).to_owned(), key.clone())));
        let here = there.iter().filter(|(place, key)| place.region == region && !(is_copied(place, key) && is_wanted(key)));
        here.map(|(_, key)| key.clone()).collect()
    }

    /// A region is being asked what it has, until the answer is dropped.
    pub(super) fn ask(&self) -> Asking<'_> {
        self.asked.send_modify(|asked| *asked += 1);
        Asking(self)
    }

    /// A region has answered.
    pub(super) fn has(&self, region: &str, hashes: impl Iterator<Item = String>) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached.entry(region.to_owned()).or_default().extend(hashes);
    }

    /// Where an archive may be already or should be put: home, if it has answered, then whoever had this before.
    pub(super) async fn holders(&self, sha256: &str) -> Vec<String> {
        let _ = tokio::time::timeout(LOOKS, self.asked.subscribe().wait_for(|asked| *asked == 0)).await;
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let home = self.regions().first();
        let others = reached.iter().filter(|(region, hashes)| Some(*region) != home && hashes.contains(sha256)).map(|(region, _)| region);
        home.filter(|home| reached.contains_key(*home)).into_iter().chain(others).cloned().collect()
    }

    /// The stage is gone from there.
    pub(super) fn leave(&self, region: &str) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned());
    }

    pub(super) fn has_left(&self, region: &str) -> bool {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).contains(region)
    }
}

/// A question that is under way.
pub(super) struct Asking<'a>(&'a Fleet);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asked.send_modify(|asked| *asked -= 1);
    }
}

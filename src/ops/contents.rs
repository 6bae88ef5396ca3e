//! What a released bundle holds, and in what it differs from the one before: told at the end of a deployment, remembered for the next one.

use serde::Serialize;

use super::deploy::DeployRequest;
use crate::bundle::{Bundle, Change, Listing, Released, SHOWN, Weight};
use crate::cloud::Deployment;
use crate::model::Version;
use crate::observe::Observer;

/// What the archives hold.
#[derive(Debug, Default, Serialize)]
pub struct ReleaseContents {
    /// Distributions and top-level directories, the heaviest first, at most ten.
    pub heaviest: Vec<Weight>,
    /// In what they differ from what was live; `None`: there was nothing, or it was built elsewhere.
    pub change: Option<Change>,
}

/// A bundle and what is in it.
pub(super) struct Built {
    pub(super) bundle: Bundle,
    pub(super) listing: Listing,
}

/// What was live before, where this machine knows what that held.
pub(super) struct Before {
    released: Released,
    live: Option<(Version, Listing)>,
}

impl Before {
    pub(super) fn of(request: &DeployRequest<'_>, current: Option<&Deployment>, new: &Listing) -> Self {
        let released = Released::of(request.cache, &request.project.root, request.settings);
        let live = current.and_then(|current| {
            let live = current.live?;
            let release = current.releases.iter().find(|release| release.version == live)?;
            Some((live, released.release(release, new)?))
        });
        Self { released, live }
    }

    /// In what `new` differs from it.
    pub(super) fn change(self, new: &Listing) -> Option<Change> {
        self.live.map(|(since, before)| Change::between(since, &before, new))
    }

    /// Remembers what `version` holds, and tells about it.
    pub(super) fn compare(self, version: Version, listing: &Listing, observer: &dyn Observer) -> ReleaseContents {
        if let Err(error) = self.released.keep(version, listing) {
            observer.detail(&format!("what the release holds was not remembered: {error}"));
        }
        let mut heaviest = listing.weights();
        heaviest.truncate(SHOWN);
        ReleaseContents { heaviest, change: self.change(listing) }
    }
}

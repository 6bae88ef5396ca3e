//! `rollback` in several regions. Numbers of versions differ between them: it goes to the code that the wanted version has at home.

use super::{Ending, Place, RegionsReport, Run, Told};
use crate::cloud::{CloudError, Deployment, Release};
use crate::model::Version;
use crate::ops::OperationError;
use crate::ops::rollback::{RollbackReport, RollbackTo, rollback, target};

/// Moves every region's `live` to its newest version with the code that `to` has at home, the first region. With `dry_run` only says which.
///
/// Fails as a whole only if there is no such version at home.
pub async fn roll_back(run: &Run<'_>, to: RollbackTo, wait: bool, dry_run: bool) -> Result<RegionsReport, OperationError> {
    let Some(home) = run.places.first() else { return Err(OperationError::NoRegionLeft) };
    let wanted = Wanted::at(home, to).await?;
    let ended = run
        .each(
            |done: &RollbackReport| if done.from == done.to { Ending::Unchanged } else { Ending::RolledBack },
            async |place: &Place, observer| {
                let version = wanted.version_in(place).await?;
                if dry_run {
                    let from = version.live;
                    return Ok(RollbackReport { function_name: place.settings.id.function_name(), from, to: version.wanted });
                }
                rollback(&*place.cloud, &place.settings.id, RollbackTo::Version(version.wanted), wait, &*observer).await
            },
        )
        .await;
    Ok(run.report(ended, |done| Told {
        result: Some(if done.from == done.to { Ending::Unchanged } else { Ending::RolledBack }),
        version: Some(done.to),
        details: if done.from == done.to { Vec::new() } else { vec![format!("was version {}", done.from)] },
        ..Told::default()
    }))
}

/// The release to go to.
struct Wanted {
    /// As home has it.
    release: Release,
    /// Whether what serves at home has the same code: then it is the one before that is meant, everywhere.
    is_same: bool,
    home: String,
}

struct Chosen {
    live: Version,
    wanted: Version,
}

impl Wanted {
    async fn at(home: &Place, to: RollbackTo) -> Result<Self, OperationError> {
        let (deployment, live) = read(home).await?;
        let version = target(&deployment.function_name, &deployment.releases, live, to)?;
        let of = |version: Version| deployment.releases.iter().find(|release| release.version == version);
        let gone = || CloudError::NoSuchVersion { function: deployment.function_name.clone(), version };
        let release = of(version).cloned().ok_or_else(gone)?;
        let is_same = version < live && of(live).is_some_and(|live| is_same(live, &release));
        Ok(Self { release, is_same, home: home.region.clone() })
    }

    async fn version_in(&self, place: &Place) -> Result<Chosen, OperationError> {
        let (deployment, live) = read(place).await?;
        if place.region == self.home {
            return Ok(Chosen { live, wanted: self.release.version });
        }
        let mut fitting = deployment.releases.iter().filter(|release| is_same(release, &self.release));
        let wanted = fitting.rfind(|release| !self.is_same || release.version < live).map(|release| release.version);
        let function = deployment.function_name.clone();
        let missing = || OperationError::NoSuchRelease { function, version: self.release.version, home: self.home.clone() };
        Ok(Chosen { live, wanted: wanted.ok_or_else(missing)? })
    }
}

fn is_same(one: &Release, other: &Release) -> bool {
    one.code_sha256 == other.code_sha256 && one.dependencies_sha256 == other.dependencies_sha256
}

async fn read(place: &Place) -> Result<(Deployment, Version), OperationError> {
    let function = || place.settings.id.function_name();
    let deployment = place.cloud.find(&place.settings.id).await?.ok_or_else(|| CloudError::NotDeployed { function: function() })?;
    let live = deployment.live.ok_or_else(|| OperationError::NothingLive { function: function() })?;
    Ok((deployment, live))
}

//! What a lock says of the files of a release, of all platforms: so that what is fetched in place of an installed file is one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pep508_rs::pep440_rs::Version;

use super::{document, poetry_lock, requirements, uv_lock};
use crate::bundle::BundleError;
use crate::bundle::markers::normalized;
use crate::project::{DependencyFile, DependencySource, Project};

/// Of lists beside an environment, the first that there is.
const BESIDE: [(&str, DependencyFile); 3] =
    [("uv.lock", DependencyFile::UvLock), ("poetry.lock", DependencyFile::PoetryLock), ("requirements.txt", DependencyFile::Requirements)];

/// Hashes of a release's files: `sha256:` and more.
pub(super) struct Release {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) hashes: BTreeSet<String>,
}

/// Hashes by name and version.
#[derive(Default)]
pub(in crate::bundle) struct Locked(BTreeMap<(String, Version), BTreeSet<String>>);

impl Locked {
    /// What the project's lock has; nothing for a project without one. An environment is what it is, whatever state a lock beside it is in.
    pub(in crate::bundle) fn of(project: &Project) -> Self {
        let releases = match &project.dependencies {
            DependencySource::File { path, kind } => read(path, *kind),
            DependencySource::Environment(_) => {
                let beside = BESIDE.into_iter().map(|(name, kind)| (project.root.join(name), kind)).find(|(path, _)| path.is_file());
                beside.map_or_else(|| Ok(Vec::new()), |(path, kind)| read(&path, kind))
            }
        };
        let mut locked = BTreeMap::<_, BTreeSet<String>>::new();
        for Release { name, version, hashes } in releases.unwrap_or_default() {
            // Installers know no weaker ones.
            let hashes = hashes.into_iter().filter(|hash| hash.starts_with("sha"));
            let Ok(version) = version.parse() else { continue };
            locked.entry((normalized(&name), version)).or_default().extend(hashes);
        }
        Self(locked)
    }

    /// The hashes that one of the release's files has to have, if the lock has any.
    pub(in crate::bundle) fn hashes(&self, name: &str, version: &str) -> Option<&BTreeSet<String>> {
        self.0.get(&(normalized(name), version.parse().ok()?)).filter(|hashes| !hashes.is_empty())
    }
}

fn read(path: &Path, kind: DependencyFile) -> Result<Vec<Release>, BundleError> {
    Ok(match kind {
        DependencyFile::UvLock => uv_lock::releases(&document(path)?),
        DependencyFile::PoetryLock => poetry_lock::releases(&document(path)?),
        DependencyFile::Requirements => requirements::releases(&requirements::read(path)?.lines),
        DependencyFile::Pyproject => Vec::new(),
    })
}

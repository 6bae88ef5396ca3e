//! Plans again and again while somebody works on the project: dependencies are looked at once, and of the project only what changed is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::manifest::{self, Inputs, Memory};
use super::{BundleError, Manifest, PlanOptions, dependencies};
use crate::observe::Observer;
use crate::project::{InstalledPackages, Project};
use crate::settings::Settings;

/// Plans of one project with the same settings and the same dependencies. Where those may have changed, a new planner is needed.
pub struct Planner {
    project: Project,
    settings: Settings,
    cache: PathBuf,
    packages: InstalledPackages,
    memory: Memory,
}

impl Planner {
    /// Installs dependencies into the cache if they only exist as a list.
    pub fn new(project: Project, settings: Settings, cache: &Path, observer: &dyn Observer) -> Result<Self, BundleError> {
        let packages = dependencies::installed(&project, &settings, cache, &PlanOptions::default(), observer)?;
        Ok(Self { project, settings, cache: cache.to_owned(), packages, memory: Memory::kept() })
    }

    /// Decides what goes in now, as [`super::plan`] does.
    pub fn plan(&mut self, observer: &dyn Observer) -> Result<Manifest, BundleError> {
        // What runs here is good enough for here.
        let options = PlanOptions { stays_here: true, ..PlanOptions::default() };
        let Self { project, settings, cache, packages, memory } = self;
        let known = Arc::default();
        let inputs = Inputs { project, settings, cache, options: &options, packages, known: &known };
        let manifest = manifest::collect(&inputs, memory, observer)?;
        manifest.check_size()?;
        Ok(manifest)
    }

    /// The directories in which a change can change the next plan: those of the project's own code that the last plan entered.
    #[must_use]
    pub fn directories(&self) -> &[PathBuf] {
        &self.memory.directories
    }

    /// The directories in which installers leave their marks.
    #[must_use]
    pub fn site_packages(&self) -> &[PathBuf] {
        &self.packages.site_packages
    }
}

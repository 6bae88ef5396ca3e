//! Everything that a save of the project's own code leaves as it is: settings, interpreter, dependencies. Resolved at the start, and anew when a file
//! changes that has a say in it.

use std::path::PathBuf;

use crate::bundle::Planner;
use crate::cli::ServeArgs;
use crate::cloud::local::LocalError;
use crate::cloud::{CloudError, FunctionSpec, RouteSpec, StageSpec};
use crate::commands::deploy::overrides;
use crate::commands::{Context, DEFAULT_LOCAL_REGION};
use crate::emulator::ric;
use crate::error::Error;
use crate::model::StageId;
use crate::observe::Observer;
use crate::ops::plan::wanted;

/// What was resolved.
pub(super) struct Resolved {
    pub(super) id: StageId,
    pub(super) root: PathBuf,
    /// The settings file, if there is one.
    pub(super) settings: Option<PathBuf>,
    pub(super) cache_tag: String,
    pub(super) planner: Planner,
    pub(super) setup: Setup,
    pub(super) route: RouteSpec,
}

/// What a version is beside its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) function: FunctionSpec,
    pub(super) concurrency: Option<u32>,
    pub(super) python: PathBuf,
    pub(super) region: String,
}

/// Reads, installs what is missing, decides. Takes its time.
pub(super) fn resolve(context: &Context, args: &ServeArgs, observer: &dyn Observer) -> Result<Resolved, Error> {
    let mut flags = overrides(args.front_door.as_deref(), args.port)?;
    // Whatever the stage's home, this runs here: what only AWS does not take is no obstacle.
    flags.push(("target", "local".into(), "serve".to_owned()));
    let settings = context.settings(args.stage.as_deref(), flags)?;
    let project = context.project(&settings)?;
    let cache = context.cache();
    let interpreter = &project.interpreter;
    let python = ric::ensure_runtime(&interpreter.base_executable, &interpreter.version, &cache, observer);
    let python = python.map_err(|error| CloudError::from(LocalError::from(error)))?;
    let StageSpec { function, surroundings, route, schedules: _ } = wanted(&settings, interpreter.runtime);
    let region = settings.access.region.clone().unwrap_or_else(|| DEFAULT_LOCAL_REGION.to_owned());
    Ok(Resolved {
        id: settings.id.clone(),
        root: project.root.clone(),
        settings: settings.file.as_ref().and_then(|file| file.canonicalize().ok()),
        cache_tag: interpreter.cache_tag.clone(),
        setup: Setup { function, concurrency: surroundings.concurrency, python, region },
        route,
        planner: Planner::new(project, settings, &cache, observer)?,
    })
}

//! `zappa deploy` and `zappa update`.

use std::process::ExitCode;

use serde_json::Value;

use super::interrupt::Scratch;
use super::regions::{self, Scope};
use super::{CommandError, Context};
use crate::bundle::cache::tidy;
use crate::cli::DeployArgs;
use crate::error::Error;
use crate::ops::OperationError;
use crate::ops::deploy::{DeployRequest, deploy, plan};
use crate::ops::regions::deploy as several;
use crate::settings::front_door_overrides;
use crate::ui::report;

/// `only_update` refuses a stage that is not there.
pub(super) fn run(context: &Context, args: &DeployArgs, only_update: bool) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), overrides(args.front_door.as_deref(), args.port)?)?;
    let scope = regions::scope(context, settings, &args.regions)?;
    let settings = match &scope {
        Scope::One(settings) => settings,
        Scope::Several(several) => &several.settings,
    };
    let project = context.project(settings)?;
    let scratch = Scratch::new(None).map_err(OperationError::Scratch)?;
    let (cache, limit) = (context.cache(), context.cache_limit()?);
    let request = DeployRequest {
        settings,
        project: &project,
        cache: &cache,
        scratch: scratch.path(),
        only_update,
        check: !args.no_check,
        wait: args.wait,
        ticket: None,
    };
    let observer = context.printer.observer();
    if let Scope::Several(several) = &scope {
        let head = if args.dry_run { "nothing was done; a deployment would do this: " } else { "" };
        let ended = several.run(context, head, async |run| {
            if args.dry_run {
                return several::plan(run, &request, observer).await;
            }
            several::deploy(run, &request, args.atomic, observer).await
        });
        tidy(&cache, limit);
        return ended;
    }
    let cloud = context.connect(settings, Some(&project))?;
    context.block_on(async {
        if args.dry_run {
            let planned = plan(&*cloud, &request, observer).await?;
            context.printer.result(&planned, || report::plan(&settings.id, &planned));
        } else {
            let done = deploy(&*cloud, &request, observer).await?;
            context.printer.result(&done, || report::deploy(&settings.id, &done));
        }
        tidy(&cache, limit);
        Ok(ExitCode::SUCCESS)
    })
}

/// What the flags say about settings.
pub(super) fn overrides(front_door: Option<&str>, port: Option<u16>) -> Result<Vec<(&'static str, Value, String)>, CommandError> {
    let mut overrides = match front_door {
        Some(front_door) => front_door_overrides(front_door.parse().map_err(CommandError::Flag)?, "--front-door"),
        None => Vec::new(),
    };
    overrides.extend(port.map(|port| ("local_port", Value::from(port), "--port".to_owned())));
    Ok(overrides)
}

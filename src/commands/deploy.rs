//! `zappa deploy` and `zappa update`.

use std::process::ExitCode;

use super::interrupt::Scratch;
use super::{CommandError, Context};
use crate::cli::DeployArgs;
use crate::error::Error;
use crate::ops::OperationError;
use crate::ops::deploy::{DeployRequest, build, deploy, plan};
use crate::ui::report;

/// `only_update` refuses a stage that is not there.
pub(super) fn run(context: &Context, args: &DeployArgs, only_update: bool) -> Result<ExitCode, Error> {
    let mut settings = context.settings(args.stage.as_deref(), Vec::new())?;
    if let Some(front_door) = &args.front_door {
        settings.front_door = front_door.parse().map_err(CommandError::Flag)?;
    }
    settings.local_port = args.port.or(settings.local_port);
    // Whether the target can be had at all is known before minutes are spent on a bundle.
    context.check_target(&settings)?;
    let project = context.project(&settings)?;
    let cloud = context.connect(&settings, Some(&project))?;
    let scratch = Scratch::new(None).map_err(OperationError::Scratch)?;
    let cache = context.cache();
    let request = DeployRequest {
        settings: &settings,
        project: &project,
        cache: &cache,
        scratch: scratch.path(),
        only_update,
        check: !args.no_check,
        wait: args.wait,
    };
    let observer = context.printer.observer();
    context.block_on(async {
        let bundle = build(&request, observer)?;
        if args.dry_run {
            let plan = plan(&*cloud, &request, &bundle).await?;
            context.printer.result(&plan, || report::plan(&settings.id, &plan, &bundle));
        } else {
            let done = deploy(&*cloud, &request, bundle, observer).await?;
            context.printer.result(&done, || report::deploy(&settings.id, &done));
        }
        Ok(ExitCode::SUCCESS)
    })
}

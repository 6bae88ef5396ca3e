//! `zappa rollback`.

use std::process::ExitCode;

use super::Context;
use super::regions::{self, Scope};
use crate::cli::RollbackArgs;
use crate::error::Error;
use crate::ops::regions::rollback::roll_back;
use crate::ops::rollback::{RollbackTo, plan, rollback};
use crate::ui::report;

pub(super) fn run(context: &Context, args: &RollbackArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let to = args.to.map_or(RollbackTo::Steps(args.steps), RollbackTo::Version);
    let settings = match regions::scope(context, settings, &args.regions)? {
        Scope::One(settings) => settings,
        Scope::Several(several) => {
            let head = if args.dry_run { "nothing was done; a rollback would do this: " } else { "" };
            return several.run(context, head, async |run| roll_back(run, to, args.wait, args.dry_run).await);
        }
    };
    let cloud = context.connect(&settings, None)?;
    context.block_on(async {
        if args.dry_run {
            let planned = plan(&*cloud, &settings.id, to).await?;
            context.printer.result(&planned, || report::rollback_plan(&planned));
        } else {
            let done = rollback(&*cloud, &settings.id, to, args.wait, context.printer.observer()).await?;
            context.printer.result(&done, || report::rollback(&done));
        }
        Ok(ExitCode::SUCCESS)
    })
}

//! `zappa rollback`.

use std::process::ExitCode;

use super::Context;
use crate::cli::RollbackArgs;
use crate::error::Error;
use crate::ops::rollback::{RollbackTo, plan, rollback};
use crate::ui::report;

pub(super) fn run(context: &Context, args: &RollbackArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let cloud = context.connect(&settings, None)?;
    let to = args.to.map_or(RollbackTo::Steps(args.steps), RollbackTo::Version);
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

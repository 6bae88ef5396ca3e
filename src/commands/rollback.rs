//! `zappa rollback`.

use std::process::ExitCode;

use super::Context;
use crate::cli::RollbackArgs;
use crate::error::Error;
use crate::ops::rollback::{RollbackTo, rollback};
use crate::ui::report;

pub(super) fn run(context: &Context, args: &RollbackArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let cloud = context.connect(&settings, None)?;
    let to = args.to.map_or(RollbackTo::Steps(args.steps), RollbackTo::Version);
    context.block_on(async {
        let done = rollback(&*cloud, &settings.id, to, args.wait, context.printer.observer()).await?;
        context.printer.result(&done, || report::rollback(&done));
        Ok(ExitCode::SUCCESS)
    })
}

//! `zappa undeploy`.

use std::process::ExitCode;

use super::{CommandError, Context};
use crate::cli::UndeployArgs;
use crate::error::Error;
use crate::ops::undeploy::{plan, undeploy};
use crate::ui::prompt::{INTERRUPTED, NoAnswer, Prompt};
use crate::ui::{prompt, report};

pub(super) fn run(context: &Context, args: &UndeployArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let cloud = context.connect(&settings, None)?;
    if !args.yes && !args.dry_run {
        if !prompt::can_ask() {
            return Err(CommandError::NeedsYes { command: "undeploy" }.into());
        }
        let prompt = Prompt::new();
        match prompt.confirm(&format!("Remove `{}` with everything that belongs to it?", settings.id)) {
            Ok(true) => prompt.finish(),
            Ok(false) => {
                context.printer.say("nothing was removed");
                return Ok(ExitCode::FAILURE);
            }
            Err(NoAnswer::Interrupted) => return Ok(ExitCode::from(INTERRUPTED)),
            Err(NoAnswer::Failed(error)) => return Err(CommandError::Prompt(error).into()),
        }
    }
    context.block_on(async {
        let observer = context.printer.observer();
        if args.dry_run {
            let planned = plan(&*cloud, &settings.id, args.remove_logs, observer).await?;
            context.printer.result(&planned, || report::undeploy_plan(&planned));
        } else {
            let done = undeploy(&*cloud, &settings.id, args.remove_logs, args.wait, observer).await?;
            context.printer.result(&done, || report::undeploy(&done));
        }
        Ok(ExitCode::SUCCESS)
    })
}

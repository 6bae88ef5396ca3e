//! `zappa undeploy`.

use std::process::ExitCode;

use super::regions::{self, Scope};
use super::{CommandError, Context};
use crate::cli::UndeployArgs;
use crate::error::Error;
use crate::ops::regions::others::leave;
use crate::ops::undeploy::{plan, undeploy};
use crate::ui::prompt::{INTERRUPTED, NoAnswer, Prompt};
use crate::ui::{prompt, report};

pub(super) fn run(context: &Context, args: &UndeployArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let scope = regions::scope(context, settings, &args.regions)?;
    if !args.yes && !args.dry_run {
        if !prompt::can_ask() {
            return Err(CommandError::NeedsYes { command: "undeploy" }.into());
        }
        let what = match &scope {
            Scope::One(settings) => format!("`{}`", settings.id),
            Scope::Several(several) => several.words(context)?,
        };
        let prompt = Prompt::new();
        match prompt.confirm(&format!("Remove {what} with everything that belongs to it?")) {
            Ok(true) => prompt.finish(),
            Ok(false) => {
                context.printer.say("nothing was removed");
                return Ok(ExitCode::FAILURE);
            }
            Err(NoAnswer::Interrupted) => return Ok(ExitCode::from(INTERRUPTED)),
            Err(NoAnswer::Failed(error)) => return Err(CommandError::Prompt(error).into()),
        }
    }
    let settings = match scope {
        Scope::One(settings) => settings,
        Scope::Several(several) => {
            let head = if args.dry_run { "nothing was done; this would be: " } else { "" };
            return several.run(context, head, async |run| leave(run, args.remove_logs, args.wait, args.dry_run).await);
        }
    };
    let cloud = context.connect(&settings, None)?;
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

//! `zappa schedule` and `zappa unschedule`.

use std::process::ExitCode;

use super::Context;
use super::regions::{self, Scope, Several};
use crate::cli::ScheduleArgs;
use crate::error::Error;
use crate::ops::regions::others::reschedule;
use crate::ops::{plan, schedule};
use crate::ui::report;

pub(super) fn make(context: &Context, args: &ScheduleArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let settings = match regions::scope(context, settings, &args.regions)? {
        Scope::One(settings) => settings,
        Scope::Several(several) => return in_several(context, &several, args, false),
    };
    let cloud = context.connect(&settings, None)?;
    let wanted = plan::schedules(&settings);
    context.block_on(async {
        if args.dry_run {
            let planned = schedule::plan(&*cloud, &settings.id, &wanted).await?;
            context.printer.result(&planned, || report::schedule_plan(&planned));
        } else {
            let done = schedule::schedule(&*cloud, &settings.id, &wanted, args.wait, context.printer.observer()).await?;
            context.printer.result(&done, || report::schedule(&done));
        }
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn remove(context: &Context, args: &ScheduleArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let settings = match regions::scope(context, settings, &args.regions)? {
        Scope::One(settings) => settings,
        Scope::Several(several) => return in_several(context, &several, args, true),
    };
    let cloud = context.connect(&settings, None)?;
    context.block_on(async {
        if args.dry_run {
            let planned = schedule::plan(&*cloud, &settings.id, &[]).await?;
            context.printer.result(&planned, || report::schedule_plan(&planned));
        } else {
            let done = schedule::unschedule(&*cloud, &settings.id, args.wait, context.printer.observer()).await?;
            context.printer.result(&done, || report::unschedule(&done));
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn in_several(context: &Context, several: &Several, args: &ScheduleArgs, none: bool) -> Result<ExitCode, Error> {
    let head = if args.dry_run { "nothing was done; this would be: " } else { "" };
    several.run(context, head, async |run| Ok(reschedule(run, none, args.wait, args.dry_run).await))
}

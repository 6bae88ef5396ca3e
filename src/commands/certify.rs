//! `zappa certify`.

use std::process::ExitCode;

use super::Context;
use crate::cli::CertifyArgs;
use crate::error::Error;
use crate::ops::certify::{CertifyRequest, certify, plan};
use crate::settings::Regions;
use crate::ui::certify as report;

pub(super) fn run(context: &Context, args: &CertifyArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    if settings.regions != Regions::One {
        let home =
            "the domain is going to lead to the stage's home region alone: leading people to the nearest region is not supported yet";
        context.printer.observer().warn(home);
    }
    let cloud = context.connect(&settings, None)?;
    let request = CertifyRequest { settings: &settings, replace: args.yes, wait: args.wait };
    let state = "what was requested stays requested; running the command again goes on with it".to_owned();
    context.block_on_or(state, async {
        if args.dry_run {
            let planned = plan(&*cloud, &settings).await?;
            context.printer.result(&planned, || report::certify_plan(&planned));
        } else {
            let done = certify(&*cloud, &request, context.printer.observer()).await?;
            context.printer.result(&done, || report::certify(&done));
        }
        Ok(ExitCode::SUCCESS)
    })
}

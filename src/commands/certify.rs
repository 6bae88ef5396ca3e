//! `zappa certify`.

use std::process::ExitCode;

use super::Context;
use super::regions::{self, Scope};
use crate::cli::CertifyArgs;
use crate::error::Error;
use crate::ops::certify::{CertifyRequest, certify, plan};
use crate::ops::regions::certify as in_regions;
use crate::ui::certify as report;

pub(super) fn run(context: &Context, args: &CertifyArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let settings = match regions::scope(context, settings, &args.regions)? {
        Scope::One(settings) => settings,
        Scope::Several(several) => {
            let request = CertifyRequest { settings: &several.settings, replace: args.yes, wait: args.wait };
            if args.dry_run {
                let head = "nothing was done; this would be: ";
                return several.run(context, head, async |run| in_regions::plan(run, &request).await);
            }
            return regions::certify(context, &several, &request);
        }
    };
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

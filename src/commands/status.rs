//! `zappa status`.

use std::process::ExitCode;

use super::Context;
use super::regions::{self, Scope};
use crate::cli::StatusArgs;
use crate::error::Error;
use crate::ops::regions::others::look;
use crate::ops::status::status;
use crate::ui::report;

pub(super) fn run(context: &Context, args: &StatusArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let settings = match regions::scope(context, settings, &args.regions)? {
        Scope::One(settings) => settings,
        Scope::Several(several) => return several.run(context, "", async |run| Ok(look(run).await)),
    };
    let cloud = context.connect(&settings, None)?;
    context.block_on(async {
        let found = status(&*cloud, &settings).await?;
        context.printer.result(&found, || report::status(&found));
        Ok(ExitCode::SUCCESS)
    })
}

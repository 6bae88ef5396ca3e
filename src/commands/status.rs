//! `zappa status`.

use std::process::ExitCode;

use super::Context;
use crate::cli::StageArgs;
use crate::error::Error;
use crate::ops::status::status;
use crate::ui::report;

pub(super) fn run(context: &Context, args: &StageArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let cloud = context.connect(&settings, None)?;
    context.block_on(async {
        let found = status(&*cloud, &settings).await?;
        context.printer.result(&found, || report::status(&found));
        Ok(ExitCode::SUCCESS)
    })
}

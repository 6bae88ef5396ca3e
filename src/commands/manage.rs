//! `zappa manage`.

use std::process::ExitCode;

use super::Context;
use crate::cli::ManageArgs;
use crate::error::Error;
use crate::ops::invoke::manage;

pub(super) fn run(context: &Context, args: &ManageArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(Some(&args.stage), Vec::new())?;
    let cloud = context.connect(&settings, None)?;
    context.block_on(async {
        let done = manage(&*cloud, &settings.id, &args.command).await?;
        context.printer.result(&done, || done.output.trim_end().to_owned());
        Ok(ExitCode::from(done.status))
    })
}

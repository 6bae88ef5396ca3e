//! `zappa settings`.

use std::process::ExitCode;

use super::Context;
use crate::cli::StageArgs;
use crate::error::Error;
use crate::ui::settings as show;

/// Runs the command.
pub(super) fn run(context: &Context, args: &StageArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let unset = context.global.verbose > 0;
    context.printer.result(&show::document(&settings), || show::text(&settings, unset));
    Ok(ExitCode::SUCCESS)
}

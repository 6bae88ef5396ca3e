//! `zappa cache`: what earlier builds have left for the next ones.

use std::process::ExitCode;
use std::time::Duration;

use super::Context;
use crate::cli::{CacheAction, CacheArgs};
use crate::error::Error;
use crate::ops::cache;
use crate::ui::cache as show;

/// Runs the command.
pub(super) fn run(context: &Context, args: &CacheArgs) -> Result<ExitCode, Error> {
    let directory = context.cache();
    match &args.action {
        CacheAction::Info => {
            let report = cache::info(&directory, context.cache_limit()?)?;
            context.printer.result(&report, || show::info(&report));
        }
        CacheAction::Clean { older_than } => {
            let report = cache::clean(&directory, older_than.unwrap_or(Duration::ZERO))?;
            context.printer.result(&report, || show::cleaned(&report));
        }
    }
    Ok(ExitCode::SUCCESS)
}

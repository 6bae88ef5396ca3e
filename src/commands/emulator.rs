//! The hidden command that the local target runs in the background.

use std::process::ExitCode;

use super::Context;
use crate::cli::EmulatorArgs;
use crate::cloud::{CloudError, local};
use crate::error::Error;

pub(super) fn run(context: &Context, args: &EmulatorArgs) -> Result<ExitCode, Error> {
    context.runtime()?.block_on(local::serve(&args.state)).map_err(CloudError::from)?;
    Ok(ExitCode::SUCCESS)
}

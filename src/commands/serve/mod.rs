//! `zappa serve`: a stage in the foreground that follows every save.

mod disk;
mod resolved;
mod session;
mod spare;
mod watch;

use std::process::ExitCode;

use super::Context;
use super::interrupt::Stop;
use crate::cli::ServeArgs;
use crate::error::Error;
use session::Session;

/// Serves until it is told to end.
pub(super) fn run(context: &Context, args: &ServeArgs) -> Result<ExitCode, Error> {
    let runtime = context.runtime()?;
    let result = runtime.block_on(async {
        let mut stop = Stop::listen();
        let mut session = Session::start(context, args, &stop).await?;
        let served = tokio::select! {
            served = session.serve() => served,
            () = stop.asked() => {
                session.ending();
                Ok(())
            }
        };
        session.close().await?;
        served
    });
    // A dependency that is being installed is nobody's concern any more.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

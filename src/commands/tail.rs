//! `zappa tail`.

use std::ops::ControlFlow;
use std::process::ExitCode;

use super::Context;
use crate::cli::TailArgs;
use crate::cloud::LogQuery;
use crate::error::Error;
use crate::ops::tail::tail;
use crate::ui::report;

pub(super) fn run(context: &Context, args: &TailArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let cloud = context.connect(&settings, None)?;
    let query = LogQuery {
        // So long ago that there is no such time: from the beginning.
        since: jiff::Timestamp::now().checked_sub(args.since).ok(),
        after: None,
        request: args.request.clone(),
        filters: args.filter.clone(),
    };
    let printer = &context.printer;
    // `tail … | head`: nobody reads any more.
    let show = |event| match printer.line(&if printer.is_json() { report::log_event_json(&event) } else { report::log_event(&event) }) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    context.runtime()?.block_on(async {
        tokio::select! {
            done = tail(&*cloud, &settings.id, query, !args.no_follow, show) => done?,
            // The usual way to end it, and no failure.
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

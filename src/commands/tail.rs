//! `zappa tail`.

use std::ops::ControlFlow;
use std::process::ExitCode;

use super::Context;
use super::regions::{self, Scope};
use crate::cli::TailArgs;
use crate::cloud::{LogEvent, LogQuery};
use crate::error::Error;
use crate::ops::tail::tail;
use crate::ui::{Printer, report};

pub(super) fn run(context: &Context, args: &TailArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let query = LogQuery {
        // So long ago that there is no such time: from the beginning.
        since: jiff::Timestamp::now().checked_sub(args.since).ok(),
        after: None,
        request: args.request.clone(),
        filters: args.filter.clone(),
    };
    let settings = match regions::scope(context, settings, &args.regions)? {
        Scope::One(settings) => settings,
        Scope::Several(several) => return regions::tail(context, &several, args, &query),
    };
    let cloud = context.connect(&settings, None)?;
    let show = |event| show(&context.printer, None, &event);
    context.runtime()?.block_on(async {
        tokio::select! {
            done = tail(&*cloud, &settings.id, query, !args.no_follow, show) => done?,
            // The usual way to end it, and no failure.
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Shows an event, with its region and the width of the longest where there are several.
pub(super) fn show(printer: &Printer, region: Option<(&str, usize)>, event: &LogEvent) -> ControlFlow<()> {
    let line = match (printer.is_json(), region) {
        (true, region) => report::log_event_json(event, region.map(|(region, _)| region)),
        (false, None) => report::log_event(event),
        (false, Some((region, width))) => format!("{region:width$}  {}", report::log_event(event)),
    };
    match printer.line(&line) {
        Ok(()) => ControlFlow::Continue(()),
        // `tail … | head`: nobody reads any more.
        Err(_) => ControlFlow::Break(()),
    }
}

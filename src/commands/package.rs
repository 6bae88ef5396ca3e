//! `zappa package`: writes the bundle of a stage, or lists what it would hold and why.

use std::process::ExitCode;

use super::Context;
use super::interrupt::Scratch;
use crate::bundle::BundleError;
use crate::bundle::cache::tidy;
use crate::cli::PackageArgs;
use crate::error::Error;
use crate::model::size;
use crate::ops::package::{self, PackageRequest};
use crate::ui::{explain, package as show, report_page};

/// Runs the command.
pub(super) fn run(context: &Context, args: &PackageArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let project = context.project(&settings)?;
    let (cache, limit) = (context.cache(), context.cache_limit()?);
    let output = args.output.clone().unwrap_or_else(|| package::default_output(&settings));
    let directory = package::directory(&output);
    let printer = &context.printer;
    let observer = printer.observer();
    if args.list || args.explain.is_some() {
        let request =
            PackageRequest { project: &project, settings: &settings, cache: &cache, output: &output, page: None, scratch: directory };
        if let Some(asked) = &args.explain {
            let explanation = package::explain(&request, asked, observer)?;
            printer.result(&explanation, || explain::explained(&explanation));
            return Ok(ExitCode::SUCCESS);
        }
        let report = package::list(&request, observer)?;
        if report.summary.unpacked_size > report.summary.unpacked_limit {
            let (is, limit) = (size(report.summary.unpacked_size), size(report.summary.unpacked_limit));
            observer.warn(&format!("{is} unpacked are over Lambda's limit of {limit}: `zappa deploy` will refuse this"));
        }
        printer.result(&report, || show::list(&report, printer.bars()));
        return Ok(ExitCode::SUCCESS);
    }
    // Beside the output, so that it can be moved into place, and gone with this run.
    let scratch = Scratch::new(Some(directory)).map_err(|source| BundleError::Write { path: output.clone(), source })?;
    let request = PackageRequest {
        project: &project,
        settings: &settings,
        cache: &cache,
        output: &output,
        page: args.report.as_deref(),
        scratch: scratch.path(),
    };
    let state = if args.report.is_some() { "there is no report; the archives may be complete" } else { "no archive was written" };
    context.block_on_or(state.to_owned(), async {
        let report = package::package(&request, observer).await?;
        if let Some(page) = &args.report {
            let html = report_page::page(&settings.id, &report);
            std::fs::write(page, html).map_err(|source| BundleError::Write { path: page.clone(), source })?;
            observer.note(&format!("the report is in `{}`", page.display()));
        }
        printer.result(&report, || show::packaged(&report, printer.bars()));
        tidy(&cache, limit);
        Ok(ExitCode::SUCCESS)
    })
}

//! `zappa package`: writes the bundle of a stage, or lists what it would hold and why.

use std::process::ExitCode;

use super::Context;
use super::interrupt::Scratch;
use crate::bundle::BundleError;
use crate::cli::PackageArgs;
use crate::error::Error;
use crate::model::size;
use crate::ops::package::{self, PackageRequest};
use crate::ui::package as show;

/// Runs the command.
pub(super) fn run(context: &Context, args: &PackageArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let project = context.project(&settings)?;
    let cache = context.cache();
    let output = args.output.clone().unwrap_or_else(|| package::default_output(&settings));
    let directory = package::directory(&output);
    let printer = &context.printer;
    let observer = printer.observer();
    if args.list {
        let request = PackageRequest { project: &project, settings: &settings, cache: &cache, output: &output, scratch: directory };
        let report = package::list(&request, observer)?;
        if report.summary.unpacked_size > report.summary.unpacked_limit {
            let (is, limit) = (size(report.summary.unpacked_size), size(report.summary.unpacked_limit));
            observer.warn(&format!("{is} unpacked are over Lambda's limit of {limit}: `zappa deploy` will refuse this"));
        }
        printer.result(&report, || show::list(&report));
        return Ok(ExitCode::SUCCESS);
    }
    // Beside the output, so that it can be moved into place, and gone with this run.
    let scratch = Scratch::new(Some(directory)).map_err(|source| BundleError::Write { path: output.clone(), source })?;
    let request = PackageRequest { project: &project, settings: &settings, cache: &cache, output: &output, scratch: scratch.path() };
    context.block_on_or("no archive was written".to_owned(), async {
        let report = package::package(&request, observer)?;
        printer.result(&report, || show::packaged(&report));
        Ok(ExitCode::SUCCESS)
    })
}

//! `zappa package`: writes the bundle of a stage, or lists what it would hold and why.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::Context;
use crate::bundle::Part;
use crate::cli::PackageArgs;
use crate::error::Error;
use crate::ops::package::{self, ListReport, PackageReport, PackageRequest, Summary};
use crate::ui::report::size;

/// Runs the command.
pub(super) fn run(context: &Context, args: &PackageArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let project = context.project(&settings)?;
    let cache = context.cache();
    let output = args.output.clone().unwrap_or_else(|| package::default_output(&settings));
    let request = PackageRequest { project: &project, settings: &settings, cache: &cache, output: &output };
    let printer = &context.printer;
    let observer = printer.observer();
    if args.list {
        let report = package::list(&request, observer)?;
        if report.summary.unpacked_size > report.summary.unpacked_limit {
            let (is, limit) = (size(report.summary.unpacked_size), size(report.summary.unpacked_limit));
            observer.warn(&format!("{is} unpacked are over Lambda's limit of {limit}: `zappa deploy` will refuse this"));
        }
        if printer.is_json() { printer.json(&report) } else { printer.data(&list(&report)) }
    } else {
        let report = package::package(&request, observer)?;
        if printer.is_json() { printer.json(&report) } else { printer.data(&packaged(&report)) }
    }
    Ok(ExitCode::SUCCESS)
}

fn packaged(report: &PackageReport) -> String {
    let mut text = String::new();
    for archive in &report.archives {
        let _ = writeln!(text, "{}", archive.path.display());
        let _ = writeln!(text, "  size      {} ({} unpacked)", size(archive.size), size(archive.unpacked_size));
        let _ = writeln!(text, "  sha256    {}", archive.code_sha256);
    }
    text.push_str(&summary(&report.summary));
    text
}

fn summary(summary: &Summary) -> String {
    let mut text = String::new();
    for (part, total) in &summary.parts {
        let origin = if *part == Part::Dependencies { format!(", from {}", summary.dependencies) } else { String::new() };
        let _ = writeln!(text, "  {:<8}  {}, {}{origin}", name(*part), files(total.files), size(total.size));
    }
    text.push_str("heaviest");
    for weight in &summary.heaviest {
        let _ = write!(text, "\n  {:>9}  {} ({})", size(weight.size), weight.name, files(weight.files));
    }
    text
}

fn list(report: &ListReport) -> String {
    let mut text = String::new();
    for entry in &report.entries {
        let _ = writeln!(text, "{:>9}  {:<8}  {}  ({})", size(entry.size), name(entry.part), entry.path, entry.reason);
    }
    if !report.skipped.is_empty() {
        text.push_str("left out\n");
    }
    for skipped in &report.skipped {
        let _ = writeln!(text, "  {}  ({})", skipped.path, skipped.reason);
    }
    let _ = writeln!(text, "{} in all, {} unpacked", files(report.entries.len()), size(report.summary.unpacked_size));
    text.push_str(&summary(&report.summary));
    text
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

fn name(part: Part) -> &'static str {
    match part {
        Part::App => "app",
        Part::Shim => "shim",
        Part::Configuration => "settings",
        Part::Dependencies => "packages",
    }
}

//! What `zappa package` says of a bundle, written or only looked at.

use std::fmt::Write as _;

use crate::bundle::Part;
use crate::model::size;
use crate::ops::package::{ListReport, PackageReport, Summary};

/// What was written.
#[must_use]
pub fn packaged(report: &PackageReport) -> String {
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

/// `--list`: every member and why it is in, everything left out and why.
#[must_use]
pub fn list(report: &ListReport) -> String {
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

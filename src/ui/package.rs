//! What `zappa package` says of a bundle, written or only looked at.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::bars::Bars;
use super::change::{change, files};
use crate::bundle::{ArchiveRole, By, Part, Skipped, Weight};
use crate::model::size;
use crate::ops::package::{ListReport, PackageReport, Summary};

/// How wide bars are, in cells.
const WIDTH: u64 = 24;

/// What was written.
#[must_use]
pub fn packaged(report: &PackageReport, bars: Bars) -> String {
    let mut text = String::new();
    for archive in &report.archives {
        let _ = writeln!(text, "{}", archive.path.display());
        let _ = writeln!(text, "  size      {} ({} unpacked)", size(archive.size), size(archive.unpacked_size));
        let _ = writeln!(text, "  sha256    {}", archive.code_sha256);
    }
    text.push_str("limits\n");
    for archive in &report.archives {
        let whose = match archive.role {
            ArchiveRole::App => "app",
            ArchiveRole::Dependencies => "dependencies",
        };
        let over = if archive.size > report.direct_upload_limit { ": through a bucket" } else { "" };
        text.push_str(&limit(archive.size, report.direct_upload_limit, &format!("for a direct upload, {whose}{over}"), bars));
    }
    let Summary { unpacked_size, unpacked_limit, .. } = report.summary;
    text.push_str(&limit(unpacked_size, unpacked_limit, "unpacked, together", bars));
    text.push_str(&summary(&report.summary, bars));
    if let Some(since) = &report.change {
        let _ = write!(text, "\n{}", change(since));
    }
    text
}

fn limit(bytes: u64, most: u64, what: &str, bars: Bars) -> String {
    let bar = bars.draw(bytes, most, WIDTH);
    format!("  {:>9}  {bar}  {:>4}  of {} {what}\n", size(bytes), percent(bytes, most), size(most))
}

/// `41%`; what is more than nothing is not none.
fn percent(part: u64, whole: u64) -> String {
    match (part * 100).checked_div(whole) {
        Some(0) if part > 0 => "<1%".to_owned(),
        Some(percent) => format!("{percent}%"),
        None => String::new(),
    }
}

fn summary(summary: &Summary, bars: Bars) -> String {
    let mut text = String::from("contents\n");
    for (part, total) in &summary.parts {
        let origin = if *part == Part::Dependencies { format!(", from {}", summary.dependencies) } else { String::new() };
        let _ = writeln!(text, "  {:<8}  {}, {}{origin}", name(*part), files(total.files), size(total.size));
    }
    text.push_str("heaviest");
    let most = summary.heaviest.first().map_or(0, |weight| weight.size);
    for weight in &summary.heaviest {
        let bar = bars.draw(weight.size, most, WIDTH);
        let _ = write!(text, "\n  {:>9}  {bar}  {} ({})", size(weight.size), weight.name, details(weight));
    }
    text
}

fn details(weight: &Weight) -> String {
    let packed = weight.packed_size.map(|packed| format!(", {} packed", size(packed))).unwrap_or_default();
    format!("{}{packed}", files(weight.files))
}

/// `--list`: every member and why it is in, everything left out and why.
#[must_use]
pub fn list(report: &ListReport, bars: Bars) -> String {
    let mut text = String::new();
    for entry in &report.entries {
        let _ = writeln!(text, "{:>9}  {:<8}  {}  ({})", size(entry.size), name(entry.part), entry.path, entry.reason);
    }
    if !report.skipped.is_empty() {
        text.push_str("left out\n");
    }
    text.push_str(&left_out(&report.skipped));
    let _ = writeln!(text, "{} in all, {} unpacked", files(report.entries.len()), size(report.summary.unpacked_size));
    text.push_str(&summary(&report.summary, bars));
    text
}

/// One line for each, and one for all of a dependency that a rule of ours takes file by file.
fn left_out(skipped: &[Skipped]) -> String {
    let is_ours = |skipped: &&Skipped| skipped.part == Part::Dependencies && matches!(skipped.by, By::Default | By::Slim);
    let mut groups = BTreeMap::<(&str, &str), Vec<&Skipped>>::new();
    for skipped in skipped.iter().filter(is_ours) {
        let top = skipped.path.split_once('/').map_or("", |(top, _)| top);
        groups.entry((top, &skipped.reason)).or_default().push(skipped);
    }
    let mut lines: Vec<(&str, String)> = Vec::new();
    let single = |skipped: &Skipped| format!("  {}  ({})\n", skipped.path, skipped.reason);
    lines.extend(skipped.iter().filter(|skipped| !is_ours(skipped)).map(|skipped| (skipped.path.as_str(), single(skipped))));
    for ((top, reason), members) in groups {
        match members.as_slice() {
            [one] => lines.push((&one.path, single(one))),
            all => {
                let (count, bytes) = all.iter().fold((0, 0), |(count, bytes), one| (count + one.files, bytes + one.size));
                // Nobody looks into directories of byte code.
                let what = if count == 0 { format!("{} directories", all.len()) } else { format!("{}, {}", files(count), size(bytes)) };
                lines.push((&all[0].path, format!("  {top}/…  {what}  ({reason})\n")));
            }
        }
    }
    lines.sort_unstable();
    lines.into_iter().map(|(_, line)| line).collect()
}

fn name(part: Part) -> &'static str {
    match part {
        Part::App => "app",
        Part::Shim => "shim",
        Part::Configuration => "settings",
        Part::Dependencies => "packages",
    }
}

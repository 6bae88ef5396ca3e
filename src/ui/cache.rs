//! What `zappa cache` says.

use std::fmt::Write as _;

use crate::model::size;
use crate::ops::cache::{CacheReport, CleanReport};

/// What the parts of the cache are for.
fn purpose(part: &str) -> &'static str {
    match part {
        "archives" => "whole archives",
        "binaries" => "what native code was made for",
        "byte-code" => "sources that do not compile",
        "dependencies" => "installed lists of dependencies",
        "known" => "what the files of each project were",
        "listings" => "what releases held: not cleaned",
        "members" => "compressed files and byte code",
        "references" => "what sources of dependencies refer to",
        "releases" => "which releases this machine made: not cleaned",
        "runtime" => "the local target's own environments: neither limited nor cleaned",
        "wheels" => "distributions that run on Lambda",
        _ => "",
    }
}

/// `zappa cache info`
#[must_use]
pub fn info(report: &CacheReport) -> String {
    let mut text = format!("{}\n", report.directory.display());
    let width = report.usage.parts.iter().map(|part| part.name.len()).max().unwrap_or_default();
    for part in &report.usage.parts {
        let _ = writeln!(text, "  {:>9}  {:>6}  {:<width$}  {}", size(part.size), part.entries, part.name, purpose(&part.name));
    }
    let _ = write!(text, "  {:>9}  of {}", size(report.usage.size), size(report.limit));
    text
}

/// `zappa cache clean`
#[must_use]
pub fn cleaned(report: &CleanReport) -> String {
    let things = |count: usize| if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
    let mut text =
        format!("removed {} ({}) from {}", things(report.cleaned.entries), size(report.cleaned.size), report.directory.display());
    if report.cleaned.in_use > 0 {
        let _ = write!(text, "\nleft {} that may be in use", things(report.cleaned.in_use));
    }
    text
}

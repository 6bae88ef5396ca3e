//! What changed since a release, as text: distributions by version, the app's files by name and size.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::bundle::{Change, DistributionChange, FileChange, Held, Kind, Part, SHOWN};
use crate::model::size;

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();

/// `since version 3`, and a line for everything that differs; at most ten distributions and ten files.
pub(super) fn change(change: &Change) -> String {
    let since = change.since;
    if change.is_nothing() {
        return format!("since version {since}\n  nothing changed");
    }
    let mut text = format!("since version {since}");
    for distribution in change.distributions.iter().take(SHOWN) {
        let _ = write!(text, "\n  {} {}", sign(distribution.kind), self::distribution(distribution));
    }
    more(&mut text, change.distributions.len(), "distribution");
    for file in change.files.iter().take(SHOWN) {
        let _ = write!(text, "\n  {} {}", sign(file.kind), self::file(file));
    }
    more(&mut text, change.files.len(), "file");
    if change.distributions.is_empty() && change.files.is_empty() {
        let _ = write!(text, "\n  {} byte code only ({})", sign(Kind::Changed), files(change.byte_code));
    }
    text
}

/// The same in one line: `Django 5.2.18 → 5.2.19, app.py and 2 more files`.
pub(super) fn summary(change: &Change) -> String {
    let mut parts: Vec<String> = change.distributions.iter().take(3).map(versions).collect();
    if change.distributions.len() > 3 {
        parts.push(format!("{} more distributions", change.distributions.len() - 3));
    }
    match change.files.as_slice() {
        [] if parts.is_empty() && change.byte_code == 0 => parts.push("nothing".to_owned()),
        [] if parts.is_empty() => parts.push("byte code only".to_owned()),
        [] => {}
        [one] => parts.push(one.path.clone()),
        [one, others @ ..] => parts.push(format!("{} and {} more file{}", one.path, others.len(), plural(others.len()))),
    }
    parts.join(", ")
}

fn sign(kind: Kind) -> String {
    match kind {
        Kind::Added => format!("{ADDED}+{ADDED:#}"),
        Kind::Removed => format!("{REMOVED}-{REMOVED:#}"),
        Kind::Changed => format!("{CHANGED}~{CHANGED:#}"),
    }
}

/// `Django 5.2.18 → 5.2.19 (30.6 MB, +12.3 kB)`
fn distribution(change: &DistributionChange) -> String {
    let weight = match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{}, {}", size(after.size), difference(before.size, after.size)),
        (Some(held), None) | (None, Some(held)) => size(held.size),
        (None, None) => String::new(),
    };
    format!("{} ({weight})", versions(change))
}

/// `Django 5.2.18 → 5.2.19`, `six 1.17.0`, `site-packages`
pub(super) fn versions(change: &DistributionChange) -> String {
    let version = |held: &Option<Held>| held.as_ref().and_then(|held| held.version.clone());
    let name = &change.name;
    match (version(&change.before), version(&change.after)) {
        (Some(before), Some(after)) if before != after => format!("{name} {before} → {after}"),
        (_, Some(version)) | (Some(version), None) => format!("{name} {version}"),
        (None, None) => name.clone(),
    }
}

/// `shop/app.py (1.2 kB, +31 bytes)`
fn file(change: &FileChange) -> String {
    let of = if change.part == Part::Shim { ", shim" } else { "" };
    match (change.before, change.after) {
        (Some(before), Some(after)) => format!("{} ({}, {}{of})", change.path, size(after), difference(before, after)),
        (Some(only), None) | (None, Some(only)) => format!("{} ({}{of})", change.path, size(only)),
        (None, None) => change.path.clone(),
    }
}

/// `+1.2 kB`, `-3 bytes`, `same size`
pub(super) fn difference(before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", size(after - before)),
        std::cmp::Ordering::Less => format!("-{}", size(before - after)),
        std::cmp::Ordering::Equal => "same size".to_owned(),
    }
}

fn more(text: &mut String, count: usize, what: &str) {
    if let Some(more) = count.checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = write!(text, "\n    and {more} more {what}{}", plural(more));
    }
}

/// `1 file`, `12 files`
pub(super) fn files(count: usize) -> String {
    format!("{count} file{}", plural(count))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

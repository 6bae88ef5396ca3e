//! Totals against limits, what changed, the heaviest, duplicates, and what was left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markup::{Table, bar, bytes, bytes_or_none, cell, count, counted, escaped, grouped, section, share, text, unfolded};
use crate::bundle::{Archive, ArchiveRole, By, DistributionChange, Held, Kind, Part, Skipped};
use crate::model::size;
use crate::ops::package::PackageReport;
use crate::ui::change::{difference, versions};

/// Rows of a table; the rest is in the treemap, or of no weight.
const ROWS: usize = 40;
/// Paths that a list unfolds to.
const PATHS: usize = 200;

/// Cards: each archive and all together.
pub(super) fn limits(report: &PackageReport) -> String {
    let mut cards = String::new();
    for archive in &report.archives {
        cards.push_str(&archive_card(archive, report.direct_upload_limit));
    }
    let summary = &report.summary;
    let files: usize = report.archives.iter().map(|archive| archive.files).sum();
    cards.push_str(&card(
        "Unpacked, all together",
        (summary.unpacked_size, summary.unpacked_limit),
        &format!("of the {} that Lambda takes · {}", size(summary.unpacked_limit), counted(files, "file")),
        "",
    ));
    format!("<section id=\"limits\" class=\"cards\" aria-label=\"Totals and limits\">\n{cards}</section>\n")
}

fn archive_card(archive: &Archive, limit: u64) -> String {
    let title = match archive.role {
        ArchiveRole::App => "Archive of the app",
        ArchiveRole::Dependencies => "Archive of the dependencies",
    };
    let over = if archive.size > limit { ", so it goes through a bucket" } else { "" };
    let note = format!("of {} for a direct upload{over} · {}", size(limit), counted(archive.files, "file"));
    let hash = format!("<p class=\"hash\" title=\"SHA-256\">{}</p>", escaped(&archive.code_sha256));
    card(title, (archive.size, limit), &note, &hash)
}

fn card(title: &str, (value, limit): (u64, u64), note: &str, more: &str) -> String {
    let share = share(value, limit);
    let over = if value > limit { " over" } else { "" };
    format!(
        "<article class=\"card{over}\"><h3>{title}</h3><p class=\"figure\" data-bytes=\"{value}\">{}</p>\
         <div class=\"meter\"><i style=\"width:{share}%\"></i></div><p class=\"note\"><b>{share} %</b> {note}</p>{more}</article>\n",
        size(value)
    )
}

/// Since the last release.
pub(super) fn change(report: &PackageReport) -> String {
    let Some(change) = &report.change else {
        let lead = "No release of this stage was made from this machine yet, or it is not remembered any more.";
        return section("change", "Since the last release", lead, "");
    };
    let title = format!("Since version {}", change.since);
    if change.is_nothing() {
        return section("change", &title, "Nothing changed.", "");
    }
    let packed: u64 = report.archives.iter().map(|archive| archive.size).sum();
    let members: u64 = report.listing.members().map(|member| member.packed_size).sum();
    let lead = format!(
        "{} packed ({}), {} unpacked ({}).",
        size(packed),
        difference(change.packed_size_before, members),
        size(report.summary.unpacked_size),
        difference(change.unpacked_size_before, report.summary.unpacked_size)
    );
    let mut body = String::new();
    if !change.distributions.is_empty() {
        let mut table = Table::new(&["", "Distribution", "#Before", "#Now"]);
        for distribution in &change.distributions {
            let held = |held: &Option<Held>| bytes_or_none(held.as_ref().map(|held| held.size));
            table.row(&[sign(distribution.kind), self::distribution(distribution), held(&distribution.before), held(&distribution.after)]);
        }
        body.push_str(&table.html());
    }
    if !change.files.is_empty() {
        let mut table = Table::new(&["", "File", "#Before", "#Now"]);
        for file in change.files.iter().take(PATHS) {
            let path = format!("<code>{}</code>", escaped(&file.path));
            table.row(&[sign(file.kind), cell(&path), bytes_or_none(file.before), bytes_or_none(file.after)]);
        }
        body.push_str(&table.html());
        if let Some(more) = change.files.len().checked_sub(PATHS).filter(|more| *more > 0) {
            let _ = writeln!(body, "<p class=\"note\">and {} more</p>", counted(more, "file"));
        }
    }
    if change.byte_code > 0 {
        let _ = writeln!(body, "<p class=\"note\">{} of byte code with them.</p>", counted(change.byte_code, "file"));
    }
    section("change", &title, &lead, &body)
}

fn distribution(change: &DistributionChange) -> String {
    text(&versions(change))
}

fn sign(kind: Kind) -> String {
    let (class, word) = match kind {
        Kind::Added => ("added", "added"),
        Kind::Removed => ("removed", "removed"),
        Kind::Changed => ("changed", "changed"),
    };
    format!("<td><span class=\"sign {class}\">{word}</span></td>")
}

/// Where the treemap is drawn.
pub(super) fn map() -> String {
    let body = "<div class=\"tools\"><nav aria-label=\"Where the map is\"><ol id=\"crumbs\"></ol></nav>\
        <div class=\"search\"><input id=\"search\" type=\"search\" placeholder=\"Find a distribution, directory or file\" autocomplete=\"off\" \
        spellcheck=\"false\" role=\"combobox\" aria-label=\"Find a distribution, directory or file\" aria-expanded=\"false\" aria-controls=\"found\">\
        <ul id=\"found\" role=\"listbox\" aria-label=\"Found\" hidden></ul></div>\
        <fieldset class=\"switch\"><legend>Size</legend>\
        <label><input type=\"radio\" name=\"measure\" value=\"1\" checked><span>unpacked</span></label>\
        <label><input type=\"radio\" name=\"measure\" value=\"2\"><span>packed</span></label></fieldset></div>\n\
        <div id=\"treemap\"><noscript><p class=\"note\">The map needs JavaScript; the tables below do not.</p></noscript></div>\n\
        <p class=\"note keys\">Click or Enter goes in, Escape goes up, arrow keys go from tile to tile.</p>\n";
    section("map", "Where the bytes are", "Every file of the bundle, as large as it weighs.", body)
}

/// Distributions and directories of the app.
pub(super) fn heaviest(report: &PackageReport) -> String {
    let weights = report.listing.weights();
    let most = weights.first().map_or(0, |weight| weight.size);
    let mut table = Table::new(&["Name", "Part", "#Unpacked", "|", "#Packed", "#Files"]);
    for weight in weights.iter().take(ROWS) {
        let name = escaped(&weight.name);
        let link = format!("<a href=\"#{}\">{name}</a>", address(&weight.name));
        let part = match weight.part {
            Part::App => "app",
            Part::Shim => "shim",
            Part::Configuration => "settings",
            Part::Dependencies => "dependencies",
        };
        table.row(&[
            cell(&link),
            text(part),
            bytes(weight.size),
            bar(weight.size, most),
            bytes_or_none(weight.packed_size),
            count(weight.files),
        ]);
    }
    let lead = match weights.len() {
        all @ ..=ROWS => format!("All {all} distributions and directories."),
        all => format!("The first {ROWS} of {} distributions and directories.", grouped(all)),
    };
    section("heaviest", "Heaviest", &lead, &table.html())
}

/// As `encodeURIComponent` writes it, which is how the map's script reads it.
fn address(name: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(name.trim_end_matches('/'), KEPT).to_string()
}

/// The same content at several paths.
pub(super) fn duplicates(report: &PackageReport) -> String {
    let duplicates = &report.duplicates;
    if duplicates.is_empty() {
        return section("duplicates", "Duplicate files", "No two files are the same.", "");
    }
    let wasted: u64 = duplicates.iter().map(|duplicate| duplicate.wasted).sum();
    let mut table = Table::new(&["Where", "#Copies", "#Size", "#Wasted"]);
    for duplicate in duplicates.iter().take(ROWS) {
        let paths: Vec<(&str, u64)> = duplicate.paths.iter().map(|path| (path.as_str(), 0)).collect();
        let summary = format!("<code>{}</code>", escaped(paths.first().map_or("", |(path, _)| path)));
        table.row(&[
            cell(&unfolded(&summary, paths.get(1..).unwrap_or_default(), PATHS)),
            count(paths.len()),
            bytes(duplicate.size),
            bytes(duplicate.wasted),
        ]);
    }
    let lead = format!(
        "{} of content at more than one path; all copies but one weigh <b data-bytes=\"{wasted}\">{}</b> unpacked.",
        counted(duplicates.len(), "piece"),
        size(wasted)
    );
    section("duplicates", "Duplicate files", &lead, &table.html())
}

/// What one rule leaves out.
#[derive(Default)]
struct LeftOut<'a> {
    paths: Vec<(&'a str, u64)>,
    files: usize,
    size: u64,
}

/// What is not in, by the rule.
pub(super) fn left_out(report: &PackageReport) -> String {
    if report.skipped.is_empty() {
        return section("left-out", "Left out", "Nothing.", "");
    }
    let mut rules = BTreeMap::<(&str, &str), LeftOut<'_>>::new();
    for skipped in &report.skipped {
        let left_out = rules.entry((rule(skipped), decided_by(&skipped.by))).or_default();
        left_out.paths.push((&skipped.path, skipped.size));
        left_out.files += skipped.files;
        left_out.size += skipped.size;
    }
    let mut rules: Vec<_> = rules.into_iter().collect();
    rules.sort_by_key(|(_, left_out)| std::cmp::Reverse((left_out.size, left_out.paths.len())));
    let (files, weight) = rules.iter().fold((0, 0), |(files, size), (_, left_out)| (files + left_out.files, size + left_out.size));
    let mut body = String::new();
    for ((rule, by), LeftOut { paths, size: weight, .. }) in rules {
        let weighs = if weight > 0 { format!(" · {}", size(weight)) } else { String::new() };
        let counted = counted(paths.len(), "path");
        let summary =
            format!("<span>{}</span> <em data-bytes=\"{weight}\" data-count=\"{}\">{by}{counted}{weighs}</em>", escaped(rule), paths.len());
        body.push_str(&unfolded(&summary, &paths, PATHS));
    }
    let lead = format!(
        "By the rule that decided: <b>{}</b> in {}, and directories that nobody looked into (they end with a slash).",
        size(weight),
        counted(files, "file")
    );
    section("left-out", "Left out", &lead, &format!("<div class=\"rules\">\n{body}</div>\n"))
}

/// The rule alone: what it was applied to, the path says.
fn rule(skipped: &Skipped) -> &str {
    match skipped.by {
        By::Slim | By::Distribution(_) => skipped.reason.split_once(": ").map_or(skipped.reason.as_str(), |(_, rule)| rule),
        By::Setting(_) | By::IgnoreFile(_) | By::Default | By::Hidden => &skipped.reason,
    }
}

/// Which key of the settings has a say in it, where the rule does not name it.
fn decided_by(by: &By) -> &'static str {
    match by {
        By::Slim => "<code>slim</code> · ",
        By::Setting(_) | By::IgnoreFile(_) | By::Default | By::Distribution(_) | By::Hidden => "",
    }
}

//! Progress and results of several regions: one line for each while it goes on, one table at the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use indicatif::ProgressBar;

use super::Printer;
use super::printer::{BOLD, DIM};
use super::progress::{Progress, took};
use crate::model::StageId;
use crate::observe::{Observer, RegionsObserver, TaskId};
use crate::ops::regions::{Ending, RegionsReport, Row};

/// The observer of several regions: a bar for each on a terminal, plain lines elsewhere.
pub struct RegionsProgress {
    progress: Arc<Progress>,
    /// Of the longest name.
    width: usize,
    lines: Mutex<HashMap<String, Line>>,
}

struct Line {
    since: Instant,
    bar: Option<ProgressBar>,
}

impl RegionsProgress {
    pub(super) fn new<'a>(progress: Arc<Progress>, regions: impl Iterator<Item = &'a str>) -> Self {
        let width = regions.map(str::len).max().unwrap_or(0);
        Self { progress, width, lines: Mutex::default() }
    }

    fn line(&self, region: &str, text: &str) {
        let width = self.width;
        self.progress.note(&format!("{region:width$}  {text}"));
    }
}

impl RegionsObserver for RegionsProgress {
    fn region(&self, region: &str) -> Box<dyn Observer + '_> {
        let width = self.width;
        let bar = self.progress.region_bar(&format!("{region:width$}"));
        let line = Line { since: Instant::now(), bar: bar.clone() };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned(), line);
        Box::new(RegionProgress { all: self, region: region.to_owned(), bar, tasks: Mutex::default() })
    }

    fn ended(&self, region: &str, result: &str, well: bool) {
        let Some(line) = self.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(region) else { return };
        if let Some(bar) = line.bar {
            bar.finish_and_clear();
        }
        self.line(region, &format!("{}{}", self.progress.marked(result, well), took(line.since.elapsed())));
    }
}

/// One region's observer.
struct RegionProgress<'a> {
    all: &'a RegionsProgress,
    region: String,
    bar: Option<ProgressBar>,
    /// What goes on, by number.
    tasks: Mutex<Vec<(String, Option<u64>)>>,
}

impl Observer for RegionProgress<'_> {
    fn begin(&self, task: &str, total: Option<u64>) -> TaskId {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push((task.to_owned(), total));
        if let Some(bar) = &self.bar {
            bar.set_message(task.to_owned());
        }
        TaskId(tasks.len() as u64 - 1)
    }

    fn advance(&self, id: TaskId, done: u64) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = usize::try_from(id.0).ok().and_then(|index| tasks.get(index));
        if let (Some((name, Some(total))), Some(bar)) = (task, &self.bar) {
            bar.set_message(format!("{name} {} %", done.saturating_mul(100) / (*total).max(1)));
        }
    }

    fn end(&self, id: TaskId, outcome: Result<&str, ()>) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((name, _)) = usize::try_from(id.0).ok().and_then(|index| tasks.get(index)) else { return };
        match (&self.bar, outcome) {
            // The line of a region that goes on says what it is at.
            (Some(_), _) => {}
            (None, Ok(detail)) => self.all.line(&self.region, format!("{name} {detail}").trim_end()),
            (None, Err(())) => self.all.line(&self.region, &format!("{name} failed")),
        }
    }

    fn note(&self, message: &str) {
        self.all.line(&self.region, message);
    }

    fn warn(&self, message: &str) {
        self.all.progress.warn(&format!("{}: {message}", self.region));
    }

    fn detail(&self, message: &str) {
        self.all.progress.detail(&format!("{}: {message}", self.region));
    }
}

/// The table, with a head that says what it is about.
#[must_use]
pub fn table(id: &StageId, report: &RegionsReport, head: &str) -> String {
    let mut rows = vec![["region", "result", "version", "url", "code", "differs in", "time", "cause"].map(str::to_owned).to_vec()];
    for row in &report.regions {
        rows.push(vec![
            row.region.clone(),
            // Of a look, what was found says enough.
            if row.code.is_some() { String::new() } else { row.result.words().to_owned() },
            row.version.map(|version| version.to_string()).unwrap_or_default(),
            row.url.clone().unwrap_or_default(),
            row.code.as_ref().map(|code| code.chars().take(8).collect()).unwrap_or_default(),
            row.drift.join(", "),
            if row.code.is_some() || row.seconds < 0.05 { String::new() } else { format!("{:.1} s", row.seconds) },
            row.cause.first().map(|cause| cause.lines().next().unwrap_or_default().to_owned()).unwrap_or_default(),
        ]);
    }
    let mut text = format!("{BOLD}{id}{BOLD:#}: {head}\n\n{}", aligned(&rows));
    let details = grouped(report.regions.iter().flat_map(|row| row.details.iter().map(move |detail| (detail.clone(), row))));
    for (detail, regions) in details {
        text.push_str(&format!("\n  {detail} {DIM}({}){DIM:#}", among(&regions, report)));
    }
    for line in &report.shared {
        text.push_str(&format!("\n  {line}"));
    }
    text
}

/// `3 of 35 regions: 1 failed`
#[must_use]
pub fn summary(report: &RegionsReport) -> String {
    let count = report.regions.len();
    let mut parts: Vec<(Ending, usize)> = Vec::new();
    for row in &report.regions {
        match parts.iter_mut().find(|(ending, _)| *ending == row.result) {
            Some((_, count)) => *count += 1,
            None => parts.push((row.result, 1)),
        }
    }
    let parts: Vec<String> = parts.into_iter().map(|(ending, count)| format!("{count} {}", ending.words())).collect();
    format!("{count} region{}, {}", if count == 1 { "" } else { "s" }, parts.join(", "))
}

/// Says of every failure why, and what can be done; those of one kind together.
pub fn failures(printer: &Printer, report: &RegionsReport) {
    let failed = report.regions.iter().filter(|row| !row.cause.is_empty() && row.result != Ending::Skipped);
    for (causes, regions) in grouped(failed.map(|row| (row.cause.clone(), row))) {
        let hints = regions.first().map(|row| row.hints.clone()).unwrap_or_default();
        let (message, causes) = causes.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
        let regions: Vec<&str> = regions.iter().map(|row| row.region.as_str()).collect();
        printer.failure_with(&format!("{}: {message}", regions.join(", ")), causes, &hints);
    }
}

/// Rows by what they have in common, in the order in which that comes first.
fn grouped<'a, K: PartialEq>(items: impl Iterator<Item = (K, &'a Row)>) -> Vec<(K, Vec<&'a Row>)> {
    let mut groups: Vec<(K, Vec<&Row>)> = Vec::new();
    for (key, row) in items {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    groups
}

fn among(rows: &[&Row], report: &RegionsReport) -> String {
    if rows.len() == report.regions.len() && rows.len() > 1 {
        return "in every region".to_owned();
    }
    let names: Vec<&str> = rows.iter().map(|row| row.region.as_str()).collect();
    match names.as_slice() {
        [one, two, three, _, others @ ..] => format!("in {one}, {two}, {three} and {} more", others.len() + 1),
        few => format!("in {}", few.join(", ")),
    }
}

/// Columns side by side; one in which nobody has anything to say is left out.
fn aligned(rows: &[Vec<String>]) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let columns = rows.first().map_or(0, Vec::len);
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let used: Vec<(usize, usize)> = (0..columns)
        .filter(|column| rows.iter().skip(1).any(|row| !cell(row, *column).is_empty()))
        .map(|column| (column, rows.iter().map(|row| cell(row, column).width()).max().unwrap_or(0)))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = used.iter().map(|(column, width)| pad(&cell(row, *column), *width)).collect();
        format!("  {}", cells.join("  ").trim_end())
    };
    let mut lines = rows.iter().map(line);
    let head = lines.next().map(|head| format!("{DIM}{head}{DIM:#}"));
    head.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn pad(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthStr as _;
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// What stands above one region's answer.
#[must_use]
pub fn heading(region: &str) -> String {
    format!("{BOLD}{region}{BOLD:#}")
}

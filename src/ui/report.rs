//! Results as text.

use std::fmt::Write as _;

use anstyle::Style;
use serde_json::{Value, json};

use super::printer::{BOLD, DIM};
use super::{certify, change};
use crate::bundle::{Archive, Bundle, Part};
use crate::cloud::{Deployment, LastError, LogEvent, LogKind, Sandbox, Scheduled, ScheduledRun};
pub use crate::model::size;
use crate::model::{FrontDoor, Outcome, StageId};
use crate::ops::contents::ReleaseContents;
use crate::ops::deploy::{DeployReport, Planned};
use crate::ops::rollback::RollbackReport;
use crate::ops::schedule::{SchedulePlan, ScheduleReport, UnscheduleReport};
use crate::ops::status::StatusReport;
use crate::ops::undeploy::{UndeployPlan, UndeployReport};
use crate::schedule::Expression;

/// Rows of label and text, aligned.
#[derive(Default)]
pub(super) struct Rows(Vec<(String, String)>);

impl Rows {
    pub(super) fn add(&mut self, label: &str, text: impl Into<String>) {
        self.0.push((label.to_owned(), text.into()));
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self.0.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        for (index, (label, text)) in self.0.iter().enumerate() {
            let end = if index + 1 < self.0.len() { "\n" } else { "" };
            write!(f, "  {DIM}{label:width$}{DIM:#}  {text}{end}")?;
        }
        Ok(())
    }
}

fn front_door(front_door: FrontDoor) -> &'static str {
    match front_door {
        FrontDoor::Rest => "REST API",
        FrontDoor::Http => "HTTP API",
        FrontDoor::FunctionUrl => "function URL",
        FrontDoor::Alb => "load balancer",
    }
}

fn bundle_text(bundle: &Bundle) -> String {
    let text = |Archive { size: bytes, files, unpacked_size, .. }: &Archive| {
        format!("{} ({files} files, {} unpacked)", size(*bytes), size(*unpacked_size))
    };
    let own = bundle.app().map(text).unwrap_or_default();
    match bundle.dependencies() {
        Some(archive) => format!("{own}, dependencies {}", text(archive)),
        None => own,
    }
}

/// What weighs most, and what is new.
fn contents(rows: &mut Rows, contents: &ReleaseContents) {
    let weights = contents.heaviest.iter().filter(|weight| weight.part == Part::Dependencies).take(3);
    let heaviest: Vec<String> = weights.map(|weight| format!("{} {}", weight.name, size(weight.size))).collect();
    if !heaviest.is_empty() {
        rows.add("heaviest", heaviest.join(", "));
    }
    if let Some(since) = contents.change.as_ref().filter(|change| !change.is_nothing()) {
        rows.add("changed", change::summary(since));
    }
}

/// `zappa deploy`, `zappa update`
#[must_use]
pub fn deploy(id: &StageId, report: &DeployReport) -> String {
    let name = &report.function_name;
    let version = report.version;
    let head = match (report.live, report.previous) {
        (Outcome::Unchanged, _) => format!("{BOLD}{name}{BOLD:#} is up to date: version {version} is live"),
        (_, None) => format!("{BOLD}{name}{BOLD:#} is live: version {version}"),
        (_, Some(previous)) => format!("{BOLD}{name}{BOLD:#} is live: version {version} (was {previous})"),
    };
    let mut rows = Rows(Vec::new());
    rows.add("url", format!("{BOLD}{}{BOLD:#}", report.url));
    rows.add("front door", front_door(report.front_door));
    rows.add("bundle", bundle_text(&report.bundle));
    contents(&mut rows, &report.contents);
    if let Some(first) = report.first_request {
        let warm = first.warm_ms.map(|warm| format!(", warm {warm:.1} ms")).unwrap_or_default();
        rows.add("first request", format!("cold {:.0} ms{warm}", first.cold_ms));
    }
    if !report.pruned.is_empty() {
        let pruned: Vec<String> = report.pruned.iter().map(ToString::to_string).collect();
        rows.add("removed", format!("version {}", pruned.join(", ")));
    }
    let stage = &id.stage;
    let back = if report.previous.is_some() { format!(" · `zappa rollback {stage}`") } else { String::new() };
    format!("{head}\n\n{rows}\n\n{DIM}next: `zappa status {stage}`{back} · `zappa undeploy {stage}`{DIM:#}")
}

/// `--dry-run`
#[must_use]
pub fn plan(id: &StageId, planned: &Planned) -> String {
    let Planned { plan, bundle, change } = planned;
    let mut rows = Rows(Vec::new());
    rows.add("bundle", bundle_text(bundle));
    let release = match plan.release {
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Created | Outcome::Updated => format!("a new version, because of: {}", plan.changes.join(", ")),
    };
    rows.add("release", release);
    rows.add("permissions and limits", plan.surroundings.to_string());
    rows.add("route", plan.route.to_string());
    rows.add("schedules", plan.schedules.to_string());
    if !plan.remove.is_empty() {
        let versions: Vec<String> = plan.remove.iter().map(ToString::to_string).collect();
        rows.add("removed", format!("version {}", versions.join(", ")));
    }
    if plan.resume {
        rows.add("note", "the last run did not come to its end: everything is looked at again");
    }
    let change = change.as_ref().map(|change| format!("\n\n{}", self::change::change(change))).unwrap_or_default();
    format!("{BOLD}{id}{BOLD:#}: nothing was done; a deployment would do this\n\n{rows}{change}")
}

/// `zappa rollback`
#[must_use]
pub fn rollback(report: &RollbackReport) -> String {
    let RollbackReport { function_name, from, to } = report;
    format!("{BOLD}{function_name}{BOLD:#} is live: version {to} (was {from})")
}

/// `zappa rollback --dry-run`
#[must_use]
pub fn rollback_plan(plan: &RollbackReport) -> String {
    let RollbackReport { function_name, from, to } = plan;
    if from == to {
        return format!("{BOLD}{function_name}{BOLD:#}: version {to} is live already; there is nothing to do");
    }
    format!("{BOLD}{function_name}{BOLD:#}: nothing was done; a rollback would make version {to} live (now {from})")
}

/// `zappa schedule --dry-run`, `zappa unschedule --dry-run`
#[must_use]
pub fn schedule_plan(plan: &SchedulePlan) -> String {
    let SchedulePlan { function_name, created, updated, removed, unchanged } = plan;
    let parts = [("create", created), ("update", updated), ("remove", removed), ("leave alone", unchanged)];
    let mut rows = Rows(Vec::new());
    for (label, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
        rows.add(label, names.join(", "));
    }
    if rows.0.is_empty() {
        return format!("{BOLD}{function_name}{BOLD:#} has no schedules, and none are wanted");
    }
    format!("{BOLD}{function_name}{BOLD:#}: nothing was done; of the schedules this would\n\n{rows}")
}

/// `zappa schedule`
#[must_use]
pub fn schedule(report: &ScheduleReport) -> String {
    let ScheduleReport { function_name, outcome, schedules } = report;
    match schedules.len() {
        0 => format!("{BOLD}{function_name}{BOLD:#} has no schedules ({outcome})"),
        1 => format!("{BOLD}{function_name}{BOLD:#} has 1 schedule ({outcome}){}", scheduled(schedules)),
        count => format!("{BOLD}{function_name}{BOLD:#} has {count} schedules ({outcome}){}", scheduled(schedules)),
    }
}

/// `zappa unschedule`
#[must_use]
pub fn unschedule(report: &UnscheduleReport) -> String {
    let UnscheduleReport { function_name, removed } = report;
    if removed.is_empty() {
        return format!("{BOLD}{function_name}{BOLD:#} has no schedules: nothing to remove");
    }
    removed
        .iter()
        .fold(format!("{BOLD}{function_name}{BOLD:#} has no schedules any more"), |text, name| format!("{text}\n  removed {name}"))
}

/// `zappa undeploy`
#[must_use]
pub fn undeploy(report: &UndeployReport) -> String {
    let name = &report.function_name;
    if report.removed.is_empty() {
        return format!("{BOLD}{name}{BOLD:#} is not deployed: nothing to remove");
    }
    report.removed.iter().fold(format!("{BOLD}{name}{BOLD:#} is gone"), |text, line| format!("{text}\n  removed {line}"))
}

/// `zappa undeploy --dry-run`
#[must_use]
pub fn undeploy_plan(plan: &UndeployPlan) -> String {
    let UndeployPlan { function_name: name, removed, kept } = plan;
    if removed.is_empty() && kept.is_empty() {
        return format!("{BOLD}{name}{BOLD:#} is not deployed: nothing to remove");
    }
    let mut rows = Rows(Vec::new());
    removed.iter().for_each(|line| rows.add("remove", line));
    kept.iter().for_each(|line| rows.add("keep", format!("{line} (`--remove-logs` removes it)")));
    format!("{BOLD}{name}{BOLD:#}: nothing was done; this would\n\n{rows}")
}

/// `zappa status`
#[must_use]
pub fn status(report: &StatusReport) -> String {
    let StatusReport { deployment, drift } = report;
    let mut rows = Rows(Vec::new());
    rows.add("live", deployment.live.map_or_else(|| "nothing yet".to_owned(), |live| format!("version {live}")));
    if let Some(route) = &deployment.route {
        rows.add("url", format!("{BOLD}{}{BOLD:#}", route.url));
        rows.add("front door", front_door(route.front_door));
    }
    if let Some(function) = &deployment.function {
        rows.add("runtime", format!("{}, {} MB, {} s", function.runtime, function.memory_mb, function.timeout_seconds));
    }
    rows.add("arn", &deployment.function_arn);
    if let Some(state) = &deployment.domain {
        certify::domain(&mut rows, state);
    }
    running(&mut rows, deployment);
    for (label, text) in &deployment.facts {
        rows.add(label, text);
    }
    if !drift.is_empty() {
        rows.add("differs", format!("from the settings in {}; a deployment brings it up to date", drift.join(", ")));
    }
    let mut text = format!("{BOLD}{}{BOLD:#}\n\n{rows}\n\n  {DIM}releases{DIM:#}", deployment.function_name);
    for release in deployment.releases.iter().rev() {
        let live = if deployment.live == Some(release.version) { "  ← live" } else { "" };
        let _ = write!(text, "\n  {:>8}  {}  {}{live}", release.version, release.created, size(release.code_size));
    }
    if !deployment.schedules.is_empty() {
        let _ = write!(text, "\n\n  {DIM}schedules{DIM:#}{}", scheduled(&deployment.schedules));
    }
    text
}

/// One line per schedule, each with the newline before it.
fn scheduled(schedules: &[Scheduled]) -> String {
    let width = |of: fn(&Scheduled) -> &str| schedules.iter().map(|schedule| of(schedule).len()).max().unwrap_or(0);
    let (names, expressions) = (width(|schedule| &schedule.spec.name), width(|schedule| &schedule.spec.expression));
    let mut text = String::new();
    for Scheduled { spec, next_run, last_run } in schedules {
        let next = match next_run {
            _ if !spec.enabled => "disabled".to_owned(),
            Some(next) => format!("next {next}"),
            // Not every target tells when it began to count.
            None if matches!(spec.expression.parse(), Ok(Expression::Rate(_))) => "enabled".to_owned(),
            None => "never again".to_owned(),
        };
        let _ = write!(text, "\n  {:names$}  {:expressions$}  {next}", spec.name, spec.expression);
        if let Some(ScheduledRun { started, attempt, result, error, retry }) = last_run {
            let _ = write!(text, "  last {started} {result}");
            let retry = retry.as_ref().map(|retry| format!(", again at {retry}")).unwrap_or_default();
            let _ = error.as_ref().map(|error| write!(text, ": {error} (attempt {attempt}{retry})"));
        }
    }
    text
}

fn running(rows: &mut Rows, deployment: &Deployment) {
    if let Some(host) = &deployment.host {
        rows.add("emulator", format!("process {}, up {}", host.pid, age(host.uptime_seconds)));
    }
    for sandbox in deployment.sandboxes.iter().flatten() {
        let Sandbox { pid, version, state, requests, memory_mb, peak_memory_mb } = sandbox;
        let requests = format!("{requests} request{}", if *requests == 1 { "" } else { "s" });
        let memory = match (memory_mb, peak_memory_mb) {
            (Some(now), Some(peak)) => format!(", {now} MB (at most {peak} MB)"),
            _ => String::new(),
        };
        rows.add("sandbox", format!("process {pid}, version {version}, {state}, {requests}{memory}"));
    }
    if let Some(error) = &deployment.last_error {
        let LastError { time, request_id, error_type, message } = error;
        let request = request_id.get(..8).unwrap_or(request_id);
        rows.add("last error", format!("{error_type}: {message} ({time}, request {request})"));
    }
}

/// `2 days 3 h`, `3 h 20 min`, `12 s`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// One event of the log.
#[must_use]
pub fn log_event(event: &LogEvent) -> String {
    let request = event.request_id.as_deref().map_or("-", |id| id.get(..8).unwrap_or(id));
    let style = match event.kind {
        LogKind::Platform => DIM,
        LogKind::Function => Style::new(),
    };
    let mut text = format!("{DIM}{:.3}  {request:8}{DIM:#}", event.time);
    for (index, line) in event.text.split('\n').enumerate() {
        // What follows stands below the first, so that events can be told apart.
        let indent = if index == 0 { "  " } else { "\n                                    " };
        let _ = write!(text, "{indent}{style}{line}{style:#}");
    }
    text
}

/// One event of the log as one line of JSON; `region` where there are several.
#[must_use]
pub fn log_event_json(event: &LogEvent, region: Option<&str>) -> String {
    let LogEvent { time, request_id, kind, text } = event;
    let mut line = json!({ "time": format!("{time:.3}"), "request_id": request_id, "kind": kind, "text": text });
    if let Some(region) = region {
        line["region"] = json!(region);
    }
    line.to_string()
}

/// A function's result.
#[must_use]
pub fn json_value(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

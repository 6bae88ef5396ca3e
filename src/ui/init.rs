//! What `zappa init` shows: what it found, as talk; what it wrote, as the result.

use std::path::Path;

use serde_json::json;

use super::Printer;
use crate::ops::init::Plan;
use crate::project::{DependencySource, Survey};
use crate::settings::AppSetting;

/// The project, before anything is asked.
pub fn found(printer: &Printer, survey: &Survey) {
    let interpreter = &survey.interpreter;
    printer.say(&format!("Found in {}:", survey.root.display()));
    printer.say(&format!("  Python        {} ({})", interpreter.version, interpreter.found_by));
    printer.say(&format!("  dependencies  {}", dependencies(survey)));
}

/// The app, and how it was found.
pub fn app(printer: &Printer, app: &AppSetting, how: &str) {
    let name = match app {
        AppSetting::Function(app) => format!("`{app}`"),
        AppSetting::Django(module) => format!("Django with the settings `{module}`"),
    };
    printer.say(&format!("  app           {name} ({how})"));
}

/// The file, and the commands to run next.
pub fn written(printer: &Printer, plan: &Plan, survey: &Survey, path: &Path, commands: &[String]) {
    if printer.is_json() {
        printer.json(&json!({
            "settings_file": path,
            "stages": plan.stages(),
            "project_name": plan.id.project,
            "app": plan.app,
            "found": plan.found,
            "runtime": plan.runtime,
            "aws_region": plan.regions.home,
            "interpreter": survey.interpreter,
            "dependencies": dependencies(survey),
            "next": commands,
        }));
        return;
    }
    let stages: Vec<String> = plan.stages().iter().map(|stage| format!("`{stage}`")).collect();
    let mut text = format!("Wrote {} ({}). Next:\n", path.display(), stages.join(" and "));
    let width = commands.iter().map(String::len).max().unwrap_or_default();
    let meanings =
        ["runs it on this machine, as on AWS", "the same while you work: every save is served at once", "puts it up in your AWS account"];
    for (command, meaning) in commands.iter().zip(meanings) {
        text += &format!("\n  {command:width$}  # {meaning}");
    }
    printer.data(&text);
}

fn dependencies(survey: &Survey) -> String {
    match &survey.dependencies {
        DependencySource::Environment(installed) => format!("what is installed in {}", installed.source),
        DependencySource::File { path, .. } => format!("what `{}` lists", path.strip_prefix(&survey.root).unwrap_or(path).display()),
    }
}

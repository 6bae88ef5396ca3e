//! `zappa init`.

use std::process::ExitCode;

use serde_json::json;

use super::{CommandError, Context, interrupt};
use crate::cli::InitArgs;
use crate::error::Error;
use crate::model::slug;
use crate::ops::init::{FirstSettings, existing, write};
use crate::project::{self, DiscoveryRequest, ProjectError, Survey};
use crate::settings::AppSetting;
use crate::ui::{prompt, report};

const DEFAULT_STAGE: &str = "dev";
const DEFAULT_REGION: &str = "us-east-1";
/// As long as zappa/Zappa makes it: names in AWS are built on it.
const PROJECT_NAME_LENGTH: usize = 15;

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<ExitCode, Error> {
    let runtime = context.runtime()?;
    let _entered = runtime.enter();
    interrupt::watch("nothing was written");
    if let Some(path) = existing(&context.directory).filter(|_| !args.force) {
        return Err(CommandError::SettingsExist { path }.into());
    }
    let request = DiscoveryRequest { directory: context.directory.clone(), python: context.global.python.clone(), app: None };
    let found = project::survey(&request, &context.environment)?;
    if !context.printer.is_json() {
        context.printer.say(&report::survey(&found));
    }
    let asking = !args.yes && !context.printer.is_json() && prompt::can_ask();
    let settings = match settings(context, args, &found, asking) {
        Err(Error::Command(CommandError::Prompt(error))) if error.kind() == std::io::ErrorKind::Interrupted => {
            return Ok(ExitCode::from(interrupt::INTERRUPTED));
        }
        settings => settings?,
    };
    let path = write(&found.root, &settings)?;
    let (AppSetting::Function(app) | AppSetting::Django(app)) = &settings.app;
    let written = json!({
        "file": path, "stage": settings.stage, "app": settings.app, "runtime": settings.runtime, "project_name": settings.project_name,
        "aws_region": settings.region, "python": found.interpreter, "candidates": found.candidates,
    });
    context.printer.result(&written, || report::initialised(&path, app, &settings.stage));
    Ok(ExitCode::SUCCESS)
}

/// What was found, what the flags say and, with `asking`, what the user answers.
fn settings(context: &Context, args: &InitArgs, found: &Survey, asking: bool) -> Result<FirstSettings, Error> {
    let app = match (&args.app, &args.django_settings) {
        (Some(app), _) => AppSetting::Function(app.clone()),
        (None, Some(module)) => AppSetting::Django(module.clone()),
        (None, None) => app(found, asking)?,
    };
    let variable = |name: &str| context.environment.get(name).filter(|value| !value.is_empty()).cloned();
    let stage = match &args.stage {
        Some(stage) => stage.clone(),
        None if asking => prompt::ask("Name of the first stage", DEFAULT_STAGE, check_stage).map_err(CommandError::Prompt)?,
        None => DEFAULT_STAGE.to_owned(),
    };
    check_stage(&stage).map_err(|reason| CommandError::Stage { stage: stage.clone(), reason })?;
    let usual = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let region = match &args.region {
        Some(region) => region.clone(),
        None if asking => prompt::ask("AWS region", &usual, |_| Ok(())).map_err(CommandError::Prompt)?,
        None => usual,
    };
    let mut project_name = slug(&found.root.file_name().unwrap_or_default().to_string_lossy());
    project_name.truncate(PROJECT_NAME_LENGTH);
    project_name.truncate(project_name.trim_end_matches('-').len());
    if project_name.is_empty() {
        "app".clone_into(&mut project_name);
    }
    Ok(FirstSettings { stage, app, region, runtime: found.interpreter.runtime, project_name })
}

fn app(found: &Survey, asking: bool) -> Result<AppSetting, Error> {
    match project::chosen(&found.candidates) {
        Some(candidate) => Ok(candidate.setting()),
        None if found.candidates.is_empty() => Err(ProjectError::NoApp { rejected: found.rejected.clone() }.into()),
        None if asking => {
            let items: Vec<String> = found.candidates.iter().map(|candidate| format!("{} ({})", candidate.app, candidate.file)).collect();
            let index = prompt::choose("Which app shall be served?", &items).map_err(CommandError::Prompt)?;
            Ok(found.candidates[index].setting())
        }
        None => Err(CommandError::WhichApp { candidates: found.candidates.clone() }.into()),
    }
}

fn check_stage(stage: &str) -> Result<(), String> {
    let allowed = !stage.is_empty() && stage.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if allowed { Ok(()) } else { Err("letters, digits, `_` and `-` only".to_owned()) }
}

//! `zappa init`: what was found → questions about what cannot be known → the settings file.

use std::process::ExitCode;

use super::Context;
use crate::cli::InitArgs;
use crate::env;
use crate::error::Error;
use crate::model::{InvalidValue, StageId};
use crate::ops::init::{self, DEFAULT_REGION, DEFAULT_STAGE, Destination, InitError, LOCAL_STAGE, Plan, Regions};
use crate::project::{self, Apps, ProjectError, Survey};
use crate::settings::{AppSetting, derived_project_name};
use crate::ui::init as show;
use crate::ui::prompt::{self, INTERRUPTED, NoAnswer, Prompt};

/// Why it ended early.
enum Stop {
    Failed(Error),
    Interrupted,
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NoAnswer> for Stop {
    fn from(answer: NoAnswer) -> Self {
        match answer {
            NoAnswer::Interrupted => Self::Interrupted,
            NoAnswer::Failed(source) => Self::Failed(InitError::Ask { source }.into()),
        }
    }
}

/// Runs the command.
pub(super) fn run(context: &Context, args: &InitArgs) -> Result<ExitCode, Error> {
    match attempt(args, context) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Interrupted) => Ok(ExitCode::from(INTERRUPTED)),
    }
}

fn attempt(args: &InitArgs, context: &Context) -> Result<(), Stop> {
    let settings_file = context.global.settings_file.as_deref();
    let destination = Destination::choose(&context.directory, settings_file, args.force)?;
    let survey = project::survey(&context.directory, context.global.python.as_deref(), &context.environment)?;
    let project = derived_project_name(&survey.root);
    let check_stage = |stage: &str| init::check_stage(&project, stage);
    if let Some(stage) = &args.stage {
        checked(check_stage(stage), "--stage")?;
    }
    let (region, said_by) = region(args, context);
    checked(init::check_region(&region), said_by)?;
    for region in &args.region {
        checked(init::check_region(region), "--region")?;
    }

    show::found(&context.printer, &survey);
    let prompt = (!args.yes && !context.printer.is_json() && prompt::can_ask()).then(Prompt::new);
    let (app, found) = app(args, &survey, prompt.as_ref())?;
    show::app(&context.printer, &app, &found);
    let stage = match (&args.stage, &prompt) {
        (Some(stage), _) => stage.clone(),
        (None, None) => DEFAULT_STAGE.to_owned(),
        (None, Some(prompt)) => {
            prompt.text("Name of the first stage", Some(DEFAULT_STAGE), |stage| check_stage(stage).map_err(|why| why.0))?
        }
    };
    let regions = match (args.region.as_slice(), &prompt) {
        _ if stage == LOCAL_STAGE => Regions::none(),
        ([], Some(prompt)) if !args.all_regions => {
            let check = |answer: &str| Regions::parse(answer, &region).map(|_| ()).map_err(|why| why.0);
            let answer = prompt.text("AWS region (several, or `all`)", Some(&region), check)?;
            checked(Regions::parse(&answer, &region), "the answer")?
        }
        ([_, others @ ..], _) => Regions { home: Some(region), others: others.to_vec(), all: args.all_regions },
        ([], _) => Regions { home: Some(region), others: Vec::new(), all: args.all_regions },
    };
    if let Some(prompt) = prompt {
        prompt.finish();
    }
    let plan = Plan { id: StageId { project, stage }, app, found, runtime: survey.interpreter.runtime, regions };
    init::write(&destination.path, &plan.render(), args.force)?;
    for other in &destination.others {
        context.printer.observer().warn(&format!("`{}` stays beside the new file: remove it", other.display()));
    }
    let commands = init::next_commands(&plan.id.stage, context.global.directory.as_deref(), settings_file);
    show::written(&context.printer, &plan, &survey, &destination.path, &commands);
    Ok(())
}

fn checked<T>(outcome: Result<T, InvalidValue>, from: &'static str) -> Result<T, InitError> {
    outcome.map_err(|source| InitError::Value { source, from })
}

/// The region that is offered, and who says so.
fn region(args: &InitArgs, context: &Context) -> (String, &'static str) {
    if let Some(region) = args.region.first() {
        return (region.clone(), "--region");
    }
    let set = env::AWS_REGIONS.iter().find_map(|name| Some((context.environment.get(*name).filter(|value| !value.is_empty())?, *name)));
    set.map_or_else(|| (DEFAULT_REGION.to_owned(), "the default"), |(region, name)| (region.clone(), name))
}

/// The app and how it was found. Asks only if several are equally likely or none is there.
fn app(args: &InitArgs, survey: &Survey, prompt: Option<&Prompt>) -> Result<(AppSetting, String), Stop> {
    let function = args.app.clone().map(AppSetting::Function);
    if let Some(app) = function.or_else(|| args.django_settings.clone().map(AppSetting::Django)) {
        survey.check_app(&app)?;
        return Ok((app, "named on the command line".to_owned()));
    }
    let apps: Apps = survey.find_apps()?;
    let candidate = match (apps.choose(&survey.root), prompt) {
        (Ok(candidate), _) => candidate.clone(),
        (Err(ProjectError::AmbiguousApp { mut candidates }), Some(prompt)) => {
            let items: Vec<String> = candidates.iter().map(ToString::to_string).collect();
            candidates.swap_remove(prompt.choose("Which app is it?", &items)?)
        }
        (Err(ProjectError::NoApp { .. }), Some(prompt)) => {
            let check = |app: &str| survey.check_app(&AppSetting::Function(app.to_owned())).map_err(|error| error.to_string());
            let app = prompt.text("No app was found. Which is it (`module:callable`)?", None, check)?;
            return Ok((AppSetting::Function(app), "as answered".to_owned()));
        }
        (Err(error), _) => return Err(error.into()),
    };
    let how = format!("{}, {}", candidate.kind, candidate.place());
    Ok((candidate.app, how))
}

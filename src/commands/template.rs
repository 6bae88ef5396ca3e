//! `zappa template`.

use std::process::ExitCode;

use super::{CommandError, Context};
use crate::cli::{Part, TemplateArgs};
use crate::cloud::aws::{TemplateRequest, documents};
use crate::error::Error;
use crate::model::{OLDEST_PYTHON_MINOR, Runtime, Target};
use crate::ops::plan::wanted;
use crate::settings::Regions;

/// Runs the command.
pub(super) fn run(context: &Context, args: &TemplateArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(args.stage.as_deref(), Vec::new())?;
    let stage = || settings.id.stage.clone();
    if settings.target != Target::Aws {
        return Err(CommandError::NotOnAws { stage: stage() }.into());
    }
    let environment = || crate::env::AWS_REGIONS.iter().find_map(|name| context.environment.get(*name).filter(|region| !region.is_empty()));
    let region = settings.access.region.as_ref().or_else(environment).ok_or_else(|| CommandError::NoRegion { stage: stage() })?;
    let request = TemplateRequest {
        region,
        account: args.account.as_deref(),
        bucket: settings.artefacts.s3_bucket.as_deref(),
        several: settings.regions != Regions::One,
        domain: settings.domain.as_ref(),
    };
    // Which Python it is makes no difference here: the project need not be looked at.
    let spec = wanted(&settings, Runtime { minor: OLDEST_PYTHON_MINOR });
    let documents = documents(&settings.id, &spec, &request);
    match args.part {
        None => context.printer.json(&documents),
        Some(Part::Deployer) => context.printer.json(&documents.deployer_policy),
        Some(Part::Execution) => context.printer.json(&documents.execution_policy),
        Some(Part::Trust) => context.printer.json(&documents.trust_policy),
        Some(Part::Openapi) => {
            let openapi = documents.openapi.ok_or_else(|| CommandError::NoOpenApi { stage: stage() })?;
            context.printer.json(&openapi);
        }
    }
    Ok(ExitCode::SUCCESS)
}

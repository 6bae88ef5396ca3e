//! `zappa invoke`.

use std::process::ExitCode;

use super::{CommandError, Context};
use crate::cli::InvokeArgs;
use crate::error::Error;
use crate::ops::invoke::{Call, invoke};
use crate::ui::report;

pub(super) fn run(context: &Context, args: &InvokeArgs) -> Result<ExitCode, Error> {
    let (stage, function) = match args.words.as_slice() {
        [function] => (None, function),
        [stage, function] => (Some(stage.as_str()), function),
        _ => return Err(CommandError::InvokeWords.into()),
    };
    let settings = context.settings(stage, Vec::new())?;
    if args.raw && !settings.shim.allow_raw_invoke {
        return Err(CommandError::RawNotAllowed { stage: settings.id.stage }.into());
    }
    let cloud = context.connect(&settings, None)?;
    let call = if args.raw { Call::Source(function.clone()) } else { Call::Function(function.clone()) };
    context.block_on(async {
        let done = invoke(&*cloud, &settings.id, call, args.payload.as_deref(), args.qualifier).await?;
        if !context.printer.is_json() {
            // What the function wrote is talk; what it returned is data.
            context.printer.say(done.log.trim_end());
        }
        context.printer.result(&done, || report::json_value(&done.result));
        Ok(if done.function_error.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

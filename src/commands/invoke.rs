//! `zappa invoke`.

use std::process::ExitCode;

use super::{CommandError, Context};
use crate::cli::InvokeArgs;
use crate::cloud::OutputSink;
use crate::error::Error;
use crate::ops::invoke::{Call, Request, invoke};
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
    let request = Request { call, payload: args.payload.as_deref(), version: args.qualifier };
    let printer = &context.printer;
    context.block_on_or(super::goes_on(&settings.id), async {
        let mut last = None;
        let mut sink = |bytes: &[u8]| {
            last = bytes.last().copied().or(last);
            // What a function writes is talk, what it returns is data; source has nothing but what it prints.
            if args.raw { printer.raw(bytes) } else { printer.murmur(bytes) }
        };
        let output: Option<OutputSink<'_>> = if printer.is_json() { None } else { Some(&mut sink) };
        let done = invoke(&*cloud, &settings.id, request, output).await?;
        match (printer.is_json(), done.printed()) {
            (true, _) => printer.json(&done),
            (false, Some(printed)) if last.is_none() => printer.raw(printed.as_bytes()),
            (false, Some(_)) => {}
            (false, None) => {
                match last {
                    None if done.said().is_empty() => {}
                    None => printer.say(&done.said()),
                    Some(b'\n') => {}
                    Some(_) => printer.murmur(b"\n"),
                }
                printer.data(&report::json_value(&done.result));
            }
        }
        printer.hints(&done.hints);
        Ok(ExitCode::from(done.status))
    })
}

//! `zappa manage`.

use std::process::ExitCode;

use super::Context;
use crate::cli::ManageArgs;
use crate::cloud::OutputSink;
use crate::error::Error;
use crate::ops::invoke::manage;

pub(super) fn run(context: &Context, args: &ManageArgs) -> Result<ExitCode, Error> {
    let settings = context.settings(Some(&args.stage), Vec::new())?;
    let cloud = context.connect(&settings, None)?;
    let printer = &context.printer;
    context.block_on_or(super::goes_on(&settings.id), async {
        let mut streamed = false;
        let mut sink = |bytes: &[u8]| {
            streamed = true;
            printer.raw(bytes);
        };
        let output: Option<OutputSink<'_>> = if printer.is_json() { None } else { Some(&mut sink) };
        let done = manage(&*cloud, &settings.id, &args.command, output).await?;
        if printer.is_json() {
            printer.json(&done);
        } else if !streamed {
            printer.raw(done.output.as_bytes());
        }
        if done.is_cut && !streamed {
            printer.say(&super::only_the_end(&settings.id));
        }
        if let Some(error) = &done.error {
            printer.failure(error, &done.hints);
        }
        Ok(ExitCode::from(done.status))
    })
}

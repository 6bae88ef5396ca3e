//! `zappa invoke`: a function by name, an event by hand, or a schedule now.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;

use super::regions::{self, Scope};
use super::{CommandError, Context};
use crate::cli::InvokeArgs;
use crate::cloud::OutputSink;
use crate::error::Error;
use crate::ops::invoke::{Call, Request, invoke};
use crate::ui::report;

pub(super) fn run(context: &Context, args: &InvokeArgs) -> Result<ExitCode, Error> {
    let (stage, call) = read(args)?;
    let settings = context.settings(stage, Vec::new())?;
    if args.raw && !settings.shim.allow_raw_invoke {
        return Err(CommandError::RawNotAllowed { stage: settings.id.stage }.into());
    }
    let request = Request { call, payload: args.payload.as_deref(), version: args.qualifier };
    let settings = match regions::scope(context, settings, &args.regions)? {
        Scope::One(settings) => settings,
        Scope::Several(several) => return regions::invoke(context, &several, args, &request),
    };
    let cloud = context.connect(&settings, None)?;
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
                    None => {
                        printer.say(&done.said());
                        if done.is_cut() {
                            printer.say(&super::only_the_end(&settings.id));
                        }
                    }
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

/// The stage and what the words and flags ask for.
fn read(args: &InvokeArgs) -> Result<(Option<&str>, Call), CommandError> {
    let instead = match (&args.event, &args.schedule) {
        (Some(path), _) => Some(("--event", Call::Event(read_event(path)?))),
        (None, Some(name)) => Some(("--schedule", Call::Schedule(name.clone()))),
        (None, None) => None,
    };
    let named = |function: &String| if args.raw { Call::Source(function.clone()) } else { Call::Function(function.clone()) };
    match (args.words.as_slice(), instead) {
        ([], Some((_, call))) => Ok((None, call)),
        ([stage], Some((_, call))) => Ok((Some(stage), call)),
        ([_, function], Some((flag, _))) => Err(CommandError::InvokeEither { flag, function: function.clone() }),
        ([function], None) => Ok((None, named(function))),
        ([stage, function], None) => Ok((Some(stage), named(function))),
        _ => Err(CommandError::InvokeWords),
    }
}

/// The event as it is written, so that the function gets every digit of it; that it is JSON is checked here.
fn read_event(path: &Path) -> Result<Bytes, CommandError> {
    let read = || {
        if path != Path::new("-") {
            return std::fs::read(path);
        }
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = read().map_err(|source| CommandError::EventFile { path: path.to_owned(), source })?;
    // Editors on Windows begin a file with a byte order mark, which is not JSON.
    let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match serde_json::from_slice::<serde::de::IgnoredAny>(json) {
        Ok(_) => Ok(Bytes::copy_from_slice(json)),
        Err(source) => Err(CommandError::EventSyntax { path: path.to_owned(), source }),
    }
}

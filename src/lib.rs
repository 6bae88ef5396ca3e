//! `zappa` takes an existing Flask or Django project and puts it on AWS Lambda behind a catch-all route, in one region or in all of them, and runs the very
//! same deployment on this machine. This page is the map.
//!
//! # The way of a deployment
//!
//! ```text
//! args ─ cli ─ commands::dispatch
//!          │
//!          ├─ settings::load        what was written → what it means
//!          ├─ project::discover     root, interpreter, site-packages, app
//!          ├─ commands::connect     the adapter behind `trait Cloud`
//!          └─ ops::deploy
//!               ├─ bundle::plan     what goes in, and why          ┐ at the same time:
//!               ├─ bundle::write    the same input, the same bytes ├ `cloud.find`, and of a new stage
//!               │                                                  ┘ `ensure_prerequisites`
//!               ├─ ops::plan        what is there against what is wanted (`--dry-run`, and a stage that is as wanted, end here)
//!               ├─ cloud            code → version → health check → `live` → route → schedules
//!               └─ ui::report       text or JSON on stdout
//! ```
//!
//! # The way of a request on the local target
//!
//! ```text
//! HTTP ─ emulator::front ─ gateway::request ─ event ─ emulator::dispatch ─ idle sandbox
//!                                                                            │  python -m awslambdaric
//! HTTP ─ emulator::front ─ gateway::response ─ payload ─ emulator::runtime_api ┘  zappa.handler (shim/)
//! ```
//!
//! # The way of a save (`zappa serve`)
//!
//! ```text
//! file ─ commands::serve::watch ─ bundle::Planner ─ bundle::Tree ─ cloud::local::Foreground ─ emulator: new sandbox, init, `live`
//! ```
//!
//! # Who may use whom
//!
//! Downward only; `tests/it/layering.rs` holds this table to the code.
//!
//! ```text
//! 7 lib, main
//! 6 commands  cli  error
//! 5 ui
//! 4 ops
//! 3 bundle  cloud::aws  cloud::local
//! 2 emulator  project
//! 1 cloud (trait and types)  gateway  settings
//! 0 model  observe  hint  env  schedule  disk
//! ```
//!
//! # What holds everywhere
//!
//! - A release is a published version behind the alias `live`. A new version is asked whether it is well before it serves; rolling back moves the alias.
//! - `ops` knows the trait, never an adapter. Every step looks, compares and changes only what differs; a run that was killed is finished by the next one.
//! - A target tells by itself what a stage is: on this machine a state directory, on AWS names, tags and the description of the alias `live` (`cloud::aws`'s
//!   `record`), which is the stage's lock, too.
//! - Work reports to an [`observe::Observer`]; only [`ui`] writes to the terminal. stdout is data, stderr is talk.
//! - Every error knows its next step ([`hint::Hint`]); [`error`] alone decides exit statuses.

pub mod bundle;
pub mod cli;
pub mod cloud;
pub mod commands;
mod disk;
pub mod emulator;
pub mod env;
pub mod error;
pub mod gateway;
pub mod hint;
pub mod model;
pub mod observe;
pub mod ops;
pub mod project;
pub mod schedule;
pub mod settings;
pub mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

/// Runs the command line `args`, the program's name included.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = cli::Cli::parse_from(args);
    let printer = ui::Printer::new(ui::PrinterOptions {
        json: cli.global.json,
        quiet: cli.global.quiet,
        verbose: cli.global.verbose,
        color: match cli.global.color {
            cli::Color::Auto => ui::ColorChoice::Auto,
            cli::Color::Always => ui::ColorChoice::Always,
            cli::Color::Never => ui::ColorChoice::Never,
        },
    });
    let context = commands::Context::new(&cli, printer);
    let outcome = commands::dispatch(cli, &context).and_then(|code| {
        context.printer.finish()?;
        Ok(code)
    });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            ui::report_failure(&context.printer, &error, &error.hints());
            error.exit_status()
        }
    }
}

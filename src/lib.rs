//! skeleton

pub mod bundle;
pub mod cli;
pub mod cloud;
pub mod commands;
pub mod emulator;
pub mod env;
pub mod error;
pub mod gateway;
pub mod hint;
pub mod model;
pub mod observe;
pub mod ops;
pub mod project;
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
    match commands::dispatch(cli, &context) {
        Ok(code) => code,
        Err(error) => {
            ui::report_failure(&context.printer, &error);
            error.exit_status()
        }
    }
}

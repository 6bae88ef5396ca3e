//! One file per subcommand: flags → settings → project → target → one operation → one report.

mod init;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{Cli, Command, Global};
use crate::env;
use crate::error::Error;
use crate::project::{self, DiscoveryRequest, Project};
use crate::settings::{self, Request, Settings};
use crate::ui::Printer;

/// What every command starts from.
pub(crate) struct Context {
    /// The project's directory: `-C`, or the working directory.
    pub(crate) directory: PathBuf,
    /// Flags that every command takes.
    pub(crate) global: Global,
    /// The process's environment, read once.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where results and talk go.
    pub(crate) printer: Printer,
}

impl Context {
    /// Reads what the process was given.
    pub(crate) fn new(cli: &Cli, printer: Printer) -> Self {
        // Variables that are not Unicode cannot be settings; they still reach child processes.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        let directory = cli.global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
        Self { directory, global: cli.global.clone(), environment, printer }
    }

    /// The settings of a stage; `overrides` are this command's flags (key, value, flag as typed).
    pub(crate) fn settings(
        &self,
        stage: Option<&str>,
        overrides: Vec<(&'static str, serde_json::Value, String)>,
    ) -> Result<Settings, Error> {
        let request = Request { stage: stage.map(str::to_owned), file: self.global.settings_file.clone(), overrides };
        Ok(settings::load(&self.directory, &request, &self.environment)?)
    }

    /// The project that the settings are about.
    pub(crate) fn project(&self, settings: &Settings) -> Result<Project, Error> {
        let request = DiscoveryRequest { directory: self.directory.clone(), python: self.global.python.clone(), app: settings.app.clone() };
        Ok(project::discover(&request, &self.environment)?)
    }

    /// Where things that can be made again are kept between runs: `ZAPPA_CACHE_DIR`, else `zappa` in the platform's cache directory.
    pub(crate) fn cache(&self) -> PathBuf {
        use etcetera::BaseStrategy as _;
        if let Some(directory) = self.environment.get(env::CACHE_DIR).filter(|value| !value.is_empty()) {
            return PathBuf::from(directory);
        }
        match etcetera::choose_base_strategy() {
            Ok(strategy) => strategy.cache_dir().join("zappa"),
            Err(_) => std::env::temp_dir().join("zappa-cache"),
        }
    }
}

/// Runs the command.
pub(crate) fn dispatch(cli: Cli, context: &Context) -> Result<ExitCode, Error> {
    match cli.command {
        Command::Init(args) => init::run(&args, context),
        Command::Deploy(_)
        | Command::Update(_)
        | Command::Rollback(_)
        | Command::Undeploy(_)
        | Command::Package(_)
        | Command::Status(_)
        | Command::Invoke(_)
        | Command::Manage(_)
        | Command::Settings(_)
        | Command::Emulator(_) => {
            let _ = (context.cache(), &context.printer);
            Ok(ExitCode::SUCCESS)
        }
    }
}

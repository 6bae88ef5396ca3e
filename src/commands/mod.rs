//! One file per subcommand: flags → settings → project → target → one operation → one report.

mod cache;
mod certify;
mod deploy;
mod emulator;
mod init;
mod interrupt;
mod invoke;
mod manage;
mod package;
mod regions;
mod rollback;
mod schedule;
mod serve;
mod settings;
mod status;
mod tail;
mod template;
mod undeploy;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::{Cli, Command, Global};
use crate::cloud::Cloud;
use crate::cloud::aws::{AwsCloud, AwsOptions, Fleet, Trace};
use crate::cloud::local::{LocalCloud, LocalOptions, STATE_DIRECTORY};
use crate::env;
use crate::error::Error;
use crate::hint::Hint;
use crate::model::{InvalidValue, StageId, Target, parse_size};
use crate::project::{self, DiscoveryRequest, Project};
use crate::settings::{Regions, Request, Settings};
use crate::ui::{ColorChoice, Printer, PrinterOptions};

/// Room for the members of some fifty projects.
const DEFAULT_CACHE_SIZE: u64 = 2 << 30;
/// What a local function sees as its region where the settings name none.
const DEFAULT_LOCAL_REGION: &str = "us-east-1";

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

    /// The same project, for work that reports to somebody else than the printer.
    pub(crate) fn silent(&self) -> Self {
        let printer = Printer::new(PrinterOptions { json: false, quiet: true, verbose: 0, color: ColorChoice::Auto });
        Self { directory: self.directory.clone(), global: self.global.clone(), environment: self.environment.clone(), printer }
    }

    /// The settings of a stage; `overrides` are this command's flags (key, value, flag as typed).
    pub(crate) fn settings(
        &self,
        stage: Option<&str>,
        overrides: Vec<(&'static str, serde_json::Value, String)>,
    ) -> Result<Settings, Error> {
        let request = Request { stage: stage.map(str::to_owned), file: self.global.settings_file.clone(), overrides };
        Ok(crate::settings::load(&self.directory, &request, &self.environment)?)
    }

    /// The project that the settings are about.
    pub(crate) fn project(&self, settings: &Settings) -> Result<Project, Error> {
        let request = DiscoveryRequest {
            directory: self.directory.clone(),
            python: self.global.python.clone(),
            cache: Some(self.cache()),
            app: settings.app.clone(),
        };
        Ok(project::discover(&request, &self.environment)?)
    }

    /// The target of the stage. `project` is needed to release, not to look or to remove.
    pub(crate) fn connect(&self, settings: &Settings, project: Option<&Project>) -> Result<Box<dyn Cloud>, Error> {
        if settings.target == Target::Aws {
            return Ok(Box::new(self.on_aws(settings, &self.fleet(settings), settings.access.region.clone())));
        }
        let root = self.directory.canonicalize().map_err(|source| CommandError::Directory { path: self.directory.clone(), source })?;
        let interpreter = project.map(|project| (project.interpreter.base_executable.clone(), project.interpreter.version.clone()));
        let region = settings.access.region.clone().unwrap_or_else(|| DEFAULT_LOCAL_REGION.to_owned());
        let options = LocalOptions { state: root.join(STATE_DIRECTORY), cache: self.cache(), interpreter, region };
        Ok(Box::new(LocalCloud::new(options)))
    }

    /// What all regions of a stage on AWS share in this run.
    pub(crate) fn fleet(&self, settings: &Settings) -> Arc<Fleet> {
        Arc::new(Fleet::new(settings.access.clone(), self.printer.tracer().map(Trace::new)))
    }

    pub(crate) fn on_aws(&self, settings: &Settings, fleet: &Arc<Fleet>, region: Option<String>) -> AwsCloud {
        AwsCloud::new(AwsOptions {
            region,
            fleet: fleet.clone(),
            elsewhere: match &settings.regions {
                Regions::Several(regions) => regions.clone(),
                Regions::One | Regions::All => Vec::new(),
            },
            bucket: settings.artefacts.s3_bucket.clone().filter(|_| settings.is_home),
            home_bucket: settings.artefacts.s3_bucket.clone().filter(|_| settings.regions != Regions::One || fleet.is_several()),
            delete_archives: settings.artefacts.delete_s3_zip,
            tags: settings.tags.clone(),
            role: settings.role.clone(),
            domain: settings.domain.clone(),
        })
    }

    /// Where things that can be made again are kept between runs: `ZAPPA_CACHE_DIR`, else `zappa` in the platform's cache directory.
    pub(crate) fn cache(&self) -> PathBuf {
        use etcetera::BaseStrategy as _;
        if let Some(directory) = self.environment.get(env::CACHE_DIR).filter(|value| !value.is_empty()) {
            return std::path::absolute(Path::new(directory)).unwrap_or_else(|_| PathBuf::from(directory));
        }
        match etcetera::choose_base_strategy() {
            Ok(strategy) => strategy.cache_dir().join("zappa"),
            Err(_) => std::env::temp_dir().join("zappa-cache"),
        }
    }

    /// How many bytes may be kept there: `ZAPPA_CACHE_SIZE`, else 2 GiB.
    pub(crate) fn cache_limit(&self) -> Result<u64, CommandError> {
        match self.environment.get(env::CACHE_SIZE).filter(|value| !value.is_empty()) {
            Some(text) => parse_size(text).map_err(CommandError::CacheSize),
            None => Ok(DEFAULT_CACHE_SIZE),
        }
    }

    pub(crate) fn runtime(&self) -> Result<tokio::runtime::Runtime, CommandError> {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(CommandError::Runtime)
    }

    /// Runs asynchronous work to its end, or to Ctrl-C.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.block_on_or("what was serving goes on serving; running the command again finishes what was begun".to_owned(), work)
    }

    /// As [`Self::block_on`]; `state` is what holds after Ctrl-C.
    pub(crate) fn block_on_or<T>(&self, state: String, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.runtime()?.block_on(async {
            interrupt::watch(state);
            work.await
        })
    }
}

/// Runs the command.
pub(crate) fn dispatch(cli: Cli, context: &Context) -> Result<ExitCode, Error> {
    match cli.command {
        Command::Init(args) => init::run(context, &args),
        Command::Package(args) => package::run(context, &args),
        Command::Template(args) => template::run(context, &args),
        Command::Cache(args) => cache::run(context, &args),
        Command::Settings(args) => settings::run(context, &args),
        Command::Deploy(args) => deploy::run(context, &args, false),
        Command::Update(args) => deploy::run(context, &args, true),
        Command::Serve(args) => serve::run(context, &args),
        Command::Rollback(args) => rollback::run(context, &args),
        Command::Undeploy(args) => undeploy::run(context, &args),
        Command::Status(args) => status::run(context, &args),
        Command::Tail(args) => tail::run(context, &args),
        Command::Invoke(args) => invoke::run(context, &args),
        Command::Manage(args) => manage::run(context, &args),
        Command::Certify(args) => certify::run(context, &args),
        Command::Schedule(args) => schedule::make(context, &args),
        Command::Unschedule(args) => schedule::remove(context, &args),
        Command::Emulator(args) => emulator::run(context, &args),
    }
}

/// What holds when nobody waits for a function any more.
fn goes_on(id: &StageId) -> String {
    format!("the function goes on with what it was doing; `zappa tail {}` shows what it writes", id.stage)
}

/// What to say where only the end of what a function wrote could be shown.
fn only_the_end(id: &StageId) -> String {
    format!("these are the last 4 KB of what it wrote; `zappa tail {}` shows all of it", id.stage)
}

/// What can be wrong with a command before it has begun.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A flag's value.
    #[error(transparent)]
    Flag(InvalidValue),
    /// The limit of the cache.
    #[error("`{}` is wrong", env::CACHE_SIZE)]
    CacheSize(#[source] InvalidValue),
    /// `-C`
    #[error("`{}` is not a directory that can be entered", path.display())]
    Directory {
        /// As typed.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Documents for AWS, of a stage that is not there.
    #[error("stage `{stage}` has the target `local`, which needs nobody's permission")]
    NotOnAws {
        /// The stage.
        stage: String,
    },
    /// Documents for AWS, of a stage that may be anywhere.
    #[error("no region is set for stage `{stage}`")]
    NoRegion {
        /// The stage.
        stage: String,
    },
    /// Only a REST API is imported from a document.
    #[error("the front door of stage `{stage}` has no OpenAPI document")]
    NoOpenApi {
        /// The stage.
        stage: String,
    },
    /// A question that nobody could answer.
    #[error("`zappa {command}` asks before it removes anything, and there is no terminal to ask on")]
    NeedsYes {
        /// The command.
        command: &'static str,
    },
    /// The prompt broke.
    #[error("could not ask")]
    Prompt(#[source] std::io::Error),
    /// `invoke --raw` on a stage that forbids it.
    #[error("stage `{stage}` does not allow `--raw`")]
    RawNotAllowed {
        /// The stage.
        stage: String,
    },
    /// `invoke` with a function and something that takes its place.
    #[error("`{flag}` takes the place of the function `{function}`")]
    InvokeEither {
        /// The flag.
        flag: &'static str,
        /// As typed.
        function: String,
    },
    /// The event could not be read.
    #[error("could not read the event from `{}`", path.display())]
    EventFile {
        /// As typed.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The event is not JSON.
    #[error("{}:{}: the event is not JSON", path.display(), source.line())]
    EventSyntax {
        /// As typed.
        path: PathBuf,
        /// Where it breaks.
        source: serde_json::Error,
    },
    /// Too many words.
    #[error("`zappa invoke` takes a stage and a function")]
    InvokeWords,
    /// Nothing tells of changes.
    #[error("could not watch the project for changes")]
    Watch(#[source] notify::Error),
    /// No threads.
    #[error("could not start the asynchronous runtime")]
    Runtime(#[source] std::io::Error),
}

impl Hint for CommandError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::NotOnAws { .. } => vec!["name a stage with `target = \"aws\"`".to_owned()],
            Self::NoRegion { .. } => vec!["set `aws_region` for the stage, or `AWS_REGION`".to_owned()],
            Self::NoOpenApi { .. } => vec!["only REST APIs (`apigateway_version = \"v1\"`, the default) are imported from one".to_owned()],
            Self::NeedsYes { .. } => vec!["pass `--yes` if you are sure".to_owned()],
            Self::RawNotAllowed { .. } => {
                vec!["set `allow_raw_invoke = true` for the stage and deploy it, or call a function of the project by name".to_owned()]
            }
            Self::InvokeEither { flag, .. } => vec![format!("name only the stage with `{flag}`")],
            Self::EventFile { .. } => vec!["`--event -` reads it from standard input".to_owned()],
            Self::Watch(_) => vec!["on Linux: raise `fs.inotify.max_user_instances` and `fs.inotify.max_user_watches`".to_owned()],
            Self::Flag(_)
            | Self::CacheSize(_)
            | Self::Directory { .. }
            | Self::Prompt(_)
            | Self::EventSyntax { .. }
            | Self::InvokeWords
            | Self::Runtime(_) => Vec::new(),
        }
    }

    fn is_input(&self) -> bool {
        !matches!(self, Self::Prompt(_) | Self::Runtime(_) | Self::Watch(_))
    }
}

//! The command line: clap types and help text, nothing else.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::{FrontDoor, parse_duration};

/// Put an existing Flask or Django project on AWS Lambda, or run the very same deployment on this machine.
#[derive(Debug, Parser)]
#[command(name = "zappa", version, propagate_version = true, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Start with `zappa init`, then `zappa deploy local`: no AWS account, no Docker.")]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work on the project in this directory
    #[arg(short = 'C', long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub directory: Option<PathBuf>,
    /// Read the settings from this file of the project instead of zappa_settings.{toml,json,yaml,yml}
    #[arg(short, long, global = true, value_name = "FILE", help_heading = "Global options", alias = "settings_file")]
    pub settings_file: Option<PathBuf>,
    /// Use this interpreter (and the environment it belongs to)
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub python: Option<PathBuf>,
    /// Print one JSON document on standard output
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = "Global options")]
    pub verbose: u8,
    /// When to use colour: auto, always or never
    // The values' own descriptions would make clap spread every command's help over twice the lines.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, hide_possible_values = true, value_name = "WHEN")]
    #[arg(help_heading = "Global options")]
    pub color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at the project and write its zappa_settings.toml
    Init(InitArgs),
    /// Put a stage up, or bring it up to date
    Deploy(DeployArgs),
    /// Bring a deployed stage up to date
    Update(DeployArgs),
    /// Run a stage here while you work on it: every save is served at once
    Serve(ServeArgs),
    /// Go back to an earlier release: no upload, about a second
    Rollback(RollbackArgs),
    /// Take a stage down
    Undeploy(UndeployArgs),
    /// Build the bundle and say what is in it
    Package(PackageArgs),
    /// Show what is deployed
    Status(StatusArgs),
    /// Show what a stage logs
    Tail(TailArgs),
    /// Call a function of the project in the deployed stage, or send it an event
    Invoke(InvokeArgs),
    /// Run a Django management command in the deployed stage
    Manage(ManageArgs),
    /// Make the stage's schedules what the settings say, without a release
    Schedule(ScheduleArgs),
    /// Remove the stage's schedules, keep-warm too, until the next `schedule` or `deploy`
    Unschedule(ScheduleArgs),
    /// Let a domain of yours lead to the stage: certificate, domain name, records
    Certify(CertifyArgs),
    /// Print who needs which permissions for a stage, and its API, as documents
    Template(TemplateArgs),
    /// Show or empty the cache that makes the next build a fast one
    Cache(CacheArgs),
    /// Print every setting of a stage and where it came from
    Settings(StageArgs),
    /// The background process of the local target
    #[command(hide = true)]
    Emulator(EmulatorArgs),
}

/// `zappa cache`
#[derive(Debug, Args)]
#[command(
    after_help = "ZAPPA_CACHE_DIR names another directory, ZAPPA_CACHE_SIZE another limit than 2GiB: over it, what was used longest ago goes."
)]
pub struct CacheArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: CacheAction,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// Show where it is, how large it is, and what of
    Info,
    /// Remove what is in it, but for what releases held; the next build is slower, and no different
    Clean {
        /// Only what has not been used for so long: 12h, 7d, 4w
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        older_than: Option<Duration>,
    },
}

/// The stage, for commands that take nothing else.
#[derive(Debug, Args)]
pub struct StageArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
}

/// Which regions, for commands that work in several.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Regions")]
pub struct RegionArgs {
    /// Work in this region instead of those of the settings (can be repeated)
    #[arg(long, value_name = "REGION")]
    pub region: Vec<String>,
    /// Work in every region that the account has enabled, except `exclude_regions`
    #[arg(long, conflicts_with = "region")]
    pub all_regions: bool,
    /// How many regions to work on at a time [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
}

/// `zappa status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Ask nothing: take what was found
    #[arg(short, long)]
    pub yes: bool,
    /// Overwrite an existing settings file
    #[arg(long)]
    pub force: bool,
    /// Name of the first stage
    #[arg(long, value_name = "NAME")]
    pub stage: Option<String>,
    /// The app to serve (`module:callable`, `module:factory()`)
    #[arg(long, value_name = "APP", conflicts_with = "django_settings")]
    pub app: Option<String>,
    /// The Django settings module to use
    #[arg(long, value_name = "MODULE")]
    pub django_settings: Option<String>,
    /// AWS region of the stage (repeated: the stage is in all of them, home first)
    #[arg(long, value_name = "REGION")]
    pub region: Vec<String>,
    /// The stage is in every region that the account has enabled
    #[arg(long)]
    pub all_regions: bool,
}

/// `zappa deploy`, `zappa update`
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// Release without asking the new version for `touch_path` first
    #[arg(long)]
    pub no_check: bool,
    /// Wait for another run on this stage to end instead of refusing
    #[arg(long)]
    pub wait: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What stands before the function [default: from the settings]
    #[arg(long, value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(FrontDoor::ALL.map(FrontDoor::as_str)))]
    pub front_door: Option<String>,
    /// Port of the local URL [default: the last one, else a free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// In several regions: let the new versions serve only when every region has one that is well
    #[arg(long, conflicts_with = "jobs", help_heading = "Regions")]
    pub atomic: bool,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa serve`
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// What stands before the function [default: from the settings]
    #[arg(long, value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(FrontDoor::ALL.map(FrontDoor::as_str)))]
    pub front_door: Option<String>,
    /// Port to listen on [default: from the settings, else 8000, else a free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

/// `zappa rollback`
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// How many releases to go back
    #[arg(short = 'n', long = "num-rollback", alias = "steps", value_name = "STEPS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: u32,
    /// The version to go to
    #[arg(long, value_name = "VERSION", conflicts_with = "steps", value_parser = clap::value_parser!(u64).range(1..))]
    pub to: Option<u64>,
    /// Wait for another run on this stage to end instead of refusing
    #[arg(long)]
    pub wait: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa undeploy`
#[derive(Debug, Args)]
pub struct UndeployArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Remove the logs too
    #[arg(long, alias = "remove_logs")]
    pub remove_logs: bool,
    /// Wait for another run on this stage to end instead of refusing
    #[arg(long)]
    pub wait: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa package`
#[derive(Debug, Args)]
pub struct PackageArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// Where to write the archive [default: `FUNCTION-NAME.zip`]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write nothing; list what would go in, and why, and what would not
    #[arg(short, long)]
    pub list: bool,
    /// Write a page about the bundle too: treemap, duplicates, what is left out, import times
    #[arg(long, value_name = "FILE.html", conflicts_with = "list")]
    pub report: Option<PathBuf>,
    /// Write nothing; say why a file, a directory or a distribution would go in or not, and what would change that
    #[arg(long, value_name = "PATH", conflicts_with_all = ["list", "report"])]
    pub explain: Option<String>,
}

/// `zappa tail`
#[derive(Debug, Args)]
#[command(after_help = "Goes on until Ctrl-C, which is no failure. With --json each event is one object on one line.")]
pub struct TailArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// Begin with what was logged so long ago: 90s, 10m, 2h, 1d [default: 10m]
    #[arg(long, value_name = "DURATION", default_value = "10m", hide_default_value = true, value_parser = parse_duration)]
    pub since: Duration,
    /// Go on with what is logged from now on (this is the default)
    #[arg(short, long, overrides_with = "no_follow")]
    pub follow: bool,
    /// End when all that there is has been shown (--disable-keep-open is the same)
    #[arg(long, alias = "disable-keep-open", alias = "disable_keep_open", overrides_with = "follow")]
    pub no_follow: bool,
    /// Only events with this text in them, as it is written (several: all of them)
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Only events of this request (the beginning of its id will do)
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa invoke`
#[derive(Debug, Args)]
#[command(
    override_usage = "zappa invoke [OPTIONS] [STAGE] <FUNCTION>",
    after_help = "What the function prints appears on standard error while it runs (on AWS the last 4 KB, once it has ended), what it returns on \
                        standard output. The function's timeout holds \
                        (`timeout_seconds`); Ctrl-C ends the watching, not the function."
)]
pub struct InvokeArgs {
    /// The function (`module.function`), behind the stage if there is more than one
    #[arg(required_unless_present_any = ["event", "schedule"], num_args = 1..=2, value_name = "FUNCTION")]
    pub words: Vec<String>,
    /// A JSON object: the event that the function gets
    #[arg(long, value_name = "JSON")]
    pub payload: Option<String>,
    /// Call no FUNCTION: send the JSON in this file as the event (`-`: standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["payload", "raw", "schedule"])]
    pub event: Option<PathBuf>,
    /// Call no FUNCTION: fire this schedule now, once
    #[arg(long, value_name = "NAME", conflicts_with_all = ["payload", "raw"])]
    pub schedule: Option<String>,
    /// FUNCTION is Python source (the stage must set `allow_raw_invoke = true`)
    #[arg(long)]
    pub raw: bool,
    /// Call this version instead of the live one
    #[arg(long, value_name = "VERSION")]
    pub qualifier: Option<u64>,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa manage`
#[derive(Debug, Args)]
#[command(
    after_help = "The command's output appears while it runs (on AWS once it has ended), and its exit status is this command's. The function's timeout holds \
                        (`timeout_seconds`); Ctrl-C ends the watching, not the command."
)]
pub struct ManageArgs {
    /// The stage: a table of the settings file, or `local`
    pub stage: String,
    /// The management command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `zappa schedule`, `zappa unschedule`
#[derive(Debug, Args)]
pub struct ScheduleArgs {
    /// The stage: a table of the settings file, or `local` [default: the only one there is]
    pub stage: Option<String>,
    /// Wait for another run on this stage to end instead of refusing
    #[arg(long)]
    pub wait: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa certify`
#[derive(Debug, Args)]
#[command(
    after_help = "A new certificate is waited for: minutes where Route 53 keeps the domain, else as long as it takes to make the record that is shown. \
                  Ctrl-C ends the waiting only; running the command again goes on.\n\nOf a stage in several regions each has a certificate and a domain \
                  name, and DNS leads people to the nearest that is well. Route 53 asks each region all the time whether it is, which costs some dollars a \
                  month for each; `route53_health_checks = false` is without."
)]
pub struct CertifyArgs {
    /// The stage: a table of the settings file [default: the only one there is]
    pub stage: Option<String>,
    /// Replace records of the domain that lead elsewhere, and let its path lead here
    #[arg(short, long)]
    pub yes: bool,
    /// Wait for another run on this stage to end instead of refusing
    #[arg(long)]
    pub wait: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Which regions.
    #[command(flatten)]
    pub regions: RegionArgs,
}

/// `zappa template`
#[derive(Debug, Args)]
#[command(after_help = "Calls nothing and needs no credentials. Without --account the documents hold for every account.")]
pub struct TemplateArgs {
    /// The stage: a table of the settings file [default: the only one there is]
    pub stage: Option<String>,
    /// The account that the stage is going to be in: 12 digits
    #[arg(long, value_name = "ID", value_parser = parse_account)]
    pub account: Option<String>,
    /// Print only this: deployer, execution, trust or openapi
    #[arg(long, value_name = "PART", value_enum, hide_possible_values = true)]
    pub part: Option<Part>,
}

/// One of the documents of `zappa template`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// What the person needs who deploys.
    Deployer,
    /// What the function may do.
    Execution,
    /// Who may take the function's role.
    Trust,
    /// The API.
    Openapi,
}

fn parse_account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { Ok(text.to_owned()) } else { Err("the id of an account has 12 digits".to_owned()) }
}

/// `zappa emulator`
#[derive(Debug, Args)]
pub struct EmulatorArgs {
    /// The state directory to serve
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
}

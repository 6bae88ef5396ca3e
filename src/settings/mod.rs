//! Settings: what the user wrote and what it means.
//!
//! Called by every command through [`load`]. Knows files, environment variables and flags; knows nothing of projects on disk (a runtime or app that
//! the settings leave open is `None` here and is filled in by `project`).
//!
//! A file goes through `source` (which one) → `formats` (TOML, JSON, YAML → one tree with lines) → `written` (stages and keys, each value
//! checked against the `schema`) → `precedence` (flag, environment, stage, extended stage, default) → `resolve` (typed [`Settings`]). What is
//! wrong is collected on the way and reported together.

mod authorizer;
mod check;
mod cors;
mod domain;
mod environment;
mod error;
mod expression;
mod formats;
mod gateway;
mod lambda;
mod nearest;
mod precedence;
mod remaining;
mod resolve;
mod role;
mod schedules;
mod schema;
mod source;
mod tree;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

pub use self::error::{Problem, SettingsError};
pub use self::formats::{Format, SyntaxError};
pub use self::nearest::nearest;
use self::precedence::Sources;
use self::resolve::Wrong;
pub use self::schema::{Group, Key, groups, keys};
pub use self::source::derived_project_name;
use self::written::{Layer, Written, WrittenStage};
use crate::model::{
    Architecture, AwsAccess, Cors, DomainSettings, FrontDoor, GatewaySettings, LambdaSettings, Layout, RoleSettings, Runtime, StageId,
    Target,
};

/// The stage that exists without being written: the deployment on this machine.
pub const LOCAL: &str = "local";

/// What is shown in place of a secret.
const HIDDEN: &str = "***";

/// Everything about one stage, resolved: typed, checked, with defaults filled in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Project and stage name.
    pub id: StageId,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// Where the stage lives.
    pub target: Target,
    /// The app to serve; `None` means that `project` has to find it.
    pub app: Option<AppSetting>,
    /// `None` means the version of the project's interpreter.
    pub runtime: Option<Runtime>,
    /// Account, region and endpoints. The region is also what a local function sees as `AWS_REGION`.
    pub access: AwsAccess,
    /// The regions that the stage is in.
    pub regions: Regions,
    /// Regions that `--all-regions` leaves out; `aws_regions` is already without them.
    pub exclude_regions: Vec<String>,
    /// Whether this is the stage at home, where events fire that are not for every region: a stage in one region is.
    pub is_home: bool,
    /// The execution role.
    pub role: RoleSettings,
    /// What only Lambda itself has of a function.
    pub lambda: LambdaSettings,
    /// How many environments stand ready.
    pub provisioned_concurrency: Option<u32>,
    /// For how many days logs are kept; `None`: for ever.
    pub log_retention_days: Option<u32>,
    /// Instruction set of the function.
    pub architecture: Architecture,
    /// MB, 128–10240.
    pub memory_size: u32,
    /// Seconds, 1–900.
    pub timeout_seconds: u32,
    /// MB of `/tmp`, 512–10240.
    pub ephemeral_storage: u32,
    /// Reserved concurrency; locally the number of sandboxes.
    pub lambda_concurrency: Option<u32>,
    /// Description of the function.
    pub lambda_description: String,
    /// `aws_environment_variables` and `environment_variables` together (the latter win, as in zappa/Zappa): what the process finds in its environment.
    pub environment: BTreeMap<String, String>,
    /// Chosen by `function_url_enabled`, `alb_enabled`, `apigateway_version`.
    pub front_door: FrontDoor,
    /// What the front door tells scripts of other origins by itself: `cors`, of a Function URL `function_url_config`. `None`: that is the app's business.
    pub cors: Option<Cors>,
    /// What only API Gateway and Function URLs on AWS have of a front door.
    pub gateway: GatewaySettings,
    /// Port of the local URL; `None`: the one used before, else a free one.
    pub local_port: Option<u16>,
    /// The domain that the app is reached at.
    pub domain: Option<DomainSettings>,
    /// The path before everything that the app answers, without slashes at the ends: of the domain, or of whatever else stands before a load balancer.
    pub base_path: Option<String>,
    /// What the shim needs to know.
    pub shim: ShimSettings,
    /// What goes into the bundle.
    pub packaging: Packaging,
    /// Scheduled functions, keep-warm not among them.
    pub schedules: Vec<Schedule>,
    /// The expression under which one sandbox is kept warm; `None`: `keep_warm = false`.
    pub keep_warm: Option<String>,
    /// The path that a health check asks for; `None`: `touch = false`, no check.
    pub touch_path: Option<String>,
    /// How many published versions to keep; `None`: all.
    pub num_retained_versions: Option<u32>,
    /// Tags for everything that can carry them.
    pub tags: BTreeMap<String, String>,
    /// The way of an archive to AWS.
    pub artefacts: Artefacts,
    /// Every key with its resolved value and where that came from, in the order of the schema: what `zappa settings` prints.
    pub values: Vec<ResolvedValue>,
}

/// The regions of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    /// That of [`AwsAccess::region`].
    One,
    /// These, home first; [`AwsAccess::region`] is home.
    Several(Vec<String>),
    /// Every one that the account has enabled; home is [`AwsAccess::region`].
    All,
}

/// The app as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AppSetting {
    /// `app_function`, as written: `module.callable`, `module:callable` or `module:factory()`.
    Function(String),
    /// `django_settings`: a dotted module.
    Django(String),
}

/// The part of the settings that travels into the bundle's configuration file.
#[derive(Debug, Clone)]
pub struct ShimSettings {
    /// Tracebacks in 500 answers.
    pub debug: bool,
    /// Level of the root logger.
    pub log_level: String,
    /// Base64 for what is not text.
    pub binary_support: bool,
    /// Prefixes of content types that are text in addition to the known ones.
    pub additional_text_mimetypes: Vec<String>,
    /// Request header name → dotted path inside `requestContext`.
    pub context_header_mappings: BTreeMap<String, String>,
    /// Dotted function called with every exception that nobody caught.
    pub exception_handler: Option<String>,
    /// Whether `invoke --raw` may run source code.
    pub allow_raw_invoke: bool,
}

/// What the user said about the bundle's content.
#[derive(Debug, Clone, Default)]
pub struct Packaging {
    /// `exclude`: patterns on base names (fnmatch), in project and dependencies.
    pub exclude: Vec<String>,
    /// `exclude_glob`: globs relative to the root, with `**`.
    pub exclude_glob: Vec<String>,
    /// `include`: globs that win over every default exclusion.
    pub include: Vec<String>,
    /// Leave `boto3` and what belongs to it to the runtime.
    pub use_runtime_boto3: bool,
    /// Replace native code that does not run on Lambda by wheels that do.
    pub use_precompiled_packages: bool,
    /// How much of the dependencies is left out.
    pub slim: Slim,
    /// How dependencies travel.
    pub layout: Layout,
}

/// How much of the dependencies is left out; each takes what the one before takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slim {
    /// What installers and interpreters leave behind.
    None,
    /// What nothing in the bundle refers to, and what is not for running code.
    #[default]
    Safe,
    /// What only documentation reads.
    Max,
}

/// What the user said about uploads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artefacts {
    /// `s3_bucket`: the bucket that they go through; `None`: one is made where an archive is too large to do without.
    pub s3_bucket: Option<String>,
    /// `delete_s3_zip`: whether an archive is removed from there once the function has it.
    pub delete_s3_zip: bool,
}

/// One scheduled function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Unique within the stage; `[A-Za-z0-9._-]`.
    pub name: String,
    /// Dotted function.
    pub function: String,
    /// `rate(...)`, `cron(...)` or `at(...)`.
    pub expression: String,
    /// Given to the function in the event.
    pub kwargs: serde_json::Map<String, serde_json::Value>,
    /// Free text.
    pub description: Option<String>,
    /// Whether it fires.
    pub enabled: bool,
    /// Whether it fires in every region of the stage instead of at home only.
    pub every_region: bool,
}

/// One key of the schema for one stage.
#[derive(Debug, Clone, Serialize)]
pub struct ResolvedValue {
    /// Name of the key.
    pub key: &'static str,
    /// What it resolved to; `null` where it is unset and has no default. Values of secrets are replaced before printing, not here.
    pub value: serde_json::Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from, from the strongest to the weakest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// A flag of this command line.
    Flag {
        /// With its dashes.
        flag: String,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The settings file.
    File {
        /// As opened.
        path: PathBuf,
        /// 1-based.
        line: u32,
        /// The stage's table it stands in (another than the asked one when inherited through `extends`).
        stage: String,
    },
    /// The name of the stage: `local` lives on this machine, and inherits from the file's first stage if it is not written.
    StageName,
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// In a few words, for someone who looks at `stage`.
    #[must_use]
    pub fn words(&self, stage: &str) -> String {
        match self {
            Self::Flag { flag } => flag.clone(),
            Self::Environment { variable } => variable.clone(),
            Self::File { path, line, stage: written } if written == stage => format!("{}:{line}", path.display()),
            Self::File { path, line, stage: written } => format!("{}:{line}, stage {written}", path.display()),
            Self::StageName => "because of the stage's name".to_owned(),
            Self::Default => "default".to_owned(),
        }
    }

    /// The same place, at another line where it is a file.
    fn at_line(&self, line: u32) -> Self {
        match self {
            Self::File { path, line: _, stage } => Self::File { path: path.clone(), line, stage: stage.clone() },
            Self::Flag { .. } | Self::Environment { .. } | Self::StageName | Self::Default => self.clone(),
        }
    }
}

impl ResolvedValue {
    /// The value as it may be printed: of secrets only the names are left.
    #[must_use]
    pub fn shown(&self) -> Value {
        let secret = schema::find(self.key).is_some_and(Key::is_secret);
        if secret { hidden(&self.value) } else { self.value.clone() }
    }
}

fn hidden(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Object(object) => Value::Object(object.iter().map(|(name, value)| (name.clone(), hidden(value))).collect()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => HIDDEN.into(),
    }
}

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `STAGE`.
    pub stage: Option<String>,
    /// `--settings-file`.
    pub file: Option<PathBuf>,
    /// Flags that override a key: key, value, flag as typed.
    pub overrides: Vec<(&'static str, serde_json::Value, String)>,
}

/// What a flag that names a front door overrides: the keys that choose one, all of them, so that none of the file's is left to contradict.
#[must_use]
pub fn front_door_overrides(door: FrontDoor, flag: &str) -> Vec<(&'static str, Value, String)> {
    let version = if door == FrontDoor::Http { "v2" } else { "v1" };
    let gateway = matches!(door, FrontDoor::Rest | FrontDoor::Http);
    [
        ("apigateway_enabled", Value::from(gateway)),
        ("apigateway_version", Value::from(version)),
        ("function_url_enabled", Value::from(door == FrontDoor::FunctionUrl)),
        ("alb_enabled", Value::from(door == FrontDoor::Alb)),
    ]
    .map(|(key, value)| (key, value, flag.to_owned()))
    .into()
}

/// Reads the settings of a project directory and resolves one stage of them.
///
/// Every stage of the file is checked, not only the one that is asked for. `environment` is the process's environment, passed in so that
/// tests decide it.
pub fn load(directory: &Path, request: &Request, environment: &BTreeMap<String, String>) -> Result<Settings, SettingsError> {
    let Request { stage, file, overrides } = request;
    let mut wrong = Wrong::default();
    let problems = &mut wrong.everywhere;
    let mut written = match source::find(directory, file.as_deref())? {
        Some(file) => source::read(&file, problems)?,
        None => Written { file: None, stages: Vec::new() },
    };
    if stage.as_deref() == Some(LOCAL) && written.stage(LOCAL).is_none() {
        written.imply_local();
    }
    let flags = environment::from_flags(overrides, problems);
    let variables = environment::from_environment(environment, problems);
    let nothing = Layer::new();
    let files = written.file.as_deref().and_then(Path::parent).unwrap_or(directory).to_owned();
    let project_name = derived_project_name(directory);
    let asked = select(&written, stage.as_deref(), directory);
    let mut wanted = None;
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for stage in &written.stages {
        let is_asked = asked.as_ref().is_ok_and(|asked| asked.name == stage.name);
        let (flags, environment) = if is_asked { (&flags, &variables) } else { (&nothing, &nothing) };
        let sources = Sources { flags, environment, chain: written.chain(stage), project_name: &project_name };
        let file = written.file.clone();
        let place = resolve::Stage { name: &stage.name, origin: &stage.origin, file, directory: &files };
        let settings = resolve::resolve(place, sources.effective(), &mut wrong);
        let function = settings.id.function_name();
        if let Some(other) = names.get(&function) {
            let message = format!("the stages `{other}` and `{}` would both be named `{function}`; rename one", stage.name);
            wrong.everywhere.push(Problem::new(&stage.origin, message));
        } else {
            names.insert(function, &stage.name);
        }
        if is_asked {
            wanted = Some(settings);
        }
    }
    let Wrong { everywhere: mut problems, on_aws } = wrong;
    // Who works on this machine need not mend what only AWS minds.
    if wanted.as_ref().is_none_or(|settings| settings.target == Target::Aws) {
        problems.extend(on_aws);
    }
    error::refuse(problems)?;
    asked?;
    wanted.ok_or_else(|| no_file(directory))
}

/// `.` would say little.
fn no_file(directory: &Path) -> SettingsError {
    SettingsError::NoFile { directory: std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()) }
}

/// The stage that is meant: the one named, else the only one.
fn select<'w>(written: &'w Written, stage: Option<&str>, directory: &Path) -> Result<&'w WrittenStage, SettingsError> {
    if let Some(stage) = stage.and_then(|name| written.stage(name)) {
        return Ok(stage);
    }
    let Some(file) = written.file.clone() else { return Err(no_file(directory)) };
    match (stage, written.stages.as_slice()) {
        (_, []) => Err(SettingsError::NoStages { file }),
        (Some(stage), _) => {
            Err(SettingsError::UnknownStage { file, stage: stage.to_owned(), stages: written.names(), nearest: written.nearest(stage) })
        }
        (None, [only]) => Ok(only),
        (None, _) => Err(SettingsError::StageNotGiven { file, stages: written.names() }),
    }
}

//! Settings: what the user wrote (`schema`) and what it means (`resolve`).
//!
//! Called by every command through [`load`]. Knows files, environment variables and flags; knows nothing of projects on disk (a runtime or app that
//! the settings leave open is `None` here and is filled in by `project`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::hint::Hint;
use crate::model::{Architecture, FrontDoor, Runtime, StageId, Target};

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
    /// Region of the stage, as far as the settings say; what a local function sees as `AWS_REGION`.
    pub aws_region: Option<String>,
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
    /// `environment_variables` and `aws_environment_variables` together (the latter win): what the process finds in its environment.
    pub environment: BTreeMap<String, String>,
    /// Chosen by `function_url_enabled`, `alb_enabled`, `apigateway_version`.
    pub front_door: FrontDoor,
    /// Port of the local URL; `None`: the one used before, else a free one.
    pub local_port: Option<u16>,
    /// Custom domain.
    pub domain: Option<String>,
    /// Base path of the custom domain, without slashes at the ends.
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
    /// Every key with its resolved value and where that came from, in the order of the schema: what `zappa settings` prints.
    pub values: Vec<ResolvedValue>,
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
    /// Nobody said anything.
    Default,
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

/// Reads the settings of a project directory and resolves one stage of them.
///
/// `environment` is the process's environment, passed in so that tests decide it.
pub fn load(directory: &Path, request: &Request, environment: &BTreeMap<String, String>) -> Result<Settings, SettingsError> {
    let _ = (directory, request, environment);
    todo!()
}

/// Why settings could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {}

impl Hint for SettingsError {
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_input(&self) -> bool {
        true
    }
}

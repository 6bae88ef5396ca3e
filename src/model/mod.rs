//! Value types that every layer speaks: names, runtimes, versions, front doors. No I/O and no policy; each type can only hold what it may hold.

mod aws;
mod domain;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use aws::{
    Authorizer, AuthorizerFunction, AuthorizerKind, AwsAccess, Cache, EndpointKind, FileSystem, GatewayLogLevel, GatewaySettings,
    LambdaSettings, RoleSettings, Vpc,
};
pub use domain::{CertificateFiles, CertificateSource, DomainSettings};

/// Why a word is not a name, runtime or front door. Lower case, no full stop: it becomes the cause of somebody else's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub String);

/// The longest function name that Lambda accepts (API reference, `CreateFunction`).
pub const MAX_FUNCTION_NAME: usize = 64;

/// Lower-cases `text` and replaces every run of characters other than `[a-z0-9]` by one hyphen, as zappa/Zappa does for names in AWS.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// `1.2 MB`: decimal units, as AWS's console shows code sizes.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
            let value = bytes as f64 / unit as f64;
            return format!("{value:.1} {name}");
        }
    }
    format!("{bytes} bytes")
}

/// One deployment of a project: the pair that every name in AWS and every directory of local state is derived from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StageId {
    /// `project_name` of the settings.
    pub project: String,
    /// The table's name in the settings file.
    pub stage: String,
}

impl StageId {
    /// The Lambda function's name: the slug of `project-stage`, as zappa/Zappa names it.
    #[must_use]
    pub fn function_name(&self) -> String {
        slug(&format!("{}-{}", self.project, self.stage))
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function_name())
    }
}

/// A length of time as people type it: `90s`, `10m`, `2h`, `1d`, `1w`, `1h30m`; seconds without a unit.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidValue> {
    let wrong = || InvalidValue(format!("`{text}` is not a length of time such as `90s`, `10m`, `2h`, `1d` or `1h30m`"));
    let mut seconds: u64 = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (digits, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let (unit, behind) = behind.split_at(behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len()));
        let unit = match unit {
            "s" => 1,
            "" if digits == text.trim() => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        seconds = number.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(wrong)?;
        rest = behind;
    }
    if text.trim().is_empty() { Err(wrong()) } else { Ok(Duration::from_secs(seconds)) }
}

/// A number of bytes as people type it: `500MB`, `2GiB`; bytes without a unit.
pub fn parse_size(text: &str) -> Result<u64, InvalidValue> {
    const UNITS: [(&str, u64); 8] =
        [("", 1), ("b", 1), ("kb", 1_000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30)];
    let (number, unit) = text.trim().split_at(text.trim().find(|c: char| !c.is_ascii_digit()).unwrap_or(text.trim().len()));
    let factor = UNITS.iter().find(|(name, _)| unit.trim().eq_ignore_ascii_case(name)).map(|(_, factor)| *factor);
    let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    bytes.ok_or_else(|| InvalidValue(format!("`{text}` is not a size such as `500MB` or `2GiB`")))
}

/// Where a stage lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// An AWS account.
    Aws,
    /// This machine, through the embedded emulator.
    Local,
}

/// A managed Python runtime, `python3.N`. Which of them AWS offers today is for AWS to say (it changes several times a year).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Runtime {
    /// `N` of `python3.N`.
    pub minor: u8,
}

/// The oldest Python that the shim runs on.
pub const OLDEST_PYTHON_MINOR: u8 = 9;

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "python3.{}", self.minor)
    }
}

impl FromStr for Runtime {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minor = text.strip_prefix("python3.").filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        match minor.and_then(|digits| digits.parse::<u8>().ok()) {
            Some(minor) if minor >= OLDEST_PYTHON_MINOR => Ok(Self { minor }),
            _ => {
                Err(InvalidValue(format!("`{text}` is not a runtime that runs this tool's shim: `python3.{OLDEST_PYTHON_MINOR}` or newer")))
            }
        }
    }
}

impl Serialize for Runtime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Runtime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Lambda's instruction set (`Architectures` of the API).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86_64,
    /// AWS Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        })
    }
}

/// How the dependencies of a bundle travel, and hence where they are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// In the archive of the app (`dependencies_layer = false`).
    Together,
    /// In an archive of their own that is a layer: what it has below `python/` is imported (Lambda, "Packaging your layer content").
    #[default]
    Layer,
    /// In an archive of their own that the function fetches at its start, for bundles that are larger than Lambda takes (`slim_handler`).
    Fetched,
}

/// Where Lambda unpacks a function's own archive.
pub const TASK_ROOT: &str = "/var/task";

impl Layout {
    /// The directory from which dependencies are imported.
    #[must_use]
    pub fn dependencies_root(self) -> &'static str {
        match self {
            Self::Together => TASK_ROOT,
            Self::Layer => "/opt/python",
            Self::Fetched => "/tmp/dependencies",
        }
    }

    /// What the names of dependencies begin with in their archive.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Layer => "python/",
            Self::Together | Self::Fetched => "",
        }
    }
}

/// What stands before the function and turns HTTP into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontDoor {
    /// API Gateway REST API: payload format 1.0.
    Rest,
    /// API Gateway HTTP API: payload format 2.0.
    Http,
    /// Lambda Function URL: payload format 2.0.
    FunctionUrl,
    /// Application Load Balancer with multi-value headers on.
    Alb,
}

impl FrontDoor {
    /// Every front door, in the order in which help lists them.
    pub const ALL: [Self; 4] = [Self::Rest, Self::Http, Self::FunctionUrl, Self::Alb];

    /// The word used in settings, flags and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Http => "http",
            Self::FunctionUrl => "function-url",
            Self::Alb => "alb",
        }
    }
}

impl fmt::Display for FrontDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FrontDoor {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|door| door.as_str() == text)
            .ok_or_else(|| InvalidValue(format!("`{text}` is not a front door: `rest`, `http`, `function-url` or `alb`")))
    }
}

/// What an `ensure_*` step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was not there and was made.
    Created,
    /// It was there, differed, and was changed.
    Updated,
    /// It was there and as wanted: nothing was written.
    Unchanged,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        })
    }
}

/// A published version of a function: 1, 2, 3… A number is never used twice for one function.
pub type Version = u64;

/// The alias that every route, schedule and permission points at.
pub const LIVE: &str = "live";

/// The Lambda entry point inside every bundle.
pub const HANDLER: &str = "zappa.handler.lambda_handler";

/// What a front door says to scripts of other origins, where it says so itself (`cors`, `function_url_config`). Lists as written: which of them a front
/// door sends when is its own business (`gateway::cors`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// Origins; `*` is all of them.
    pub allowed_origins: Vec<String>,
    /// Methods; `*` is all of them.
    pub allowed_methods: Vec<String>,
    /// Request headers; `*` is all of them.
    pub allowed_headers: Vec<String>,
    /// Response headers that scripts may read.
    pub exposed_headers: Vec<String>,
    /// Whether cookies may be sent along.
    pub allow_credentials: bool,
    /// For how many seconds a browser may remember the answer to a preflight.
    pub max_age: Option<u32>,
}

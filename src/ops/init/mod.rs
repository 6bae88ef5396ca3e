//! What `zappa init` writes: the first settings file of a project, from what was found and asked. Knows nothing of terminals.

mod error;
mod file;

use std::path::Path;

use crate::model::{InvalidValue, MAX_FUNCTION_NAME, Runtime, StageId, slug};
use crate::settings::AppSetting;

pub use self::error::InitError;
pub use self::file::{Destination, write};

/// The stage that runs on this machine.
pub const LOCAL_STAGE: &str = "local";
/// Region of the first stage when nobody says anything.
pub const DEFAULT_REGION: &str = "us-east-1";
/// Name of the first stage when nobody says anything.
pub const DEFAULT_STAGE: &str = "dev";

const HEADER: &str = "\
# Settings of zappa: every table is a stage, one deployment of the project.
# `zappa settings STAGE` prints every setting of a stage and where it comes from.

";

const OPTIONAL: &str = "\
# Often wanted:
# memory_size = 512        # MB; processor power comes with it
# timeout_seconds = 30     # how long one request may take
# keep_warm = true         # call the function every few minutes, so that it does not have to start anew
# environment_variables = { DATABASE_URL = \"postgres://…\" }
# exclude_glob = [\"docs/**\"]  # what the app does not need

";

/// Everything that the settings file says.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Project and first stage.
    pub id: StageId,
    /// What is served.
    pub app: AppSetting,
    /// How it was found, for people.
    pub found: String,
    /// Python of the function.
    pub runtime: Runtime,
    /// Where the first stage is.
    pub regions: Regions,
}

/// Where a stage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// `aws_region`; `None`: the stage is the local one.
    pub home: Option<String>,
    /// Where else.
    pub others: Vec<String>,
    /// In every region of the account.
    pub all: bool,
}

impl Regions {
    /// Those of a stage on this machine.
    #[must_use]
    pub fn none() -> Self {
        Self { home: None, others: Vec::new(), all: false }
    }

    /// One region, several with spaces or commas between them, or `all`, of which `home` is one.
    pub fn parse(answer: &str, home: &str) -> Result<Self, InvalidValue> {
        let words: Vec<&str> = answer.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["all"] | [] => Ok(Self { home: Some(home.to_owned()), others: Vec::new(), all: words.len() == 1 }),
            [first, others @ ..] => {
                words.iter().try_for_each(|region| check_region(region))?;
                Ok(Self { home: Some((*first).to_owned()), others: others.iter().map(|region| (*region).to_owned()).collect(), all: false })
            }
        }
    }

    /// `aws_regions`, where there is more to say than `aws_region`.
    #[must_use]
    pub fn value(&self) -> Option<serde_json::Value> {
        if self.all {
            return Some("all".into());
        }
        let regions: Vec<&String> = self.home.iter().chain(&self.others).collect();
        (regions.len() > 1).then(|| serde_json::json!(regions))
    }
}

impl Plan {
    /// The stages that the file has.
    #[must_use]
    pub fn stages(&self) -> Vec<&str> {
        if self.regions.home.is_none() { vec![LOCAL_STAGE] } else { vec![&self.id.stage, LOCAL_STAGE] }
    }

    /// The settings file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = HEADER.to_owned();
        match self.regions.home {
            Some(_) => text += "# On AWS Lambda.\n",
            None => text += "# On this machine, without AWS.\n",
        }
        text += &format!("[{}]\n", self.id.stage);
        match &self.app {
            AppSetting::Function(app) => {
                text += "# What is served: `module:callable`, or `module:factory()` for a function that makes the app.\n";
                text += &line("app_function", app);
            }
            AppSetting::Django(module) => {
                text += "# What is served: the Django project with these settings (a dotted module).\n";
                text += &line("django_settings", module);
            }
        }
        text += &format!("# Every name is derived from this one and the stage's: this function is `{}`.\n", self.id.function_name());
        text += &line("project_name", &self.id.project);
        text += "# Python of the function: the one of the project's environment.\n";
        text += &line("runtime", &self.runtime.to_string());
        match &self.regions.home {
            Some(region) => {
                text += "# Where it runs.\n";
                text += &line("aws_region", region);
                if let Some(regions) = self.regions.value() {
                    text += "# Where else; what is not for every region happens in the one above.\n";
                    // A text or a list of them looks the same in JSON.
                    text += &format!("aws_regions = {regions}\n");
                }
                text += "\n";
                text += OPTIONAL;
                text += "# The same on this machine, without AWS: `zappa deploy local`.\n";
                text += &format!("[{LOCAL_STAGE}]\n");
                text += &line("extends", &self.id.stage);
                text += &line("target", "local");
            }
            None => {
                text += &line("target", "local");
                text += "\n";
                text += OPTIONAL.trim_end();
                text += "\n";
            }
        }
        text
    }
}

fn line(key: &str, value: &str) -> String {
    format!("{key} = {}\n", toml::Value::from(value))
}

/// Checks the name of the first stage.
pub fn check_stage(project: &str, stage: &str) -> Result<(), InvalidValue> {
    // API Gateway's rule for stage names; TOML takes such a key without quotes.
    if stage.is_empty() || !stage.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(InvalidValue(format!("`{stage}` is not a stage name: letters, digits, `_` and `-`")));
    }
    let slug = slug(stage);
    if slug.is_empty() {
        return Err(InvalidValue(format!("`{stage}` has no letter or digit")));
    }
    if slug == LOCAL_STAGE && stage != LOCAL_STAGE {
        return Err(InvalidValue(format!("`{stage}` makes the same names as the stage `{LOCAL_STAGE}`")));
    }
    let function = StageId { project: project.to_owned(), stage: stage.to_owned() }.function_name();
    if function.len() > MAX_FUNCTION_NAME {
        return Err(InvalidValue(format!("the function's name `{function}` would be longer than {MAX_FUNCTION_NAME} characters")));
    }
    Ok(())
}

/// Checks the shape of a region's name. Which regions there are is for AWS to say.
pub fn check_region(region: &str) -> Result<(), InvalidValue> {
    let parts: Vec<&str> = region.split('-').collect();
    let (words, number) = parts.split_at(parts.len() - 1);
    let number_is_one = number.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let words_are = words.len() >= 2 && words.iter().all(|part| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase()));
    if number_is_one && words_are {
        return Ok(());
    }
    Err(InvalidValue(format!("`{region}` is not an AWS region, such as `{DEFAULT_REGION}`")))
}

/// The commands to run next: the stage on this machine, and `stage` on AWS. `directory` and `settings_file` are the flags of this run.
#[must_use]
pub fn next_commands(stage: &str, directory: Option<&Path>, settings_file: Option<&Path>) -> Vec<String> {
    let mut words = vec!["zappa".to_owned()];
    words.extend(directory.iter().flat_map(|directory| ["-C".to_owned(), shell_word(&directory.to_string_lossy())]));
    words.extend(settings_file.iter().flat_map(|file| ["-s".to_owned(), shell_word(&file.to_string_lossy())]));
    [("deploy", LOCAL_STAGE), ("serve", LOCAL_STAGE), ("deploy", stage)]
        .map(|(command, stage)| format!("{} {command} {stage}", words.join(" ")))
        .into()
}

/// `word`, quoted if a shell would take it apart.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:\\".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

//! `init`: the first settings file of a project, written once, in one piece.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::OperationError;
use crate::model::Runtime;
use crate::settings::AppSetting;

/// The file that is written.
pub const FILE_NAME: &str = "zappa_settings.toml";
/// Files that hold settings already.
const SETTINGS_FILES: [&str; 4] = [FILE_NAME, "zappa_settings.json", "zappa_settings.yaml", "zappa_settings.yml"];

/// What the file shall say.
#[derive(Debug, Clone)]
pub struct FirstSettings {
    /// Name of the stage on AWS.
    pub stage: String,
    /// The app.
    pub app: AppSetting,
    /// AWS region of the stage.
    pub region: String,
    /// Version of the project's Python.
    pub runtime: Runtime,
    /// Base of all names.
    pub project_name: String,
}

impl FirstSettings {
    /// The text of the file. Values are TOML strings, whatever is in them.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { stage, app, region, runtime, project_name } = self;
        let (app_key, app) = match app {
            AppSetting::Function(function) => ("app_function", function),
            AppSetting::Django(module) => ("django_settings", module),
        };
        let local = if stage == "local" { String::new() } else { local_stage(stage) };
        let target = if stage == "local" { "target = \"local\"\n" } else { "" };
        format!(
            "# Each table is a stage. `zappa settings {stage}` shows every value and where it came from; all keys are explained in settings.example.toml.\n\
             \n\
             [{stage}]\n\
             {target}{app_key} = {app}\n\
             project_name = {project_name}\n\
             aws_region = {region}\n\
             # The Python that the function runs on: the one of this project's environment.\n\
             runtime = {runtime}\n\
             # MB; the processor's share grows with it.\n\
             memory_size = 512\n\
             # Seconds for one request; a REST API waits for 29.\n\
             timeout_seconds = 30\n\
             \n\
             # What the process finds in its environment.\n\
             # environment_variables = {{ KEY = \"value\" }}\n\
             \n\
             # Functions that run on a schedule.\n\
             # events = [{{ function = \"package.module.function\", expression = \"rate(1 hour)\" }}]\n\
             {local}",
            app = quoted(app),
            project_name = quoted(project_name),
            region = quoted(region),
            runtime = quoted(&runtime.to_string()),
        )
    }
}

fn local_stage(stage: &str) -> String {
    format!(
        "\n\
         # The same deployment on this machine: `zappa deploy local`. Values here win over those of `{stage}`.\n\
         [local]\n\
         extends = {}\n\
         target = \"local\"\n",
        quoted(stage)
    )
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The settings file that the directory has already.
#[must_use]
pub fn existing(directory: &Path) -> Option<PathBuf> {
    SETTINGS_FILES.iter().map(|name| directory.join(name)).find(|path| path.exists())
}

/// Writes the file, whole or not at all.
pub fn write(directory: &Path, settings: &FirstSettings) -> Result<PathBuf, OperationError> {
    let path = directory.join(FILE_NAME);
    let attempt = || {
        let mut file = tempfile::Builder::new().prefix(".zappa-").tempfile_in(directory)?;
        file.write_all(settings.text().as_bytes())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // As an editor would make it; a temporary file is its owner's alone.
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|source| OperationError::WriteSettings { path: path.clone(), source })?;
    Ok(path)
}

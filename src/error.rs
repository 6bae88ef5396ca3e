//! Every error of the library in one enum: the one place that decides exit status and hints.

use std::process::ExitCode;

use crate::bundle::BundleError;
use crate::cloud::CloudError;
use crate::commands::CommandError;
use crate::hint::Hint;
use crate::ops::OperationError;
use crate::ops::init::InitError;
use crate::project::ProjectError;
use crate::settings::SettingsError;
use crate::ui::OutputError;

/// Whatever a command can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The first settings file.
    #[error(transparent)]
    Init(#[from] InitError),
    /// Target.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// Operation.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// Command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Error {
    /// What the user can do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        self.as_hint().hints()
    }

    /// 2 where the input was wrong and nothing was attempted, 1 where something was attempted and failed.
    #[must_use]
    pub fn exit_status(&self) -> ExitCode {
        ExitCode::from(if self.as_hint().is_input() { 2 } else { 1 })
    }

    fn as_hint(&self) -> &dyn Hint {
        match self {
            Self::Settings(error) => error,
            Self::Project(error) => error,
            Self::Bundle(error) => error,
            Self::Init(error) => error,
            Self::Cloud(error) => error,
            Self::Operation(error) => error,
            Self::Command(error) => error,
            Self::Output(error) => error,
        }
    }
}

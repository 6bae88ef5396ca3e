//! Why the local target failed, and what to do about it.

use std::path::PathBuf;

use crate::cloud::TargetError;
use crate::emulator::control::ControlResponse;
use crate::emulator::{EmulatorError, ric};
use crate::hint::Hint;

/// Why the local target failed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file of the state could not be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file of the state could not be written or removed.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file of the state is not what it should be.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
    /// A newer version of the tool has been here.
    #[error("`{}` was written by a newer version of zappa", path.display())]
    NewerState {
        /// The file.
        path: PathBuf,
    },
    /// The archive could not be unpacked.
    #[error("could not unpack `{}`", path.display())]
    Unpack {
        /// The archive.
        path: PathBuf,
        /// The reason.
        source: zip::result::ZipError,
    },
    /// The emulator did not start.
    #[error("could not start the emulator: {reason}")]
    Start {
        /// Where it may have said more.
        log: PathBuf,
        /// What is known.
        reason: String,
    },
    /// The program is ending.
    #[error("the program ended before the work was done")]
    StartAborted,
    /// Another emulator serves the directory.
    #[error("another emulator serves `{}` already", directory.display())]
    AlreadyServed {
        /// The state directory.
        directory: PathBuf,
    },
    /// No control port.
    #[error("could not listen on 127.0.0.1")]
    Control {
        /// The reason.
        source: std::io::Error,
    },
    /// The emulator does not answer.
    #[error("the emulator (process {pid}) does not answer")]
    Ask {
        /// Its process.
        pid: u32,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The emulator said no.
    #[error("the emulator could not do it: {}", causes.join(": "))]
    Refused {
        /// Its reasons, outermost first.
        causes: Vec<String>,
    },
    /// The asked port is not free.
    #[error("port {port} on 127.0.0.1 cannot be used: {reason}")]
    PortTaken {
        /// The port.
        port: u16,
        /// What the system said.
        reason: String,
    },
    /// A release was asked for without a project.
    #[error("no interpreter is known for this release")]
    NoInterpreter,
    /// The emulator itself.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// The runtime's environment.
    #[error(transparent)]
    Runtime(#[from] ric::RuntimeError),
}

impl LocalError {
    pub(super) fn refused(answer: ControlResponse) -> Self {
        match answer {
            ControlResponse::Failed { causes } => Self::Refused { causes },
            other => Self::Refused { causes: vec![format!("unexpected answer {other:?}")] },
        }
    }
}

impl TargetError for LocalError {}

impl Hint for LocalError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Damaged { .. } => vec!["`zappa undeploy --yes` followed by `zappa deploy` makes it anew".to_owned()],
            Self::NewerState { .. } => vec!["use that version, or remove the directory and deploy again".to_owned()],
            Self::Start { log, .. } => vec![format!("`{}` may say more", log.display())],
            Self::PortTaken { .. } => vec!["choose another with `--port`, or leave it out to get a free one".to_owned()],
            Self::Ask { .. } => vec!["run the command again: an emulator that is gone is started anew".to_owned()],
            Self::Runtime(error) => error.hints(),
            Self::Write { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => vec!["make room on that disk".to_owned()],
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Unpack { .. }
            | Self::StartAborted
            | Self::AlreadyServed { .. }
            | Self::Control { .. }
            | Self::Refused { .. }
            | Self::NoInterpreter
            | Self::Emulator(_) => Vec::new(),
        }
    }

    fn is_input(&self) -> bool {
        false
    }
}

//! The use cases, written once for every target: they hold a `&dyn Cloud` and never ask which. Nothing here prints; progress goes to an observer,
//! results are values that `ui` renders.

pub mod deploy;
pub mod init;
pub mod invoke;
pub mod package;
pub mod plan;
pub mod rollback;
pub mod schedule;
pub mod status;
pub mod tail;
pub mod undeploy;

use crate::bundle::BundleError;
use crate::cloud::CloudError;
use crate::hint::Hint;
use crate::model::Version;

/// Why an operation did not come to its end. What was serving before still serves.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The target.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// Somewhere to build could not be had.
    #[error("could not make a temporary directory")]
    Scratch(#[source] std::io::Error),
    /// The new version did not answer well.
    #[error("version {version} is not healthy: {reason}")]
    Unhealthy {
        /// The version that was refused.
        version: Version,
        /// What it answered.
        reason: String,
        /// What the app raised or wrote, as far as known.
        #[source]
        said: Option<AppOutput>,
        /// What serves instead.
        live: Option<Version>,
        /// About a module that the app did not find.
        missing: Option<String>,
    },
    /// There is nothing to go back to.
    #[error("there is no release {steps} before version {live} (the oldest kept is {oldest})")]
    NothingBefore {
        /// How far back was asked for.
        steps: u32,
        /// What serves now.
        live: Version,
        /// The oldest that could be reached.
        oldest: Version,
    },
    /// Nothing serves, so there is nothing to go back from.
    #[error("`{function}` has no live release yet")]
    NothingLive {
        /// The function.
        function: String,
    },
    /// The function's answer is not one of the shim's.
    #[error("`{function}` answered something unexpected")]
    UnexpectedAnswer {
        /// The function.
        function: String,
        /// Why it could not be read.
        source: serde_json::Error,
    },
    /// No schedule of that name is deployed.
    #[error("`{function}` has no schedule `{name}`{}", did_you_mean(nearest.as_deref()))]
    NoSuchSchedule {
        /// The function.
        function: String,
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The payload is not a JSON object.
    #[error("the payload is not a JSON object")]
    Payload {
        /// Where it breaks, if it is not JSON at all.
        source: Option<serde_json::Error>,
    },
}

/// The app's own words about a failure: its traceback, else what it wrote to the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AppOutput(pub String);

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

impl Hint for OperationError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Bundle(error) => error.hints(),
            Self::Cloud(error) => error.hints(),
            Self::Unhealthy { live, missing, .. } => {
                let serving = live.map_or_else(|| "nothing is live yet".to_owned(), |live| format!("version {live} goes on serving"));
                let mut hints: Vec<String> = missing.iter().cloned().collect();
                hints.push(format!("{serving}; mend the app and run the command again"));
                hints.push("`touch_path` chooses another path to ask for, `--no-check` releases without asking".to_owned());
                hints
            }
            Self::NothingBefore { .. } => vec!["`zappa status` lists the releases that are kept (`num_retained_versions`)".to_owned()],
            Self::NothingLive { .. } => vec!["`zappa deploy` makes one".to_owned()],
            Self::NoSuchSchedule { known, .. } if known.is_empty() => {
                vec!["it has none at all; `zappa schedule` makes those of the settings".to_owned()]
            }
            Self::NoSuchSchedule { known, .. } => {
                let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                vec![format!("it has {}; `zappa schedule` makes those that the settings have gained", known.join(", "))]
            }
            Self::Payload { .. } => vec!["give `--payload` an object: `'{\"key\": \"value\"}'`".to_owned()],
            Self::Scratch(_) | Self::UnexpectedAnswer { .. } => Vec::new(),
        }
    }

    fn is_input(&self) -> bool {
        match self {
            Self::Bundle(error) => error.is_input(),
            Self::Cloud(error) => error.is_input(),
            Self::NothingBefore { .. } | Self::NothingLive { .. } | Self::NoSuchSchedule { .. } | Self::Payload { .. } => true,
            Self::Scratch(_) | Self::Unhealthy { .. } | Self::UnexpectedAnswer { .. } => false,
        }
    }
}

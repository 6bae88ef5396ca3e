//! The use cases, written once for every target: they hold a `&dyn Cloud` and never ask which. Nothing here prints; progress goes to an observer,
//! results are values that `ui` renders.

pub mod cache;
pub mod certify;
pub mod contents;
pub mod deploy;
pub mod gate;
pub mod imports;
pub mod init;
pub mod invoke;
pub mod package;
pub mod plan;
pub mod regions;
pub mod rollback;
pub mod schedule;
pub mod status;
pub mod tail;
pub mod undeploy;

use crate::bundle::BundleError;
use crate::cloud::CloudError;
use crate::hint::Hint;
use crate::model::{FrontDoor, Version};

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
    /// `--atomic`: another region did not get so far.
    #[error("version {version} is well, and stays back with those of the other regions")]
    HeldBack {
        /// The version that does not serve.
        version: Version,
        /// What serves instead.
        live: Option<Version>,
    },
    /// `--region` and the like, for a stage on this machine.
    #[error("stage `{stage}` has the target `local`, and this machine is in no region")]
    NoRegions {
        /// The stage.
        stage: String,
    },
    /// No region is left to work in.
    #[error("the account has no region enabled that is not left out")]
    NoRegionLeft,
    /// A region does not have the release that the others go back to.
    #[error("no version of `{function}` here has the code of version {version} at home ({home})")]
    NoSuchRelease {
        /// The function.
        function: String,
        /// The version at home.
        version: Version,
        /// The region that is home.
        home: String,
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
    /// Only some targets have domains.
    #[error("stage `{stage}` has the target `local`, which has no domains")]
    NoDomainsHere {
        /// The stage.
        stage: String,
    },
    /// The settings name no domain.
    #[error("stage `{stage}` has no `domain`")]
    NoDomain {
        /// The stage.
        stage: String,
    },
    /// Only APIs can have a domain name.
    #[error("`{domain}` cannot lead to stages whose front door is `{front_door}`")]
    NoDomainBefore {
        /// The domain.
        domain: String,
        /// What the settings ask for, or what is there.
        front_door: FrontDoor,
    },
    /// What is before CloudFront is in no region.
    #[error("`{domain}` is edge-optimized, and can lead to one region only")]
    EdgeInRegions {
        /// The domain.
        domain: String,
    },
    /// Regions have certificates of their own.
    #[error("the certificate `{arn}` is of another region than `{region}`, where the stage is to be reached, too")]
    CertificateOfOneRegion {
        /// The certificate.
        arn: String,
        /// A region that needs one.
        region: String,
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

impl OperationError {
    /// Whether the region is not there, is not open to the account, or lacks what the stage needs.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Cloud(error) if error.is_out_of_reach())
    }
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
            Self::HeldBack { live, .. } => {
                let serving = live.map_or_else(|| "nothing is live yet".to_owned(), |live| format!("version {live} goes on serving"));
                vec![format!("{serving}; mend the other regions, or leave out `--atomic`")]
            }
            Self::NoRegions { .. } => vec!["leave out `--region` and `--all-regions`, or name a stage with `target = \"aws\"`".to_owned()],
            Self::NoRegionLeft => vec!["`exclude_regions` leaves out the others".to_owned()],
            Self::NoSuchRelease { .. } => {
                vec!["it was never deployed there, or is not kept any more (`num_retained_versions`): `zappa deploy` brings it".to_owned()]
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
            Self::NoDomainsHere { .. } => vec!["name a stage with `target = \"aws\"`".to_owned()],
            Self::NoDomain { .. } => vec!["set it in the settings: `domain = \"shop.example.com\"`".to_owned()],
            Self::NoDomainBefore { front_door: FrontDoor::FunctionUrl, .. } => vec![
                "a Function URL answers to its own name only, unless a CloudFront distribution stands before it".to_owned(),
                "choose an HTTP API instead (`function_url_enabled = false`, `apigateway_version = \"v2\"`) and deploy that first"
                    .to_owned(),
            ],
            Self::NoDomainBefore { .. } => {
                vec!["choose an HTTP API (`apigateway_version = \"v2\"`) or a REST API, and deploy that first".to_owned()]
            }
            Self::EdgeInRegions { .. } => vec![
                "an edge-optimized domain name exists once in the world: take `EDGE` out of `endpoint_configuration`, and each region gets a regional one"
                    .to_owned(),
                "or let it lead to one of the regions: `zappa certify --region REGION`".to_owned(),
            ],
            Self::CertificateOfOneRegion { .. } => vec![
                "leave `certificate_arn` out: in each region a certificate that covers the domain is found, or requested".to_owned(),
            ],
            Self::Payload { .. } => vec!["give `--payload` an object: `'{\"key\": \"value\"}'`".to_owned()],
            Self::Scratch(_) | Self::UnexpectedAnswer { .. } => Vec::new(),
        }
    }

    fn is_input(&self) -> bool {
        match self {
            Self::Bundle(error) => error.is_input(),
            Self::Cloud(error) => error.is_input(),
            Self::NoRegions { .. }
            | Self::NoRegionLeft
            | Self::NothingBefore { .. }
            | Self::NothingLive { .. }
            | Self::NoSuchRelease { .. }
            | Self::NoSuchSchedule { .. }
            | Self::NoDomainsHere { .. }
            | Self::NoDomain { .. }
            | Self::NoDomainBefore { .. }
            | Self::EdgeInRegions { .. }
            | Self::CertificateOfOneRegion { .. }
            | Self::Payload { .. } => true,
            Self::Scratch(_) | Self::Unhealthy { .. } | Self::HeldBack { .. } | Self::UnexpectedAnswer { .. } => false,
        }
    }
}

//! Names, ARNs and tags: everything by which a deployment is found again, derived from project and stage.
//!
//! Nothing here asks AWS, and nothing is remembered: any machine derives the same.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::model::{LIVE, RoleSettings, StageId, slug};

/// `RoleName` of the IAM API takes 64 characters.
const MAX_ROLE_NAME: usize = 64;
/// Behind the function's name, as zappa/Zappa names its roles.
const ROLE_SUFFIX: &str = "-ZappaLambdaExecutionRole";
/// The tags of everything that is ours.
pub(super) const PROJECT_TAG: &str = "zappa:project";
pub(super) const STAGE_TAG: &str = "zappa:stage";

/// The names of one stage.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) id: StageId,
    /// Of the function, and of its API.
    pub(super) function: String,
    /// `s3_bucket`, where it is in this region.
    pub(super) s3_bucket: Option<String>,
    /// `s3_bucket` of a stage in several regions: it is at home, and elsewhere the buckets are our own.
    pub(super) home_bucket: Option<String>,
}

impl Names {
    pub(super) fn new(id: &StageId, s3_bucket: Option<&str>) -> Self {
        Self { id: id.clone(), function: id.function_name(), s3_bucket: s3_bucket.map(str::to_owned), home_bucket: None }
    }

    /// Where Lambda writes the function's log.
    pub(super) fn log_group(&self) -> String {
        format!("/aws/lambda/{}", self.function)
    }

    /// The execution role: the one that the settings name, else one of our own.
    pub(super) fn role(&self, settings: &RoleSettings) -> String {
        settings.name.clone().unwrap_or_else(|| shortened(&format!("{}{ROLE_SUFFIX}", self.function), MAX_ROLE_NAME))
    }

    /// The bucket for uploads: what the settings name, else one of our own. Account and region make that nobody else's; the project keeps it apart from its
    /// neighbours'.
    pub(super) fn bucket(&self, place: &Place) -> String {
        self.s3_bucket.clone().unwrap_or_else(|| self.own_bucket(place))
    }

    /// Every bucket of the stage, if `place` is in all regions of the account.
    pub(super) fn buckets(&self, place: &Place) -> Vec<String> {
        match &self.home_bucket {
            Some(home) => vec![home.clone(), self.own_bucket(place)],
            None => vec![self.bucket(place)],
        }
    }

    fn own_bucket(&self, place: &Place) -> String {
        let project: String = slug(&self.id.project).chars().take(20).collect();
        format!("zappa-{}-{}-{}", project.trim_end_matches('-'), place.account, place.region)
    }

    /// The tags of whatever belongs to the stage: the user's, and the two by which it is found.
    pub(super) fn tags(&self, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut tags = own.clone();
        tags.insert(PROJECT_TAG.to_owned(), self.id.project.clone());
        tags.insert(STAGE_TAG.to_owned(), self.id.stage.clone());
        tags
    }

    /// Whether something with these tags is this stage's.
    pub(super) fn owns(&self, tag: impl Fn(&str) -> Option<String>) -> bool {
        tag(PROJECT_TAG).as_deref() == Some(&self.id.project) && tag(STAGE_TAG).as_deref() == Some(&self.id.stage)
    }
}

/// `text`, or its beginning and a hash of all of it where it is longer than `most`.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let digits: String = Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let head: String = text.chars().take(most - digits.len() - 1).collect();
    format!("{}-{digits}", head.trim_end_matches('-'))
}

/// Partition, region and account: what every ARN says. Never from literals: partitions differ, and so do the suffixes of host names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub(super) partition: String,
    pub(super) region: String,
    /// 12 digits.
    pub(super) account: String,
}

impl Place {
    /// What an ARN says of it; `region` stands in for that of a global service (IAM, STS).
    pub(super) fn of_arn(arn: &str, region: &str) -> Option<Self> {
        // arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, _, _, account, _] => {
                Some(Self { partition: (*partition).to_owned(), region: region.to_owned(), account: (*account).to_owned() })
            }
            _ => None,
        }
    }

    /// The ARN of a resource of a regional service.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        let Self { partition, region, account } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// The function itself.
    pub(super) fn function_arn(&self, names: &Names) -> String {
        self.arn("lambda", &format!("function:{}", names.function))
    }

    /// The alias `live`, which every route, schedule and permission points at.
    pub(super) fn live_arn(&self, names: &Names) -> String {
        format!("{}:{LIVE}", self.function_arn(names))
    }
}

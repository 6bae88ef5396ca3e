//! Why a front door cannot be as it is wanted, before or beside any call.

use crate::hint::Hint;

/// What stands in the way of a front door.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The SDK knows no partition that the region lies in.
    #[error("region `{region}` has no endpoints")]
    UnknownRegion {
        /// The region.
        region: String,
    },
    /// A load balancer is wanted.
    #[error("a load balancer as the front door is not supported on AWS yet")]
    NoLoadBalancers,
    /// API Gateway has no role to write logs with.
    #[error("API Gateway has no role with which it may write logs in `{region}`")]
    NoLogRole {
        /// The region.
        region: String,
    },
    /// AWS made something and did not say what it is called.
    #[error("the answer about `{resource}` has no `{field}`")]
    Incomplete {
        /// What was asked for.
        resource: String,
        /// What an answer always has.
        field: &'static str,
    },
}

impl Hint for RouteError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownRegion { .. } => vec!["see that `aws_region` is written right".to_owned()],
            Self::Incomplete { .. } => vec!["run the command again: it takes up what is there".to_owned()],
            Self::NoLoadBalancers => vec!["leave `alb_enabled` out, or use `function_url_enabled`".to_owned()],
            // One role serves the whole account, so that no deployment sets it in passing.
            Self::NoLogRole { region } => vec![
                format!(
                    "make a role that `apigateway.amazonaws.com` may assume, with AWS's policy `AmazonAPIGatewayPushToCloudWatchLogs`, and set it for the account: \
                     `aws apigateway update-account --region {region} --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN`"
                ),
                "or set `cloudwatch_log_level = \"OFF\"` and `cloudwatch_data_trace = false`".to_owned(),
            ],
        }
    }

    fn is_input(&self) -> bool {
        matches!(self, Self::UnknownRegion { .. } | Self::NoLoadBalancers)
    }
}

//! What a stage can have on AWS beyond what every target has: value types that settings, specifications and the adapter share.
//!
//! Resolved values only: defaults are filled in, files that the settings name have been read. No I/O and no policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which account, where, and by which way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsAccess {
    /// `profile_name`; `None`: the default chain of the SDK.
    pub profile: Option<String>,
    /// `aws_region`; `None`: that of the profile or the environment.
    pub region: Option<String>,
    /// Endpoints other than AWS's own, by service (`lambda`, `s3`, `apigateway`, …), each a URL.
    pub endpoint_urls: BTreeMap<String, String>,
}

/// The part of a function's configuration that only Lambda itself has. A version freezes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LambdaSettings {
    /// ARNs of layer versions, in the order in which they are merged.
    pub layers: Vec<String>,
    /// The private network that the function joins.
    pub vpc: Option<Vpc>,
    /// File systems to mount.
    pub file_systems: Vec<FileSystem>,
    /// Queue or topic for events that failed for good.
    pub dead_letter_arn: Option<String>,
    /// The key that encrypts environment variables at rest.
    pub kms_key_arn: Option<String>,
    /// X-Ray: `Active`, else `PassThrough`.
    pub tracing: bool,
    /// `SnapStart.ApplyOn` = `PublishedVersions`.
    pub snap_start: bool,
}

/// `VpcConfig` of the Lambda API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// At least one, sorted.
    pub subnet_ids: Vec<String>,
    /// At least one, sorted.
    pub security_group_ids: Vec<String>,
    /// Outbound IPv6 on dual-stack subnets.
    pub ipv6: bool,
}

/// `FileSystemConfig` of the Lambda API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// ARN of an EFS access point.
    pub arn: String,
    /// Below `/mnt/`.
    pub local_mount_path: String,
}

/// The execution role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSettings {
    /// `role_arn`: a role to use as it is.
    pub arn: Option<String>,
    /// `role_name`; `None`: derived from the function's name.
    pub name: Option<String>,
    /// `manage_roles`: whether the role is made and kept up to date.
    pub manage: bool,
    /// Content of the file that `assume_policy` names.
    pub assume_policy: Option<Value>,
    /// Content of the file that `attach_policy` names.
    pub attach_policy: Option<Value>,
    /// Statements in addition to the usual ones.
    pub extra_permissions: Vec<Value>,
}

/// How a REST API is reached (`endpoint_configuration`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EndpointKind {
    /// From its region.
    #[default]
    Regional,
    /// Through CloudFront.
    Edge,
    /// From a VPC only.
    Private,
}

/// What only API Gateway and Function URLs on AWS have of a front door.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewaySettings {
    /// `apigateway_description`.
    pub description: Option<String>,
    /// REST: content of the file that `apigateway_policy` names.
    pub policy: Option<Value>,
    /// REST: how it is reached.
    pub endpoint: EndpointKind,
    /// REST: whether clients must send an API key.
    pub api_key_required: bool,
    /// REST: the value of that key; `None`: AWS makes one. Never printed.
    pub api_key: Option<String>,
    /// Whether requests must be signed (`iam_authorization`; of a Function URL `authorizer = "AWS_IAM"`).
    pub iam_authorization: bool,
    /// Who decides whether a request may pass.
    pub authorizer: Option<Authorizer>,
    /// REST: compress answers from so many bytes on; `None`: never.
    pub minimum_compression_size: Option<u32>,
    /// REST: the stage's cache.
    pub cache: Option<Cache>,
    /// REST: what the stage logs.
    pub log_level: GatewayLogLevel,
    /// REST: whether it logs whole requests and answers.
    pub data_trace: bool,
    /// REST: whether it reports metrics for every method.
    pub metrics: bool,
    /// REST: X-Ray for the stage; follows `xray_tracing`.
    pub tracing: bool,
}

/// `cache_cluster_*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// GB as `CacheClusterSize` of the API writes it: `0.5`, `1.6`, …
    pub size: String,
    /// Seconds.
    pub ttl_seconds: u32,
    /// At rest.
    pub encrypted: bool,
}

/// `cloudwatch_log_level`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum GatewayLogLevel {
    /// Nothing.
    #[default]
    Off,
    /// Failed requests.
    Error,
    /// Every request.
    Info,
}

impl GatewayLogLevel {
    /// The API's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Error => "ERROR",
            Self::Info => "INFO",
        }
    }
}

/// `authorizer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorizer {
    /// Its name in the API.
    pub name: String,
    /// Who decides.
    pub kind: AuthorizerKind,
    /// The header that carries the token.
    pub token_header: String,
    /// For how many seconds a decision is kept; 0: not at all.
    pub result_ttl_seconds: u32,
    /// What the token must look like before anybody is asked.
    pub validation_expression: Option<String>,
}

impl Authorizer {
    /// The function of the stage itself that decides, by its dotted name.
    #[must_use]
    pub fn own_function(&self) -> Option<&str> {
        match &self.kind {
            AuthorizerKind::Token(AuthorizerFunction::Own(function)) | AuthorizerKind::Request(AuthorizerFunction::Own(function)) => {
                Some(function)
            }
            AuthorizerKind::Token(_) | AuthorizerKind::Request(_) | AuthorizerKind::Cognito(_) | AuthorizerKind::Jwt { .. } => None,
        }
    }
}

/// The kinds of authorizers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthorizerKind {
    /// A Lambda function gets the token (REST only).
    Token(AuthorizerFunction),
    /// A Lambda function gets the request.
    Request(AuthorizerFunction),
    /// Cognito user pools, by ARN (REST only).
    Cognito(Vec<String>),
    /// Whoever issued the JSON Web Token.
    Jwt {
        /// `https://…`
        issuer: String,
        /// Who the token must be for.
        audience: Vec<String>,
    },
}

/// Which Lambda function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthorizerFunction {
    /// The stage's own, in which the shim calls this dotted function.
    Own(String),
    /// Another one, by ARN.
    Arn(String),
}

//! What `zappa template` prints: who needs what, as documents to hand to whoever keeps an account. Pure: no call, so that whoever may do nothing yet
//! can ask for it.

use serde::Serialize;
use serde_json::{Value, json};

use super::bucket;
use super::names::{Names, Place};
use super::policy::{self, LANGUAGE, allow};
use super::route;
use crate::cloud::StageSpec;
use crate::model::{AuthorizerFunction, AuthorizerKind, FrontDoor, GatewayLogLevel, StageId};
use crate::schedule::rule_prefix;

/// Where the stage is going to be, as far as it is known.
#[derive(Debug, Clone)]
pub struct TemplateRequest<'a> {
    /// Its region.
    pub region: &'a str,
    /// 12 digits; any account if `None`.
    pub account: Option<&'a str>,
    /// `s3_bucket`.
    pub bucket: Option<&'a str>,
}

/// The documents.
#[derive(Debug, Clone, Serialize)]
pub struct Documents {
    /// What the person needs who deploys the stage.
    pub deployer_policy: Value,
    /// What the function may do.
    pub execution_policy: Value,
    /// Who may take the function's role.
    pub trust_policy: Value,
    /// The API, where it is a REST API.
    pub openapi: Option<Value>,
}

/// The documents of a stage.
#[must_use]
pub fn documents(id: &StageId, spec: &StageSpec, request: &TemplateRequest<'_>) -> Documents {
    let names = Names::new(id);
    let place = Place {
        partition: partition(request.region).to_owned(),
        region: request.region.to_owned(),
        account: request.account.unwrap_or("*").to_owned(),
    };
    let deployer = Deployer { names: &names, place: &place, spec, bucket: request.bucket };
    Documents {
        deployer_policy: json!({ "Version": LANGUAGE, "Statement": deployer.statements() }),
        execution_policy: policy::execution(&names, &place, spec),
        trust_policy: policy::trust(&spec.surroundings.role),
        openapi: (spec.route.front_door == FrontDoor::Rest).then(|| route::document(&names, &place, &spec.route)),
    }
}

/// Which partition a region is in. An ARN that AWS gave says it better; here none is.
fn partition(region: &str) -> &'static str {
    let prefixes = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-iso-", "aws-iso"),
    ];
    prefixes.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Every call that the adapter makes for this stage, on as little as it is made on.
struct Deployer<'a> {
    names: &'a Names,
    place: &'a Place,
    spec: &'a StageSpec,
    bucket: Option<&'a str>,
}

impl Deployer<'_> {
    fn statements(&self) -> Vec<Value> {
        [self.function(), self.role(), self.front_door(), self.schedules(), self.logs(), self.archives()].concat()
    }

    fn function(&self) -> Vec<Value> {
        let function = self.place.function_arn(self.names);
        let mut actions = vec![
            "lambda:AddPermission",
            "lambda:CreateAlias",
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:GetAlias",
            "lambda:GetFunction",
            "lambda:GetFunctionConfiguration",
            "lambda:GetFunctionUrlConfig",
            "lambda:GetPolicy",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:InvokeFunction",
            "lambda:ListTags",
            "lambda:ListVersionsByFunction",
            "lambda:PublishVersion",
            "lambda:PutFunctionConcurrency",
            "lambda:PutProvisionedConcurrencyConfig",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateAlias",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ];
        if self.spec.route.front_door == FrontDoor::FunctionUrl {
            actions.extend(["lambda:CreateFunctionUrlConfig", "lambda:DeleteFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"]);
        }
        // Versions and the alias are `function:NAME:…`.
        let mut statements = vec![allow("Function", &actions, json!([function, format!("{function}:*")]))];
        let lambda = &self.spec.function.lambda;
        if !lambda.layers.is_empty() {
            statements.push(allow("Layers", &["lambda:GetLayerVersion"], json!(lambda.layers)));
        }
        if lambda.vpc.is_some() {
            // Lambda looks at them for whoever configures the function; these actions know no resources.
            let actions = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:GetSecurityGroupsForVpc"];
            statements.push(allow("Network", &actions, json!("*")));
        }
        if !lambda.file_systems.is_empty() {
            let systems = self.place.arn("elasticfilesystem", "file-system/*");
            statements.push(allow("Files", &["elasticfilesystem:DescribeMountTargets"], json!(systems)));
        }
        if let Some(key) = &lambda.kms_key_arn {
            statements.push(allow("Key", &["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"], json!(key)));
        }
        statements
    }

    fn role(&self) -> Vec<Value> {
        let settings = &self.spec.surroundings.role;
        let Place { partition, account, .. } = self.place;
        let own = format!("arn:{partition}:iam::{account}:role/{}", self.names.role(settings));
        let role = settings.arn.as_ref().unwrap_or(&own);
        let mut pass = allow("PassRole", &["iam:PassRole"], json!(role));
        pass["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } });
        let managed = [
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UpdateAssumeRolePolicy",
        ];
        match (&settings.arn, settings.manage) {
            // Its removal looks at its tags, and finds that it is none of ours.
            (Some(_), _) | (None, false) => vec![allow("Role", &["iam:GetRole"], json!(role)), pass],
            (None, true) => vec![allow("Role", &managed, json!(role)), pass],
        }
    }

    fn front_door(&self) -> Vec<Value> {
        let Place { partition, region, .. } = self.place;
        let gateway = &self.spec.route.gateway;
        // Resources of API Gateway are paths of its API, and its actions are HTTP's methods.
        let paths =
            |paths: &[&str]| json!(paths.iter().map(|path| format!("arn:{partition}:apigateway:{region}::{path}")).collect::<Vec<_>>());
        let all = ["apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"];
        let mut statements = match self.spec.route.front_door {
            FrontDoor::Rest => vec![allow("RestApi", &all, paths(&["/restapis", "/restapis/*", "/tags/*"]))],
            FrontDoor::Http => vec![allow("HttpApi", &all, paths(&["/apis", "/apis/*", "/tags/*"]))],
            FrontDoor::FunctionUrl | FrontDoor::Alb => Vec::new(),
        };
        // A removal looks for whatever the stage ever had. Removing another kind takes the policy of that kind.
        let looked_at = ["/restapis", "/restapis/*", "/apis", "/apis/*", "/apikeys", "/usageplans", "/usageplans/*"];
        statements.push(allow("FrontDoors", &["apigateway:GET"], paths(&looked_at)));
        if self.spec.route.front_door == FrontDoor::Rest {
            if gateway.policy.is_some() {
                statements.push(allow("RestApiPolicy", &["apigateway:UpdateRestApiPolicy"], paths(&["/restapis", "/restapis/*"])));
            }
            if gateway.api_key_required {
                let resources = paths(&["/apikeys", "/apikeys/*", "/usageplans", "/usageplans/*"]);
                statements.push(allow("ApiKeys", &all, resources));
            }
            if gateway.log_level != GatewayLogLevel::Off {
                statements.push(allow("ApiLogs", &["apigateway:GET"], paths(&["/account"])));
            }
        }
        let authorizer = gateway.authorizer.as_ref().and_then(|authorizer| match &authorizer.kind {
            AuthorizerKind::Token(AuthorizerFunction::Arn(arn)) | AuthorizerKind::Request(AuthorizerFunction::Arn(arn)) => Some(arn),
            _ => None,
        });
        if let Some(arn) = authorizer {
            statements.push(allow("Authorizer", &["lambda:AddPermission", "lambda:RemovePermission"], json!(arn)));
        }
        statements
    }

    fn schedules(&self) -> Vec<Value> {
        let rules = self.place.arn("events", &format!("rule/{}*", rule_prefix(&self.names.function)));
        let actions = [
            "events:DeleteRule",
            "events:ListTargetsByRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "events:TagResource",
        ];
        // Listing knows no resources.
        vec![allow("Rules", &actions, json!(rules)), allow("ListRules", &["events:ListRules"], json!("*"))]
    }

    fn logs(&self) -> Vec<Value> {
        let group = self.place.arn("logs", &format!("log-group:{}", self.names.log_group()));
        let actions = [
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:FilterLogEvents",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
        ];
        vec![
            allow("Logs", &actions, json!([group, format!("{group}:*")])),
            allow("ListLogs", &["logs:DescribeLogGroups"], json!(self.place.arn("logs", "log-group:*"))),
        ]
    }

    fn archives(&self) -> Vec<Value> {
        let name = self.bucket.map_or_else(|| self.names.bucket(self.place), str::to_owned);
        let bucket = format!("arn:{}:s3:::{name}", self.place.partition);
        let mut actions = vec![
            "s3:CreateBucket",
            "s3:GetBucketTagging",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
        ];
        if self.bucket.is_none() {
            actions.insert(1, "s3:DeleteBucket");
        }
        let objects = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"];
        let keys = format!("{bucket}/{}{}/*", bucket::PREFIX, self.names.function);
        vec![allow("Bucket", &actions, json!(bucket)), allow("Archives", &objects, json!(keys))]
    }
}

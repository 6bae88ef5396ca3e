//! What `zappa template` prints: who needs what, as documents to hand to whoever keeps an account. Pure: no call, so that whoever may do nothing yet
//! can ask for it.

use serde::Serialize;
use serde_json::{Value, json};

use super::bucket;
use super::layer;
use super::names::{Names, Place};
use super::policy::{self, LANGUAGE, allow};
use super::route;
use crate::cloud::StageSpec;
use crate::model::{AuthorizerFunction, AuthorizerKind, CertificateSource, DomainSettings, FrontDoor, GatewayLogLevel, StageId};
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
    /// Whether it is in other regions, too.
    pub several: bool,
    /// `domain`, and what belongs to it.
    pub domain: Option<&'a DomainSettings>,
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
    let mut names = Names::new(id, request.bucket);
    if request.several {
        // One that the settings name is at home; elsewhere names are derived.
        names.home_bucket = names.s3_bucket.take();
    }
    let place = Place {
        partition: partition(request.region).to_owned(),
        region: request.region.to_owned(),
        account: request.account.unwrap_or("*").to_owned(),
    };
    // One document for all regions, whichever they are going to be.
    let everywhere = Place { region: if request.several { "*".to_owned() } else { place.region.clone() }, ..place.clone() };
    let deployer = Deployer { names: &names, place: &everywhere, spec, several: request.several, domain: request.domain };
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
    several: bool,
    domain: Option<&'a DomainSettings>,
}

impl Deployer<'_> {
    fn statements(&self) -> Vec<Value> {
        let around = [self.schedules(), self.logs(), self.archives(), self.regions()].concat();
        [self.function(), self.role(), self.front_door(), self.domain(), around].concat()
    }

    fn regions(&self) -> Vec<Value> {
        // Listing knows no resources.
        if self.several { vec![allow("ListRegions", &["account:ListRegions"], json!("*"))] } else { Vec::new() }
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
        let layer = self.place.arn("lambda", &format!("layer:{}", layer::name(&self.names.function)));
        let actions = ["lambda:DeleteLayerVersion", "lambda:GetLayerVersion", "lambda:ListLayerVersions", "lambda:PublishLayerVersion"];
        statements.push(allow("Dependencies", &actions, json!([layer, format!("{layer}:*")])));
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
            "iam:UntagRole",
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
        let looked_at = ["/restapis", "/restapis/*", "/apis", "/apis/*", "/apikeys", "/usageplans", "/usageplans/*", "/domainnames"];
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

    /// Certificates and hosted zones are known by ids that nobody knows beforehand; the former are told apart by their tags.
    fn domain(&self) -> Vec<Value> {
        let Some(domain) = self.domain else { return Vec::new() };
        let Place { partition, region, account } = self.place;
        let gateway = |path: &str| format!("arn:{partition}:apigateway:{region}::{path}");
        let names = [
            gateway("/domainnames"),
            gateway(&format!("/domainnames/{}", domain.name)),
            gateway(&format!("/domainnames/{}/*", domain.name)),
        ];
        let all = ["apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"];
        // An edge-optimized domain's is in the partition's home region.
        let certificates = format!("arn:{partition}:acm:{}:{account}:certificate/*", if domain.edge { "*" } else { region });
        let mut certify = vec![
            "acm:AddTagsToCertificate",
            "acm:DeleteCertificate",
            "acm:DescribeCertificate",
            "acm:GetCertificate",
            "acm:ListTagsForCertificate",
        ];
        if matches!(domain.certificate, CertificateSource::Own(_)) {
            certify.push("acm:ImportCertificate");
        }
        let mut statements = vec![
            allow("DomainName", &all, json!(names)),
            allow("Certificates", &certify, json!(certificates)),
            // Neither knows resources.
            allow("FindCertificates", &["acm:ListCertificates", "acm:RequestCertificate"], json!("*")),
        ];
        if domain.route53 {
            let zones = format!("arn:{partition}:route53:::hostedzone/*");
            statements.push(allow("Records", &["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"], json!(zones)));
            statements.push(allow("FindZones", &["route53:ListHealthChecks", "route53:ListHostedZones"], json!("*")));
            if self.several {
                let checks = format!("arn:{partition}:route53:::healthcheck/*");
                let actions = [
                    "route53:ChangeTagsForResource",
                    "route53:DeleteHealthCheck",
                    "route53:ListTagsForResources",
                    "route53:UpdateHealthCheck",
                ];
                statements.push(allow("HealthChecks", &actions, json!(checks)));
                statements.push(allow("MakeHealthChecks", &["route53:CreateHealthCheck"], json!("*")));
            }
        }
        if domain.edge {
            // API Gateway acts on the distribution for whoever makes the name.
            statements.push(allow("Distribution", &["cloudfront:UpdateDistribution"], json!("*")));
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
        let buckets: Vec<String> =
            self.names.buckets(self.place).iter().map(|name| format!("arn:{}:s3:::{name}", self.place.partition)).collect();
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
        if self.names.s3_bucket.is_none() {
            actions.insert(1, "s3:DeleteBucket");
        }
        let objects = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"];
        let key =
            |bucket: &String| [bucket::PREFIX, bucket::KEPT_PREFIX].map(|prefix| format!("{bucket}/{prefix}{}/*", self.names.function));
        let keys: Vec<String> = buckets.iter().flat_map(key).collect();
        let buckets = if let [only] = buckets.as_slice() { json!(only) } else { json!(buckets) };
        vec![allow("Bucket", &actions, buckets), allow("Archives", &objects, json!(keys))]
    }
}

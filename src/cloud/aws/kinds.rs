//! What AWS's codes and texts mean: the one place that knows them. Pure: code and text in, message and next steps out.

/// How a service answered a call that it refused.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answer<'a> {
    pub(super) action: &'a str,
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    /// 0 where it is not known.
    pub(super) status: u16,
    /// Where the bucket is.
    pub(super) region: Option<&'a str>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    // Who asks
    Denied(Denial),
    NoCredentials,
    UnknownProfile,
    SignInExpired,
    CredentialsExpired,
    CredentialsInvalid,
    Clock,
    AccountOff,
    RegionOff,
    NotOffered,
    // The way there
    NoHost,
    NoConnection,
    TimedOut,
    // Buckets
    BucketTaken,
    BucketForeign,
    BucketElsewhere(Option<String>),
    BucketName,
    // What is asked for
    TooLarge,
    TooLargeUnzipped,
    StorageFull,
    Environment,
    NoAddresses,
    Subnet,
    SecurityGroup,
    Interfaces,
    FileSystem,
    Key,
    DeadLetters,
    Layer,
    Runtime,
    SnapStart,
    Memory,
    Concurrency,
    Policy,
    Archive,
    App,
    // The role
    RoleNotReady,
    RoleForeign,
    RoleLacks(String),
    // How it stands
    Throttled,
    Quota,
    Busy,
    Exists,
    Absent,
    Invalid,
    Internal,
    Other,
}

/// Who may not do what, as AWS says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Denial {
    /// Not always the one that was called: creating a function needs `iam:PassRole`.
    action: Option<String>,
    resource: Option<String>,
    principal: Option<String>,
    /// `service control policy`, `permissions boundary`, …, where it is not just that nobody has allowed it.
    by: Option<String>,
}

impl Denial {
    /// `User: P is not authorized to perform: A on resource: R because no identity-based policy allows the A action`
    fn of(message: &str) -> Self {
        let behind = |words: &str| {
            let (_, rest) = message.split_once(words)?;
            let word = rest.split_whitespace().next()?.trim_matches(|c| c == '"' || c == '.' || c == ',');
            Some(word.to_owned()).filter(|word| !word.is_empty())
        };
        let policies =
            ["service control policy", "resource control policy", "permissions boundary", "session policy", "VPC endpoint policy"];
        let named = policies.into_iter().find(|policy| message.contains(policy)).map(str::to_owned);
        let explicit = message.contains("explicit deny").then(|| "policy".to_owned());
        Self { action: behind("to perform: "), resource: behind("on resource: "), principal: behind("User: "), by: named.or(explicit) }
    }
}

impl Kind {
    /// What a service's refusal means.
    pub(super) fn of(answer: &Answer<'_>) -> Self {
        let says = |text: &str| answer.message.contains(text);
        let lambda = answer.action.starts_with("lambda:");
        match answer.code {
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Self::CredentialsExpired,
            "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "UnrecognizedClientException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "InvalidToken" => Self::CredentialsInvalid,
            "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Self::Clock,
            "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => {
                if ["expired", "not yet current", "skew"].into_iter().any(says) { Self::Clock } else { Self::CredentialsInvalid }
            }
            "OptInRequired" | "SubscriptionRequiredException" if says("subscri") || says("sign") => Self::AccountOff,
            "NotSignedUp" | "AccountProblem" | "AccountSuspended" | "SubscriptionRequiredException" => Self::AccountOff,
            "OptInRequired" | "AuthFailure" | "RegionDisabledException" => Self::RegionOff,
            _ if says("Cross-account pass role is not allowed") => Self::RoleForeign,
            "AccessDeniedException" if says("suspended") => Self::AccountOff,
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "NotAuthorized" | "AuthorizationError" => {
                Self::Denied(Denial::of(answer.message))
            }
            "BucketAlreadyExists" => Self::BucketTaken,
            "PermanentRedirect" | "IllegalLocationConstraintException" | "AuthorizationHeaderMalformed" => {
                Self::BucketElsewhere(answer.region.map(str::to_owned))
            }
            "InvalidBucketName" => Self::BucketName,
            "NoSuchBucket" | "NoSuchHostedZone" => Self::Absent,
            _ if answer.status == 301 => Self::BucketElsewhere(answer.region.map(str::to_owned)),
            // A HEAD answer has no body to say more.
            _ if answer.status == 403 && answer.action.starts_with("s3:") && answer.message.is_empty() => Self::BucketForeign,
            _ if answer.status == 403 && answer.code.is_empty() => Self::Denied(Denial::of(answer.message)),
            "RequestEntityTooLargeException" | "RequestTooLarge" | "EntityTooLarge" => Self::TooLarge,
            "CodeStorageExceededException" => Self::StorageFull,
            "SubnetIPAddressLimitReachedException" => Self::NoAddresses,
            "InvalidSubnetIDException" => Self::Subnet,
            "InvalidSecurityGroupIDException" => Self::SecurityGroup,
            "ENILimitReachedException" | "ENINotReadyException" => Self::Interfaces,
            "EC2AccessDeniedException" => Self::RoleLacks("ec2:CreateNetworkInterface".to_owned()),
            "UnknownOperationException" => Self::NotOffered,
            "InvalidRuntimeException" => Self::Runtime,
            "InvalidZipFileException" => Self::Archive,
            "SnapStartException" | "SnapStartTimeoutException" | "SnapStartNotReadyException" => Self::SnapStart,
            "MalformedPolicyDocument" | "MalformedPolicyDocumentException" | "MalformedPolicy" => Self::Policy,
            code if code.starts_with("EFS") => Self::FileSystem,
            code if code.starts_with("KMS") => Self::Key,
            "InvalidParameterValueException" | "ValidationException" | "InvalidRequestContentException" if lambda => Self::of_text(answer),
            "TooManyRequestsException" if says("ConcurrentExecutions") || says("concurrency") => Self::Concurrency,
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "RequestThrottled"
            | "EC2ThrottledException" => Self::Throttled,
            "LimitExceeded"
            | "LimitExceededException"
            | "ServiceQuotaExceededException"
            | "TooManyBuckets"
            | "PolicyLengthExceededException" => Self::Quota,
            "ResourceConflictException" if says("already exist") => Self::Exists,
            "ResourceConflictException"
            | "ConflictException"
            | "ConcurrentModificationException"
            | "ConcurrentModification"
            | "OperationAborted"
            | "PriorRequestNotComplete"
            | "RequestInProgressException"
            | "ResourceInUseException" => Self::Busy,
            "EntityAlreadyExists" | "ResourceAlreadyExistsException" => Self::Exists,
            "ResourceNotFoundException" | "NotFoundException" | "NoSuchEntity" => {
                if says("ayer") {
                    Self::Layer
                } else {
                    Self::Absent
                }
            }
            "InvalidParameterValueException"
            | "ValidationException"
            | "ValidationError"
            | "BadRequestException"
            | "InvalidInput"
            | "InvalidChangeBatch"
            | "InvalidDomainValidationOptionsException"
            | "InvalidParameterException"
            | "InvalidEventPatternException" => Self::Invalid,
            _ if answer.status >= 500 => Self::Internal,
            _ => Self::Other,
        }
    }

    /// Lambda has one code for most that can be wrong with a function; the text tells.
    fn of_text(answer: &Answer<'_>) -> Self {
        let text = answer.message.to_lowercase();
        let says = |part: &str| text.contains(part);
        if let Some(call) = text.find("does not have permissions to call ").map(|start| &answer.message[start..]) {
            return Self::RoleLacks(lacking(call));
        }
        match () {
            () if says("not supported in") && says("region") => Self::NotOffered,
            () if says("cannot be assumed by lambda") => Self::RoleNotReady,
            () if says("unzipped size must be smaller") => Self::TooLargeUnzipped,
            () if says("could not unzip") || says("invalid zip") => Self::Archive,
            () if says("reservedconcurrentexecutions") || says("unreservedconcurrentexecution") => Self::Concurrency,
            () if says("environment variable") || says("reserved keys") => Self::Environment,
            () if says("snapstart") => Self::SnapStart,
            () if says("layer") => Self::Layer,
            () if says("kms") => Self::Key,
            () if says("efs") || says("file system") || says("access point") => Self::FileSystem,
            () if says("invalidsubnetid") || says("subnet") => Self::Subnet,
            () if says("invalidgroup") || says("security group") => Self::SecurityGroup,
            () if says("deadletter") || says("dead letter") => Self::DeadLetters,
            () if says("memorysize") => Self::Memory,
            () if says("runtime") || says("architecture") => Self::Runtime,
            () => Self::Invalid,
        }
    }

    /// What a function's or version's `…ReasonCode` means.
    pub(super) fn of_state(code: &str) -> Self {
        match code {
            "SubnetOutOfIPAddresses" => Self::NoAddresses,
            "InvalidSubnet" => Self::Subnet,
            "InvalidSecurityGroup" => Self::SecurityGroup,
            "EniLimitExceeded" => Self::Interfaces,
            "InsufficientRolePermissions" => Self::RoleLacks("ec2:CreateNetworkInterface".to_owned()),
            "InvalidRuntime" => Self::Runtime,
            "InvalidZipFileException" => Self::Archive,
            code if code.starts_with("EFS") => Self::FileSystem,
            code if code.contains("KMS") => Self::Key,
            code if code.starts_with("FunctionError") => Self::App,
            code if code.starts_with("Image") || code == "InvalidConfiguration" => Self::Invalid,
            _ => Self::Internal,
        }
    }

    /// What it means that no service answered; `texts` are what the SDK and the system say.
    pub(super) fn of_silence(texts: &[String], timed_out: bool) -> Self {
        let says = |parts: &[&str]| texts.iter().any(|text| parts.iter().any(|part| text.to_lowercase().contains(part)));
        match () {
            () if says(&["sso token", "sso session", "token is expired", "cached sso"]) => Self::SignInExpired,
            () if says(&["was not defined", "no profiles were defined"]) => Self::UnknownProfile,
            () if says(&[
                "credentials provider",
                "credential provider",
                "no providers in chain",
                "loading credentials",
                "credentials error",
            ]) || says(&["did not contain credential", "credential source", "failed to select an auth scheme", "no credentials"]) =>
            {
                Self::NoCredentials
            }
            () if says(&["dns error", "lookup address", "name or service not known", "nodename nor servname"]) => Self::NoHost,
            () if timed_out || says(&["timed out", "timeout"]) => Self::TimedOut,
            () => Self::NoConnection,
        }
    }

    /// Nothing can have been attempted.
    pub(super) fn is_input(&self) -> bool {
        matches!(self, Self::NoCredentials | Self::UnknownProfile | Self::SignInExpired)
    }

    /// The region is not there or not open to the account, or has not got what the stage needs.
    pub(super) fn is_out_of_reach(&self) -> bool {
        // A region that the account has not enabled does not know its keys.
        matches!(self, Self::RegionOff | Self::NotOffered | Self::NoHost | Self::CredentialsInvalid | Self::Runtime)
    }

    /// One sentence: what was attempted, and what is wrong with it.
    pub(super) fn message(&self, action: &str, resource: &str) -> String {
        match self {
            Self::Denied(denial) => {
                // Where another action is missing than the one that was called, it is about something else, too.
                let other = denial.action.as_deref().filter(|denied| *denied != action);
                let on = denial.resource.as_deref().filter(|_| other.is_some()).unwrap_or(resource);
                format!("access denied for `{}` on `{on}`", other.unwrap_or(action))
            }
            Self::NoCredentials => "no credentials for AWS".to_owned(),
            Self::UnknownProfile => "the profile for AWS does not exist".to_owned(),
            Self::SignInExpired => "the sign-in to AWS (SSO) has expired".to_owned(),
            Self::CredentialsExpired => "the credentials for AWS have expired".to_owned(),
            Self::CredentialsInvalid => "AWS does not know these credentials".to_owned(),
            Self::Clock => "this machine's clock differs too much from that of AWS".to_owned(),
            Self::AccountOff => format!("the account may not use `{}`", service(action)),
            Self::RegionOff => format!("the region is not enabled for the account (`{action}`)"),
            Self::NotOffered => format!("`{}` does not offer here what `{resource}` needs (`{action}`)", service(action)),
            Self::NoHost => format!("the endpoint of `{}` does not exist (`{action}`)", service(action)),
            Self::NoConnection => format!("no connection to `{}` (`{action}` on `{resource}`)", service(action)),
            Self::TimedOut => format!("`{}` did not answer in time (`{action}` on `{resource}`)", service(action)),
            Self::BucketTaken => format!("the bucket name `{resource}` is taken by another account"),
            Self::BucketForeign => {
                format!("access denied for `{action}` on `{resource}`: it is somebody else's, or the permission is missing")
            }
            Self::BucketElsewhere(Some(region)) => format!("the bucket `{resource}` is in the region `{region}`"),
            Self::BucketElsewhere(None) => format!("the bucket `{resource}` is in another region"),
            Self::BucketName => format!("`{resource}` is not a name for a bucket"),
            Self::TooLarge => format!("the archive is too large to be sent along (`{action}` on `{resource}`)"),
            Self::TooLargeUnzipped => format!("`{resource}` is larger than Lambda allows, unzipped and with layers"),
            Self::StorageFull => "the account's storage for code is full in this region".to_owned(),
            Self::Environment => format!("Lambda does not take the environment variables of `{resource}`"),
            Self::NoAddresses => format!("the subnets of `{resource}` have no free addresses"),
            Self::Subnet => format!("a subnet of `{resource}` cannot be used"),
            Self::SecurityGroup => format!("a security group of `{resource}` cannot be used"),
            Self::Interfaces => "the VPC has no room for another network interface of Lambda".to_owned(),
            Self::FileSystem => format!("`{resource}` cannot mount its file system"),
            Self::Key => format!("the KMS key of `{resource}` cannot be used"),
            Self::DeadLetters => format!("the dead letter target of `{resource}` cannot be used"),
            Self::Layer => format!("a layer of `{resource}` cannot be used"),
            Self::Runtime => format!("Lambda does not offer the runtime or the architecture of `{resource}` here"),
            Self::SnapStart => format!("SnapStart does not work for `{resource}`"),
            Self::Memory => format!("the account does not allow `{resource}` as much memory"),
            Self::Concurrency => format!("the account has too little concurrency left for `{resource}`"),
            Self::Policy => format!("IAM does not take the policy for `{resource}` (`{action}`)"),
            Self::Archive => format!("Lambda could not read the archive of `{resource}`"),
            Self::App => format!("`{resource}` does not start"),
            Self::RoleNotReady => format!("Lambda cannot take the role of `{resource}`"),
            Self::RoleForeign => format!("the role of `{resource}` is another account's"),
            Self::RoleLacks(missing) => format!("the role of `{resource}` lacks `{missing}`"),
            Self::Throttled => format!("AWS still refuses `{action}` on `{resource}` because of too many calls"),
            Self::Quota => format!("a quota of the account is exhausted (`{action}` on `{resource}`)"),
            Self::Busy => format!("`{resource}` is being changed by somebody else (`{action}`)"),
            Self::Exists => format!("`{resource}` exists already (`{action}`)"),
            Self::Absent => format!("there is no `{resource}` (`{action}`)"),
            Self::Invalid => format!("AWS does not take what `{action}` asks for `{resource}`"),
            Self::Internal => format!("AWS failed at `{action}` on `{resource}`"),
            Self::Other => format!("`{action}` failed on `{resource}`"),
        }
    }

    /// What to do next.
    pub(super) fn hints(&self, action: &str, resource: &str) -> Vec<String> {
        let profile = "`profile_name` (or `AWS_PROFILE`) chooses another profile";
        let hints: &[&str] = match self {
            Self::Denied(denial) => return denial.hints(action),
            Self::NoCredentials => {
                &["`aws configure` or `aws sso login` sets them up; `profile_name` (or `AWS_PROFILE`) chooses a profile"]
            }
            Self::UnknownProfile => &["`profile_name` (or `AWS_PROFILE`) names it; `aws configure list-profiles` lists those that exist"],
            Self::SignInExpired => &["`aws sso login` signs in again (with `--profile`, where one is set)"],
            Self::CredentialsExpired => &["get new ones (`aws sso login`, or whatever gave them)", profile],
            Self::CredentialsInvalid => &[
                "check access key, secret key and session token",
                profile,
                "a region that the account has not enabled answers like this, too",
            ],
            Self::Clock => &["set the clock; AWS takes five minutes of difference"],
            Self::AccountOff => &["look into the account's state and its billing in AWS's console"],
            Self::RegionOff => &["enable the region in the account's settings, or set another `aws_region`"],
            Self::NotOffered => &["set another `aws_region`, or do without: not every region has everything"],
            Self::NoHost => &["check `aws_region`, and `AWS_ENDPOINT_URL` if it is set"],
            Self::NoConnection | Self::TimedOut => {
                &["check the network; `HTTPS_PROXY` and `NO_PROXY` lead through a proxy or past it, `AWS_ENDPOINT_URL` to another endpoint"]
            }
            Self::BucketTaken | Self::BucketName => &["set another `s3_bucket`"],
            Self::BucketForeign => &["allow `s3:ListBucket` on it, or set another `s3_bucket`"],
            Self::BucketElsewhere(_) => {
                &["Lambda takes archives from buckets of its own region only: set another `s3_bucket`, or another `aws_region`"]
            }
            Self::TooLarge => {
                &["set `s3_bucket`: archives then go through it", "`zappa package --list` shows what is in it; `exclude` leaves things out"]
            }
            Self::TooLargeUnzipped => &["`zappa package --list` shows what is in it; `exclude` leaves things out, and `layers` count too"],
            Self::StorageFull => &["remove old functions, versions and layers; a lower `num_retained_versions` keeps fewer"],
            Self::Environment => &["all of `environment_variables` may have 4 kB; names that Lambda sets itself are reserved"],
            Self::NoAddresses => &["use larger or more subnets in `vpc_config`"],
            Self::Subnet => &["check `SubnetIds` of `vpc_config`: all must be in this region and in one VPC"],
            Self::SecurityGroup => &["check `SecurityGroupIds` of `vpc_config`: they must belong to the VPC of the subnets"],
            Self::Interfaces => {
                &["remove interfaces that nobody uses, or ask AWS for a higher quota (VPC, `Elastic network interfaces per VPC`)"]
            }
            Self::FileSystem => {
                &["check `efs_config`: a mount target in every subnet of `vpc_config`, and a security group that lets port 2049 through"]
            }
            Self::Key => &["check `aws_kms_key_arn`: the key must be enabled, and let both the deploying user and the role use it"],
            Self::DeadLetters => &["check `dead_letter_arn`"],
            Self::Layer => &["check `layers`: each is the ARN of a layer version in this region that the account may use"],
            Self::Runtime => &["set another `runtime` or `architecture`; not every region has all of them"],
            Self::SnapStart => &["set `snap_start = \"None\"`, or choose a runtime, size of `/tmp` and region that have it"],
            Self::Memory => &["lower `memory_size`, or ask AWS for more (new accounts have less)"],
            Self::Concurrency => &["lower `lambda_concurrency` (100 must be left for all other functions), or ask AWS for a higher quota"],
            Self::Policy => &["check `extra_permissions`, `attach_policy` and `assume_policy`"],
            Self::RoleNotReady => &[
                "a new role takes some seconds to be known everywhere: run the command again",
                "`assume_policy`, and the trust of a role of your own, must let `lambda.amazonaws.com` do `sts:AssumeRole`",
            ],
            Self::RoleForeign => {
                &["set `role_arn` to a role of the account that the function is in, or choose another profile with `profile_name`"]
            }
            Self::RoleLacks(missing) => {
                return vec![
                    format!("add `{missing}` to the role, or to `extra_permissions` if the role is managed here"),
                    "a changed role takes some seconds to be known everywhere: run the command again".to_owned(),
                ];
            }
            Self::Throttled => &["wait a little and run the command again: it goes on where it stopped"],
            Self::Quota => &["remove what is not needed any more, or ask AWS for a higher quota (console: Service Quotas)"],
            Self::Busy => &["run the command again once that has ended"],
            Self::App => &["`zappa tail` shows what it says"],
            Self::Internal => &["run the command again: it goes on where it stopped; health.aws.amazon.com says how AWS is"],
            Self::Absent if resource.is_empty() => &[],
            Self::Absent | Self::Exists | Self::Invalid | Self::Archive | Self::Other => &[],
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }
}

impl Denial {
    fn hints(&self, action: &str) -> Vec<String> {
        let action = self.action.as_deref().unwrap_or(action);
        if let Some(by) = &self.by {
            return vec![format!("a {by} forbids it, which no other permission outweighs: ask whoever keeps the account")];
        }
        let whom = self.principal.as_deref().map_or_else(|| "the profile's user or role".to_owned(), |principal| format!("`{principal}`"));
        vec![
            format!("allow {whom} `{action}`, or choose another profile with `profile_name`"),
            "`zappa template --part deployer` prints all that a deployment needs".to_owned(),
        ]
    }
}

/// `CreateNetworkInterface on EC2` → `ec2:CreateNetworkInterface`.
fn lacking(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let behind = |word: &str| {
        let next = words.iter().position(|known| *known == word).and_then(|index| words.get(index + 1));
        next.map_or("", |word| word.trim_matches(['.', ',']))
    };
    format!("{}:{}", behind("on").to_lowercase(), behind("call"))
}

fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or(action)
}

//! Why something on AWS did not come about. What each of AWS's error codes means to the user is in `kinds`.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::domain::DomainError;
use super::kinds::{Answer, Kind};
use super::route::RouteError;
use crate::cloud::TargetError;
use crate::hint::Hint;

/// Why something on AWS did not come about.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// Nobody says which region.
    #[error("no region is set")]
    NoRegion,
    /// EventBridge cannot do what a schedule asks for.
    #[error("schedule `{schedule}` cannot be a rule of EventBridge: {problem}")]
    Schedule {
        /// Its name.
        schedule: String,
        /// Lower case, no full stop.
        problem: String,
    },
    /// What should lead to AWS is no URL.
    #[error("{origin} is not the URL of an endpoint: `{url}`")]
    Endpoint {
        /// The variable or setting.
        origin: String,
        /// As written.
        url: String,
    },
    /// A role that is to be used as it is does not exist.
    #[error("the role `{name}` does not exist")]
    NoRole {
        /// Its name.
        name: String,
    },
    /// AWS named something in a way that says neither account nor partition.
    #[error("`{text}` is not an ARN")]
    NoArn {
        /// As it came.
        text: String,
    },
    /// An archive is nowhere that Lambda could take it from.
    #[error("`{text}` is not where an archive can be")]
    NoLocation {
        /// As it came.
        text: String,
    },
    /// The archive could not be read.
    #[error("could not read `{}`", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A front door cannot be as it is wanted.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// A domain cannot lead to the stage.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// A call failed, or what it began did.
    #[error(transparent)]
    Call(Box<Failure>),
}

/// A call that failed.
#[derive(Debug)]
pub struct Failure {
    /// As IAM names it: `lambda:UpdateFunctionCode`.
    action: String,
    /// What it was about.
    resource: String,
    kind: Kind,
    /// AWS's own words, or the system's.
    cause: Option<Cause>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.message(&self.action, &self.resource))
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// What was said about it. Text only: the SDK's own errors hold requests and answers, with whatever is in them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

impl AwsError {
    /// A refusal that came as data within an answer.
    pub(super) fn refused(action: &str, resource: &str, code: &str, message: &str) -> Self {
        let answer = Answer { action, code, message, ..Answer::default() };
        Self::call(action, resource, Kind::of(&answer), said(&answer, None))
    }

    fn call(action: &str, resource: &str, kind: Kind, cause: Option<String>) -> Self {
        Self::Call(Box::new(Failure { action: action.to_owned(), resource: resource.to_owned(), kind, cause: cause.map(Cause) }))
    }
}

/// A function or version that AWS could not bring up: `StateReasonCode` or `LastUpdateStatusReasonCode`, and the reason in AWS's words.
pub(super) fn state_failure(resource: &str, code: &str, reason: &str) -> AwsError {
    AwsError::call(
        "lambda:CreateFunction",
        resource,
        Kind::of_state(code),
        said(&Answer { code, message: reason, ..Answer::default() }, None),
    )
}

/// Turns an SDK error into ours: `.map_err(failed("lambda:GetFunction", &name))`.
pub(super) fn failed<E>(action: &'static str, resource: impl Into<String>) -> impl FnOnce(SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let resource = resource.into();
    move |error| {
        if !matches!(error, SdkError::ServiceError(_)) {
            let texts = chain(&error);
            let kind = Kind::of_silence(&texts, matches!(error, SdkError::TimeoutError(_)));
            return AwsError::call(action, &resource, kind, innermost(texts));
        }
        let response = error.raw_response();
        // An answer that the SDK cannot read counts as a refusal without words.
        let unreadable = response.filter(|response| response.status().is_success()).and_then(|_| innermost(chain(&error)));
        let header = |name: &str| response.and_then(|response| response.headers().get(name));
        let answer = Answer {
            action,
            code: error.code().unwrap_or_default(),
            message: error.message().or(unreadable.as_deref()).unwrap_or_default(),
            status: response.map_or(0, |response| response.status().as_u16()),
            region: header("x-amz-bucket-region"),
        };
        let request = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
        AwsError::call(action, &resource, Kind::of(&answer), said(&answer, request))
    }
}

/// `User: … is not authorized … (AccessDeniedException, request 5cfb…)`
fn said(answer: &Answer<'_>, request: Option<&str>) -> Option<String> {
    // A long encoded text, which says nothing without another call.
    let message = answer.message.split("Encoded authorization failure message").next().unwrap_or_default().trim();
    let request = request.map(|id| format!("request {id}"));
    let code = Some(answer.code.to_owned()).filter(|code| !code.is_empty());
    let behind: Vec<String> = code.into_iter().chain(request).collect();
    match (message, behind.join(", ")) {
        ("", behind) if behind.is_empty() => None,
        ("", behind) => Some(behind),
        (message, behind) if behind.is_empty() => Some(message.to_owned()),
        (message, behind) => Some(format!("{message} ({behind})")),
    }
}

/// What an error and its causes say, outermost first. The outermost is the SDK's "dispatch failure".
fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts
}

fn innermost(mut texts: Vec<String>) -> Option<String> {
    texts.pop()
}

/// The service's code, for callers to whom some failures are answers (`ResourceNotFoundException`: it is not there).
pub(super) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    error.code().unwrap_or_default()
}

/// An answer that is not there is `None`, every other failure stays one.
pub(super) fn found<T, E, R>(result: Result<T, SdkError<E, R>>, absent: &[&str]) -> Result<Option<T>, SdkError<E, R>>
where
    E: ProvideErrorMetadata,
{
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if absent.contains(&code(&error)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl TargetError for AwsError {
    fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Call(failure) if failure.kind.is_out_of_reach())
    }
}

impl Hint for AwsError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoRegion => vec!["set `aws_region` for the stage, `region` for the profile, or `AWS_REGION`".to_owned()],
            Self::Schedule { .. } => vec!["change the event in the settings; the local target has no such limits".to_owned()],
            Self::Endpoint { .. } => vec!["an endpoint is `https://host` or `http://host:port`".to_owned()],
            Self::NoRole { .. } => vec!["make it, or set `manage_roles = true`; `role_arn` and `role_name` choose another".to_owned()],
            Self::Archive { .. } | Self::NoArn { .. } | Self::NoLocation { .. } => Vec::new(),
            Self::Route(error) => error.hints(),
            Self::Domain(error) => error.hints(),
            Self::Call(failure) => failure.kind.hints(&failure.action, &failure.resource),
        }
    }

    fn is_input(&self) -> bool {
        match self {
            Self::NoRegion | Self::Endpoint { .. } | Self::Schedule { .. } => true,
            Self::NoRole { .. } | Self::NoArn { .. } | Self::NoLocation { .. } | Self::Archive { .. } => false,
            Self::Route(error) => error.is_input(),
            Self::Domain(error) => error.is_input(),
            Self::Call(failure) => failure.kind.is_input(),
        }
    }
}

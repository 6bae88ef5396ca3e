//! Which failed calls are made again, where the SDK's own rules are not ours.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{FinalizerInterceptorContextRef, InterceptorContext};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::{ErrorKind, RetryConfig};

/// How often a call is made: who has no network shall hear of it within seconds.
const ATTEMPTS: u32 = 6;
/// How often a throttled one is. API Gateway's control plane takes one import in 3 seconds and one deletion of an API in 30, whatever is tried: waiting
/// up to ¼ + ½ + 1 + 2 + 4 + 8 + 16 + 20 + 20… seconds (half of that on average) outlasts it.
const THROTTLED_ATTEMPTS: u32 = 14;
/// The longest first wait: most of what fails succeeds when it is asked for again at once.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// What the services call it, in headers or bodies.
///
/// A zone of Route 53 takes one change at a time, and all regions of a stage may have one.
const THROTTLED: [&str; 6] =
    ["Throttl", "TooManyRequests", "LimitExceededException", "RequestLimitExceeded", "SlowDown", "PriorRequestNotComplete"];

/// Pauses before something is asked again that AWS takes its time for and has no waiter for: each twice as long as the one before.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// From `first` up to `longest`.
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// Waits.
    pub(super) async fn pause(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.longest);
    }
}

/// What holds for every call.
///
/// Not `adaptive`: after one throttled call its rate limiter takes ten tokens, at half a token a second, for every repetition of any call of the
/// service. That is 20 seconds each for a program that makes as few calls as this one.
pub(super) fn usual() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_WAIT).with_max_backoff(LONGEST_WAIT)
}

/// More attempts for a call once it has been throttled.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) service: &'static str,
}

impl Intercept for Patience {
    fn name(&self) -> &'static str {
        "patience"
    }

    /// Comes before the SDK decides whether there is another attempt.
    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().is_some_and(|response| self.is_throttled(response)) {
            config.interceptor_state().store_put(usual().with_max_attempts(THROTTLED_ATTEMPTS));
        }
        Ok(())
    }
}

impl Patience {
    fn is_throttled(&self, response: &HttpResponse) -> bool {
        if response.status().is_success() {
            return false;
        }
        let code = response.headers().get("x-amzn-errortype").unwrap_or_default();
        let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
        let says = |text: &str| code.contains(text) || body.contains(text);
        // "Slow down" of API Gateway; of these services "no more of them", which no waiting changes.
        let is_quota = says("LimitExceededException") && ["acm", "events", "logs"].contains(&self.service);
        !is_quota && (response.status().as_u16() == 429 || THROTTLED.into_iter().any(says))
    }
}

/// For calls that must not be done twice: only a throttled one was certainly not done.
#[derive(Debug)]
pub(super) struct NeverTwice;

impl ClassifyRetry for NeverTwice {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        if previous.should_retry() && !is_throttled(previous) { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "never twice"
    }

    /// Last: it judges what the others have decided.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

fn is_throttled(action: &RetryAction) -> bool {
    matches!(action, RetryAction::RetryIndicated(RetryReason::RetryableError { kind: ErrorKind::ThrottlingError, .. }))
}

//! The way to an account: one configuration of the SDK, one client for each service.
//!
//! A call that found no answer may still have been done. Repeated, it finds its own work: callers take "exists already", "is not there any more" and
//! "has been changed meanwhile" for that and look again. What must not be done twice says so with [`once`].

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, FrameworkMetadata, Region, SdkConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::Mutex;

use super::AwsError;
use super::retries::{NeverTwice, Patience, usual};
use super::trace::{Trace, Tracer};
use crate::model::AwsAccess;

/// Nothing of a control plane takes longer.
const ANSWER: Duration = Duration::from_secs(30);
/// What is waited for longest: a function's 900 seconds, and a start. The time that it takes to send a request counts, too.
const LONGEST_ANSWER: Duration = Duration::from_secs(960);
/// Long enough for AWS on the other side of the world.
const CONNECT: Duration = Duration::from_secs(5);
/// Variables and settings that lead elsewhere begin so.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// The SDK's variable for the endpoint of S3 alone.
const S3_ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";

/// Made when it is first used: a run in all regions would else make hundreds that nobody asks anything.
type Lazy<C> = Arc<LazyLock<C, Box<dyn FnOnce() -> C + Send>>>;

/// A client for each service, all with the same credentials, region, retries and way out.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    pub(super) region: String,
    pub(super) lambda: Lazy<aws_sdk_lambda::Client>,
    pub(super) iam: Lazy<aws_sdk_iam::Client>,
    pub(super) s3: Lazy<aws_sdk_s3::Client>,
    pub(super) rest_apis: Lazy<aws_sdk_apigateway::Client>,
    pub(super) http_apis: Lazy<aws_sdk_apigatewayv2::Client>,
    pub(super) events: Lazy<aws_sdk_eventbridge::Client>,
    pub(super) account: Lazy<aws_sdk_account::Client>,
    pub(super) logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    pub(super) sts: Lazy<aws_sdk_sts::Client>,
    pub(super) certificates: Lazy<aws_sdk_acm::Client>,
    pub(super) dns: Lazy<aws_sdk_route53::Client>,
    /// Held while the policy of a function is changed: of changes that are asked for at the same time, AWS may lose one and still answer that all is well.
    pub(super) policy: Arc<Mutex<()>>,
}

impl Clients {
    /// For `region`, or the one that the configuration has. Makes no call.
    pub(super) fn new(config: &SdkConfig, region: Option<&str>, access: &AwsAccess, trace: Option<&Trace>) -> Result<Self, AwsError> {
        let config = match region {
            Some(region) => config.to_builder().region(Region::new(region.to_owned())).build(),
            None => config.clone(),
        };
        if let Some(url) = config.endpoint_url() {
            check_endpoint("`endpoint_url` of the profile", url)?;
        }
        let region = config.region().map(ToString::to_string).ok_or(AwsError::NoRegion)?;
        let endpoint = |service: &str| access.endpoint_urls.get(service).cloned();
        // What stands in for S3 has no name for every bucket in its DNS.
        let elsewhere = [endpoint("s3"), config.endpoint_url().map(str::to_owned), std::env::var(S3_ENDPOINT).ok()];
        let path_style = elsewhere.iter().any(Option::is_some);
        // A client of one service; the settings' endpoint, where they have one, wins over those of the environment and the profile.
        macro_rules! client {
            ($sdk:ident, $service:literal $(, $option:ident = $value:expr)?) => {{
                let (config, trace, endpoint) = (config.clone(), trace.cloned(), endpoint($service));
                let make = move || {
                    let mut builder = $sdk::config::Builder::from(&config).interceptor(Patience { service: $service })$(.$option($value))?;
                    if let Some(trace) = trace {
                        builder = builder.interceptor(Tracer { service: $service, trace });
                    }
                    $sdk::Client::from_conf(match endpoint {
                        Some(url) => builder.endpoint_url(url).build(),
                        None => builder.build(),
                    })
                };
                Arc::new(LazyLock::new(Box::new(make) as _))
            }};
        }
        Ok(Self {
            lambda: client!(aws_sdk_lambda, "lambda"),
            iam: client!(aws_sdk_iam, "iam"),
            s3: client!(aws_sdk_s3, "s3", force_path_style = path_style),
            rest_apis: client!(aws_sdk_apigateway, "apigateway"),
            http_apis: client!(aws_sdk_apigatewayv2, "apigatewayv2"),
            account: client!(aws_sdk_account, "account"),
            events: client!(aws_sdk_eventbridge, "events"),
            logs: client!(aws_sdk_cloudwatchlogs, "logs"),
            sts: client!(aws_sdk_sts, "sts"),
            certificates: client!(aws_sdk_acm, "acm"),
            dns: client!(aws_sdk_route53, "route53"),
            policy: Arc::default(),
            region,
        })
    }
}

/// `.customize().config_override(connect::once())`, for `Invoke`: is waited for as long as a function can run, and made again only if Lambda refused it.
pub(super) fn once() -> aws_sdk_lambda::config::Builder {
    aws_sdk_lambda::config::Builder::new().timeout_config(timeouts(LONGEST_ANSWER)).retry_classifier(NeverTwice)
}

/// `.customize().config_override(connect::sending())`, for calls that an archive goes along with.
pub(super) fn sending() -> aws_sdk_lambda::config::Builder {
    aws_sdk_lambda::config::Builder::new().timeout_config(timeouts(LONGEST_ANSWER))
}

/// As [`sending`], to a bucket.
pub(super) fn storing() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::config::Builder::new().timeout_config(timeouts(LONGEST_ANSWER))
}

fn timeouts(answer: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(answer).build()
}

/// Reads profile and environment; makes no call, except to whatever gives the profile's credentials when they are first needed.
pub(super) async fn configuration(access: &AwsAccess) -> SdkConfig {
    let http = Builder::new().build_with_connector_fn(|settings, _| {
        let mut connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        connector.proxy_config(ProxyConfig::from_env()).build()
    });
    let mut loader =
        aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).timeout_config(timeouts(ANSWER)).retry_config(usual());
    if let Ok(program) = FrameworkMetadata::new("zappa", Some(env!("CARGO_PKG_VERSION"))) {
        loader = loader.framework_metadata(program);
    }
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &access.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader.load().await
}

/// The SDK finds out at the first call only, and says no more than that it failed.
pub(super) fn check_endpoints(access: &AwsAccess) -> Result<(), AwsError> {
    for (service, url) in &access.endpoint_urls {
        check_endpoint(&format!("`{service}` in `aws_endpoint_urls`"), url)?;
    }
    for (name, url) in std::env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| name.starts_with(ENDPOINT)) {
            check_endpoint(&format!("`{name}`"), &url.to_string_lossy())?;
        }
    }
    Ok(())
}

fn check_endpoint(origin: &str, url: &str) -> Result<(), AwsError> {
    let uri = url.parse::<http::Uri>();
    let is_good =
        uri.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty()));
    // A variable that is set to nothing is as one that is not set.
    if is_good || url.is_empty() {
        return Ok(());
    }
    Err(AwsError::Endpoint { origin: origin.to_owned(), url: url.to_owned() })
}

//! One line for each call (`-vv`): `lambda:GetAlias /2015-03-31/functions/shop-dev/aliases/live 200 85 ms, attempt 2`. Never headers, bodies or queries:
//! there secrets are.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

/// Who is told.
#[derive(Clone)]
pub struct Trace(Arc<dyn Fn(&str) + Send + Sync>);

impl Trace {
    /// Calls `tell` with one line for each call.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The same, for calls of which it is to be said in which region they are.
    pub(super) fn of(&self, region: &str) -> Self {
        let (tell, region) = (self.0.clone(), region.to_owned());
        Self::new(move |line| tell(&format!("{region} {line}")))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

/// Tells of the calls to one service.
#[derive(Debug)]
pub(super) struct Tracer {
    pub(super) service: &'static str,
    pub(super) trace: Trace,
}

/// An attempt that is under way.
#[derive(Debug)]
struct Begun {
    at: Instant,
    /// Of the request, which is gone when the answer is there. Empty for services that are called by a body alone.
    path: String,
}

impl Storable for Begun {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Tracer {
    fn name(&self) -> &'static str {
        "trace"
    }

    fn read_before_attempt(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri().parse::<http::Uri>();
        let path = uri.ok().map(|uri| uri.path().to_owned()).filter(|path| path.len() > 1);
        config.interceptor_state().store_put(Begun { at: Instant::now(), path: path.map_or_else(String::new, |path| format!(" {path}")) });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("?", Metadata::name);
        let (took, path) = config.load::<Begun>().map_or((0, ""), |begun| (begun.at.elapsed().as_millis(), &begun.path));
        let status = context.response().map_or_else(|| "no answer".to_owned(), |response| response.status().as_u16().to_string());
        let attempt = match config.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts) {
            1 => String::new(),
            number => format!(", attempt {number}"),
        };
        (self.trace.0)(&format!("{}:{operation}{path} {status} {took} ms{attempt}", self.service));
        Ok(())
    }
}

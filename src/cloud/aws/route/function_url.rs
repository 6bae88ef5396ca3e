//! Function URLs: one for the alias `live`, and the statements that open it.

use aws_sdk_lambda::operation::get_function_url_config::GetFunctionUrlConfigOutput;
use aws_sdk_lambda::types::{Cors, FunctionUrlAuthType, InvokeMode};

use super::{Door, Site, Wanted, together};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{code, failed, found};
use crate::cloud::aws::connect::Clients;
use crate::cloud::aws::names::Names;
use crate::cloud::aws::permission::{self, INVOKE_FUNCTION, Statement};
use crate::cloud::{Removed, RouteSpec};
use crate::model::{FrontDoor, LIVE, Outcome};

const GET: &str = "lambda:GetFunctionUrlConfig";
/// The statements that open it. Since October 2025 it takes two: one for the URL, one for the function behind it.
const PERMISSIONS: [&str; 2] = ["zappa-url", "zappa-url-invoke"];
const ABSENT: [&str; 1] = ["ResourceNotFoundException"];

/// What a URL is, as far as it is ours to say.
#[derive(Debug, PartialEq)]
struct Config {
    auth: FunctionUrlAuthType,
    /// `None`: says nothing to other origins.
    cors: Option<Cors>,
    /// Answers come as a whole: streamed, the envelope of a buffered one would be shown to the browser.
    streams: bool,
}

pub(super) async fn look(site: Site<'_>) -> Result<Option<String>, AwsError> {
    Ok(fetch(site).await?.map(|there| with_slash(there.function_url)))
}

pub(super) async fn ensure(site: Site<'_>, wanted: Wanted<'_>) -> Result<(Outcome, String), AwsError> {
    let config = Config::wanted(wanted.spec);
    let open = config.auth == FunctionUrlAuthType::None;
    match fetch(site).await? {
        None => {
            let (url, _) = tokio::try_join!(create(site, &config), permit(site, open))?;
            Ok((Outcome::Created, url))
        }
        Some(there) => {
            let (written, permitted) = tokio::try_join!(update(site, &config, &there), permit(site, open))?;
            Ok((together([written, permitted]), with_slash(there.function_url)))
        }
    }
}

/// Removes the stage's, unless it is to stay.
pub(super) async fn remove_other(site: Site<'_>, keep: Option<&Door>, dry_run: bool) -> Result<Removed, AwsError> {
    if keep.is_some_and(|door| door.kind == FrontDoor::FunctionUrl) || fetch(site).await?.is_none() {
        return Ok(Removed::new());
    }
    if !dry_run {
        site.forbid(&PERMISSIONS, keep).await?;
        let request = site.clients.lambda.delete_function_url_config().function_name(&site.names.function).qualifier(LIVE);
        found(request.send().await, &ABSENT).map_err(failed("lambda:DeleteFunctionUrlConfig", &site.names.function))?;
    }
    Ok(vec![format!("Function URL of `{}`", site.names.function)])
}

/// Everybody may call an open URL; of one that asks for signatures nobody but whom IAM lets.
async fn permit(site: Site<'_>, open: bool) -> Result<Outcome, AwsError> {
    let [url, invoke] = PERMISSIONS;
    let everybody = Statement { principal: "*", ..Statement::default() };
    let statements = [
        Statement { id: url, action: "lambda:InvokeFunctionUrl", url_auth_type: Some(FunctionUrlAuthType::None), ..everybody.clone() },
        Statement { id: invoke, action: INVOKE_FUNCTION, via_url: true, ..everybody },
    ];
    let mut outcomes = Vec::new();
    // A policy takes one change at a time.
    for statement in &statements {
        outcomes.push(if open {
            permission::ensure(site.clients, site.names, statement).await?
        } else if permission::remove(site.clients, site.names, statement.id).await? {
            Outcome::Updated
        } else {
            Outcome::Unchanged
        });
    }
    Ok(together(outcomes))
}

async fn create(site: Site<'_>, config: &Config) -> Result<String, AwsError> {
    let action = "lambda:CreateFunctionUrlConfig";
    let request = site.clients.lambda.create_function_url_config().function_name(&site.names.function).qualifier(LIVE);
    match request.auth_type(config.auth.clone()).set_cors(config.cors.clone()).send().await {
        Ok(answer) => Ok(with_slash(answer.function_url)),
        // Made by a call whose answer was lost.
        Err(error) if code(&error) == "ResourceConflictException" => match fetch(site).await? {
            Some(there) => {
                update(site, config, &there).await?;
                Ok(with_slash(there.function_url))
            }
            None => Err(failed(action, &site.names.function)(error)),
        },
        Err(error) => Err(failed(action, &site.names.function)(error)),
    }
}

async fn update(site: Site<'_>, config: &Config, there: &GetFunctionUrlConfigOutput) -> Result<Outcome, AwsError> {
    if Config::of(there) == *config {
        return Ok(Outcome::Unchanged);
    }
    let request = site.clients.lambda.update_function_url_config().function_name(&site.names.function).qualifier(LIVE);
    // What is left out stays as it was; an empty one says nothing.
    let cors = config.cors.clone().unwrap_or_else(|| Cors::builder().build());
    let request = request.auth_type(config.auth.clone()).cors(cors).invoke_mode(InvokeMode::Buffered);
    request.send().await.map_err(failed("lambda:UpdateFunctionUrlConfig", &site.names.function))?;
    Ok(Outcome::Updated)
}

pub(super) async fn is_offered(clients: &Clients, names: &Names) -> Result<(), AwsError> {
    let request = clients.lambda.get_function_url_config().function_name(&names.function).qualifier(LIVE);
    found(request.send().await, &ABSENT).map_err(failed(GET, &names.function))?;
    Ok(())
}

async fn fetch(site: Site<'_>) -> Result<Option<GetFunctionUrlConfigOutput>, AwsError> {
    let request = site.clients.lambda.get_function_url_config().function_name(&site.names.function).qualifier(LIVE);
    found(request.send().await, &ABSENT).map_err(failed(GET, &site.names.function))
}

impl Config {
    fn wanted(spec: &RouteSpec) -> Self {
        let auth = if spec.gateway.iam_authorization { FunctionUrlAuthType::AwsIam } else { FunctionUrlAuthType::None };
        let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
        let cors = spec.cors.as_ref().map(|cors| {
            Cors::builder()
                .set_allow_origins(list(&cors.allowed_origins))
                .set_allow_methods(list(&cors.allowed_methods))
                .set_allow_headers(list(&cors.allowed_headers))
                .set_expose_headers(list(&cors.exposed_headers))
                .set_allow_credentials(cors.allow_credentials.then_some(true))
                .set_max_age(cors.max_age.and_then(|seconds| i32::try_from(seconds).ok()))
                .build()
        });
        Self { auth, cors: cors.and_then(normal), streams: false }
    }

    fn of(there: &GetFunctionUrlConfigOutput) -> Self {
        let streams = there.invoke_mode() == Some(&InvokeMode::ResponseStream);
        Self { auth: there.auth_type().clone(), cors: there.cors().cloned().and_then(normal), streams }
    }
}

/// Nothing, an empty list and `false` are one thing to a URL.
fn normal(mut cors: Cors) -> Option<Cors> {
    for list in [&mut cors.allow_origins, &mut cors.allow_methods, &mut cors.allow_headers, &mut cors.expose_headers] {
        *list = list.take().filter(|values| !values.is_empty());
    }
    cors.allow_credentials = cors.allow_credentials.filter(|allowed| *allowed);
    cors.max_age = cors.max_age.filter(|seconds| *seconds != 0);
    (cors != Cors::builder().build()).then_some(cors)
}

/// AWS ends it with one; others may not.
fn with_slash(url: String) -> String {
    if url.ends_with('/') { url } else { format!("{url}/") }
}

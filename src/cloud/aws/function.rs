//! The function and its versions: made, changed, published, waited for.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::client::Waiters as _;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::FunctionCode;

use super::classify::{AwsError, code, failed, found, state_failure};
use super::configuration::{self, Dependencies, Known};
use super::connect::{Clients, sending};
use super::dependencies;
use super::layer::LayerVersion;
use super::names::Names;
use super::retries::Pauses;
use super::stage::{ABSENT, CONFLICT, Stage, State, take_new};
use super::storage::Location;
use crate::cloud::{CloudError, CodeRef, FunctionSpec, Release, Removed};
use crate::model::{Layout, Outcome, Version};

/// For how long a function or version may take to be ready. A snapshot for SnapStart takes minutes.
const READY: Duration = Duration::from_secs(900);
/// Until a new role can be assumed everywhere: IAM is eventually consistent, and says a few seconds.
const ROLE: Duration = Duration::from_secs(60);

/// `$LATEST` and every published version; nothing where there is no function.
pub(super) async fn list(clients: &Clients, names: &Names) -> Result<Vec<Known>, AwsError> {
    let mut pages = clients.lambda.list_versions_by_function().function_name(&names.function).into_paginator().items().send();
    let mut versions = Vec::new();
    while let Some(version) = pages.next().await {
        match found(version, &[ABSENT]).map_err(failed("lambda:ListVersionsByFunction", &names.function))? {
            Some(version) => versions.push(Known::from(&version)),
            None => return Ok(Vec::new()),
        }
    }
    Ok(versions)
}

/// The published ones among them, oldest first.
pub(super) fn releases(versions: &[Known], layers: &[LayerVersion]) -> Vec<Release> {
    let release = |there: &Known| {
        let Known { version, code_sha256, code_size, modified, dependencies: apart, .. } = there;
        Some(Release {
            version: (*version)?,
            code_sha256: code_sha256.clone(),
            code_size: *code_size,
            dependencies_sha256: apart.as_ref().map(|location| dependencies::sha256(layers, location)),
            created: modified.clone(),
        })
    };
    let mut releases: Vec<Release> = versions.iter().filter_map(release).collect();
    releases.sort_by_key(|release| release.version);
    releases
}

pub(super) fn latest(versions: &[Known]) -> Option<&Known> {
    versions.iter().find(|there| there.version.is_none())
}

fn newest(versions: &[Known]) -> Option<&Known> {
    versions.iter().filter(|there| there.version.is_some()).max_by_key(|there| there.version)
}

/// What it takes to make a version.
pub(super) struct Build<'a> {
    pub(super) spec: &'a FunctionSpec,
    pub(super) code: &'a CodeRef,
    pub(super) role: String,
    pub(super) tags: std::collections::BTreeMap<String, String>,
}

impl Build<'_> {
    fn dependencies(&self) -> Dependencies<'_> {
        self.code.dependencies.as_ref()
    }

    /// Whether it has less in its layer than `latest`: then the configuration comes before the code, which may have taken in what the layer loses, and both
    /// of old or of new may be larger than Lambda takes.
    fn has_less(&self, latest: &Known) -> bool {
        let layer = self.dependencies().filter(|dependencies| dependencies.layout == Layout::Layer);
        layer.map_or(0, |layer| layer.size) < latest.layer_size
    }
}

/// A version that is exactly as wanted: the newest if it is that already, else a new one. Every step looks at what Lambda told last, so that a run that
/// was killed between any two of them, or an answer that was lost, is gone on from.
pub(super) async fn ensure(
    clients: &Clients,
    stage: &Arc<Stage>,
    state: &mut State,
    build: &Build<'_>,
) -> Result<(Outcome, Version), CloudError> {
    let before = newest(&state.versions).and_then(|newest| newest.version);
    let names = &stage.names;
    // Five steps at most, and as often again as somebody else's hand, or a lost answer, may want another look.
    for _ in 0..10 {
        let Some(latest) = latest(&state.versions).cloned() else {
            create(clients, stage, state, build).await?;
            continue;
        };
        take_new(clients, stage, state).await?;
        wait(clients, names, &latest).await?;
        let configured = latest.is_configured(build.spec, build.dependencies()) && latest.role == build.role;
        let told = if !latest.has_code(&build.code.code_sha256, build.spec) && (configured || !build.has_less(&latest)) {
            // The code comes with a version of its own if nothing else is to be changed.
            update_code(clients, names, &latest, build, configured).await?
        } else if !configured {
            update_configuration(clients, names, &latest, build).await?
        } else if let Some((version, there)) =
            newest(&state.versions).filter(|newest| newest.is_of(&latest)).and_then(|there| Some((there.version?, there)))
        {
            wait_for_version(clients, names, version, there).await?;
            return Ok((if before == Some(version) { Outcome::Unchanged } else { Outcome::Created }, version));
        } else {
            publish(clients, names, &latest).await?
        };
        match told {
            Some(told) => remember(state, told),
            // Somebody, or an earlier attempt of this very call, was faster.
            None => state.versions = list(clients, names).await?,
        }
    }
    Err(CloudError::Changed { stage: names.id.stage.clone() })
}

/// Takes over what a call has told: of `$LATEST`, or of a version just published from it, which is then the same.
fn remember(state: &mut State, told: Known) {
    state.versions.retain(|known| known.version.is_some() && known.version != told.version);
    if told.version.is_some() {
        // What guards the next call is the revision of `$LATEST`, which was not told.
        state.versions.push(Known { version: None, revision: None, ..told.clone() });
    }
    state.versions.push(told);
}

async fn create(clients: &Clients, stage: &Arc<Stage>, state: &mut State, build: &Build<'_>) -> Result<(), CloudError> {
    let names = &stage.names;
    let code_of = match build.code.location.parse()? {
        Location::File(path) => FunctionCode::builder().zip_file(Blob::new(read_archive(&path)?)).build(),
        Location::Object { bucket, key } => FunctionCode::builder().s3_bucket(bucket).s3_key(key).build(),
    };
    let deadline = tokio::time::Instant::now() + ROLE;
    let mut pauses = Pauses::new(Duration::from_millis(500), Duration::from_secs(4));
    let created = loop {
        let request = clients.lambda.create_function().function_name(&names.function).role(&build.role).code(code_of.clone()).publish(true);
        let request =
            configuration::create(request, build.spec, build.dependencies()).set_tags(Some(build.tags.clone().into_iter().collect()));
        match request.customize().config_override(sending()).send().await {
            Ok(created) => break Some(created),
            Err(error) if code(&error) == CONFLICT => break None,
            Err(error) if is_new_role(&error) && tokio::time::Instant::now() < deadline => {
                pauses.pause().await;
            }
            Err(error) => return Err(failed("lambda:CreateFunction", &names.function)(error).into()),
        }
    };
    match created {
        Some(created) => remember(state, Known::from(&created)),
        // There is one: another run's, or our own whose answer was lost. Whose the stage is, the alias decides.
        None => state.versions = list(clients, names).await?,
    }
    take_new(clients, stage, state).await
}

/// Lambda says so until IAM has told it of the role.
fn is_new_role<E, R>(error: &aws_sdk_lambda::error::SdkError<E, R>) -> bool
where
    E: aws_sdk_lambda::error::ProvideErrorMetadata,
{
    use aws_sdk_lambda::error::ProvideErrorMetadata as _;
    code(error) == "InvalidParameterValueException"
        && error.message().is_some_and(|message| message.contains("cannot be assumed by Lambda"))
}

pub(super) fn read_archive(path: &std::path::Path) -> Result<Vec<u8>, AwsError> {
    std::fs::read(path).map_err(|source| AwsError::Archive { path: path.to_owned(), source })
}

async fn update_code(
    clients: &Clients,
    names: &Names,
    latest: &Known,
    build: &Build<'_>,
    publish: bool,
) -> Result<Option<Known>, CloudError> {
    let request = clients
        .lambda
        .update_function_code()
        .function_name(&names.function)
        .architectures(configuration::architecture(build.spec.architecture))
        .set_revision_id(latest.revision.clone())
        .publish(publish);
    let request = match build.code.location.parse()? {
        Location::File(path) => request.zip_file(Blob::new(read_archive(&path)?)),
        Location::Object { bucket, key } => request.s3_bucket(bucket).s3_key(key),
    };
    match request.customize().config_override(sending()).send().await {
        Ok(told) => Ok(Some(Known::from(&told))),
        Err(error) if is_overtaken(code(&error)) => Ok(None),
        Err(error) => Err(failed("lambda:UpdateFunctionCode", &names.function)(error).into()),
    }
}

async fn update_configuration(clients: &Clients, names: &Names, latest: &Known, build: &Build<'_>) -> Result<Option<Known>, CloudError> {
    let request = clients.lambda.update_function_configuration().function_name(&names.function).role(&build.role);
    let request = request.set_revision_id(latest.revision.clone());
    match configuration::update(request, build.spec, build.dependencies()).send().await {
        Ok(told) => Ok(Some(Known::from(&told))),
        Err(error) if is_overtaken(code(&error)) => Ok(None),
        Err(error) => Err(failed("lambda:UpdateFunctionConfiguration", &names.function)(error).into()),
    }
}

async fn publish(clients: &Clients, names: &Names, latest: &Known) -> Result<Option<Known>, CloudError> {
    let request = clients.lambda.publish_version().function_name(&names.function);
    let request = request.code_sha256(&latest.code_sha256);
    match request.send().await {
        Ok(told) => Ok(Some(Known::from(&told))),
        Err(error) if is_overtaken(code(&error)) => Ok(None),
        Err(error) => Err(failed("lambda:PublishVersion", &names.function)(error).into()),
    }
}

/// The function has changed since it was read, or is changing.
fn is_overtaken(code: &str) -> bool {
    ["PreconditionFailedException", CONFLICT].contains(&code)
}

/// Waits until what was begun has come to its end.
async fn wait(clients: &Clients, names: &Names, there: &Known) -> Result<(), AwsError> {
    if there.pending {
        let waited = clients.lambda.wait_until_function_active_v2().function_name(&names.function).wait(READY).await;
        return settled(clients, names, None, waited).await;
    }
    if there.updating {
        let waited = clients.lambda.wait_until_function_updated_v2().function_name(&names.function).wait(READY).await;
        return settled(clients, names, None, waited).await;
    }
    Ok(())
}

async fn wait_for_version(clients: &Clients, names: &Names, version: Version, there: &Known) -> Result<(), AwsError> {
    if !there.pending && !there.updating {
        return Ok(());
    }
    let request = clients.lambda.wait_until_published_version_active().function_name(&names.function).qualifier(version.to_string());
    let waited = request.wait(READY).await;
    settled(clients, names, Some(version), waited).await
}

/// What came of waiting; why it failed, Lambda says only in the configuration.
async fn settled<T, E>(clients: &Clients, names: &Names, version: Option<Version>, waited: Result<T, E>) -> Result<(), AwsError> {
    if waited.is_ok() {
        return Ok(());
    }
    let request = clients.lambda.get_function_configuration().function_name(&names.function);
    let request = request.set_qualifier(version.map(|version| version.to_string()));
    let there = request.send().await.map_err(failed("lambda:GetFunctionConfiguration", &names.function))?;
    let (code, reason) = match there.state_reason() {
        Some(reason) => (there.state_reason_code().map(|code| code.as_str()), Some(reason)),
        None => (there.last_update_status_reason_code().map(|code| code.as_str()), there.last_update_status_reason()),
    };
    Err(state_failure(&names.function, code.unwrap_or_default(), reason.unwrap_or("it did not become ready in time")))
}

/// Whether there is a function at all.
pub(super) async fn exists(clients: &Clients, names: &Names) -> Result<bool, AwsError> {
    let answer = clients.lambda.get_function_configuration().function_name(&names.function).send().await;
    Ok(found(answer, &[ABSENT]).map_err(failed("lambda:GetFunctionConfiguration", &names.function))?.is_some())
}

/// Removes a published version. `false`: an alias uses it.
pub(super) async fn remove_version(clients: &Clients, names: &Names, version: Version) -> Result<bool, AwsError> {
    let answer = clients.lambda.delete_function().function_name(&names.function).qualifier(version.to_string()).send().await;
    match answer {
        // Nobody else removes them while this run holds the stage: it was this very call, whose answer was lost.
        Err(error) if code(&error) == ABSENT => Ok(true),
        Err(error) if code(&error) == CONFLICT => Ok(false),
        answer => answer.map(|_| true).map_err(failed("lambda:DeleteFunction", format!("{}:{version}", names.function))),
    }
}

/// Removes the function with its versions and aliases, or says whether there is one.
pub(super) async fn remove(clients: &Clients, names: &Names, dry_run: bool) -> Result<Removed, AwsError> {
    let is_there = if dry_run {
        !list(clients, names).await?.is_empty()
    } else {
        let answer = clients.lambda.delete_function().function_name(&names.function).send().await;
        found(answer, &[ABSENT]).map_err(failed("lambda:DeleteFunction", &names.function))?.is_some()
    };
    Ok(if is_there { vec![format!("function `{}` with all its versions", names.function)] } else { Removed::new() })
}

//! The dependencies as a layer of the function's own: one version for each archive, known by the hash in its description.
//!
//! Layers have no tags, and what a version of one holds is told only for a URL to download it: its description is all that a list shows.

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{LayerVersionContentInput, Runtime};

use super::AwsError;
use super::classify::{failed, found};
use super::configuration::{Known, architecture};
use super::connect::{Clients, sending};
use super::function::read_archive;
use super::names::Names;
use super::stage::{ABSENT, State};
use super::storage::Location;
use crate::cloud::{ArchiveSpec, CodeSpec, Removed};
use crate::model::{self, Architecture};

/// Behind the function's name: 78 characters at most, of 140 that a layer's takes (API reference, `PublishLayerVersion`).
const SUFFIX: &str = "-dependencies";
/// What the hash follows in a description.
const MARK: &str = "sha256=";

/// The name of a function's layer.
pub(super) fn name(function: &str) -> String {
    format!("{function}{SUFFIX}")
}

/// Whether this is the ARN of a version of that function's layer: `arn:PARTITION:lambda:REGION:ACCOUNT:layer:NAME:VERSION`.
pub(super) fn is_own(arn: &str, function: &str) -> bool {
    let mut parts = arn.rsplit(':').skip(1);
    parts.next() == Some(&name(function)) && parts.next() == Some("layer")
}

/// A published version of the layer.
#[derive(Debug, Clone)]
pub(super) struct LayerVersion {
    pub(super) arn: String,
    number: i64,
    /// Base64; empty where somebody else has made it.
    pub(super) sha256: String,
}

/// All versions of the layer that there are, the newest first.
pub(super) async fn list(clients: &Clients, names: &Names) -> Result<Vec<LayerVersion>, AwsError> {
    let layer = name(&names.function);
    let mut pages = clients.lambda.list_layer_versions().layer_name(&layer).into_paginator().items().send();
    let mut versions = Vec::new();
    while let Some(version) = pages.next().await {
        let Some(version) = found(version, &[ABSENT]).map_err(failed("lambda:ListLayerVersions", &layer))? else { return Ok(Vec::new()) };
        let sha256 = version.description().and_then(|text| text.rsplit_once(MARK)).map(|(_, hash)| hash.to_owned());
        let arn = version.layer_version_arn().unwrap_or_default().to_owned();
        versions.push(LayerVersion { arn, number: version.version(), sha256: sha256.unwrap_or_default() });
    }
    Ok(versions)
}

/// Asks for what was built for this runtime and architecture: who does not have them refuses the question.
pub(super) async fn is_offered(clients: &Clients, names: &Names, runtime: model::Runtime, machine: Architecture) -> Result<(), AwsError> {
    let request = clients.lambda.list_layer_versions().layer_name(name(&names.function)).max_items(1);
    let request = request.compatible_runtime(sdk_runtime(runtime)).compatible_architecture(architecture(machine));
    found(request.send().await, &[ABSENT]).map_err(failed("lambda:ListLayerVersions", &names.function))?;
    Ok(())
}

fn sdk_runtime(runtime: model::Runtime) -> Runtime {
    Runtime::from(runtime.to_string().as_str())
}

/// The hash of the archive behind a layer's version; of one that was removed by somebody, nobody knows.
pub(super) fn sha256(layers: &[LayerVersion], arn: &str) -> String {
    layers.iter().find(|version| version.arn == arn).map(|version| version.sha256.clone()).unwrap_or_default()
}

/// The version with this archive: the one that the function uses already, or else what an interrupted run may have left.
pub(super) fn with(state: &State, sha256: &str) -> Option<String> {
    let same = || state.layers.iter().filter(|version| version.sha256 == sha256);
    let used = same().find(|version| uses(&state.versions, version));
    used.or_else(|| same().next()).map(|version| version.arn.clone())
}

fn uses(versions: &[Known], layer: &LayerVersion) -> bool {
    versions.iter().any(|version| version.dependencies.as_deref() == Some(&layer.arn))
}

/// Makes a version of an archive that is at `location`; `known` are those that there were.
pub(super) async fn publish(
    clients: &Clients,
    names: &Names,
    code: &CodeSpec,
    (archive, location): (&ArchiveSpec, &Location),
    known: &[LayerVersion],
) -> Result<LayerVersion, AwsError> {
    let layer = name(&names.function);
    let content = LayerVersionContentInput::builder();
    let content = match location {
        Location::File(path) => content.zip_file(Blob::new(read_archive(path)?)),
        Location::Object { bucket, key } => content.s3_bucket(bucket).s3_key(key),
    };
    let request = clients
        .lambda
        .publish_layer_version()
        .layer_name(&layer)
        .description(format!("dependencies of {}, {MARK}{}", names.function, archive.sha256))
        .content(content.build())
        .compatible_runtimes(sdk_runtime(code.runtime))
        .compatible_architectures(architecture(code.architecture));
    let told = request.customize().config_override(sending()).send().await.map_err(failed("lambda:PublishLayerVersion", &layer))?;
    let published = LayerVersion { arn: told.layer_version_arn.unwrap_or_default(), number: told.version, sha256: archive.sha256.clone() };
    let last = known.iter().map(|version| version.number).max().unwrap_or_default();
    if published.number == last + 1 {
        return Ok(published);
    }
    // Lambda makes another one each time that it is asked: where an answer was lost and the call made again, or another run was quicker, there are two
    // now. Whoever sees that takes the first.
    let mut same = list(clients, names).await?;
    same.retain(|version| version.number > last && version.sha256 == published.sha256);
    same.sort_by_key(|version| version.number);
    let mut same = same.into_iter();
    let first = same.next().unwrap_or(published);
    for version in same {
        delete(clients, names, &version).await?;
    }
    Ok(first)
}

/// Removes what no version of the function uses: what went with old versions, and what runs have left that did not come to their end.
pub(super) async fn prune(clients: &Clients, names: &Names, state: &mut State) -> Result<(), AwsError> {
    let unused: Vec<LayerVersion> = state.layers.iter().filter(|layer| !uses(&state.versions, layer)).cloned().collect();
    for layer in unused {
        delete(clients, names, &layer).await?;
        state.layers.retain(|known| known.arn != layer.arn);
    }
    Ok(())
}

/// Removes all of the layer, or says what there is of it.
pub(super) async fn remove(clients: &Clients, names: &Names, dry_run: bool) -> Result<Removed, AwsError> {
    let versions = list(clients, names).await?;
    if !dry_run {
        for version in &versions {
            delete(clients, names, version).await?;
        }
    }
    let count = match versions.len() {
        0 => return Ok(Removed::new()),
        1 => "one version".to_owned(),
        count => format!("{count} versions"),
    };
    Ok(vec![format!("layer `{}` with {count}", name(&names.function))])
}

/// Lambda says the same of one that is gone already.
async fn delete(clients: &Clients, names: &Names, version: &LayerVersion) -> Result<(), AwsError> {
    let layer = name(&names.function);
    let number = version.number;
    let answer = clients.lambda.delete_layer_version().layer_name(&layer).version_number(number).send().await;
    answer.map_err(failed("lambda:DeleteLayerVersion", format!("{layer}:{number}")))?;
    Ok(())
}

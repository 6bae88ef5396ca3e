//! REST APIs: one import of an OpenAPI document and one deployment of it.
//!
//! The description of the deployment that the stage shows bears the document's fingerprint: an API whose stage shows the wanted one is as it shall be, whatever
//! call a run was killed at.

use std::collections::HashMap;

use aws_sdk_apigateway::operation::get_rest_api::GetRestApiOutput;
use aws_sdk_apigateway::types::{Op, PatchOperation, PutMode, RestApi};
use aws_smithy_types::Blob;

use super::{Attempts, Door, Site, Wanted, authorizer, document, go_on_with, incomplete, missing_tags, stage, together, usage_plan};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{failed, found};
use crate::cloud::aws::connect::Clients;
use crate::cloud::{Fingerprint, Removed, RouteSpec};
use crate::model::{AuthorizerKind, EndpointKind, FrontDoor, Outcome};
use crate::observe::Observer;

pub(in crate::cloud::aws) const GET: &str = "apigateway:GET";
pub(in crate::cloud::aws) const POST: &str = "apigateway:POST";
pub(in crate::cloud::aws) const PUT: &str = "apigateway:PUT";
pub(in crate::cloud::aws) const PATCH: &str = "apigateway:PATCH";
pub(in crate::cloud::aws) const DELETE: &str = "apigateway:DELETE";

/// The statement that lets it call `live`.
const PERMISSION: &str = "zappa-rest-api";
pub(super) const ABSENT: [&str; 1] = ["NotFoundException"];
/// As many as a page can have.
pub(in crate::cloud::aws) const PAGE: i32 = 500;

/// What there is of an API, from whichever call.
struct Api {
    id: String,
    endpoint: Option<String>,
    tags: Option<HashMap<String, String>>,
}

/// Where the stage of an API answers, if both are there.
pub(super) async fn look(site: Site<'_>, id: &str) -> Result<Option<String>, AwsError> {
    let name = stage::name(site.names);
    let request = site.clients.rest_apis.get_stage().rest_api_id(id).stage_name(&name);
    let there = found(request.send().await, &ABSENT).map_err(failed(GET, path(id, "stages")))?;
    match there {
        Some(_) => url(site, id).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn ensure(site: Site<'_>, wanted: Wanted<'_>, known: Option<&str>) -> Result<(Outcome, String, String), AwsError> {
    if stage::logs(&wanted.spec.gateway) {
        stage::require_log_role(site).await?;
    }
    let (api, doubles) = match known {
        Some(id) => match fetch(site, id).await? {
            Some(api) => (Some(api), Vec::new()),
            None => leftovers(site).await?,
        },
        None => leftovers(site).await?,
    };
    let (outcome, id) = match api {
        None => (Outcome::Created, Box::pin(create(site, wanted)).await?),
        Some(api) => (Box::pin(update(site, wanted, &api)).await?, api.id),
    };
    for double in doubles {
        remove(site, &double.id, wanted.observer).await?;
    }
    let url = url(site, &id).await?;
    Ok((outcome, id, url))
}

/// Those of the stage, `keep` apart; with plan, key and permission if no REST API stays.
pub(super) async fn remove_others(
    site: Site<'_>,
    keep: Option<&Door>,
    dry_run: bool,
    observer: &dyn Observer,
) -> Result<Removed, AwsError> {
    let kept = Door::kept(keep, FrontDoor::Rest);
    let apis: Vec<RestApi> = own(site).await?.into_iter().filter(|api| api.id() != kept).collect();
    let mut removed = Removed::new();
    if kept.is_none() && !apis.is_empty() && !dry_run {
        site.forbid(&[PERMISSION], keep).await?;
        // A plan that names a stage holds on to it.
        removed.extend(usage_plan::remove(site).await?);
    }
    for id in apis.iter().filter_map(RestApi::id) {
        if !dry_run {
            remove(site, id, observer).await?;
        }
        removed.push(format!("REST API `{id}`"));
    }
    Ok(removed)
}

async fn create(site: Site<'_>, wanted: Wanted<'_>) -> Result<String, AwsError> {
    let body = document(site.names, site.place, wanted.spec);
    let request = site.clients.rest_apis.import_rest_api().parameters("endpointConfigurationTypes", endpoint(wanted.spec.gateway.endpoint));
    let request = request.fail_on_warnings(cautious(wanted.spec)).body(Blob::new(body.to_string()));
    let attempts = Attempts::default();
    let api = request.customize().interceptor(attempts.clone()).send().await.map_err(failed(POST, "/restapis"))?;
    warn(wanted.observer, api.warnings());
    let id = api.id.ok_or_else(|| incomplete("/restapis", "id"))?;
    let deployed = async {
        deploy(site, &id, &Fingerprint::of(&body)).await?;
        stage::ensure(site, &id, &wanted.spec.gateway, None).await
    };
    tokio::try_join!(tag(site, wanted, &id, None), deployed, permit(site, wanted, &id))?;
    key(site, wanted, &id).await?;
    if attempts.several() {
        remove_doubles(site, &id, wanted.observer).await?;
    }
    Ok(id)
}

/// Removes what came of an import whose answer was lost.
async fn remove_doubles(site: Site<'_>, keep: &str, observer: &dyn Observer) -> Result<(), AwsError> {
    for double in own(site).await?.iter().filter_map(RestApi::id).filter(|id| *id != keep) {
        remove(site, double, observer).await?;
    }
    Ok(())
}

async fn update(site: Site<'_>, wanted: Wanted<'_>, api: &Api) -> Result<Outcome, AwsError> {
    let (id, gateway) = (api.id.as_str(), &wanted.spec.gateway);
    let body = document(site.names, site.place, wanted.spec);
    let fingerprint = Fingerprint::of(&body);
    let shown = stage::shown(site, id).await?;
    let route = async {
        let moved = reach(site, id, api.endpoint.as_deref(), gateway.endpoint).await?;
        if moved == Outcome::Unchanged && shown.as_ref().is_some_and(|shown| shown.description == description(&fingerprint)) {
            return Ok(Outcome::Unchanged);
        }
        let request = site.clients.rest_apis.put_rest_api().rest_api_id(id).mode(PutMode::Overwrite);
        let request = request.fail_on_warnings(cautious(wanted.spec)).body(Blob::new(body.to_string()));
        let answer = request.send().await.map_err(failed(PUT, path(id, "")))?;
        warn(wanted.observer, answer.warnings());
        deploy(site, id, &fingerprint).await?;
        Ok(Outcome::Updated)
    };
    let (route, tagged, permitted) = tokio::try_join!(route, tag(site, wanted, id, api.tags.as_ref()), permit(site, wanted, id))?;
    let set = stage::ensure(site, id, gateway, shown.as_ref()).await?;
    let mut outcomes = vec![route, tagged, permitted, set];
    if gateway.api_key_required {
        outcomes.push(key(site, wanted, id).await?);
    } else if route != Outcome::Unchanged {
        usage_plan::remove(site).await?;
    }
    Ok(together(outcomes))
}

async fn deploy(site: Site<'_>, id: &str, fingerprint: &Fingerprint) -> Result<(), AwsError> {
    let request = site.clients.rest_apis.create_deployment().rest_api_id(id).stage_name(stage::name(site.names));
    request.description(description(fingerprint)).send().await.map_err(failed(POST, path(id, "deployments")))?;
    Ok(())
}

/// Of a deployment.
fn description(fingerprint: &Fingerprint) -> String {
    format!("zappa {fingerprint}")
}

async fn permit(site: Site<'_>, wanted: Wanted<'_>, id: &str) -> Result<Outcome, AwsError> {
    let outcome = site.permit(PERMISSION, id).await?;
    if let Some(decides) = &wanted.spec.gateway.authorizer {
        authorizer::permit(site, id, decides, wanted.observer).await?;
    }
    Ok(outcome)
}

async fn tag(site: Site<'_>, wanted: Wanted<'_>, id: &str, there: Option<&HashMap<String, String>>) -> Result<Outcome, AwsError> {
    let missing = missing_tags(wanted.tags, there);
    if missing.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let place = site.place;
    // The one sort of ARN without an account.
    let arn = format!("arn:{}:apigateway:{}::{}", place.partition, place.region, path(id, ""));
    let request = site.clients.rest_apis.tag_resource().resource_arn(&arn);
    let request = missing.into_iter().fold(request, |request, (key, value)| request.tags(key, value));
    request.send().await.map_err(failed(PUT, format!("/tags/{arn}")))?;
    Ok(Outcome::Updated)
}

async fn key(site: Site<'_>, wanted: Wanted<'_>, id: &str) -> Result<Outcome, AwsError> {
    let gateway = &wanted.spec.gateway;
    if !gateway.api_key_required {
        return Ok(Outcome::Unchanged);
    }
    usage_plan::ensure(site, id, gateway.api_key.as_deref(), wanted.tags).await
}

/// How an API is reached is no part of what a document overwrites.
async fn reach(site: Site<'_>, id: &str, there: Option<&str>, wanted: EndpointKind) -> Result<Outcome, AwsError> {
    let Some(there) = there.filter(|there| *there != endpoint(wanted)) else { return Ok(Outcome::Unchanged) };
    let patch = patch(&format!("/endpointConfiguration/types/{there}"), endpoint(wanted));
    let request = site.clients.rest_apis.update_rest_api().rest_api_id(id).patch_operations(patch);
    request.send().await.map_err(failed(PATCH, path(id, "")))?;
    Ok(Outcome::Updated)
}

async fn fetch(site: Site<'_>, id: &str) -> Result<Option<Api>, AwsError> {
    let request = site.clients.rest_apis.get_rest_api().rest_api_id(id);
    let answer = found(request.send().await, &ABSENT).map_err(failed(GET, path(id, "")))?;
    Ok(answer.map(|GetRestApiOutput { endpoint_configuration, tags, .. }| Api {
        id: id.to_owned(),
        endpoint: endpoint_configuration.and_then(|endpoint| endpoint.types?.first().map(|kind| kind.as_str().to_owned())),
        tags,
    }))
}

/// What runs left that did not come to their end.
async fn leftovers(site: Site<'_>) -> Result<(Option<Api>, Vec<Api>), AwsError> {
    let of = |RestApi { id, endpoint_configuration, tags, .. }| {
        let endpoint = endpoint_configuration.and_then(|endpoint| endpoint.types?.first().map(|kind| kind.as_str().to_owned()));
        Some(Api { id: id?, endpoint, tags })
    };
    let apis: Vec<Api> = own(site).await?.into_iter().filter_map(of).collect();
    Ok(go_on_with(apis, |api| api.tags.as_ref().is_some_and(|tags| !tags.is_empty())))
}

pub(super) async fn is_offered(clients: &Clients) -> Result<(), AwsError> {
    clients.rest_apis.get_rest_apis().limit(1).send().await.map_err(failed(GET, "/restapis"))?;
    Ok(())
}

pub(super) async fn own_ids(site: Site<'_>) -> Result<Vec<String>, AwsError> {
    Ok(own(site).await?.into_iter().filter_map(|api| api.id).collect())
}

async fn own(site: Site<'_>) -> Result<Vec<RestApi>, AwsError> {
    let mut pages = site.clients.rest_apis.get_rest_apis().limit(PAGE).into_paginator().items().send();
    let mut own = Vec::new();
    while let Some(api) = pages.next().await {
        let api = api.map_err(failed(GET, "/restapis"))?;
        if site.owns(api.name(), api.description(), api.tags()) {
            own.push(api);
        }
    }
    Ok(own)
}

async fn remove(site: Site<'_>, id: &str, observer: &dyn Observer) -> Result<(), AwsError> {
    let client = &site.clients.rest_apis;
    let answer = client.get_authorizers().rest_api_id(id).limit(PAGE).send().await;
    let authorizers =
        found(answer, &ABSENT).map_err(failed(GET, path(id, "authorizers")))?.and_then(|answer| answer.items).unwrap_or_default();
    found(client.delete_rest_api().rest_api_id(id).send().await, &ABSENT).map_err(failed(DELETE, path(id, "")))?;
    let uris: Vec<String> = authorizers.into_iter().filter_map(|authorizer| authorizer.authorizer_uri).collect();
    authorizer::revoke(site, id, &uris, observer).await;
    Ok(())
}

/// Whether an import that is not understood to the last word shall fail. It must where a door would be left open: no documentation says yet that a
/// document may bring an authorizer for JSON Web Tokens, though the API itself has them.
fn cautious(spec: &RouteSpec) -> bool {
    spec.gateway.authorizer.as_ref().is_some_and(|authorizer| matches!(authorizer.kind, AuthorizerKind::Jwt { .. }))
}

fn warn(observer: &dyn Observer, warnings: &[String]) {
    for warning in warnings {
        observer.warn(&format!("API Gateway on the REST API: {warning}"));
    }
}

fn endpoint(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Regional => "REGIONAL",
        EndpointKind::Edge => "EDGE",
        EndpointKind::Private => "PRIVATE",
    }
}

/// As IAM writes it.
pub(super) fn path(id: &str, below: &str) -> String {
    if below.is_empty() { format!("/restapis/{id}") } else { format!("/restapis/{id}/{below}") }
}

pub(in crate::cloud::aws) fn patch(path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder().op(Op::Replace).path(path).value(value).build()
}

async fn url(site: Site<'_>, id: &str) -> Result<String, AwsError> {
    let suffix = site.dns_suffix().await?;
    Ok(format!("https://{id}.execute-api.{}.{suffix}/{}/", site.place.region, stage::name(site.names)))
}

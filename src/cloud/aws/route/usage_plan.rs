//! API keys: a REST API takes a key if a usage plan joins it to the API's stage. Plan and key are found by name and tags; the key's value is a secret, and
//! read only to be compared with the one in the settings.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::types::{ApiKey, ApiStage, Op, PatchOperation, UsagePlan};

use super::rest::{ABSENT, DELETE, GET, PAGE, PATCH, POST};
use super::{Site, incomplete, stage, together};
use crate::cloud::Removed;
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{failed, found};
use crate::model::Outcome;

const PLANS: &str = "/usageplans";
const KEYS: &str = "/apikeys";

/// A plan for the API's stage, and a key in it: the one with this value, else one that AWS makes.
pub(super) async fn ensure(site: Site<'_>, api: &str, value: Option<&str>, tags: &BTreeMap<String, String>) -> Result<Outcome, AwsError> {
    let ((plan, planned), (key, keyed)) = tokio::try_join!(ensure_plan(site, api, tags), ensure_key(site, value, tags))?;
    let below = format!("{PLANS}/{plan}/keys");
    let client = &site.clients.rest_apis;
    let members = if planned == Outcome::Created || keyed == Outcome::Created {
        None
    } else {
        let request = client.get_usage_plan_keys().usage_plan_id(&plan).limit(PAGE);
        Some(request.send().await.map_err(failed(GET, &below))?.items.unwrap_or_default())
    };
    if members.is_some_and(|members| members.iter().any(|member| member.id() == Some(&key))) {
        return Ok(together([planned, keyed]));
    }
    let request = client.create_usage_plan_key().usage_plan_id(&plan).key_id(&key).key_type("API_KEY");
    // A run that was killed may have got this far.
    found(request.send().await, &["ConflictException"]).map_err(failed(POST, &below))?;
    Ok(Outcome::Updated)
}

/// The id of the stage's key, which is no secret: `status` shows it.
pub(in crate::cloud::aws) async fn key_id(site: Site<'_>) -> Result<Option<String>, AwsError> {
    Ok(own_keys(site).await?.into_iter().find_map(|key| key.id))
}

/// Removes plan and key of the stage, if there are any.
pub(super) async fn remove(site: Site<'_>) -> Result<Removed, AwsError> {
    let client = &site.clients.rest_apis;
    let (plans, keys) = tokio::try_join!(own_plans(site), own_keys(site))?;
    let mut removed = Removed::new();
    for plan in &plans {
        let Some(id) = plan.id() else { continue };
        let resource = format!("{PLANS}/{id}");
        let stages: Vec<PatchOperation> = plan.api_stages().iter().filter_map(member).map(|stage| operation(Op::Remove, &stage)).collect();
        if !stages.is_empty() {
            // AWS removes no plan that a stage is in.
            let request = client.update_usage_plan().usage_plan_id(id).set_patch_operations(Some(stages));
            found(request.send().await, &ABSENT).map_err(failed(PATCH, &resource))?;
        }
        found(client.delete_usage_plan().usage_plan_id(id).send().await, &ABSENT).map_err(failed(DELETE, &resource))?;
        removed.push(format!("usage plan `{id}`"));
    }
    for id in keys.iter().filter_map(ApiKey::id) {
        delete_key(site, id).await?;
        removed.push(format!("API key `{id}`"));
    }
    Ok(removed)
}

async fn ensure_plan(site: Site<'_>, api: &str, tags: &BTreeMap<String, String>) -> Result<(String, Outcome), AwsError> {
    let client = &site.clients.rest_apis;
    let stage = ApiStage::builder().api_id(api).stage(stage::name(site.names)).build();
    let Some(plan) = own_plans(site).await?.into_iter().next() else {
        let request = client.create_usage_plan().name(&site.names.function).api_stages(stage).set_tags(Some(owned(tags)));
        let plan = request.send().await.map_err(failed(POST, PLANS))?;
        return Ok((plan.id.ok_or_else(|| incomplete(PLANS, "id"))?, Outcome::Created));
    };
    let id = plan.id.clone().ok_or_else(|| incomplete(PLANS, "id"))?;
    let wanted = member(&stage).unwrap_or_default();
    if plan.api_stages().iter().filter_map(member).any(|there| there == wanted) {
        return Ok((id, Outcome::Unchanged));
    }
    let request = client.update_usage_plan().usage_plan_id(&id).patch_operations(operation(Op::Add, &wanted));
    request.send().await.map_err(failed(PATCH, format!("{PLANS}/{id}")))?;
    Ok((id, Outcome::Updated))
}

async fn ensure_key(site: Site<'_>, value: Option<&str>, tags: &BTreeMap<String, String>) -> Result<(String, Outcome), AwsError> {
    let client = &site.clients.rest_apis;
    let there = own_keys(site).await?.into_iter().find_map(|key| key.id);
    if let Some(id) = &there {
        let same = match value {
            None => true,
            Some(value) => {
                let request = client.get_api_key().api_key(id).include_value(true);
                request.send().await.map_err(failed(GET, format!("{KEYS}/{id}")))?.value() == Some(value)
            }
        };
        if same {
            return Ok((id.clone(), Outcome::Unchanged));
        }
    }
    let request = client.create_api_key().name(&site.names.function).enabled(true).set_tags(Some(owned(tags)));
    let key = request.set_value(value.map(str::to_owned)).send().await.map_err(failed(POST, KEYS))?;
    let id = key.id.ok_or_else(|| incomplete(KEYS, "id"))?;
    if let Some(old) = there {
        // No call changes a key's value.
        delete_key(site, &old).await?;
    }
    Ok((id, Outcome::Created))
}

async fn own_plans(site: Site<'_>) -> Result<Vec<UsagePlan>, AwsError> {
    let mut plans = site.clients.rest_apis.get_usage_plans().limit(PAGE).into_paginator().items().send();
    let mut own = Vec::new();
    while let Some(plan) = plans.next().await {
        let plan = plan.map_err(failed(GET, PLANS))?;
        if owns(site, plan.tags()) {
            own.push(plan);
        }
    }
    Ok(own)
}

async fn own_keys(site: Site<'_>) -> Result<Vec<ApiKey>, AwsError> {
    let request = site.clients.rest_apis.get_api_keys().name_query(&site.names.function).limit(PAGE);
    let mut keys = request.into_paginator().items().send();
    let mut own = Vec::new();
    while let Some(key) = keys.next().await {
        let key = key.map_err(failed(GET, KEYS))?;
        if owns(site, key.tags()) {
            own.push(key);
        }
    }
    Ok(own)
}

/// Both are born with their tags.
fn owns(site: Site<'_>, tags: Option<&HashMap<String, String>>) -> bool {
    site.names.owns(|key| tags.and_then(|tags| tags.get(key)).cloned())
}

async fn delete_key(site: Site<'_>, id: &str) -> Result<(), AwsError> {
    let answer = site.clients.rest_apis.delete_api_key().api_key(id).send().await;
    found(answer, &ABSENT).map_err(failed(DELETE, format!("{KEYS}/{id}")))?;
    Ok(())
}

/// A stage as patches of a plan name it.
fn member(stage: &ApiStage) -> Option<String> {
    Some(format!("{}:{}", stage.api_id()?, stage.stage()?))
}

fn operation(op: Op, stage: &str) -> PatchOperation {
    PatchOperation::builder().op(op).path("/apiStages").value(stage).build()
}

fn owned(tags: &BTreeMap<String, String>) -> HashMap<String, String> {
    tags.clone().into_iter().collect()
}

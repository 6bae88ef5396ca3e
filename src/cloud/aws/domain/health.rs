//! Health checks of Route 53: one for each region of a stage in several, so that nobody is led to a region that does not answer.
//!
//! What is asked is the shim, at a path that no app has, through the API's own name: a check by the name of the records that depend on it would ask whatever
//! region they lead to (API reference, `HealthCheckConfig`, `FullyQualifiedDomainName`), and the host name of a regional domain name answers to nothing but
//! that name. A check bears its stage and region in its caller reference, which cannot change, and the stage's tags for whoever reads the bill.

use std::collections::BTreeMap;

use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckRegion, HealthCheckType, Tag, TagResourceType};
use sha2::{Digest as _, Sha256};

use super::records::built;
use super::{Ground, Site};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{failed, found};
use crate::cloud::{Endpoint, HealthCheck};
use crate::model::Outcome;
use crate::observe::{Observer, Task};

/// `HEALTH` of the shim (`shim/zappa/wsgi.py`), below the front door.
const PATH: &str = ".zappa/health";
const ABSENT: [&str; 1] = ["NoSuchHealthCheck"];
/// Seconds between two questions of one checker: the slower of the two that there are, the other costs more.
const INTERVAL: i32 = 30;
/// So many answers in a row change a checker's mind.
const THRESHOLD: i32 = 3;
/// Who asks: the fewest that Route 53 takes, on three continents. Every question is a paid request, and all eight would make more than twice as many.
const CHECKERS: [HealthCheckRegion; 3] = [HealthCheckRegion::UsEast1, HealthCheckRegion::EuWest1, HealthCheckRegion::ApSoutheast1];
/// The partition that these are in.
const PARTITION: &str = "aws";
/// A resource of Route 53 has no more tags, and a call asks for those of no more resources.
const MOST: usize = 10;

/// A check as it is.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) id: String,
    reference: String,
    host: String,
    path: String,
}

/// All checks of the account, whoever's they are.
pub(super) async fn list(site: Site<'_>) -> Result<Vec<Check>, AwsError> {
    let mut pages = site.clients.dns.list_health_checks().into_paginator().items().send();
    let mut checks = Vec::new();
    while let Some(check) = pages.next().await {
        let check = check.map_err(failed("route53:ListHealthChecks", "the health checks"))?;
        let text = |get: fn(&HealthCheckConfig) -> Option<&str>| check.health_check_config().and_then(get).unwrap_or_default().to_owned();
        checks.push(Check {
            id: check.id().to_owned(),
            reference: check.caller_reference().to_owned(),
            host: text(HealthCheckConfig::fully_qualified_domain_name),
            path: text(HealthCheckConfig::resource_path),
        });
    }
    Ok(checks)
}

/// Those of the stage in a region: one, or more if two runs were at work.
pub(super) fn of_region<'a>(site: Site<'_>, known: &'a [Check], region: &str) -> impl Iterator<Item = &'a Check> + use<'a> {
    let prefix = prefix(site, region);
    known.iter().filter(move |check| check.reference.starts_with(&prefix))
}

/// The health checks of a domain's records.
#[derive(Debug)]
pub(super) struct Checks {
    pub(super) outcome: Outcome,
    pub(super) all: Vec<HealthCheck>,
}

impl Default for Checks {
    fn default() -> Self {
        Self { outcome: Outcome::Unchanged, all: Vec::new() }
    }
}

impl Checks {
    pub(super) fn of(&self, region: &str) -> Option<&str> {
        self.all.iter().find(|check| check.region == region).map(|check| check.id.as_str())
    }

    pub(super) fn uses(&self, id: &str) -> bool {
        self.all.iter().any(|check| check.id == id)
    }
}

/// The checks of the endpoints whose front doors are known. One that is there and is not the stage's, as `attached` tells, stays: it is that of another
/// stage that has the domain, too, or of somebody who knows better.
pub(super) async fn all<'a>(
    ground: Ground<'_>,
    known: &[Check],
    endpoints: &[Endpoint],
    attached: impl Fn(&Endpoint) -> Option<&'a str>,
    observer: &dyn Observer,
) -> Result<Checks, AwsError> {
    let site = ground.site;
    let (mut outcomes, mut own, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let task = Task::begin(observer, "health checks", Some(endpoints.len() as u64));
    // One after the other: Route 53 makes fifty at once, and then one in two seconds, for everybody in the account together.
    for (number, endpoint) in endpoints.iter().enumerate() {
        let Some(door) = endpoint.front_door.as_deref() else { continue };
        let region = endpoint.region.as_str();
        let ours: Vec<&Check> = of_region(site, known, region).collect();
        let other = attached(endpoint).and_then(|id| known.iter().find(|check| check.id == id));
        let other = other.filter(|other| ours.iter().all(|own| own.id != other.id));
        match (other, ours.first()) {
            (Some(other), _) => others.push(told(other.id.clone(), region, &format!("https://{}{}", other.host, other.path))),
            (None, Some(check)) => {
                outcomes.push(point(site, check, door).await?);
                own.push(told(check.id.clone(), region, &format!("{door}{PATH}")));
            }
            (None, None) => {
                own.push(told(create(site, region, door).await?, region, &format!("{door}{PATH}")));
                outcomes.push(Outcome::Created);
            }
        }
        task.advance(number as u64 + 1);
    }
    tag(ground, &own).await?;
    let outcome = outcomes.into_iter().find(|outcome| *outcome != Outcome::Unchanged).unwrap_or(Outcome::Unchanged);
    task.done(&format!("{outcome}"));
    Ok(Checks { outcome, all: own.into_iter().chain(others).collect() })
}

fn told(id: String, region: &str, url: &str) -> HealthCheck {
    HealthCheck { id, region: region.to_owned(), url: url.to_owned() }
}

async fn create(site: Site<'_>, region: &str, door: &str) -> Result<String, AwsError> {
    let (host, path) = target(door);
    let config = HealthCheckConfig::builder().r#type(HealthCheckType::Https).fully_qualified_domain_name(host).port(443).enable_sni(true);
    let config = config.resource_path(path).request_interval(INTERVAL).failure_threshold(THRESHOLD);
    let config = config.set_regions((site.place.partition == PARTITION).then(|| CHECKERS.to_vec()));
    // What the SDK asks for again after a lost answer is one check. A reference that was used once is not taken again for days, so each has its own.
    let reference = format!("{}{}", prefix(site, region), uuid::Uuid::new_v4().simple());
    let request = site.clients.dns.create_health_check().caller_reference(reference).health_check_config(built(config.build())?);
    let answer = request.send().await.map_err(failed("route53:CreateHealthCheck", host))?;
    Ok(answer.health_check.map(|check| check.id).unwrap_or_default())
}

/// Lets a check ask another front door, if it does not ask this one.
async fn point(site: Site<'_>, check: &Check, door: &str) -> Result<Outcome, AwsError> {
    let (host, path) = target(door);
    if (check.host.as_str(), check.path.as_str()) == (host, path.as_str()) {
        return Ok(Outcome::Unchanged);
    }
    let request = site.clients.dns.update_health_check().health_check_id(&check.id).fully_qualified_domain_name(host).resource_path(path);
    request.send().await.map_err(failed("route53:UpdateHealthCheck", &check.id))?;
    Ok(Outcome::Updated)
}

/// Lets the check of the site's region, if there is one, ask the front door that the stage has now.
pub(super) async fn follow(site: Site<'_>, door: &str) -> Result<(), AwsError> {
    for check in of_region(site, &list(site).await?, &site.place.region) {
        point(site, check, door).await?;
    }
    Ok(())
}

/// Gives the checks the tags that they do not have.
async fn tag(ground: Ground<'_>, checks: &[HealthCheck]) -> Result<(), AwsError> {
    let dns = &ground.site.clients.dns;
    for some in checks.chunks(MOST) {
        let ids = some.iter().map(|check| check.id.clone()).collect();
        let request = dns.list_tags_for_resources().resource_type(TagResourceType::Healthcheck).set_resource_ids(Some(ids));
        let answer = request.send().await.map_err(failed("route53:ListTagsForResources", "the health checks"))?;
        for check in some {
            let there = answer.resource_tag_sets().iter().find(|set| set.resource_id() == Some(&check.id));
            let there: BTreeMap<&str, &str> =
                there.iter().flat_map(|set| set.tags()).filter_map(|tag| tag.key().zip(tag.value())).collect();
            let wanted = tags(ground, &check.region);
            let missing: Vec<Tag> = wanted
                .iter()
                .filter(|(key, value)| there.get(key.as_str()) != Some(&value.as_str()))
                .map(|(key, value)| Tag::builder().key(key).value(value).build())
                .collect();
            if missing.is_empty() {
                continue;
            }
            let request = dns.change_tags_for_resource().resource_type(TagResourceType::Healthcheck).resource_id(&check.id);
            let request = request.set_add_tags(Some(missing));
            request.send().await.map_err(failed("route53:ChangeTagsForResource", &check.id))?;
        }
    }
    Ok(())
}

/// The console shows `Name`. Of the user's own, as many as there is room for.
fn tags(ground: Ground<'_>, region: &str) -> Vec<(String, String)> {
    let name = ("Name".to_owned(), format!("{} {region}", ground.site.names.function));
    let (ours, own): (Vec<_>, Vec<_>) = ground.tags.clone().into_iter().partition(|(key, _)| key.starts_with("zappa:"));
    std::iter::once(name).chain(ours).chain(own.into_iter().filter(|(key, _)| key != "Name")).take(MOST).collect()
}

/// Removes a check. Comes when no record depends on it any more: what becomes of those that do is not foreseen (API reference, `DeleteHealthCheck`).
pub(super) async fn delete(site: Site<'_>, id: &str) -> Result<(), AwsError> {
    let answer = site.clients.dns.delete_health_check().health_check_id(id).send().await;
    found(answer, &ABSENT).map_err(failed("route53:DeleteHealthCheck", id))?;
    Ok(())
}

/// Host and path, with the stage of a REST API.
fn target(door: &str) -> (&str, String) {
    let bare = door.split_once("://").map_or(door, |(_, rest)| rest);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    (host, format!("/{path}{PATH}"))
}

/// What the caller references of a stage's checks in a region begin with: of 64 characters, less than names may be long.
fn prefix(site: Site<'_>, region: &str) -> String {
    let digest = Sha256::digest(format!("{} {region}", site.names.function));
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("zappa-{digits}-")
}

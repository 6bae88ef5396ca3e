//! The records of a domain in Route 53: in the public hosted zone of the account whose name is the longest end of the domain.

use std::collections::BTreeSet;

use aws_sdk_route53::types::{
    AliasTarget, Change, ChangeAction, ChangeBatch, HostedZone, ResourceRecord, ResourceRecordSet, ResourceRecordSetRegion, RrType,
};

use super::health::{self, Check, Checks};
use super::{DomainError, Ground};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::failed;
use crate::cloud::{DnsRecord, Endpoint, Records, Routing};
use crate::model::Outcome;
use crate::observe::Observer;

/// Seconds for which others remember the proof of a domain.
const TTL: i64 = 300;
/// What leads people to the domain. IPv6 as well, which costs nothing.
const KINDS: [RrType; 2] = [RrType::A, RrType::Aaaa];

/// A hosted zone.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    id: String,
    pub(super) name: String,
}

/// The zone that the domain is in, if the account has it and the settings leave it to us.
pub(super) async fn zone(ground: Ground<'_>, domain: &str) -> Result<Option<Zone>, AwsError> {
    if !ground.domain.route53 {
        return Ok(None);
    }
    let mut pages = ground.site.clients.dns.list_hosted_zones().into_paginator().items().send();
    let mut zones: Vec<Zone> = Vec::new();
    while let Some(zone) = pages.next().await {
        let HostedZone { id, name, config, .. } = zone.map_err(failed("route53:ListHostedZones", "the hosted zones"))?;
        let name = plain(&name);
        let private = config.is_some_and(|config| config.private_zone());
        if !private && (domain == name || domain.ends_with(&format!(".{name}"))) {
            zones.push(Zone { id: id.trim_start_matches("/hostedzone/").to_owned(), name });
        }
    }
    let longest = zones.iter().map(|zone| zone.name.len()).max().unwrap_or_default();
    zones.retain(|zone| zone.name.len() == longest);
    match zones.as_slice() {
        [_, other, ..] => Err(DomainError::SeveralZones { zone: other.name.clone() }.into()),
        _ => Ok(zones.pop()),
    }
}

/// Writes the record that proves to ACM whose the domain is. Returns the zone's name, if there is one.
pub(super) async fn prove(ground: Ground<'_>, proof: &aws_sdk_acm::types::ResourceRecord) -> Result<Option<String>, AwsError> {
    let name = plain(proof.name());
    let Some(zone) = zone(ground, &name).await? else { return Ok(None) };
    let there = sets(ground, &zone, &name).await?;
    let same = |set: &ResourceRecordSet| {
        set.r#type() == &RrType::Cname && set.resource_records().iter().any(|record| plain(record.value()) == plain(proof.value()))
    };
    if !there.iter().any(same) {
        let record = built(ResourceRecord::builder().value(proof.value()).build())?;
        let set = ResourceRecordSet::builder().name(proof.name()).r#type(RrType::Cname).ttl(TTL).resource_records(record);
        change(ground, &zone, vec![(ChangeAction::Upsert, built(set.build())?)]).await?;
    }
    Ok(Some(zone.name))
}

/// The records that lead to the endpoint; `None` if others keep them.
pub(super) async fn look(ground: Ground<'_>, endpoint: Option<&Endpoint>) -> Result<Option<Records>, AwsError> {
    let Some(zone) = zone(ground, &ground.domain.name).await? else { return Ok(None) };
    let sets = sets(ground, &zone, &ground.domain.name).await?;
    let leading = sets.iter().filter(|set| endpoint.is_some_and(|endpoint| leads_to(set, &endpoint.domain_name)));
    let records = leading.map(told).collect();
    Ok(Some(Records { zone: Some(zone.name), records, health_checks: Vec::new(), left_over: Vec::new() }))
}

/// See [`crate::cloud::Domains::sync_records`].
pub(super) async fn sync(ground: Ground<'_>, routing: &Routing<'_>, observer: &dyn Observer) -> Result<(Outcome, Records), AwsError> {
    let domain = ground.domain.name.as_str();
    let Some(zone) = zone(ground, domain).await? else { return Ok((Outcome::Unchanged, kept_elsewhere(domain, routing))) };
    let there = sets(ground, &zone, domain).await?;
    let others = |set: &&ResourceRecordSet| region(set).is_some_and(|region| routing.endpoints.iter().all(|known| known.region != region));
    let foreign = |set: &&ResourceRecordSet| {
        others(set) && routing.regions.is_some_and(|regions| regions.iter().all(|known| Some(known.as_str()) != region(set)))
    };
    // Another region's record stays: it may serve, although it has not answered in this run.
    let (kept, there): (Vec<_>, Vec<_>) = there.into_iter().partition(|set| others(&set) && !(routing.replace && foreign(&set)));
    let stray = |set: &&ResourceRecordSet| !routing.replace && !is_ours(ground, set, routing.endpoints);
    if let Some(set) = there.iter().find(stray) {
        let DnsRecord { name, kind, value, .. } = told(set);
        return Err(DomainError::RecordTaken { name, kind, value }.into());
    }
    let nearest = !ground.domain.edge && (routing.nearest || !kept.is_empty());
    let known = health::list(ground.site).await?;
    let checks = match nearest && routing.checked {
        true => health::all(ground, &known, routing.endpoints, |endpoint| attached(&there, endpoint), observer).await?,
        false => Checks::default(),
    };
    let mut wanted = Vec::new();
    for endpoint in routing.endpoints {
        for kind in KINDS {
            wanted.push(alias(domain, kind, endpoint, nearest.then(|| checks.of(&endpoint.region)))?);
        }
    }
    // What cannot stand beside the wanted ones goes in the same moment: a name with a CNAME has nothing else.
    let beside = |set: &&ResourceRecordSet| !wanted.iter().any(|wanted| identity(wanted) == identity(set));
    let mut changes: Vec<_> = there.iter().filter(beside).map(|set| (ChangeAction::Delete, set.clone())).collect();
    changes.extend(wanted.iter().filter(|wanted| !there.contains(wanted)).map(|wanted| (ChangeAction::Upsert, wanted.clone())));
    let mut outcome = match (changes.is_empty(), there.is_empty()) {
        (true, _) => checks.outcome,
        (false, true) => Outcome::Created,
        (false, false) => Outcome::Updated,
    };
    if !changes.is_empty() {
        change(ground, &zone, changes).await?;
    }
    let mut left_over: Vec<String> = kept.iter().filter(foreign).filter_map(region).map(str::to_owned).collect();
    left_over.dedup();
    let regions = routing.endpoints.iter().map(|endpoint| endpoint.region.as_str());
    let regions = regions.chain(there.iter().filter_map(region));
    let unused: BTreeSet<&str> =
        regions.flat_map(|region| health::of_region(ground.site, &known, region)).map(|check| check.id.as_str()).collect();
    for id in unused.into_iter().filter(|id| !checks.uses(id)) {
        health::delete(ground.site, id).await?;
        outcome = if outcome == Outcome::Unchanged { Outcome::Updated } else { outcome };
    }
    let records = wanted.iter().map(told).collect();
    Ok((outcome, Records { zone: Some(zone.name), records, health_checks: checks.all, left_over }))
}

/// The health check that people depend on who are led there now.
fn attached<'a>(there: &'a [ResourceRecordSet], endpoint: &Endpoint) -> Option<&'a str> {
    there.iter().filter(|set| leads_to(set, &endpoint.domain_name)).find_map(ResourceRecordSet::health_check_id)
}

/// Where Route 53 has no zone of the domain, the host of its DNS leads people in its own way, and there is one CNAME for each region to choose from.
fn kept_elsewhere(domain: &str, routing: &Routing<'_>) -> Records {
    let record = |endpoint: &Endpoint| DnsRecord {
        name: domain.to_owned(),
        kind: RrType::Cname.as_str().to_owned(),
        value: endpoint.domain_name.clone(),
        region: routing.nearest.then(|| endpoint.region.clone()),
    };
    let records = routing.endpoints.iter().map(record).collect();
    Records { zone: None, records, health_checks: Vec::new(), left_over: Vec::new() }
}

/// Whether a record leads to the stage already, if in another way.
fn is_ours(ground: Ground<'_>, set: &ResourceRecordSet, endpoints: &[Endpoint]) -> bool {
    // A domain name that is made anew has another host name, in the same zone of API Gateway's. CloudFront's zone is everybody's.
    endpoints.iter().any(|endpoint| {
        leads_to(set, &endpoint.domain_name)
            || (!ground.domain.edge && set.alias_target().is_some_and(|target| target.hosted_zone_id() == endpoint.hosted_zone_id))
    })
}

/// The region of which this is the record, of several.
fn region(set: &ResourceRecordSet) -> Option<&str> {
    set.region().map(ResourceRecordSetRegion::as_str).filter(|region| Some(*region) == set.set_identifier())
}

/// Removes the records that lead to this host name of API Gateway's, or says which there are. Those of other regions stay as they are, be it only one: people
/// are led there as before, and `certify` makes a simple record of it where the stage is in one region only.
pub(super) async fn remove(ground: Ground<'_>, target: &str, dry_run: bool) -> Result<Vec<String>, AwsError> {
    let Some(zone) = zone(ground, &ground.domain.name).await? else { return Ok(Vec::new()) };
    let there: Vec<_> = sets(ground, &zone, &ground.domain.name).await?.into_iter().filter(|set| leads_to(set, target)).collect();
    let removed = there.iter().map(|set| format!("{} record of `{}`", set.r#type().as_str(), ground.domain.name)).collect();
    if !there.is_empty() && !dry_run {
        change(ground, &zone, there.into_iter().map(|set| (ChangeAction::Delete, set)).collect()).await?;
    }
    Ok(removed)
}

/// Takes health checks away from records that stay.
pub(super) async fn release(ground: Ground<'_>, checks: &[&Check]) -> Result<(), AwsError> {
    let Some(zone) = zone(ground, &ground.domain.name).await? else { return Ok(()) };
    let depends = |set: &ResourceRecordSet| set.health_check_id().is_some_and(|id| checks.iter().any(|check| check.id == id));
    let mut free = Vec::new();
    for mut set in sets(ground, &zone, &ground.domain.name).await?.into_iter().filter(depends) {
        set.health_check_id = None;
        free.push((ChangeAction::Upsert, set));
    }
    if !free.is_empty() {
        change(ground, &zone, free).await?;
    }
    Ok(())
}

/// The record sets of a name that lead somewhere, in the form in which [`alias`] makes them.
async fn sets(ground: Ground<'_>, zone: &Zone, name: &str) -> Result<Vec<ResourceRecordSet>, AwsError> {
    let mut sets = Vec::new();
    let mut from = (name.to_owned(), None, None);
    loop {
        let (start, kind, identifier) = from;
        let request = ground.site.clients.dns.list_resource_record_sets().hosted_zone_id(&zone.id).start_record_name(start);
        let request = request.set_start_record_type(kind).set_start_record_identifier(identifier);
        let page = request.send().await.map_err(failed("route53:ListResourceRecordSets", &zone.name))?;
        let more = page.is_truncated() && page.next_record_name().is_some_and(|next| plain(next) == name);
        from = (name.to_owned(), page.next_record_type, page.next_record_identifier);
        let leading =
            |set: &ResourceRecordSet| [RrType::A, RrType::Aaaa, RrType::Cname].contains(set.r#type()) && plain(set.name()) == name;
        sets.extend(page.resource_record_sets.into_iter().filter(leading));
        if !more {
            return Ok(sets.into_iter().map(normal).collect());
        }
    }
}

/// Names as we write them, where that changes nothing.
fn normal(mut set: ResourceRecordSet) -> ResourceRecordSet {
    set.name = plain(&set.name);
    if let Some(target) = &mut set.alias_target {
        target.dns_name = plain(&target.dns_name);
    }
    // Empty and absent are one.
    set.resource_records = set.resource_records.filter(|records| !records.is_empty());
    set
}

/// With `nearest` it is one of several, of which people are given the one that answers them fastest, as long as it is well. Of API Gateway's own health
/// Route 53 learns next to nothing (API reference, `AliasTarget`, `EvaluateTargetHealth`): the health check says it, and both have to be well.
fn alias(domain: &str, kind: RrType, endpoint: &Endpoint, nearest: Option<Option<&str>>) -> Result<ResourceRecordSet, AwsError> {
    let target = AliasTarget::builder().hosted_zone_id(&endpoint.hosted_zone_id).dns_name(plain(&endpoint.domain_name));
    let target = built(target.evaluate_target_health(nearest.is_some()).build())?;
    let mut set = ResourceRecordSet::builder().name(domain).r#type(kind).alias_target(target);
    if let Some(check) = nearest {
        set = set.set_identifier(&endpoint.region).region(ResourceRecordSetRegion::from(endpoint.region.as_str()));
        set = set.set_health_check_id(check.map(str::to_owned));
    }
    built(set.build())
}

async fn change(ground: Ground<'_>, zone: &Zone, changes: Vec<(ChangeAction, ResourceRecordSet)>) -> Result<(), AwsError> {
    let mut batch = ChangeBatch::builder().comment(format!("zappa: {}", ground.site.names.function));
    for (action, set) in changes {
        batch = batch.changes(built(Change::builder().action(action).resource_record_set(set).build())?);
    }
    let request = ground.site.clients.dns.change_resource_record_sets().hosted_zone_id(&zone.id).change_batch(built(batch.build())?);
    request.send().await.map_err(failed("route53:ChangeResourceRecordSets", &zone.name))?;
    Ok(())
}

fn leads_to(set: &ResourceRecordSet, target: &str) -> bool {
    set.alias_target().is_some_and(|alias| plain(alias.dns_name()) == plain(target))
}

/// By what Route 53 tells record sets apart.
fn identity(set: &ResourceRecordSet) -> (&str, &str, Option<&str>) {
    (set.name(), set.r#type().as_str(), set.set_identifier())
}

fn told(set: &ResourceRecordSet) -> DnsRecord {
    let values: Vec<String> = match set.alias_target() {
        Some(target) => vec![plain(target.dns_name())],
        None => set.resource_records().iter().map(|record| plain(record.value())).collect(),
    };
    let (name, kind) = (set.name().to_owned(), set.r#type().as_str().to_owned());
    DnsRecord { name, kind, value: values.join(", "), region: region(set).map(str::to_owned) }
}

/// Without the dot at the end, in small letters, and with the star that Route 53 writes as `\052`.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').replace("\\052", "*").to_ascii_lowercase()
}

/// What the builders of the SDK say where a field is missing, which none is.
pub(super) fn built<T>(result: Result<T, aws_sdk_route53::error::BuildError>) -> Result<T, AwsError> {
    result.map_err(|_| super::incomplete("the records", "a field"))
}

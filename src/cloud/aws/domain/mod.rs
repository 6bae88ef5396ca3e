//! Domains of the user's own: a certificate in ACM (`certificate`), a domain name in API Gateway (`name`), its path that leads to the stage's API
//! (`mapping`), the records in Route 53 that lead to the domain name (`records`), and what these depend on where a stage is in several regions (`health`).
//!
//! Nothing of it is remembered. The domain name and certificates that are made here bear the stage's tags, a mapping is known by the API that it leads to,
//! records by the host name that they lead to, and a health check by its caller reference. The record that proves to ACM whose the domain is stays for good: every certificate of the account for
//! the domain, in whatever region, shares it and needs it again to be renewed.

mod certificate;
mod error;
mod health;
mod mapping;
mod name;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_route53::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};

use super::connect::Clients;
use super::names::Place;
use super::route::{self, Door, RouteError, Site};
use super::stage::Stage;
use super::{AwsCloud, AwsError};
use crate::cloud::{Certificate, CloudError, DomainState, Domains, Endpoint, Records, Removed, Routing};
use crate::model::{DomainSettings, Outcome, StageId};
use crate::observe::Observer;
use mapping::{Goal, Mapping};
use name::Name;

pub(super) use error::DomainError;

/// Whose domain, and where everything that it needs is.
#[derive(Debug, Clone, Copy)]
struct Ground<'a> {
    site: Site<'a>,
    domain: &'a DomainSettings,
    tags: &'a BTreeMap<String, String>,
    /// The region that the domain's certificate has to be in.
    certificates: &'a str,
}

/// What a [`Ground`] refers to.
struct Standing {
    stage: Arc<Stage>,
    place: Place,
    door: Option<Door>,
    tags: BTreeMap<String, String>,
    certificates: String,
}

impl Standing {
    fn ground<'a>(&'a self, clients: &'a Clients, domain: &'a DomainSettings) -> Ground<'a> {
        let site = Site { clients, names: &self.stage.names, place: &self.place };
        Ground { site, domain, tags: &self.tags, certificates: &self.certificates }
    }
}

impl AwsCloud {
    async fn standing(&self, id: &StageId, domain: &DomainSettings) -> Result<Standing, CloudError> {
        let stage = self.stage(id);
        let place = self.place(&mut *stage.state.lock().await).await?;
        let door = stage.live.lock().await.as_ref().and_then(|alias| alias.record.door.as_ref()?.parse().ok());
        let certificates = if domain.edge { home_region(&place.region).await? } else { place.region.clone() };
        let tags = stage.names.tags(&self.options.tags);
        Ok(Standing { stage, place, door, tags, certificates })
    }
}

#[async_trait]
impl Domains for AwsCloud {
    async fn look(&self, id: &StageId, domain: &DomainSettings) -> Result<DomainState, CloudError> {
        let standing = self.standing(id, domain).await?;
        let ground = standing.ground(self.clients().await?, domain);
        Ok(Box::pin(look(ground, standing.door.as_ref())).await?)
    }

    async fn ensure_certificate(
        &self,
        id: &StageId,
        domain: &DomainSettings,
        observer: &dyn Observer,
    ) -> Result<(Outcome, Certificate), CloudError> {
        let standing = self.standing(id, domain).await?;
        let ground = standing.ground(self.clients().await?, domain);
        let name = name::fetch(ground.site, &domain.name).await?;
        if let Some(name) = &name {
            // Before a certificate is made that nothing could use.
            name.check(ground).map_err(AwsError::from)?;
        }
        let current = name.and_then(|name| name.certificate);
        Ok(Box::pin(certificate::ensure(ground, current.as_deref(), &self.options.fleet.proofs, observer)).await?)
    }

    async fn ensure_name(
        &self,
        id: &StageId,
        domain: &DomainSettings,
        certificate: &Certificate,
        replace: bool,
    ) -> Result<(Outcome, Endpoint), CloudError> {
        let standing = self.standing(id, domain).await?;
        let ground = standing.ground(self.clients().await?, domain);
        let door = standing.door.as_ref().ok_or_else(|| AwsError::from(DomainError::NoDoor))?;
        let (named, name) = Box::pin(name::ensure(ground, &certificate.arn)).await?;
        let mapped = Box::pin(ensure_mapping(ground, &name, door, replace)).await?;
        let outcome = match (named, mapped) {
            (Outcome::Unchanged, mapped) => mapped,
            (named, _) => named,
        };
        let known = standing.stage.route().await;
        // Of a stage that was taken over from a dead run, nothing is known.
        let route = if known.is_some() { known } else { route::look(ground.site, door).await? };
        Ok((outcome, Endpoint { front_door: route.map(|route| route.url), ..name.endpoint(ground.site) }))
    }

    async fn sync_records(
        &self,
        id: &StageId,
        domain: &DomainSettings,
        routing: &Routing<'_>,
        observer: &dyn Observer,
    ) -> Result<(Outcome, Records), CloudError> {
        let standing = self.standing(id, domain).await?;
        let ground = standing.ground(self.clients().await?, domain);
        Ok(Box::pin(records::sync(ground, routing, observer)).await?)
    }
}

async fn look(ground: Ground<'_>, door: Option<&Door>) -> Result<DomainState, AwsError> {
    let domain = ground.domain;
    let name = name::fetch(ground.site, &domain.name).await?;
    let current = name.as_ref().and_then(|name| name.certificate.as_deref());
    let endpoint = name.as_ref().map(|name| name.endpoint(ground.site));
    let certificate = certificate::look(ground, current);
    let mapped = async {
        let (Some(name), Some(door)) = (&name, door) else { return Ok(false) };
        let mappings = mapping::list(ground.site, name).await?;
        Ok(mappings.iter().any(|there| there.path == key(domain) && Some(&there.api) == door.id.as_ref()))
    };
    let records = records::look(ground, endpoint.as_ref());
    let (certificate, mapped, records) = tokio::try_join!(certificate, mapped, records)?;
    Ok(DomainState { name: domain.name.clone(), url: domain.url(), certificate, endpoint, mapped, records })
}

async fn ensure_mapping(ground: Ground<'_>, name: &Name, door: &Door, replace: bool) -> Result<Outcome, AwsError> {
    let site = ground.site;
    let stage = route::stage_name(site, door);
    let goal = goal(door, &stage)?;
    let key = key(ground.domain);
    let find = async || Ok::<_, AwsError>(mapping::list(site, name).await?.into_iter().find(|there| there.path == key));
    let there = match find().await? {
        Some(there) => there,
        None if mapping::create(site, name, key, goal).await? => return Ok(Outcome::Created),
        None => find().await?.ok_or_else(|| incomplete(&name.name, "apiMappingKey"))?,
    };
    if there.api == goal.api && there.stage == goal.stage {
        return Ok(Outcome::Unchanged);
    }
    if there.api != goal.api && !replace && !route::own_apis(site).await?.contains(&there.api) {
        return Err(DomainError::MappingTaken { url: ground.domain.url(), api: there.api.clone() }.into());
    }
    mapping::point(site, name, &there, goal).await?;
    Ok(Outcome::Updated)
}

/// What the stage's domains lead to follows its front door, and the health check with it, before the one before is removed: API Gateway removes no API that
/// a domain leads to.
pub(super) async fn follow(site: Site<'_>, domain: Option<&DomainSettings>, door: &Door, observer: &dyn Observer) -> Result<(), AwsError> {
    let names = name::list(site, domain.map(|domain| domain.name.as_str())).await?;
    if names.is_empty() {
        return Ok(());
    }
    let own = route::own_apis(site).await?;
    let stage = route::stage_name(site, door);
    if domain.is_none_or(|domain| domain.route53)
        && let Some(there) = route::look(site, door).await?
    {
        health::follow(site, &there.url).await?;
    }
    for name in &names {
        let left = |there: &Mapping| own.contains(&there.api) && Some(&there.api) != door.id.as_ref();
        for there in mapping::list(site, name).await?.iter().filter(|there| left(there)) {
            match goal(door, &stage) {
                Ok(goal) if leads(name, door) => mapping::point(site, name, there, goal).await?,
                _ => {
                    mapping::delete(site, name, there).await?;
                    observer.warn(&format!("`{}` leads nowhere any more: {}", name.name, unreachable(name, door)));
                }
            }
        }
    }
    Ok(())
}

/// Removes what leads from domains to the stage, records first, so that nobody is led to where nothing is; then certificates that were made for it. With
/// `dry_run` only says what there is.
pub(super) async fn remove(
    site: Site<'_>,
    domain: Option<&DomainSettings>,
    tags: &BTreeMap<String, String>,
    dry_run: bool,
) -> Result<Removed, AwsError> {
    let names = name::list(site, domain.map(|domain| domain.name.as_str())).await?;
    let mut removed = Removed::new();
    if names.is_empty() && domain.is_none() {
        return Ok(removed);
    }
    let own = if names.is_empty() { Vec::new() } else { route::own_apis(site).await? };
    // Whose certificates go: those of names that go, and of the stage's domain if a run that was ended has left no name.
    let mut domains: Vec<(DomainSettings, bool)> = Vec::new();
    if let Some(domain) = domain.filter(|domain| names.iter().all(|name| name.name != domain.name)) {
        domains.push((domain.clone(), false));
    }
    // Nobody shall be led to where nothing is, so records go before all else. A name goes with the last of the project's stages that share it.
    let mut leaving = Vec::new();
    for name in &names {
        let (ours, others): (Vec<Mapping>, Vec<Mapping>) =
            mapping::list(site, name).await?.into_iter().partition(|there| own.contains(&there.api));
        let last = others.is_empty() && (name.is_own(site) || (name.is_of_project(site) && !ours.is_empty()));
        let settings = domain.filter(|domain| domain.name == name.name).cloned().unwrap_or_else(|| forgotten(name));
        leaving.push((name, ours, last, settings));
    }
    // A check costs money, so one is looked for even where the name is gone that it was for.
    let asks = leaving.iter().map(|(_, _, _, settings)| settings).chain(domain).any(|settings| settings.route53);
    let known = if asks { health::list(site).await? } else { Vec::new() };
    let checks: Vec<_> = health::of_region(site, &known, &site.place.region).collect();
    for (name, _, last, settings) in &leaving {
        let ground = Ground { site, domain: settings, tags, certificates: &site.place.region };
        if *last {
            removed.extend(records::remove(ground, &name.target, dry_run).await?);
        } else if !checks.is_empty() && !dry_run {
            records::release(ground, &checks).await?;
        }
    }
    for check in checks {
        if !dry_run {
            health::delete(site, &check.id).await?;
        }
        removed.push(format!("health check `{}`", check.id));
    }
    for (name, ours, last, settings) in leaving {
        for there in &ours {
            if !dry_run {
                mapping::delete(site, name, there).await?;
            }
            removed.push(format!("mapping of `{}/{}`", name.name, there.path));
        }
        if last {
            if !dry_run {
                name::delete(site, &name.name).await?;
            }
            removed.push(format!("domain name `{}`", name.name));
            domains.push((settings, true));
        }
    }
    for (settings, shared) in &domains {
        let region = if settings.edge { home_region(&site.place.region).await? } else { site.place.region.clone() };
        let ground = Ground { site, domain: settings, tags, certificates: &region };
        removed.extend(Box::pin(certificate::remove(ground, *shared, dry_run)).await?);
    }
    Ok(removed)
}

/// What is known of a domain that the settings do not name any more.
fn forgotten(name: &Name) -> DomainSettings {
    DomainSettings {
        name: name.name.clone(),
        base_path: None,
        edge: name.edge,
        certificate: crate::model::CertificateSource::Managed,
        route53: true,
        health_checks: true,
    }
}

fn key(domain: &DomainSettings) -> &str {
    domain.base_path.as_deref().unwrap_or_default()
}

fn goal<'a>(door: &'a Door, stage: &'a str) -> Result<Goal<'a>, AwsError> {
    match &door.id {
        Some(api) => Ok(Goal { api, stage }),
        None => Err(DomainError::NoDoor.into()),
    }
}

/// Whether the name can lead there at all.
fn leads(name: &Name, door: &Door) -> bool {
    use crate::model::FrontDoor;
    match door.kind {
        FrontDoor::Rest => true,
        FrontDoor::Http => !name.edge,
        FrontDoor::FunctionUrl | FrontDoor::Alb => false,
    }
}

fn unreachable(name: &Name, door: &Door) -> &'static str {
    match (name.edge, door.kind) {
        (true, crate::model::FrontDoor::Http) => "an edge-optimized domain name cannot lead to an HTTP API",
        _ => "a Function URL has no domain name but its own",
    }
}

/// The region of a partition in which its global services are, CloudFront among them: the one that the SDK's own table signs for Route 53 with.
async fn home_region(region: &str) -> Result<String, AwsError> {
    let odd = || RouteError::UnknownRegion { region: region.to_owned() }.into();
    let parameters = Params::builder().region(region).build().map_err(|_| odd())?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&parameters).await.map_err(|_| odd())?;
    let scheme = endpoint.auth_schemes().first().and_then(|scheme| scheme.get("signingRegion"));
    scheme.and_then(|region| region.as_string()).map(str::to_owned).ok_or_else(odd)
}

/// An answer without what it always has.
fn incomplete(resource: &str, field: &'static str) -> AwsError {
    RouteError::Incomplete { resource: resource.to_owned(), field }.into()
}

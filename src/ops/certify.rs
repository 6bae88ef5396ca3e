//! `certify`: a certificate, a domain name that leads to the stage, and the records that lead to the domain name. Each step finds its own work done;
//! a run that is ended anywhere, and be it while it waits for the certificate, is gone on with by the next one.

use serde::Serialize;

use super::OperationError;
use crate::cloud::{Certificate, Cloud, CloudError, DomainState, Domains, Endpoint, Records};
use crate::model::{DomainSettings, FrontDoor, Outcome};
use crate::observe::{Observer, Task};
use crate::settings::Settings;

/// What to do, and how.
#[derive(Debug)]
pub struct CertifyRequest<'a> {
    /// The stage.
    pub settings: &'a Settings,
    /// Take over what leads elsewhere: records of the domain, and its path.
    pub replace: bool,
    /// Wait for another run on the stage.
    pub wait: bool,
}

/// How it ended.
#[derive(Debug, Serialize)]
pub struct CertifyReport {
    /// The function.
    pub function_name: String,
    /// Where the app begins.
    pub url: String,
    /// What was done in each region.
    pub regions: Vec<CertifiedRegion>,
    /// Whether records were made or changed.
    pub dns: Outcome,
    /// The records.
    #[serde(flatten)]
    pub records: Records,
}

/// What was done in one region.
#[derive(Debug, Serialize)]
pub struct CertifiedRegion {
    /// Whether a certificate was requested (`updated`: one that had been requested before was waited for) or imported.
    pub certificate: Outcome,
    /// It.
    #[serde(flatten)]
    pub issued: Certificate,
    /// Whether the domain name, or where it leads to, was made or changed.
    pub domain_name: Outcome,
    /// Where it is answered.
    pub endpoint: Endpoint,
}

/// What would be done.
#[derive(Debug, Serialize)]
pub struct CertifyPlan {
    /// The function.
    pub function_name: String,
    /// `created` where one would be requested or imported, `updated` where one is waited for.
    pub certificate: Outcome,
    /// The domain name.
    pub domain_name: Outcome,
    /// What it leads to.
    pub mapping: Outcome,
    /// The records; `unchanged` where somebody else keeps them.
    pub dns: Outcome,
    /// What there is.
    pub domain: DomainState,
}

/// What [`certify`] would do; only reads from the target.
pub async fn plan(cloud: &dyn Cloud, settings: &Settings) -> Result<CertifyPlan, OperationError> {
    let (domains, domain) = possible(cloud, settings)?;
    standing(cloud, settings, domain).await?;
    let found = domains.look(&settings.id, domain).await?;
    let made = |there: bool| if there { Outcome::Unchanged } else { Outcome::Created };
    Ok(CertifyPlan {
        function_name: settings.id.function_name(),
        certificate: match &found.certificate {
            None => Outcome::Created,
            Some(certificate) if certificate.status == "issued" => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        },
        domain_name: made(found.endpoint.is_some()),
        mapping: made(found.mapped),
        dns: made(found.records.as_ref().is_none_or(|records| !records.records.is_empty())),
        domain: found,
    })
}

/// Lets the domain lead to the stage.
pub async fn certify(cloud: &dyn Cloud, request: &CertifyRequest<'_>, observer: &dyn Observer) -> Result<CertifyReport, OperationError> {
    let id = &request.settings.id;
    let (domains, domain) = possible(cloud, request.settings)?;
    let region = certify_region(cloud, request, observer).await?;
    let task = Task::begin(observer, "records", None);
    let (dns, records) = domains.sync_records(id, domain, std::slice::from_ref(&region.endpoint), request.replace).await?;
    task.done(&records.zone.as_ref().map_or_else(|| "kept elsewhere".to_owned(), |zone| format!("hosted zone {zone}, {dns}")));
    Ok(CertifyReport { function_name: id.function_name(), url: domain.url(), regions: vec![region], dns, records })
}

/// The part that each region has of its own.
pub async fn certify_region(
    cloud: &dyn Cloud,
    request: &CertifyRequest<'_>,
    observer: &dyn Observer,
) -> Result<CertifiedRegion, OperationError> {
    let id = &request.settings.id;
    let (domains, domain) = possible(cloud, request.settings)?;
    standing(cloud, request.settings, domain).await?;
    // What may take days holds nobody up: the stage is held from here on only.
    let (certificate, issued) = domains.ensure_certificate(id, domain, observer).await?;
    let lock = cloud.lock(id, request.wait, observer).await?;
    let task = Task::begin(observer, "domain name", None);
    let named = domains.ensure_name(id, domain, &issued, request.replace).await;
    let released = lock.release(true).await;
    let (domain_name, endpoint) = named?;
    released?;
    task.done(&format!("{}, {domain_name}", domain.name));
    Ok(CertifiedRegion { certificate, issued, domain_name, endpoint })
}

/// Whether the settings ask for a domain that the stage can have at all.
fn possible<'a>(cloud: &'a dyn Cloud, settings: &'a Settings) -> Result<(&'a dyn Domains, &'a DomainSettings), OperationError> {
    let id = &settings.id;
    let stage = || id.stage.clone();
    let domains = cloud.domains().ok_or_else(|| OperationError::NoDomainsHere { stage: stage() })?;
    let domain = settings.domain.as_ref().ok_or_else(|| OperationError::NoDomain { stage: stage() })?;
    able(settings.front_door, domain)?;
    Ok((domains, domain))
}

/// Finds the stage, and whether its front door is one that a domain can lead to.
async fn standing(cloud: &dyn Cloud, settings: &Settings, domain: &DomainSettings) -> Result<(), OperationError> {
    let function = || settings.id.function_name();
    let found = cloud.find(&settings.id).await?.ok_or_else(|| CloudError::NotDeployed { function: function() })?;
    let route = found.route.ok_or_else(|| OperationError::NothingLive { function: function() })?;
    able(route.front_door, domain)
}

fn able(front_door: FrontDoor, domain: &DomainSettings) -> Result<(), OperationError> {
    match front_door {
        FrontDoor::Rest | FrontDoor::Http => Ok(()),
        FrontDoor::FunctionUrl | FrontDoor::Alb => Err(OperationError::NoDomainBefore { domain: domain.name.clone(), front_door }),
    }
}

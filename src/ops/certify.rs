//! `certify`: a certificate, a domain name that leads to the stage, and the records that lead to the domain name. Each step finds its own work done;
//! a run that is ended anywhere, and be it while it waits for the certificate, is gone on with by the next one.

use serde::Serialize;

use super::OperationError;
use crate::cloud::{Certificate, Cloud, CloudError, DomainState, Domains, Endpoint, Records, Routing};
use crate::model::{CertificateSource, DomainSettings, FrontDoor, Outcome};
use crate::observe::{Observer, Task};
use crate::settings::{Regions, Settings};

/// What to do, and how.
#[derive(Debug, Clone, Copy)]
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
#[derive(Debug, Clone, Serialize)]
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
    let several = settings.regions != Regions::One;
    let leads = |records: &Records| records.records.iter().any(|record| record.region.is_some() || !several);
    Ok(CertifyPlan {
        function_name: settings.id.function_name(),
        certificate: match &found.certificate {
            None => Outcome::Created,
            Some(certificate) if certificate.status == "issued" => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        },
        domain_name: made(found.endpoint.is_some()),
        mapping: made(found.mapped),
        dns: made(found.records.as_ref().is_none_or(leads)),
        domain: found,
    })
}

/// Lets the domain lead to the stage in one region. Of a stage that is in others, too, their part stays as it is.
pub async fn certify(cloud: &dyn Cloud, request: &CertifyRequest<'_>, observer: &dyn Observer) -> Result<CertifyReport, OperationError> {
    let settings = request.settings;
    let region = certify_region(cloud, request, observer).await?;
    let regions = match &settings.regions {
        Regions::One => Some(std::slice::from_ref(&region.endpoint.region)),
        Regions::Several(regions) => Some(regions.as_slice()),
        Regions::All => None,
    };
    let endpoints = std::slice::from_ref(&region.endpoint);
    let (dns, records) = lead(cloud, request, Lead { endpoints, nearest: settings.regions != Regions::One, regions }, observer).await?;
    let (_, domain) = possible(cloud, settings)?;
    Ok(CertifyReport { function_name: settings.id.function_name(), url: domain.url(), regions: vec![region], dns, records })
}

/// The part that each region has of its own.
async fn certify_region(
    cloud: &dyn Cloud,
    request: &CertifyRequest<'_>,
    observer: &dyn Observer,
) -> Result<CertifiedRegion, OperationError> {
    let certificate = certificate(cloud, request, observer).await?;
    name(cloud, request, certificate, observer).await
}

/// The certificate in a region. What may take days holds nobody up, so the stage is not held meanwhile.
pub(super) async fn certificate(
    cloud: &dyn Cloud,
    request: &CertifyRequest<'_>,
    observer: &dyn Observer,
) -> Result<(Outcome, Certificate), OperationError> {
    let (domains, domain) = possible(cloud, request.settings)?;
    standing(cloud, request.settings, domain).await?;
    Ok(domains.ensure_certificate(&request.settings.id, domain, observer).await?)
}

/// The domain name in a region, with that certificate.
pub(super) async fn name(
    cloud: &dyn Cloud,
    request: &CertifyRequest<'_>,
    (certificate, issued): (Outcome, Certificate),
    observer: &dyn Observer,
) -> Result<CertifiedRegion, OperationError> {
    let id = &request.settings.id;
    let (domains, domain) = possible(cloud, request.settings)?;
    let lock = cloud.lock(id, request.wait, observer).await?;
    let task = Task::begin(observer, "domain name", None);
    let named = domains.ensure_name(id, domain, &issued, request.replace).await;
    let released = lock.release(true).await;
    let (domain_name, endpoint) = named?;
    released?;
    task.done(&format!("{}, {domain_name}", domain.name));
    Ok(CertifiedRegion { certificate, issued, domain_name, endpoint })
}

/// Where people are to be led.
pub(super) struct Lead<'a> {
    /// To these.
    pub(super) endpoints: &'a [Endpoint],
    /// Whether the stage is in several regions.
    pub(super) nearest: bool,
    /// Which those are, if it is known.
    pub(super) regions: Option<&'a [String]>,
}

/// Leads people there: what comes once for all regions.
pub(super) async fn lead(
    cloud: &dyn Cloud,
    request: &CertifyRequest<'_>,
    lead: Lead<'_>,
    observer: &dyn Observer,
) -> Result<(Outcome, Records), OperationError> {
    let (domains, domain) = possible(cloud, request.settings)?;
    let Lead { endpoints, nearest, regions } = lead;
    let checked = domain.health_checks && is_open(request.settings);
    if nearest && domain.health_checks && !checked {
        observer.warn(
            "a region that is not well goes on being led to: the API lets nobody in who does not prove who it is, nor a health check",
        );
    }
    let task = Task::begin(observer, "records", None);
    let routing = Routing { endpoints, nearest, checked, regions, replace: request.replace };
    let (outcome, records) = domains.sync_records(&request.settings.id, domain, &routing, observer).await?;
    task.done(&records.zone.as_ref().map_or_else(|| "kept elsewhere".to_owned(), |zone| format!("hosted zone {zone}, {outcome}")));
    for region in &records.left_over {
        observer.warn(&format!(
            "people are still led to {region}, where the settings do not have the stage; `zappa undeploy --region {region}` removes it there, `zappa \
             certify --yes` the records only"
        ));
    }
    Ok((outcome, records))
}

/// Whether the API answers everybody: health checks of Route 53 have neither keys nor signatures.
fn is_open(settings: &Settings) -> bool {
    let gateway = &settings.gateway;
    let needs_key = gateway.api_key_required && settings.front_door == FrontDoor::Rest;
    !needs_key && !gateway.iam_authorization && gateway.authorizer.is_none()
}

/// Whether the settings ask for something that a stage in these regions cannot have; asks nobody.
pub(super) fn possible_in(settings: &Settings, regions: &[&str]) -> Result<(), OperationError> {
    let Some(domain) = &settings.domain else { return Err(OperationError::NoDomain { stage: settings.id.stage.clone() }) };
    able(settings.front_door, domain)?;
    if domain.edge {
        return Err(OperationError::EdgeInRegions { domain: domain.name.clone() });
    }
    if let CertificateSource::Arn(arn) = &domain.certificate
        && let Some(region) = regions.iter().find(|region| arn.split(':').nth(3) != Some(**region))
    {
        return Err(OperationError::CertificateOfOneRegion { arn: arn.clone(), region: (*region).to_owned() });
    }
    Ok(())
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

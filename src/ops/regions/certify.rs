//! `certify` in several regions: a certificate and a domain name in each, and then the records, which lead people to the nearest.

use serde::Serialize;

use super::{Ending, Place, RegionsReport, Run, Told, causes};
use crate::cloud::{Endpoint, Records};
use crate::hint::Hint as _;
use crate::model::{DomainSettings, Outcome};
use crate::observe::Observer;
use crate::ops::OperationError;
use crate::ops::certify::{self, CertifiedRegion, CertifyPlan, CertifyRequest, Lead, possible_in};
use crate::settings::Regions;

/// How it ended.
#[derive(Debug, Serialize)]
pub struct CertifiedRegions {
    /// Each region's part.
    #[serde(flatten)]
    pub table: RegionsReport,
    /// Where the app begins.
    pub url: String,
    /// What the regions have that were reached.
    pub domain_names: Vec<CertifiedRegion>,
    /// What has become of the records; `None` where there is no region to lead to.
    #[serde(flatten)]
    pub records: Option<Led>,
}

/// What has become of the records.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Led {
    /// They lead there.
    Done {
        /// Whether any were made or changed.
        dns: Outcome,
        /// They.
        #[serde(flatten)]
        records: Records,
    },
    /// They do not.
    Failed {
        /// Why, the outermost first.
        #[serde(rename = "dns_cause")]
        cause: Vec<String>,
        /// What can be done about it.
        #[serde(rename = "dns_hints")]
        hints: Vec<String>,
    },
}

impl CertifiedRegions {
    /// Whether people are led to every region.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.table.is_well() && !matches!(self.records, Some(Led::Failed { .. }))
    }
}

/// Lets the domain lead to every region. Fails as a whole only before anything is done.
pub async fn certify(run: &Run<'_>, request: &CertifyRequest<'_>, observer: &dyn Observer) -> Result<CertifiedRegions, OperationError> {
    possible_in(request.settings, &regions(run))?;
    let ended = run
        .each(
            |done: &Option<CertifiedRegion>| done.as_ref().map_or(Ending::Stopped, ending),
            async |place: &Place, observer| {
                let request = CertifyRequest { settings: &place.settings, ..*request };
                let mut stop = run.stop.clone();
                // A certificate may take days: what is asked to stop does so here, and the next run goes on with it.
                let certificate = tokio::select! {
                    certificate = certify::certificate(&*place.cloud, &request, &*observer) => certificate?,
                    Ok(_) = stop.wait_for(|stop| *stop) => return Ok(None),
                };
                Ok(Some(certify::name(&*place.cloud, &request, certificate, &*observer).await?))
            },
        )
        .await;
    let done = |outcome: &Option<Result<Option<CertifiedRegion>, OperationError>>| match outcome {
        Some(Ok(Some(done))) => Some(done.clone()),
        _ => None,
    };
    let domain_names: Vec<CertifiedRegion> = ended.iter().filter_map(|ended| done(&ended.outcome)).collect();
    let endpoints: Vec<Endpoint> = domain_names.iter().map(|done| done.endpoint.clone()).collect();
    let first = run.places.iter().find(|place| endpoints.first().is_some_and(|endpoint| endpoint.region == place.region));
    let records = match first {
        None => None,
        Some(place) => {
            // Of regions that flags have chosen, there may be others.
            let all: Vec<String> = run.places.iter().map(|place| place.region.clone()).collect();
            let known = match &place.settings.regions {
                Regions::Several(regions) => Some(regions.as_slice()),
                _ => run.is_open.then_some(all.as_slice()),
            };
            let lead = Lead { endpoints: &endpoints, nearest: true, regions: known };
            let request = CertifyRequest { settings: &place.settings, ..*request };
            Some(match certify::lead(&*place.cloud, &request, lead, observer).await {
                Ok((dns, records)) => Led::Done { dns, records },
                Err(error) => Led::Failed { cause: causes(&error), hints: error.hints() },
            })
        }
    };
    let table = run.report(ended, |done| match done {
        None => Told { result: Some(Ending::Stopped), ..Told::default() },
        Some(done) => Told {
            result: Some(ending(&done)),
            url: Some(done.endpoint.domain_name),
            details: vec![format!("certificate {}: {}", done.certificate, done.issued.status), format!("domain name {}", done.domain_name)],
            ..Told::default()
        },
    });
    let url = request.settings.domain.as_ref().map(DomainSettings::url).unwrap_or_default();
    Ok(CertifiedRegions { table, url, domain_names, records })
}

/// What [`certify`] would do; only reads from the target.
pub async fn plan(run: &Run<'_>, request: &CertifyRequest<'_>) -> Result<RegionsReport, OperationError> {
    possible_in(request.settings, &regions(run))?;
    let ending = |plan: &CertifyPlan| {
        let CertifyPlan { certificate, domain_name, mapping, dns, .. } = plan;
        of([*certificate, *domain_name, *mapping, *dns], *domain_name)
    };
    let ended = run.each(ending, async |place: &Place, _| certify::plan(&*place.cloud, &place.settings).await).await;
    Ok(run.report(ended, |plan| {
        let result = Some(ending(&plan));
        let CertifyPlan { certificate, domain_name, mapping, dns, domain, .. } = plan;
        let records = if domain.records.is_some() { dns.to_string() } else { "kept elsewhere".to_owned() };
        let details = vec![
            format!("certificate {certificate}"),
            format!("domain name {domain_name}"),
            format!("mapping {mapping}"),
            format!("records {records}"),
        ];
        Told { result, url: domain.endpoint.map(|endpoint| endpoint.domain_name), details, ..Told::default() }
    }))
}

fn regions<'a>(run: &'a Run<'_>) -> Vec<&'a str> {
    run.places.iter().map(|place| place.region.as_str()).collect()
}

fn ending(done: &CertifiedRegion) -> Ending {
    of([done.certificate, done.domain_name, Outcome::Unchanged, Outcome::Unchanged], done.domain_name)
}

/// A region is new where its domain name is.
fn of(parts: [Outcome; 4], domain_name: Outcome) -> Ending {
    match domain_name {
        Outcome::Created => Ending::Created,
        _ if parts.iter().all(|part| *part == Outcome::Unchanged) => Ending::Unchanged,
        _ => Ending::Updated,
    }
}

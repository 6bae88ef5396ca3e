//! Domain names of the user's own: what leads people to a stage by another name than that of its front door. A part of the seam that only some targets
//! have.

use async_trait::async_trait;
use serde::Serialize;

use super::CloudError;
use crate::model::{DomainSettings, Outcome, StageId};
use crate::observe::Observer;

/// The steps to a domain, in this order. As of all steps, each can be repeated.
#[async_trait]
pub trait Domains: Send + Sync {
    /// What there is of the domain; only reads.
    async fn look(&self, id: &StageId, domain: &DomainSettings) -> Result<DomainState, CloudError>;

    /// A certificate that browsers trust and that covers the domain: the one that the settings bring, else one that the account has, else a new one. Who
    /// owns the domain is proven by a record, which is written, or where that cannot be told to `observer`; then this waits, for days if need be.
    async fn ensure_certificate(
        &self,
        id: &StageId,
        domain: &DomainSettings,
        observer: &dyn Observer,
    ) -> Result<(Outcome, Certificate), CloudError>;

    /// The domain name in the target's region with that certificate, leading to the stage's front door, which has been found before. Under the stage's
    /// lock. With `replace` a path that leads to something else leads here from now on.
    async fn ensure_name(
        &self,
        id: &StageId,
        domain: &DomainSettings,
        certificate: &Certificate,
        replace: bool,
    ) -> Result<(Outcome, Endpoint), CloudError>;

    /// The domain's records that lead where `routing` says, and the health checks that these need.
    async fn sync_records(
        &self,
        id: &StageId,
        domain: &DomainSettings,
        routing: &Routing<'_>,
        observer: &dyn Observer,
    ) -> Result<(Outcome, Records), CloudError>;
}

/// Where a domain's records shall lead.
#[derive(Debug)]
pub struct Routing<'a> {
    /// Where to. Records of regions that are none of these stay as they are, but for `replace`.
    pub endpoints: &'a [Endpoint],
    /// Whether people are led to the nearest of several: the stage is in more than one region. So they are wherever records of other regions stay.
    pub nearest: bool,
    /// Whether nobody is led to a region that is not well.
    pub checked: bool,
    /// The regions that the stage is in, if that is known. `replace` takes the records of others.
    pub regions: Option<&'a [String]>,
    /// Gives up records that lead elsewhere.
    pub replace: bool,
}

/// A certificate.
#[derive(Debug, Clone, Serialize)]
pub struct Certificate {
    /// How AWS calls it.
    pub arn: String,
    /// `issued`, `pending validation`, …
    pub status: String,
    /// In RFC 3339, once it is issued.
    pub not_after: Option<String>,
    /// Whether it is renewed by whoever issued it.
    pub renews: bool,
}

/// Where the domain name is answered in one region: what DNS has to lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// The region.
    pub region: String,
    /// A host name of the target's.
    pub domain_name: String,
    /// The hosted zone that it is in, which alias records name.
    pub hosted_zone_id: String,
    /// The front door behind it by its own name, as far as known, with a slash at the end: what health checks ask.
    #[serde(skip)]
    pub front_door: Option<String>,
}

/// The records of a domain.
#[derive(Debug, Clone, Serialize)]
pub struct Records {
    /// The hosted zone that they are in; `None`: they are for the user to make elsewhere.
    pub zone: Option<String>,
    /// Those that lead to the stage.
    pub records: Vec<DnsRecord>,
    /// What they depend on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<HealthCheck>,
    /// Regions in which the stage is not to be, and to which people are led still.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_over: Vec<String>,
}

/// A question that is asked all the time, so that nobody is led to a region that does not answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// How AWS calls it.
    pub id: String,
    /// The region that it is about.
    pub region: String,
    /// What is asked for.
    pub url: String,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DnsRecord {
    /// Without the dot at the end.
    pub name: String,
    /// `A`, `AAAA`, `CNAME`.
    pub kind: String,
    /// What it leads to.
    pub value: String,
    /// The region whose record it is, of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// A domain as it is.
#[derive(Debug, Clone, Serialize)]
pub struct DomainState {
    /// Its name.
    pub name: String,
    /// Where the app begins.
    pub url: String,
    /// The certificate that it has, else the one that it would have.
    pub certificate: Option<Certificate>,
    /// Where it is answered, if it is.
    pub endpoint: Option<Endpoint>,
    /// Whether it leads to the stage's front door.
    pub mapped: bool,
    /// Its records: `None` where somebody else keeps them.
    pub records: Option<Records>,
}

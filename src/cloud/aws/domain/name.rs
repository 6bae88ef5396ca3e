//! Domain names of API Gateway. One of a region and one before CloudFront are made by the same calls, and differ in the names of the fields.

use std::collections::HashMap;

use aws_sdk_apigateway::types::{DomainName, EndpointConfiguration, EndpointType, IpAddressType, PatchOperation, SecurityPolicy};

use super::{DomainError, Ground};
use crate::cloud::Endpoint;
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{code, failed, found};
use crate::cloud::aws::names::PROJECT_TAG;
use crate::cloud::aws::route::{Site, missing_tags, rest};
use crate::model::Outcome;

const ABSENT: [&str; 1] = ["NotFoundException"];
/// What API Gateway says of a name that is there already.
const EXISTS: [&str; 2] = ["ConflictException", "BadRequestException"];

/// A domain name as it is.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) name: String,
    pub(super) edge: bool,
    pub(super) certificate: Option<String>,
    /// What DNS has to lead to, and the hosted zone of that.
    pub(super) target: String,
    pub(super) zone: String,
    dual_stack: bool,
    policy: Option<String>,
    tags: HashMap<String, String>,
}

impl Name {
    fn of(there: DomainName) -> Self {
        let configuration = there.endpoint_configuration.unwrap_or_else(|| EndpointConfiguration::builder().build());
        let edge = configuration.types().contains(&EndpointType::Edge);
        let (certificate, target, zone) = if edge {
            (there.certificate_arn, there.distribution_domain_name, there.distribution_hosted_zone_id)
        } else {
            (there.regional_certificate_arn, there.regional_domain_name, there.regional_hosted_zone_id)
        };
        Self {
            name: there.domain_name.unwrap_or_default(),
            edge,
            certificate,
            target: target.unwrap_or_default(),
            zone: zone.unwrap_or_default(),
            dual_stack: configuration.ip_address_type() == Some(&IpAddressType::Dualstack),
            policy: there.security_policy.map(|policy| policy.as_str().to_owned()),
            tags: there.tags.unwrap_or_default(),
        }
    }

    pub(super) fn endpoint(&self, site: Site<'_>) -> Endpoint {
        let region = site.place.region.clone();
        Endpoint { region, domain_name: self.target.clone(), hosted_zone_id: self.zone.clone(), front_door: None }
    }

    /// Whether it is of the kind that the stage wants. One kind can become the other, but not in passing: people's DNS has to follow at the same time.
    pub(super) fn check(&self, ground: Ground<'_>) -> Result<(), DomainError> {
        if self.edge == ground.domain.edge {
            return Ok(());
        }
        let words = |edge| if edge { "an edge-optimized one" } else { "a regional one" };
        Err(DomainError::OtherKind { domain: self.name.clone(), there: words(self.edge), wanted: words(ground.domain.edge) })
    }

    /// Whether it was made for a stage of the project: its stages may share it, each under a path.
    pub(super) fn is_of_project(&self, site: Site<'_>) -> bool {
        self.tags.get(PROJECT_TAG) == Some(&site.names.id.project)
    }

    /// Whether it was made for this stage.
    pub(super) fn is_own(&self, site: Site<'_>) -> bool {
        site.names.owns(|key| self.tags.get(key).cloned())
    }
}

pub(super) async fn fetch(site: Site<'_>, name: &str) -> Result<Option<Name>, AwsError> {
    let answer = site.clients.rest_apis.get_domain_name().domain_name(name).send().await;
    let answer = found(answer, &ABSENT).map_err(failed(rest::GET, path(name)))?;
    Ok(answer.map(|there| {
        Name::of(
            DomainName::builder()
                .set_domain_name(there.domain_name)
                .set_certificate_arn(there.certificate_arn)
                .set_regional_certificate_arn(there.regional_certificate_arn)
                .set_regional_domain_name(there.regional_domain_name)
                .set_regional_hosted_zone_id(there.regional_hosted_zone_id)
                .set_distribution_domain_name(there.distribution_domain_name)
                .set_distribution_hosted_zone_id(there.distribution_hosted_zone_id)
                .set_endpoint_configuration(there.endpoint_configuration)
                .set_security_policy(there.security_policy)
                .set_tags(there.tags)
                .build(),
        )
    }))
}

/// Those of the project's stages, and `also`, if it is there.
pub(super) async fn list(site: Site<'_>, also: Option<&str>) -> Result<Vec<Name>, AwsError> {
    let mut pages = site.clients.rest_apis.get_domain_names().limit(rest::PAGE).into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(name) = pages.next().await {
        let name = Name::of(name.map_err(failed(rest::GET, "/domainnames"))?);
        if name.is_of_project(site) || Some(name.name.as_str()) == also {
            names.push(name);
        }
    }
    Ok(names)
}

/// The domain name with this certificate. One that somebody else has made keeps what it has.
pub(super) async fn ensure(ground: Ground<'_>, certificate: &str) -> Result<(Outcome, Name), AwsError> {
    let (outcome, there) = match fetch(ground.site, &ground.domain.name).await? {
        Some(there) => (Outcome::Unchanged, there),
        None => create(ground, certificate).await?,
    };
    there.check(ground)?;
    if outcome == Outcome::Created || !there.is_of_project(ground.site) {
        return Ok((outcome, there));
    }
    update(ground, there, certificate).await
}

async fn create(ground: Ground<'_>, certificate: &str) -> Result<(Outcome, Name), AwsError> {
    let name = &ground.domain.name;
    let kind = if ground.domain.edge { EndpointType::Edge } else { EndpointType::Regional };
    // An AAAA record is good for nothing unless there is an answer at the other end of it.
    let configuration = EndpointConfiguration::builder().types(kind).ip_address_type(IpAddressType::Dualstack).build();
    let request = ground.site.clients.rest_apis.create_domain_name().domain_name(name).endpoint_configuration(configuration);
    let request = request.security_policy(SecurityPolicy::Tls12).set_tags(Some(ground.tags.clone().into_iter().collect()));
    let request = match ground.domain.edge {
        true => request.certificate_arn(certificate),
        false => request.regional_certificate_arn(certificate),
    };
    match request.send().await {
        Ok(_) => {}
        // Our own, whose answer was lost, or another run's.
        Err(error) if EXISTS.contains(&code(&error)) => {
            return match fetch(ground.site, name).await? {
                Some(there) => Ok((Outcome::Unchanged, there)),
                None => Err(failed(rest::POST, path(name))(error)),
            };
        }
        Err(error) => return Err(failed(rest::POST, path(name))(error)),
    }
    let made = fetch(ground.site, name).await?.ok_or_else(|| super::incomplete(name, "domainName"))?;
    Ok((Outcome::Created, made))
}

async fn update(ground: Ground<'_>, there: Name, certificate: &str) -> Result<(Outcome, Name), AwsError> {
    let site = ground.site;
    let mut patches: Vec<PatchOperation> = Vec::new();
    if there.certificate.as_deref() != Some(certificate) {
        patches.push(rest::patch(if there.edge { "/certificateArn" } else { "/regionalCertificateArn" }, certificate));
    }
    if !there.dual_stack {
        patches.push(rest::patch("/endpointConfiguration/ipAddressType", IpAddressType::Dualstack.as_str()));
    }
    // A stricter one than ours was chosen by somebody.
    if there.policy.as_deref() == Some(SecurityPolicy::Tls10.as_str()) {
        patches.push(rest::patch("/securityPolicy", SecurityPolicy::Tls12.as_str()));
    }
    let mut outcome = Outcome::Unchanged;
    if !patches.is_empty() {
        let request = site.clients.rest_apis.update_domain_name().domain_name(&there.name).set_patch_operations(Some(patches));
        request.send().await.map_err(failed(rest::PATCH, path(&there.name)))?;
        outcome = Outcome::Updated;
    }
    // Whose it is stays as it is: stages of a project may share it.
    let own = |key: &str| !key.starts_with("zappa:");
    let missing = missing_tags(ground.tags, Some(&there.tags)).into_iter().filter(|(key, _)| own(key)).collect::<Vec<_>>();
    if !missing.is_empty() {
        let place = site.place;
        let arn = format!("arn:{}:apigateway:{}::{}", place.partition, place.region, path(&there.name));
        let request = site.clients.rest_apis.tag_resource().resource_arn(&arn);
        let request = missing.into_iter().fold(request, |request, (key, value)| request.tags(key, value));
        request.send().await.map_err(failed(rest::PUT, format!("/tags/{arn}")))?;
        outcome = Outcome::Updated;
    }
    Ok((outcome, there))
}

pub(super) async fn delete(site: Site<'_>, name: &str) -> Result<(), AwsError> {
    let answer = site.clients.rest_apis.delete_domain_name().domain_name(name).send().await;
    found(answer, &ABSENT).map_err(failed(rest::DELETE, path(name)))?;
    Ok(())
}

/// As IAM writes it.
pub(super) fn path(name: &str) -> String {
    format!("/domainnames/{name}")
}

//! Certificates in ACM: the one that a domain has, one that covers it, one that is requested, or the user's own.
//!
//! A certificate is used where it is, and an edge-optimized domain's has to be in the region that CloudFront looks in.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_acm::config::{Builder, Region};
use aws_sdk_acm::types::{
    CertificateDetail, CertificateStatus, CertificateSummary, CertificateType, Filters, KeyAlgorithm, ResourceRecord, Tag, ValidationMethod,
};
use aws_smithy_types::Blob;
use aws_smithy_types::date_time::Format;

use super::{DomainError, Ground, records};
use crate::cloud::Certificate;
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{code, failed, found};
use crate::cloud::aws::names::PROJECT_TAG;
use crate::cloud::aws::retries::Pauses;
use crate::model::{CertificateFiles, CertificateSource, Outcome};
use crate::observe::{Observer, Task};

/// The proofs that have been seen to in this run.
type Proofs = tokio::sync::Mutex<BTreeSet<String>>;

const ABSENT: [&str; 1] = ["ResourceNotFoundException"];
/// What a domain name that was just deleted still does with its certificate, for a while.
const IN_USE: &str = "ResourceInUseException";
/// The kinds of keys that API Gateway serves with; the list has only the first unless it is asked for more.
const KEYS: [KeyAlgorithm; 5] =
    [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072, KeyAlgorithm::Rsa4096, KeyAlgorithm::EcPrime256v1, KeyAlgorithm::EcSecp384r1];
/// Between two looks at a request, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// For how long a certificate is waited for that a domain name has just given up.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Calls are made where the certificate is.
fn at(ground: Ground<'_>) -> Builder {
    Builder::new().region(Region::new(ground.certificates.to_owned()))
}

/// See [`crate::cloud::Domains::ensure_certificate`]. `current` is the certificate that the domain name has.
pub(super) async fn ensure(
    ground: Ground<'_>,
    current: Option<&str>,
    proofs: &Proofs,
    observer: &dyn Observer,
) -> Result<(Outcome, Certificate), AwsError> {
    match &ground.domain.certificate {
        CertificateSource::Arn(arn) => named(ground, arn).await,
        CertificateSource::Own(files) => own(ground, files).await,
        CertificateSource::Managed => managed(ground, current, proofs, observer).await,
    }
}

/// The certificate that a domain has or would have, without any change.
pub(super) async fn look(ground: Ground<'_>, current: Option<&str>) -> Result<Option<Certificate>, AwsError> {
    let arn = match (current, &ground.domain.certificate) {
        (Some(current), _) => Some(current.to_owned()),
        (None, CertificateSource::Arn(arn)) => Some(arn.clone()),
        (None, CertificateSource::Own(_)) => owned(ground, &[CertificateType::Imported], true).await?.into_iter().next(),
        (None, CertificateSource::Managed) => {
            let known = list(ground).await?;
            best(ground, &known, None).or_else(|| pending(ground, &known)).and_then(|known| known.certificate_arn.clone())
        }
    };
    match arn {
        Some(arn) => Ok(describe(ground, &arn).await?.as_ref().map(told)),
        None => Ok(None),
    }
}

async fn named(ground: Ground<'_>, arn: &str) -> Result<(Outcome, Certificate), AwsError> {
    // arn:PARTITION:acm:REGION:ACCOUNT:certificate/ID
    if arn.split(':').nth(3) != Some(ground.certificates) {
        return Err(DomainError::CertificateElsewhere {
            arn: arn.to_owned(),
            region: ground.certificates.to_owned(),
            domain: ground.domain.name.clone(),
            edge: ground.domain.edge,
        }
        .into());
    }
    let unusable = |status: &str| DomainError::CertificateUnusable { arn: arn.to_owned(), status: status.to_owned() };
    let detail = describe(ground, arn).await?.ok_or_else(|| unusable("not there"))?;
    let names = detail.domain_name.iter().chain(detail.subject_alternative_names());
    if detail.status() != Some(&CertificateStatus::Issued) {
        return Err(unusable(&told(&detail).status).into());
    }
    if !names.into_iter().any(|name| covers(name, &ground.domain.name)) {
        return Err(unusable(&format!("for other names than `{}`", ground.domain.name)).into());
    }
    Ok((Outcome::Unchanged, told(&detail)))
}

async fn managed(
    ground: Ground<'_>,
    current: Option<&str>,
    proofs: &Proofs,
    observer: &dyn Observer,
) -> Result<(Outcome, Certificate), AwsError> {
    let known = list(ground).await?;
    if let Some(arn) = best(ground, &known, current).and_then(CertificateSummary::certificate_arn) {
        let detail = described(ground, arn).await?;
        return Ok((Outcome::Unchanged, told(&detail)));
    }
    let (outcome, arn) = match pending(ground, &known).and_then(CertificateSummary::certificate_arn) {
        Some(arn) => (Outcome::Updated, arn.to_owned()),
        None => (Outcome::Created, request(ground).await?),
    };
    let task = Task::begin(observer, "certificate", None);
    let record = validation_record(ground, &arn).await?;
    if let Some(record) = record {
        prove(ground, &record, proofs, observer).await?;
    }
    let detail = issued(ground, &arn).await?;
    task.done("issued");
    Ok((outcome, told(&detail)))
}

/// Writes the proof, or tells it, unless another region has: they share it.
async fn prove(ground: Ground<'_>, record: &ResourceRecord, proofs: &Proofs, observer: &dyn Observer) -> Result<(), AwsError> {
    let mut proofs = proofs.lock().await;
    let line = format!("{} CNAME {}", record.name(), record.value());
    if proofs.contains(&line) {
        return Ok(());
    }
    let written = match ground.domain.route53 {
        true => records::prove(ground, record).await?,
        false => None,
    };
    match written {
        Some(zone) => observer.note(&format!("proof of the domain is in the hosted zone `{zone}`; ACM looks for it every few minutes")),
        None => observer.note(&format!(
            "make this record where the domain's DNS is kept, and leave it there, since renewals need it, too:\n  {line}\nwaiting for it; Ctrl-C ends the \
             waiting, and running the command again goes on with it"
        )),
    }
    proofs.insert(line);
    Ok(())
}

async fn request(ground: Ground<'_>) -> Result<String, AwsError> {
    // What the SDK asks for again after a lost answer is one request, for ACM as for us.
    let token = uuid::Uuid::new_v4().simple().to_string();
    let request = ground.site.clients.certificates.request_certificate().domain_name(&ground.domain.name).idempotency_token(token);
    let request = request.validation_method(ValidationMethod::Dns).set_tags(Some(tags(ground)));
    let answer = request.customize().config_override(at(ground)).send().await;
    let answer = answer.map_err(failed("acm:RequestCertificate", &ground.domain.name))?;
    answer.certificate_arn.ok_or_else(|| super::incomplete(&ground.domain.name, "CertificateArn"))
}

/// ACM takes some seconds to make it up. `None`: the request has come to its end without.
async fn validation_record(ground: Ground<'_>, arn: &str) -> Result<Option<ResourceRecord>, AwsError> {
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let detail = described(ground, arn).await?;
        let record = detail.domain_validation_options().iter().find_map(|option| option.resource_record.clone());
        if record.is_some() || detail.status() != Some(&CertificateStatus::PendingValidation) {
            return Ok(record);
        }
        pauses.pause().await;
    }
}

/// Waits as long as ACM does, which is for three days.
async fn issued(ground: Ground<'_>, arn: &str) -> Result<CertificateDetail, AwsError> {
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let detail = described(ground, arn).await?;
        match detail.status() {
            Some(CertificateStatus::Issued) => return Ok(detail),
            Some(CertificateStatus::PendingValidation) => {}
            _ => {
                let reason = detail.failure_reason().map(|reason| format!(" ({})", reason.as_str())).unwrap_or_default();
                let status = format!("{}{reason}", told(&detail).status);
                return Err(DomainError::NotIssued { domain: ground.domain.name.clone(), status }.into());
            }
        }
        pauses.pause().await;
    }
}

/// The files in ACM. The private key is sent along and nowhere else.
async fn own(ground: Ground<'_>, files: &CertificateFiles) -> Result<(Outcome, Certificate), AwsError> {
    let read = |path: &std::path::Path| {
        std::fs::read_to_string(path).map_err(|source| AwsError::from(DomainError::File { path: path.to_owned(), source }))
    };
    let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
    let chain = files.chain.as_deref().map(read).transpose()?;
    if blocks(&certificate).is_empty() {
        return Err(DomainError::NotPem { path: files.certificate.clone() }.into());
    }
    let client = &ground.site.clients.certificates;
    let there = owned(ground, &[CertificateType::Imported], true).await?.into_iter().next();
    if let Some(arn) = &there {
        let answer = client.get_certificate().certificate_arn(arn).customize().config_override(at(ground)).send().await;
        let answer = answer.map_err(failed("acm:GetCertificate", arn))?;
        let held = blocks(answer.certificate_chain().unwrap_or_default());
        let chained = chain.as_deref().is_none_or(|chain| blocks(chain).iter().all(|block| held.contains(block)));
        if blocks(answer.certificate().unwrap_or_default()) == blocks(&certificate) && chained {
            return Ok((Outcome::Unchanged, told(&described(ground, arn).await?)));
        }
    }
    let request = client.import_certificate().certificate(Blob::new(certificate)).private_key(Blob::new(key));
    let request = request.set_certificate_chain(chain.map(Blob::new)).set_certificate_arn(there.clone());
    // One that is imported again keeps its tags, and takes none.
    let request = request.set_tags(there.is_none().then(|| tags(ground)));
    let answer = request.customize().config_override(at(ground)).send().await;
    let answer = answer.map_err(failed("acm:ImportCertificate", &ground.domain.name))?;
    let arn = answer.certificate_arn.ok_or_else(|| super::incomplete(&ground.domain.name, "CertificateArn"))?;
    let outcome = if there.is_some() { Outcome::Updated } else { Outcome::Created };
    Ok((outcome, told(&described(ground, &arn).await?)))
}

/// Removes the certificates for the domain that this tool has made for the stage, with `shared` for any stage of the project, or says which there are.
/// One that something else uses stays.
pub(super) async fn remove(ground: Ground<'_>, shared: bool, dry_run: bool) -> Result<Vec<String>, AwsError> {
    let mut removed = Vec::new();
    for arn in owned(ground, &[CertificateType::Imported, CertificateType::AmazonIssued], shared).await? {
        if dry_run || delete(ground, &arn).await? {
            removed.push(format!("certificate `{arn}`"));
        }
    }
    Ok(removed)
}

async fn delete(ground: Ground<'_>, arn: &str) -> Result<bool, AwsError> {
    let deadline = tokio::time::Instant::now() + GIVEN_UP;
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let request = ground.site.clients.certificates.delete_certificate().certificate_arn(arn);
        match found(request.customize().config_override(at(ground)).send().await, &ABSENT) {
            Ok(_) => return Ok(true),
            Err(error) if code(&error) == IN_USE && tokio::time::Instant::now() < deadline => {
                pauses.pause().await;
            }
            Err(error) if code(&error) == IN_USE => return Ok(false),
            Err(error) => return Err(failed("acm:DeleteCertificate", arn)(error)),
        }
    }
}

/// All certificates, whatever became of them.
async fn list(ground: Ground<'_>) -> Result<Vec<CertificateSummary>, AwsError> {
    let filters = Filters::builder().set_key_types(Some(KEYS.to_vec())).build();
    let mut known = Vec::new();
    let mut next = None;
    loop {
        let request = ground.site.clients.certificates.list_certificates().includes(filters.clone()).set_next_token(next);
        let page = request.customize().config_override(at(ground)).send().await;
        let page = page.map_err(failed("acm:ListCertificates", ground.certificates))?;
        known.extend(page.certificate_summary_list.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            return Ok(known);
        }
    }
}

/// The stage's own certificates for the domain, with `shared` those of all stages of the project, which share a domain name, too.
async fn owned(ground: Ground<'_>, kinds: &[CertificateType], shared: bool) -> Result<Vec<String>, AwsError> {
    let mut owned = Vec::new();
    let known = list(ground).await?;
    let of_domain = |known: &&CertificateSummary| names(known).any(|name| covers(name, &ground.domain.name));
    for known in known.iter().filter(of_domain).filter(|known| known.r#type().is_some_and(|kind| kinds.contains(kind))) {
        let Some(arn) = known.certificate_arn() else { continue };
        let request = ground.site.clients.certificates.list_tags_for_certificate().certificate_arn(arn);
        let answer = request.customize().config_override(at(ground)).send().await;
        let Some(answer) = found(answer, &ABSENT).map_err(failed("acm:ListTagsForCertificate", arn))? else { continue };
        let tag = |key: &str| answer.tags().iter().find(|tag| tag.key() == key).and_then(|tag| tag.value().map(str::to_owned));
        let names = ground.site.names;
        if names.owns(tag) || (shared && tag(PROJECT_TAG).as_deref() == Some(&names.id.project)) {
            owned.push(arn.to_owned());
        }
    }
    Ok(owned)
}

/// What to use of what there is: rather one that is renewed by itself, rather the one in use, rather the one that lasts longest.
fn best<'a>(ground: Ground<'_>, known: &'a [CertificateSummary], current: Option<&str>) -> Option<&'a CertificateSummary> {
    let public = |known: &&CertificateSummary| matches!(known.r#type(), Some(CertificateType::AmazonIssued | CertificateType::Imported));
    let fit = known
        .iter()
        .filter(public)
        .filter(|known| known.status() == Some(&CertificateStatus::Issued) && names(known).any(|name| covers(name, &ground.domain.name)));
    fit.max_by_key(|known| {
        let renews = known.r#type() == Some(&CertificateType::AmazonIssued);
        (renews, current.is_some() && known.certificate_arn() == current, known.not_after().map(aws_smithy_types::DateTime::secs))
    })
}

/// A request for exactly this domain that waits for its proof.
fn pending<'a>(ground: Ground<'_>, known: &'a [CertificateSummary]) -> Option<&'a CertificateSummary> {
    known
        .iter()
        .find(|known| known.status() == Some(&CertificateStatus::PendingValidation) && known.domain_name() == Some(&ground.domain.name))
}

fn names(known: &CertificateSummary) -> impl Iterator<Item = &str> {
    known.domain_name().into_iter().chain(known.subject_alternative_name_summaries().iter().map(String::as_str))
}

/// Whether a name of a certificate stands for the domain. `*` stands for one label (RFC 6125, 6.4.3).
fn covers(name: &str, domain: &str) -> bool {
    name == domain || name.strip_prefix("*.").is_some_and(|rest| domain.split_once('.').is_some_and(|(_, behind)| behind == rest))
}

async fn describe(ground: Ground<'_>, arn: &str) -> Result<Option<CertificateDetail>, AwsError> {
    let request = ground.site.clients.certificates.describe_certificate().certificate_arn(arn);
    let answer = request.customize().config_override(at(ground)).send().await;
    Ok(found(answer, &ABSENT).map_err(failed("acm:DescribeCertificate", arn))?.and_then(|answer| answer.certificate))
}

async fn described(ground: Ground<'_>, arn: &str) -> Result<CertificateDetail, AwsError> {
    describe(ground, arn).await?.ok_or_else(|| super::incomplete(arn, "Certificate"))
}

fn told(detail: &CertificateDetail) -> Certificate {
    let status = detail.status().map(CertificateStatus::as_str).unwrap_or_default();
    Certificate {
        arn: detail.certificate_arn().unwrap_or_default().to_owned(),
        status: status.to_lowercase().replace('_', " "),
        not_after: detail.not_after().and_then(|time| time.fmt(Format::DateTime).ok()),
        renews: detail.r#type() == Some(&CertificateType::AmazonIssued),
    }
}

fn tags(ground: Ground<'_>) -> Vec<Tag> {
    ground.tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// The certificates of a PEM file, without line ends and whatever stands between them.
fn blocks(pem: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let parts = pem.split(BEGIN).skip(1).filter_map(|part| part.split_once(END));
    parts.map(|(body, _)| body.split_whitespace().collect()).collect()
}

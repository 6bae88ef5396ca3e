//! What is told of domains, as text.

use super::printer::{BOLD, DIM};
use super::report::Rows;
use super::{Printer, regions};
use crate::cloud::{Certificate, DnsRecord, DomainState, HealthCheck, Records};
use crate::model::{Outcome, StageId};
use crate::ops::certify::{CertifiedRegion, CertifyPlan, CertifyReport};
use crate::ops::regions::certify::{CertifiedRegions, Led};

/// `zappa certify`
#[must_use]
pub fn certify(report: &CertifyReport) -> String {
    let CertifyReport { function_name, url, regions, dns, records } = report;
    let mut rows = Rows::default();
    for CertifiedRegion { certificate, issued, domain_name, endpoint } in regions {
        rows.add("region", &endpoint.region);
        rows.add("certificate", format!("{certificate}: {}", certificate_text(issued)));
        rows.add("domain name", format!("{domain_name}: {}", endpoint.domain_name));
    }
    format!("{BOLD}{url}{BOLD:#} leads to {function_name}\n\n{}", with_records(rows, *dns, records))
}

/// `zappa certify` in several regions.
#[must_use]
pub fn certify_regions(id: &StageId, report: &CertifiedRegions) -> String {
    let CertifiedRegions { table, url, domain_names: _, records } = report;
    let summary = regions::summary(table);
    match records {
        Some(Led::Done { dns, records }) => {
            let text = regions::table(id, table, &format!("{url} leads to the nearest of {summary}"));
            format!("{text}\n\n{}", with_records(Rows::default(), *dns, records))
        }
        Some(Led::Failed { .. }) | None => regions::table(id, table, &format!("no record of {url} was changed; {summary}")),
    }
}

/// Says why nobody is led there.
pub fn records_failure(printer: &Printer, report: &CertifiedRegions) {
    if let Some(Led::Failed { cause, hints }) = &report.records {
        let (message, causes) = cause.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
        printer.failure_with(&message, causes, hints);
    }
}

fn with_records(mut rows: Rows, dns: Outcome, records: &Records) -> String {
    let Records { zone, records, health_checks, left_over: _ } = records;
    let routed = records.iter().any(|record| record.region.is_some());
    match zone {
        Some(zone) => {
            let nearest = if routed { ", leading to the nearest region" } else { "" };
            rows.add("records", format!("{dns}: {} in the hosted zone {zone}{nearest}", kinds(records)));
        }
        None => {
            for DnsRecord { name, kind, value, region } in records {
                let region = region.as_ref().map(|region| format!(" (for {region})")).unwrap_or_default();
                rows.add(if routed { "make one of these" } else { "make this record" }, format!("{name} {kind} {value}{region}"));
            }
        }
    }
    let mut notes = Vec::new();
    if let Some(HealthCheck { url, .. }) = health_checks.first() {
        let count = health_checks.len();
        rows.add("health checks", format!("{count}, asking {url}{}", if count > 1 { " and so on" } else { "" }));
        notes.push("health checks and the requests that they make cost some dollars a month for each region; `route53_health_checks = false` is without");
    }
    if zone.is_none() {
        notes
            .push("a domain that has a zone of its own takes no CNAME at its top: there it is an ALIAS, or whatever the DNS host calls it");
    }
    if zone.is_none() && routed {
        notes.push("a DNS host that leads people by where they are takes all of the records, any other takes one of them");
    }
    let notes: Vec<String> = notes.into_iter().map(|note| format!("\n\n{DIM}{note}{DIM:#}")).collect();
    format!("{rows}{}", notes.concat())
}

/// `zappa certify --dry-run`
#[must_use]
pub fn certify_plan(plan: &CertifyPlan) -> String {
    let CertifyPlan { function_name, certificate, domain_name, mapping, dns, domain } = plan;
    let mut rows = Rows::default();
    let there = domain.certificate.as_ref().map(|there| format!(": {}", certificate_text(there))).unwrap_or_default();
    rows.add("certificate", format!("{certificate}{there}"));
    rows.add("domain name", domain_name.to_string());
    rows.add("mapping", mapping.to_string());
    rows.add("records", if domain.records.is_some() { dns.to_string() } else { "kept elsewhere".to_owned() });
    format!("{BOLD}{}{BOLD:#}: nothing was done; this would let it lead to {function_name}\n\n{rows}", domain.url)
}

fn certificate_text(certificate: &Certificate) -> String {
    let Certificate { arn, status, not_after, renews } = certificate;
    let until = not_after.as_ref().map(|time| format!(" until {time}")).unwrap_or_default();
    let renewed = if *renews { ", renewed by ACM" } else { "" };
    format!("{status}{until}{renewed} ({arn})")
}

/// `A and AAAA`
fn kinds(records: &[DnsRecord]) -> String {
    let mut kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(" and ")
}

/// The part of `zappa status` that is about the domain.
pub(super) fn domain(rows: &mut Rows, state: &DomainState) {
    let DomainState { name: _, url, certificate, endpoint, mapped, records } = state;
    let leads = match (endpoint, mapped) {
        (Some(_), true) => "",
        (Some(_), false) => ": leads elsewhere; `zappa certify` lets it lead here",
        (None, _) => ": not there yet; `zappa certify` makes it",
    };
    rows.add("domain", format!("{url}{leads}"));
    if let Some(certificate) = certificate {
        rows.add("certificate", certificate_text(certificate));
    }
    match (records, endpoint) {
        (Some(records), _) if !records.records.is_empty() => {
            let zone = records.zone.as_deref().unwrap_or_default();
            let nearest =
                if records.records.iter().any(|record| record.region.is_some()) { ", for whom this region is the nearest" } else { "" };
            rows.add("records", format!("{} in the hosted zone {zone}{nearest}", kinds(&records.records)));
        }
        (Some(_), _) => rows.add("records", "none leads here"),
        (None, Some(endpoint)) => rows.add("records", format!("kept elsewhere; they have to lead to {}", endpoint.domain_name)),
        (None, None) => {}
    }
}

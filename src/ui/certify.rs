//! What is told of domains, as text.

use super::printer::{BOLD, DIM};
use super::report::Rows;
use crate::cloud::{Certificate, DnsRecord, DomainState};
use crate::ops::certify::{CertifiedRegion, CertifyPlan, CertifyReport};

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
    match &records.zone {
        Some(zone) => rows.add("records", format!("{dns}: {} in the hosted zone {zone}", kinds(&records.records))),
        None => {
            for DnsRecord { name, kind, value } in &records.records {
                rows.add("make this record", format!("{name} {kind} {value}"));
            }
        }
    }
    let text = format!("{BOLD}{url}{BOLD:#} leads to {function_name}\n\n{rows}");
    if records.zone.is_some() {
        return text;
    }
    format!(
        "{text}\n\n{DIM}a domain that has a zone of its own takes no CNAME at its top: there it is an ALIAS, or whatever the DNS host calls it{DIM:#}"
    )
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
    let kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
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
            rows.add("records", format!("{} in the hosted zone {zone}", kinds(&records.records)));
        }
        (Some(_), _) => rows.add("records", "none leads here"),
        (None, Some(endpoint)) => rows.add("records", format!("kept elsewhere; they have to lead to {}", endpoint.domain_name)),
        (None, None) => {}
    }
}

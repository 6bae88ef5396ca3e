//! The domain and its certificate.

use std::path::Path;

use super::error::Problem;
use super::remaining::Remaining;
use crate::model::{CertificateFiles, CertificateSource, DomainSettings, EndpointKind};

/// The domain, if there is one; files are relative to `directory`.
pub(super) fn domain(
    rest: &mut Remaining,
    base_path: Option<&str>,
    endpoint: EndpointKind,
    directory: &Path,
    problems: &mut Vec<Problem>,
) -> Option<DomainSettings> {
    let given = rest.given("domain");
    // Nothing is wrong with the certificate of a domain that is not there.
    let mut unused = Vec::new();
    let certificate = certificate(rest, directory, if given.node.is_unset() { &mut unused } else { &mut *problems });
    let route53 = rest.truth("route53_enabled");
    let health_checks = rest.truth("route53_health_checks");
    // DNS does not tell capitals apart, and AWS takes none.
    let name = given.node.as_text().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let edge = endpoint == EndpointKind::Edge;
    if endpoint == EndpointKind::Private {
        problems.push(Problem::new(&given.origin, "`domain` is for the public, and `endpoint_configuration` makes the API a private one"));
    }
    if let Some(path) = base_path.filter(|path| edge && path.contains('/')) {
        // `basePath` of API Gateway's base path mappings, the only ones that lead from CloudFront.
        let message = format!("`base_path` of an edge-optimized domain is one segment, and `{path}` has several");
        problems.push(Problem::new(&given.origin, message));
    }
    Some(DomainSettings { name, base_path: base_path.map(str::to_owned), edge, certificate, route53, health_checks })
}

fn certificate(rest: &mut Remaining, directory: &Path, problems: &mut Vec<Problem>) -> CertificateSource {
    let [arn, certificate, key, chain] =
        ["certificate_arn", "certificate", "certificate_key", "certificate_chain"].map(|name| rest.given(name));
    let text = |given: &super::written::Given| given.node.as_text().filter(|text| !text.is_empty()).map(str::to_owned);
    let file = |given| text(given).map(|name| directory.join(name));
    if let (Some(_), Some(_)) = (text(&arn), file(&certificate)) {
        problems.push(Problem::new(&certificate.origin, "`certificate` and `certificate_arn` are both set; a domain has one certificate"));
    }
    match (text(&arn), file(&certificate), file(&key)) {
        (Some(arn), _, _) => CertificateSource::Arn(arn),
        (None, Some(certificate), Some(key)) => CertificateSource::Own(CertificateFiles { certificate, key, chain: file(&chain) }),
        (None, Some(_), None) => {
            problems.push(Problem::new(&certificate.origin, "`certificate` needs `certificate_key`, the file with its private key"));
            CertificateSource::Managed
        }
        (None, None, Some(_)) => {
            problems.push(Problem::new(&key.origin, "`certificate_key` needs `certificate`, the file that it belongs to"));
            CertificateSource::Managed
        }
        (None, None, None) => CertificateSource::Managed,
    }
}

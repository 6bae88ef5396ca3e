//! Why a domain does not come to lead to a stage, before or beside any call.

use std::path::PathBuf;

use crate::hint::Hint;

/// What stands in the way of a domain.
#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    /// A file of a certificate.
    #[error("could not read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file of a certificate holds something else.
    #[error("`{}` holds no certificate in PEM form", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// A certificate is where it cannot be used.
    #[error("the certificate `{arn}` is not in the region `{region}`, where `{domain}` needs it")]
    CertificateElsewhere {
        /// The certificate.
        arn: String,
        /// Where it has to be.
        region: String,
        /// The domain.
        domain: String,
        /// Whether the domain is edge-optimized.
        edge: bool,
    },
    /// The certificate that the settings name cannot be used.
    #[error("the certificate `{arn}` is {status}")]
    CertificateUnusable {
        /// The certificate.
        arn: String,
        /// What is wrong with it.
        status: String,
    },
    /// No certificate came of a request.
    #[error("no certificate for `{domain}` was issued: the request is {status}")]
    NotIssued {
        /// The domain.
        domain: String,
        /// What became of the request, in ACM's words.
        status: String,
    },
    /// The domain name is there in another form.
    #[error("the domain name `{domain}` is there already as {there}, and the stage wants {wanted}")]
    OtherKind {
        /// The domain.
        domain: String,
        /// What it is.
        there: &'static str,
        /// What it shall be.
        wanted: &'static str,
    },
    /// The domain leads to something else.
    #[error("`{url}` leads to the API `{api}`, which is not this stage's")]
    MappingTaken {
        /// The domain and the path.
        url: String,
        /// The API.
        api: String,
    },
    /// A record of the domain leads to something else.
    #[error("the {kind} record of `{name}` leads to `{value}`")]
    RecordTaken {
        /// The domain.
        name: String,
        /// `A`, `AAAA`, `CNAME`.
        kind: String,
        /// Where it leads.
        value: String,
    },
    /// It cannot be told which zone counts.
    #[error("the account has several public hosted zones `{zone}`")]
    SeveralZones {
        /// Their name.
        zone: String,
    },
    /// The stage has no API.
    #[error("the front door of the stage is not there")]
    NoDoor,
}

impl Hint for DomainError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::File { .. } => "`certificate`, `certificate_key` and `certificate_chain` are relative to the settings file",
            Self::NotPem { .. } => "such a file has the line `-----BEGIN CERTIFICATE-----`",
            Self::CertificateElsewhere { edge: true, .. } => {
                "CloudFront looks in that region only: leave `certificate_arn` out to have one requested there"
            }
            Self::CertificateElsewhere { edge: false, .. } => {
                "leave `certificate_arn` out to have one requested there, or set `endpoint_configuration = [\"EDGE\"]` if that is what the certificate is for"
            }
            Self::CertificateUnusable { .. } => "name one that is issued, or leave `certificate_arn` out to have one requested",
            Self::NotIssued { .. } => {
                "see that the validation record can be looked up from everywhere, and run the command again: it asks anew"
            }
            Self::OtherKind { .. } => {
                "set `endpoint_configuration` to what is there, or delete the domain name in API Gateway and run the command again"
            }
            Self::MappingTaken { .. } => "choose another `base_path`, or pass `--yes` to let it lead to this stage instead",
            Self::RecordTaken { .. } => "pass `--yes` to replace it",
            Self::SeveralZones { .. } => {
                "delete those that are not delegated to, or set `route53_enabled = false` and make the records yourself"
            }
            Self::NoDoor => "`zappa deploy` makes it",
        };
        vec![hint.to_owned()]
    }

    fn is_input(&self) -> bool {
        match self {
            Self::File { .. } | Self::NotPem { .. } | Self::CertificateElsewhere { .. } => true,
            Self::CertificateUnusable { .. }
            | Self::NotIssued { .. }
            | Self::OtherKind { .. }
            | Self::MappingTaken { .. }
            | Self::RecordTaken { .. }
            | Self::SeveralZones { .. }
            | Self::NoDoor => false,
        }
    }
}

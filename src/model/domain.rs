//! The domain of a stage, as its settings say it.

use std::path::PathBuf;

/// Where people reach the stage, beside the address that its front door has anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSettings {
    /// `domain`.
    pub name: String,
    /// `base_path`: the path under which the app begins, without slashes at the ends.
    pub base_path: Option<String>,
    /// Reached through CloudFront (`endpoint_configuration = ["EDGE"]`) instead of in its region.
    pub edge: bool,
    /// Where its certificate comes from.
    pub certificate: CertificateSource,
    /// `route53_enabled`: whether its records are kept in the account's hosted zone, where there is one.
    pub route53: bool,
    /// `route53_health_checks`: whether DNS leaves out a region that is not well, where the stage is in several.
    pub health_checks: bool,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CertificateSource {
    /// Certificate Manager: one that it has, else one that is requested.
    #[default]
    Managed,
    /// `certificate_arn`: this one.
    Arn(String),
    /// `certificate`, `certificate_key`, `certificate_chain`: files of the user's own.
    Own(CertificateFiles),
}

/// Files in PEM form. They are read when they are needed, and the key is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The certificates between it and its root.
    pub chain: Option<PathBuf>,
}

impl DomainSettings {
    /// Where the app begins, with a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        let path = self.base_path.as_ref().map(|path| format!("{path}/")).unwrap_or_default();
        format!("https://{}/{path}", self.name)
    }
}

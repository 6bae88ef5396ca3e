//! `zappa package --report`: a page about a bundle, in one file that asks nobody for anything. Tables and figures are written here (`sections`,
//! `imports`) and can be read without scripts; the treemap is drawn by the page's own script from `data`.
//!
//! The same bundle gives the same page, measured times excepted. What comes from the project is text, wherever it stands: `escaped` in markup, and in
//! the data without a character that could end it. Should that ever fail, the page's policy runs no script but its own.

mod data;
mod imports;
mod markup;
mod sections;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use self::markup::escaped;
use crate::bundle::REPORT_HEAD;
use crate::model::StageId;
use crate::ops::package::PackageReport;

const STYLE: &str = include_str!("page.css");
const TREEMAP: &str = include_str!("treemap.js");
const PAGE: &str = include_str!("page.js");

/// The page about what was written.
#[must_use]
pub fn page(id: &StageId, report: &PackageReport) -> String {
    let script = format!("{TREEMAP}{PAGE}");
    let hash = STANDARD.encode(Sha256::digest(&script));
    let policy = format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let name = escaped(&id.function_name());
    let version = env!("CARGO_PKG_VERSION");
    let sections = [
        sections::limits(report),
        sections::change(report),
        sections::map(),
        sections::heaviest(report),
        imports::section(report.imports.as_ref()),
        sections::duplicates(report),
        sections::left_out(report),
    ]
    .concat();
    let data = data::script_safe(&data::of(report));
    format!(
        "{REPORT_HEAD}
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{name} · bundle</title>
<style>{STYLE}</style>
</head>
<body>
<header class=\"top\"><h1>{name}</h1><p>What is in the bundle, and why · zappa {version}</p></header>
<main>
{sections}</main>
<div id=\"tip\" role=\"status\" hidden></div>
<script type=\"application/json\" id=\"data\">{data}</script>
<script>{script}</script>
</body>
</html>
"
    )
}

//! What `zappa package --explain` says.

use std::fmt::Write as _;

use crate::bundle::{ArchiveRole, Explained, Explanation, Share};
use crate::model::size;

/// Whether it is in, why, since when, where, and what to do about it.
#[must_use]
pub fn explained(explanation: &Explanation) -> String {
    let Explanation { name, kind, included, because, setting, distribution, archive, archive_path, place, inside, left_out, change } =
        explanation;
    let mut text = String::new();
    let verdict = match (included, kind) {
        (true, Explained::Directory) => "has files in the bundle",
        (true, _) => "is in the bundle",
        (false, _) => "is left out",
    };
    let _ = writeln!(text, "{name} {verdict}");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<12}  {value}");
    };
    if let Some(because) = because {
        line("because", because);
    }
    if let Some(setting) = setting {
        line("setting", &format!("`{}` is {} ({})", setting.key, setting.value, setting.origin));
    }
    if let Some(installed) = distribution.as_ref().filter(|installed| *kind == Explained::Distribution && !installed.required_by.is_empty())
    {
        line("required by", &installed.required_by.join(", "));
    }
    if let Some(role) = archive {
        let role = match role {
            ArchiveRole::App => "app",
            ArchiveRole::Dependencies => "dependencies",
        };
        let path = archive_path.as_deref().map(|path| format!(", as {path}")).unwrap_or_default();
        line("archive", &format!("{role}{path}"));
    }
    if let Some(place) = place {
        line("on disk", &place.display().to_string());
    }
    if *kind == Explained::File {
        if let Some(share) = inside.first().or(left_out.first()) {
            line("size", &size(share.size));
        }
    } else {
        inside.iter().for_each(|share| line("in", &shown(share)));
        left_out.iter().for_each(|share| line("left out", &shown(share)));
    }
    let _ = write!(text, "to change that: {change}");
    text
}

fn shown(share: &Share) -> String {
    match share.files {
        0 => share.reason.clone(),
        1 => format!("1 file, {} ({})", size(share.size), share.reason),
        files => format!("{files} files, {} ({})", size(share.size), share.reason),
    }
}

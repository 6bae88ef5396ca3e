//! What the treemap is drawn from: archive → distribution or directory of the app → directories → files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bundle::{ArchiveRole, Contents, Part};
use crate::ops::package::PackageReport;

/// A directory, or something that is shown like one.
#[derive(Default)]
struct Directory<'a> {
    directories: BTreeMap<&'a str, Directory<'a>>,
    files: Vec<Value>,
}

/// `{"reasons": […], "tree": […]}`; a file is `[name, bytes, packed bytes, number of its reason]`, everything else an object with a name (`n`) and
/// what is in it (`c`).
pub(super) fn of(report: &PackageReport) -> Value {
    let mut reasons = Vec::new();
    let mut numbers = BTreeMap::new();
    let tree: Vec<Value> = report.listing.archives.iter().map(|contents| archive(contents, &mut reasons, &mut numbers)).collect();
    json!({ "reasons": reasons, "tree": tree })
}

fn archive<'a>(contents: &'a Contents, reasons: &mut Vec<&'a str>, numbers: &mut BTreeMap<&'a str, usize>) -> Value {
    let name = match contents.role {
        ArchiveRole::App => "app",
        ArchiveRole::Dependencies => "dependencies",
    };
    let mut owners = BTreeMap::<(Part, &str), Directory<'_>>::new();
    for member in &contents.members {
        let number = *numbers.entry(&member.reason).or_insert_with(|| {
            reasons.push(&member.reason);
            reasons.len() - 1
        });
        let mut directory = owners.entry((member.part, &member.owner)).or_default();
        // What an owner's name says already is not said again.
        let path = member.path.strip_prefix(member.owner.as_str()).filter(|_| member.owner.ends_with('/')).unwrap_or(&member.path);
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                directory.files.push(json!([name, member.size, member.packed_size, number]));
            } else {
                directory = directory.directories.entry(name).or_default();
            }
        }
    }
    let owners: Vec<Value> = owners
        .into_iter()
        .map(|((part, owner), directory)| json!({ "n": owner.trim_end_matches('/'), "p": part, "c": directory.value() }))
        .collect();
    json!({ "n": name, "c": owners })
}

impl Directory<'_> {
    fn value(self) -> Vec<Value> {
        let directories = self.directories.into_iter().map(|(name, directory)| json!({ "n": name, "c": directory.value() }));
        directories.chain(self.files).collect()
    }
}

/// JSON that cannot end the script element that it stands in (HTML, "Restrictions for contents of script elements").
pub(super) fn script_safe(value: &Value) -> String {
    let mut safe = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            c => safe.push(c),
        }
    }
    safe
}

//! What of the dependencies is left out because nothing needs it where a function runs (`slim`): by the rules in `table`, and only where no source
//! that stays in the bundle says otherwise (`scan`, `known`).
//!
//! A directory of tests is no more than a name: some are imported by the package that they are in (`django.test`), some by others. So each is left
//! out only if nothing that stays imports it or names its path; what is in one that stays counts as staying, too.
//!
//! Of the shared objects that stay, `max` takes what only debuggers read (`strip`, `stripped`).

mod known;
mod scan;
mod strip;
mod stripped;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::path::Path;

use self::known::Group;
pub(super) use self::scan::{PKG_RESOURCES, Scanner};
pub use self::stripped::Stripped;
pub(super) use self::stripped::{STRIPPED, strip_all};
use self::table::{RULES, Rule, Surroundings, Unless};
use crate::bundle::workers;
use crate::disk::Stamp;
use crate::settings::Slim;

/// Files that a thread judges in one go.
const SHARE: usize = 256;

/// A file of the dependencies.
#[derive(Debug)]
pub(super) struct File<'a> {
    /// In the bundle.
    pub(super) path: &'a str,
    /// On disk.
    pub(super) source: &'a Path,
    pub(super) stamp: Stamp,
    /// The normalized name of its distribution; empty if it has none.
    pub(super) owner: &'a str,
    /// Whether the user wants it in, whatever the rules say.
    pub(super) included: bool,
}

/// How everything is judged.
pub(super) struct Question<'a> {
    pub(super) level: Slim,
    pub(super) cache: &'a Path,
    /// What the project's own sources refer to, as [`Scanner`] has it.
    pub(super) project: &'a BTreeSet<String>,
}

/// What is left out.
#[derive(Debug, Default)]
pub(super) struct Judgement<'a> {
    /// For each file that is left out, by its index: the file or directory that the rule is about, and the reason.
    pub(super) left_out: HashMap<usize, (&'a str, &'static str)>,
    /// A distribution that stays and imports `pkg_resources`.
    pub(super) wants_pkg_resources: Option<&'a str>,
}

/// Decides about all files of the dependencies together.
pub(super) fn judge<'a>(files: &'a [File<'a>], question: &Question<'_>) -> Judgement<'a> {
    let candidates = candidates(files, question.level);
    // By distribution, and by directory (or module) that may be left out as a whole; the empty one is what stays in any case.
    let mut parts = BTreeMap::<(&str, &str), Group<'a>>::new();
    for (index, file) in files.iter().enumerate() {
        let candidate = candidates.get(&index);
        let whole = candidate.filter(|(_, rule)| rule.unless == Unless::Referred).map_or("", |(subject, _)| subject);
        let group = parts.entry((file.owner, whole)).or_insert_with(|| Group { files: Vec::new(), names: BTreeSet::new() });
        group.files.push(file);
        if candidate.is_some_and(|(_, rule)| rule.unless == Unless::Named) {
            group.names.extend(file.path.rsplit('/').next());
        }
    }
    // What is in a candidate is asked only once something refers to it, and may refer to the next.
    let mut referred: HashSet<String> = question.project.iter().cloned().collect();
    let mut of_owner = HashMap::<&str, BTreeSet<String>>::new();
    let mut waiting: BTreeMap<(&str, &str), Group<'a>> = parts;
    loop {
        let stays = |(_, whole): &(&str, &str)| whole.is_empty() || referred.contains(module(whole));
        let (now, later): (BTreeMap<_, _>, BTreeMap<_, _>) = waiting.into_iter().partition(|(key, _)| stays(key));
        waiting = later;
        if now.is_empty() {
            break;
        }
        let (owners, groups): (Vec<&str>, Vec<Group<'_>>) = now.into_iter().map(|((owner, _), group)| (owner, group)).unzip();
        for (owner, found) in owners.into_iter().zip(known::references(&groups, question.cache)) {
            referred.extend(found.iter().cloned());
            of_owner.entry(owner).or_default().extend(found);
        }
    }
    let stays = |file: &File<'_>, subject: &str, rule: &Rule| {
        let name = file.path.rsplit('/').next().unwrap_or(file.path);
        let says = |name: &str| of_owner.get(file.owner).is_some_and(|found| found.contains(name));
        match rule.unless {
            Unless::Never => false,
            Unless::Referred => referred.contains(module(subject)),
            Unless::Named => says(name),
            Unless::Marked(mark) => says(mark),
        }
    };
    let left_out = candidates
        .into_iter()
        .filter(|(index, (subject, rule))| files.get(*index).is_some_and(|file| !stays(file, subject, rule)))
        .map(|(index, (subject, rule))| (index, (subject, rule.reason)))
        .collect();
    let wants_pkg_resources = of_owner.iter().filter(|(_, found)| found.contains(PKG_RESOURCES)).map(|(owner, _)| *owner).min();
    Judgement { left_out, wants_pkg_resources }
}

/// What a reference to a file or directory looks like: its path without an ending.
fn module(subject: &str) -> &str {
    subject.trim_end_matches('/').trim_end_matches(".py")
}

/// The files that a rule is about, whatever speaks for them.
fn candidates<'a>(files: &'a [File<'a>], level: Slim) -> HashMap<usize, (&'a str, &'static Rule)> {
    let mut tests = HashSet::new();
    let mut native = HashSet::new();
    for file in files {
        let (directory, name) = file.path.rsplit_once('/').unwrap_or(("", file.path));
        if name.ends_with(".py") && (name == "__init__.py" || name.starts_with("test") || name == "conftest.py") {
            tests.insert(directory);
        } else if name.ends_with(".so") {
            native.insert(file.owner);
        }
    }
    let holds_tests = |directory: &str| tests.contains(directory.trim_end_matches('/'));
    let candidate = |file: &File<'a>| {
        // What belongs to nobody stays: nothing says what it is.
        let top = file.path.split('/').next().unwrap_or_default();
        if file.included || file.owner.is_empty() || top.ends_with(".dist-info") || top.ends_with(".egg-info") {
            return None;
        }
        let around = Surroundings { owner: file.owner, is_native: native.contains(file.owner), holds_tests: &holds_tests };
        RULES.iter().filter(|rule| rule.from <= level).find_map(|rule| Some((rule.subject(file.path, &around)?, rule)))
    };
    let shares: Vec<&[File<'a>]> = files.chunks(SHARE).collect();
    let found = workers::each(
        shares.len(),
        || (),
        |(), index| {
            let share = shares.get(index).copied().unwrap_or_default();
            Ok::<_, Infallible>(share.iter().map(candidate).collect::<Vec<_>>())
        },
    );
    let Ok(found) = found;
    found.into_iter().flatten().enumerate().filter_map(|(index, found)| Some((index, found?))).collect()
}

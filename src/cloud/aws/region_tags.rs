//! Which regions use a role, as its tags say it. Each region has a tag of its own, so that runs in different regions come and go without a look at each
//! other. Where that would be more tags than a role takes, a tag names several: one in its key, the others in its value.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::Tag;

/// What the keys begin with.
const KEY: &str = "zappa:region:";
/// How many tags there may be with one for each region. A role takes 50 (IAM quotas); the rest is room for new ones while the old ones go.
const ROOM: usize = 45;
/// The longest value of a tag (IAM quotas).
const LONGEST: usize = 256;

/// What makes of a role's tags those that it shall have.
pub(super) struct Change {
    pub(super) write: BTreeMap<String, String>,
    /// Keys; come after what is written, so that no region is ever missing.
    pub(super) remove: Vec<String>,
}

/// The regions that these tags name.
pub(super) fn regions(present: &[Tag]) -> BTreeSet<String> {
    let named = |tag: &Tag| Some(format!("{} {}", tag.key().strip_prefix(KEY)?, tag.value()));
    present.iter().filter_map(named).flat_map(|names| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The tags that name these regions, beside so many others.
pub(super) fn tags(regions: &BTreeSet<String>, others: usize) -> BTreeMap<String, String> {
    let each = others + regions.len() <= ROOM;
    let mut tags: Vec<(String, String)> = Vec::new();
    for region in regions {
        match tags.last_mut() {
            Some((_, more)) if !each && more.len() + 1 + region.len() <= LONGEST => {
                *more = format!("{more} {region}").trim_start().to_owned();
            }
            _ => tags.push((format!("{KEY}{region}"), String::new())),
        }
    }
    tags.into_iter().collect()
}

/// From `present` to tags that name `wanted`; `own` are those that the role gets beside.
pub(super) fn change(present: &[Tag], wanted: &BTreeSet<String>, own: &BTreeMap<String, String>) -> Change {
    if regions(present) == *wanted {
        return Change { write: BTreeMap::new(), remove: Vec::new() };
    }
    let (named, other): (Vec<&Tag>, Vec<&Tag>) = present.iter().partition(|tag| tag.key().starts_with(KEY));
    let others: BTreeSet<&str> = other.into_iter().map(Tag::key).chain(own.keys().map(String::as_str)).collect();
    let mut write = tags(wanted, others.len());
    let remove = named.iter().map(|tag| tag.key()).filter(|key| !write.contains_key(*key)).map(str::to_owned).collect();
    write.retain(|key, value| !named.iter().any(|tag| tag.key() == key && tag.value() == value));
    Change { write, remove }
}

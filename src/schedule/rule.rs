//! Names of EventBridge rules, derived from function and schedule, so that the rules of a function are found by how their names begin.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// `RuleName` of the EventBridge API: `[\.\-_A-Za-z0-9]+`, and no longer than this.
const MAX: usize = 64;

/// The longest function name that rules carry whole. It leaves 20 characters to the schedule: the beginning of its name and the digest.
const WHOLE: usize = 43;

/// Characters of a digest.
const DIGEST: usize = 8;

/// What the names of all rules of a function begin with, and of no other: `shop-prod.`, since a function's name has no dot in it. A long function name
/// is cut and ends in a digest.
#[must_use]
pub fn rule_prefix(function_name: &str) -> String {
    format!("{}.", fitted(function_name, function_name, WHOLE))
}

/// The name of the rule of a schedule: `shop-prod.nightly`. What does not fit is cut and ends in a digest of the whole, the same every time.
#[must_use]
pub fn rule_name(function_name: &str, schedule_name: &str) -> String {
    let prefix = rule_prefix(function_name);
    let whole = format!("{function_name}.{schedule_name}");
    let schedule = fitted(schedule_name, &whole, MAX - prefix.len());
    prefix + &schedule
}

/// `text` with what a rule's name may hold, in at most `length` characters; if that is not all of it, the end is a digest of `whole`.
fn fitted(text: &str, whole: &str, length: usize) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let plain: String = text.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    if plain == text && text.len() <= length {
        return plain;
    }
    let beginning = plain.get(..length - DIGEST - 1).unwrap_or(&plain).trim_end_matches(['.', '-', '_']);
    let mut name = format!("{beginning}-");
    for byte in Sha256::digest(whole).iter().take(DIGEST / 2) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

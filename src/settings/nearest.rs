//! What was probably meant.

/// How alike two words must be before one is offered for the other, from 0 to 1.
const ALIKE: f64 = 0.8;

/// The candidate that is most like `word`, if any is like it at all. Case and the choice of `-` or `_` do not count.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (likeness(&word, &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace('-', "_")
}

/// Jaro-Winkler finds what was cut short (`memory`), edit distance the slip of a finger in a short word (`dve`).
fn likeness(word: &str, candidate: &str) -> f64 {
    let slips = strsim::damerau_levenshtein(word, candidate);
    let slip = match slips {
        0 => 1.0,
        1 if word.len() > 1 => 0.95,
        2 if word.len() > 5 => 0.9,
        _ => 0.0,
    };
    strsim::jaro_winkler(word, candidate).max(slip)
}

/// `; did you mean `memory_size`?`, or nothing.
pub(super) fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

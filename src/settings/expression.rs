//! Schedule expressions as the settings check them; what they mean is for `schedule`.

use crate::schedule::Expression;

/// Whether `text` is any of the three.
pub(super) fn check(text: &str) -> Result<(), String> {
    text.parse::<Expression>().map(drop).map_err(|error| error.to_string())
}

/// Whether `text` is one of the two that repeat.
pub(super) fn check_repeating(text: &str) -> Result<(), String> {
    Expression::repeating(text).map(drop).map_err(|error| error.to_string())
}

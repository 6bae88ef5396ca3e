//! The local target.

use crate::hint::Hint;

/// Why the local target failed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {}

impl Hint for LocalError {
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_input(&self) -> bool {
        false
    }
}

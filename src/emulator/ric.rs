//! stub
use crate::hint::Hint;
use crate::observe::Observer;
use std::path::{Path, PathBuf};
/// stub
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {}
impl Hint for RuntimeError {
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
    fn is_input(&self) -> bool {
        false
    }
}
/// stub
pub fn ensure_runtime(base_executable: &Path, version: &str, cache: &Path, observer: &dyn Observer) -> Result<PathBuf, RuntimeError> {
    let _ = (base_executable, version, cache, observer);
    todo!()
}

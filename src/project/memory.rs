//! What an interpreter said about itself, for as long as what decides it is as it was: to start one takes longer than to look whether anything is new.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::python::Answer;
use crate::disk::{Digest, Stamp, checked};

/// What is kept of one interpreter.
pub(super) struct Memory {
    place: PathBuf,
}

/// An answer, with what tells that it holds.
#[derive(Serialize, Deserialize)]
struct Kept<A> {
    /// Each file or directory that decides, and its stamp in hexadecimal; none where there is no such thing.
    stamps: Vec<(PathBuf, Option<String>)>,
    answer: A,
}

impl Memory {
    /// Of the answers that the interpreter gives to `script`.
    pub(super) fn new(cache: &Path, executable: &Path, script: &str) -> Self {
        let key = Digest::of_all([script.as_bytes(), executable.as_os_str().as_encoded_bytes()]);
        Self { place: cache.join("interpreters").join(key.to_string()) }
    }

    /// The answer, if it would be the same now.
    pub(super) fn recall(&self) -> Option<Answer> {
        let Kept { stamps, answer } = serde_json::from_slice(&checked::read(&self.place)?).ok()?;
        stamps.iter().all(|(path, then)| Stamp::of(path).and_then(|stamp| stamp.text()) == *then).then_some(answer)
    }

    /// Keeps an answer that was asked for at `asked`. One that nothing could prove outdated, and one that cannot be written, is forgotten.
    pub(super) fn keep(&self, answer: &Answer, asked: SystemTime) {
        let Some(decisive) = answer.depends_on() else { return };
        let stamp = |path: &PathBuf| match fs::metadata(path) {
            Ok(metadata) => {
                let stamp = Stamp::from(&metadata);
                Some((path.clone(), Some(stamp.text().filter(|_| stamp.is_settled(asked))?)))
            }
            Err(_) => Some((path.clone(), None)),
        };
        let Some(stamps) = decisive.iter().map(stamp).collect::<Option<Vec<_>>>() else { return };
        if let Ok(content) = serde_json::to_vec(&Kept { stamps, answer }) {
            let _ = checked::write(&self.place, &content);
        }
    }
}

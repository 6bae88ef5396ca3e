//! What came of every source that was compiled before: byte code is a compressed member in the cache, a refusal a small file.

use std::io;
use std::path::{Path, PathBuf};

use crate::bundle::cache::{self, Compressor, Digest, Known, Members};

/// Changes when the same source is to be compiled differently from before.
const LAYOUT: &str = "2";

/// What became of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A `.pyc` of this size, kept under the name of the outcome.
    Kept(u64),
    /// A `.pyc` that could not be kept.
    Compiled(Vec<u8>),
    /// Why there is none.
    Refused(String),
}

/// The results of one interpreter.
pub(super) struct Store<'a> {
    refusals: PathBuf,
    version: &'a str,
    pub(super) known: &'a Known,
    members: Members,
}

impl<'a> Store<'a> {
    /// Of the interpreter with the full version `version`: patch releases compile differently, too.
    pub(super) fn new(cache: &Path, version: &'a str, known: &'a Known) -> Self {
        Self { refusals: cache.join("byte-code"), version, known, members: Members::new(cache) }
    }

    /// Names the outcome of `source` for a file at `path`.
    pub(super) fn name(&self, path: &str, source: &Digest) -> Digest {
        Digest::of_all([LAYOUT.as_bytes(), self.version.as_bytes(), path.as_bytes(), &source.0])
    }

    /// What is known of it, if anything is. That what is said to be kept is still there and whole is seen when it is needed.
    pub(super) fn get(&self, name: &Digest) -> Option<Outcome> {
        if let Some(outcome) = self.known.note(name).and_then(parse) {
            return Some(outcome);
        }
        let kept = self.members.get(name).map(|member| Outcome::Kept(member.size()));
        let outcome = kept.or_else(|| Some(Outcome::Refused(String::from_utf8(cache::read(&self.refusal(name))?).ok()?)))?;
        self.note(name, &outcome);
        Some(outcome)
    }

    /// Keeps what was compiled.
    pub(super) fn keep(&self, name: &Digest, code: &[u8], compressor: &mut Compressor) -> io::Result<Outcome> {
        self.members.put(name, &compressor.member(code)?)?;
        let outcome = Outcome::Kept(code.len() as u64);
        self.note(name, &outcome);
        Ok(outcome)
    }

    /// Ends the keeping.
    pub(super) fn save(self) -> io::Result<()> {
        self.members.save()
    }

    /// Keeps why there is none.
    pub(super) fn refuse(&self, name: &Digest, why: &str) -> io::Result<()> {
        cache::write(&self.refusal(name), why.as_bytes())?;
        self.note(name, &Outcome::Refused(why.to_owned()));
        Ok(())
    }

    fn note(&self, name: &Digest, outcome: &Outcome) {
        let note = match outcome {
            Outcome::Kept(size) => [&[0], &size.to_le_bytes()[..]].concat(),
            Outcome::Refused(why) => [&[1], why.as_bytes()].concat(),
            Outcome::Compiled(_) => return,
        };
        self.known.remember(*name, note);
    }

    fn refusal(&self, name: &Digest) -> PathBuf {
        self.refusals.join(name.to_string())
    }
}

fn parse(note: &[u8]) -> Option<Outcome> {
    match note.split_first()? {
        (0, size) => Some(Outcome::Kept(u64::from_le_bytes(size.try_into().ok()?))),
        (_, why) => Some(Outcome::Refused(String::from_utf8(why.to_vec()).ok()?)),
    }
}

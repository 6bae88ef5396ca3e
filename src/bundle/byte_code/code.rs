//! The byte code of one source as a member of a bundle: in the cache, or made once more.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compiler::{Compiled, Compiler};
use crate::bundle::Source;
use crate::bundle::cache::{Digest, Members};
use crate::model::Runtime;

/// Byte code that has been compiled before, with all that it takes to do so again.
#[derive(Debug, Clone)]
pub struct ByteCode {
    pub(super) name: Digest,
    pub(super) size: u64,
    /// What it was compiled from, and what that was.
    pub(super) source: Source,
    pub(super) digest: Digest,
    /// Where the source will be.
    pub(super) path: String,
    pub(super) maker: Arc<Maker>,
}

/// Whose byte code it is, and where it is kept.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) python: PathBuf,
    pub(super) runtime: Runtime,
    pub(super) members: Members,
}

impl ByteCode {
    /// What it is called in the cache.
    pub(in crate::bundle) fn name(&self) -> Digest {
        self.name
    }

    /// The file that it was compiled from, and what was in it.
    pub(in crate::bundle) fn source(&self) -> Option<(&Path, &Digest)> {
        match &self.source {
            Source::File(path) => Some((path, &self.digest)),
            Source::Bytes(_) | Source::ByteCode(_) | Source::Stripped(_) => None,
        }
    }

    /// Itself, from the cache or compiled.
    pub(in crate::bundle) fn bytes(&self) -> io::Result<Vec<u8>> {
        let kept = self.maker.members.get(&self.name).filter(|member| member.size() == self.size);
        let Some(member) = kept else { return self.compile(&mut None) };
        let mut bytes = Vec::new();
        flate2::read::DeflateDecoder::new(member.compressed()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Compiles the source once more, which has to be what it was.
    pub(in crate::bundle) fn compile(&self, compiler: &mut Option<Compiler>) -> io::Result<Vec<u8>> {
        let read;
        let source = match &self.source {
            Source::Bytes(bytes) => bytes,
            Source::File(path) => {
                read = fs::read(path)?;
                &read
            }
            Source::ByteCode(_) | Source::Stripped(_) => return Err(io::ErrorKind::InvalidInput.into()),
        };
        if Digest::of(source) != self.digest {
            return Err(io::Error::other("it changed while it was compiled"));
        }
        let running = match compiler {
            Some(running) => running,
            None => compiler.insert(Compiler::start(&self.maker.python, self.maker.runtime)?),
        };
        match running.compile(&self.path, source)? {
            Compiled::Code(code) => Ok(code),
            Compiled::Refused(why) => Err(io::Error::other(why)),
        }
    }
}

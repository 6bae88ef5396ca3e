//! What the releases held that this machine has made or found live, kept in the cache: whatever is compared with a release is compared with this.
//!
//! Nothing depends on it. A target says by itself what is live; what is missing here, or damaged, only leaves a comparison out.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::cache::{Digest, read, write};
use super::{ArchiveRole, Contents, Listing};
use crate::cloud::Release;
use crate::model::{Target, Version};
use crate::settings::Settings;

/// Where lists of archives are kept, by the archives' hash.
const LISTINGS: &str = "listings";
/// Where it stands which stage released which.
const RELEASES: &str = "releases";
/// Changes with the form of what is kept; what has another is not read.
const FORMAT: u32 = 1;
/// How many releases are known of one stage.
const KEPT: usize = 20;

/// The releases of one stage, as far as they are remembered.
#[derive(Debug)]
pub struct Released {
    listings: PathBuf,
    record: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    /// The one that was released or found live last comes last.
    releases: Vec<Known>,
}

/// One release and the archives that it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    version: Version,
    app: String,
    dependencies: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept<C> {
    format: u32,
    contents: C,
}

impl Released {
    /// Of the stage that `settings` are about, of the project at `root`: two projects may have the same name, and one stage may be in two regions.
    #[must_use]
    pub fn of(cache: &Path, root: &Path, settings: &Settings) -> Self {
        let target = match settings.target {
            Target::Aws => "aws",
            Target::Local => "local",
        };
        let region = settings.access.region.as_deref().unwrap_or_default();
        let function = settings.id.function_name();
        let stage = Digest::of_all([root.as_os_str().as_encoded_bytes(), function.as_bytes(), target.as_bytes(), region.as_bytes()]);
        Self { listings: cache.join(LISTINGS), record: cache.join(RELEASES).join(stage.to_string()) }
    }

    /// The release that was made here last, or found live. An archive that is in `new`, too, is not looked up.
    #[must_use]
    pub fn last(&self, new: &Listing) -> Option<(Version, Listing)> {
        let known = self.read().pop()?;
        Some((known.version, self.listing(&known, new)?))
    }

    /// What a version holds, if it is the one made of the archives of this release.
    #[must_use]
    pub fn release(&self, release: &Release, new: &Listing) -> Option<Listing> {
        let Release { version, code_sha256, dependencies_sha256, .. } = release;
        let known = self.read().into_iter().find(|known| known.version == *version)?;
        if known.app != *code_sha256 || known.dependencies != *dependencies_sha256 {
            return None;
        }
        self.listing(&known, new)
    }

    /// Remembers that a version holds this.
    pub fn keep(&self, version: Version, listing: &Listing) -> io::Result<()> {
        let hash = |role| listing.archives.iter().find(|archive| archive.role == role).map(|archive| archive.code_sha256.clone());
        let Some(app) = hash(ArchiveRole::App) else { return Ok(()) };
        listing.archives.iter().try_for_each(|contents| self.keep_contents(contents))?;
        let known = Known { version, app, dependencies: hash(ArchiveRole::Dependencies) };
        let mut releases = self.read();
        if releases.last() == Some(&known) {
            return Ok(());
        }
        releases.retain(|other| other.version != version);
        releases.push(known);
        let releases = releases.split_off(releases.len().saturating_sub(KEPT));
        write(&self.record, &serde_json::to_vec(&Record { format: FORMAT, releases })?)
    }

    fn read(&self) -> Vec<Known> {
        let record = read(&self.record).and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        record.filter(|record| record.format == FORMAT).map(|record| record.releases).unwrap_or_default()
    }

    fn listing(&self, known: &Known, new: &Listing) -> Option<Listing> {
        let at_hand = |hash: &String| new.archives.iter().find(|archive| archive.code_sha256 == *hash).cloned();
        let contents = |hash: &String| at_hand(hash).or_else(|| self.contents(hash));
        Some(Listing { archives: std::iter::once(&known.app).chain(&known.dependencies).map(contents).collect::<Option<_>>()? })
    }

    fn contents(&self, code_sha256: &str) -> Option<Contents> {
        let packed = read(&self.path(code_sha256)?)?;
        let mut json = Vec::new();
        ZlibDecoder::new(&packed[..]).read_to_end(&mut json).ok()?;
        let kept: Kept<Contents> = serde_json::from_slice(&json).ok()?;
        (kept.format == FORMAT && kept.contents.code_sha256 == code_sha256).then_some(kept.contents)
    }

    fn keep_contents(&self, contents: &Contents) -> io::Result<()> {
        // What is there and whole is the same list.
        let Some(path) = self.path(&contents.code_sha256).filter(|path| read(path).is_none()) else { return Ok(()) };
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&serde_json::to_vec(&Kept { format: FORMAT, contents })?)?;
        write(&path, &packed.finish()?)
    }

    /// What a target reports as a hash is no path until it has been read as one.
    fn path(&self, code_sha256: &str) -> Option<PathBuf> {
        let hash = STANDARD.decode(code_sha256).ok()?.try_into().ok().map(Digest)?;
        Some(self.listings.join(hash.to_string()))
    }
}

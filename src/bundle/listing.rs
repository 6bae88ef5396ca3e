//! What the archives of a bundle hold, member by member, as their own directories tell: the figures behind every report, and what the next release is
//! compared with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;

use serde::{Deserialize, Serialize};
use zip::ZipArchive;
use zip::result::ZipError;

use super::{Archive, ArchiveRole, Bundle, BundleError, Manifest, Part, Weight, weight};

/// A bundle, member by member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The app's first.
    pub archives: Vec<Contents>,
}

/// One archive, member by member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// What it holds.
    pub role: ArchiveRole,
    /// Base64 of its SHA-256.
    pub code_sha256: String,
    /// Sorted by path.
    pub members: Vec<Member>,
}

/// One file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// As it is imported: without what a layer's archive puts in front.
    pub path: String,
    /// Whose it is.
    pub part: Part,
    /// What it is counted with: `Django 5.2.19`, `static/`, `shim`.
    pub owner: String,
    /// Why it is in.
    pub reason: String,
    /// Whether it was made from another member.
    pub byte_code: bool,
    /// Uncompressed bytes.
    pub size: u64,
    /// Bytes in the archive.
    pub packed_size: u64,
    /// Of the uncompressed bytes.
    pub crc32: u32,
}

/// The same content at several paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// Uncompressed bytes of one of them.
    pub size: u64,
    /// What all but one of them weigh, uncompressed.
    pub wasted: u64,
    /// Where they are, sorted.
    pub paths: Vec<String>,
}

impl Listing {
    /// Reads the directories of the archives that were written from `manifest`.
    pub fn read(manifest: &Manifest, bundle: &Bundle) -> Result<Self, BundleError> {
        let archives = bundle.archives.iter().map(|archive| Contents::read(manifest, archive)).collect::<Result<_, _>>()?;
        Ok(Self { archives })
    }

    /// Every member of every archive.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.archives.iter().flat_map(|archive| &archive.members)
    }

    /// Distributions and top-level directories, the heaviest first.
    #[must_use]
    pub fn weights(&self) -> Vec<Weight> {
        let mut groups = BTreeMap::<(Part, &str), Weight>::new();
        for member in self.members() {
            let new = || Weight { name: member.owner.clone(), part: member.part, size: 0, packed_size: Some(0), files: 0 };
            let weight = groups.entry((member.part, &member.owner)).or_insert_with(new);
            weight.size += member.size;
            weight.packed_size = weight.packed_size.map(|packed| packed + member.packed_size);
            weight.files += 1;
        }
        let mut weights: Vec<Weight> = groups.into_values().collect();
        // Stable: what weighs the same stays in the order of names.
        weights.sort_by_key(|weight| std::cmp::Reverse(weight.size));
        weights
    }

    /// Files with the same content, those first that waste most. Empty ones waste nothing.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let mut same = BTreeMap::<(u64, u32), Vec<String>>::new();
        for member in self.members().filter(|member| member.size > 0) {
            same.entry((member.size, member.crc32)).or_default().push(member.path.clone());
        }
        let several = same.into_iter().filter(|(_, paths)| paths.len() > 1);
        let mut duplicates: Vec<Duplicate> = several
            .map(|((size, _), mut paths)| {
                paths.sort();
                Duplicate { size, wasted: size * (paths.len() as u64 - 1), paths }
            })
            .collect();
        duplicates.sort_by(|a, b| b.wasted.cmp(&a.wasted).then_with(|| a.paths.cmp(&b.paths)));
        duplicates
    }
}

impl Contents {
    fn read(manifest: &Manifest, archive: &Archive) -> Result<Self, BundleError> {
        let unreadable = |source| BundleError::Read { path: archive.path.clone(), source };
        let broken = |error: ZipError| unreadable(error.into());
        let file = BufReader::new(File::open(&archive.path).map_err(unreadable)?);
        let directory = ZipArchive::new(file).map_err(broken)?;
        let prefix = if archive.role == ArchiveRole::Dependencies { manifest.layout.prefix() } else { "" };
        // Both in the order of paths.
        let mut entries = manifest.entries.iter().peekable();
        let mut members = Vec::with_capacity(directory.len());
        for index in 0..directory.len() {
            let data = directory.by_index_data(index).map_err(broken)?;
            let name = data.name().map_err(broken)?;
            let path = name.strip_prefix(prefix).unwrap_or(&name);
            while entries.next_if(|entry| entry.path.as_str() < path).is_some() {}
            let entry = entries.next_if(|entry| entry.path == path);
            let (size, packed_size, crc32) = (data.size(), data.compressed_size(), data.crc32());
            // What says to the shim how the archives belong together may be made when they are written.
            let (part, owner, reason, byte_code) = match entry {
                Some(entry) => (entry.part, weight::owner(entry), entry.reason.as_str(), weight::is_byte_code(entry)),
                None => (Part::Configuration, "configuration".to_owned(), "settings", false),
            };
            members.push(Member { path: path.to_owned(), part, owner, reason: reason.to_owned(), byte_code, size, packed_size, crc32 });
        }
        Ok(Self { role: archive.role, code_sha256: archive.code_sha256.clone(), members })
    }
}

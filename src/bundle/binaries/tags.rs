//! Tags of wheels: what their file names and their `WHEEL` files say that they run on (PEP 425, 427 and 491).

use std::fmt;

/// One tag: `cp311-cp311-manylinux_2_17_x86_64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// `cp311`, `py3`
    pub python: String,
    /// `cp311`, `abi3`, `none`
    pub abi: String,
    /// `manylinux_2_17_x86_64`, `any`
    pub platform: String,
}

impl Tag {
    /// Every tag of a compressed set: `py2.py3-none-any` is two.
    #[must_use]
    pub fn parse(text: &str) -> Vec<Self> {
        let mut parts = text.trim().splitn(3, '-');
        let (Some(pythons), Some(abis), Some(platforms)) = (parts.next(), parts.next(), parts.next()) else { return Vec::new() };
        let mut tags = Vec::new();
        for python in pythons.split('.') {
            for abi in abis.split('.') {
                let tag = |platform: &str| Self { python: python.to_owned(), abi: abi.to_owned(), platform: platform.to_owned() };
                tags.extend(platforms.split('.').map(tag));
            }
        }
        tags
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// What the name of a wheel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// Not normalized.
    pub distribution: String,
    /// As its authors write it.
    pub version: String,
    /// The compressed set of tags, as written.
    pub tags: String,
}

impl WheelName {
    /// Takes `numpy-2.4.0-cp311-cp311-win_amd64.whl` apart. A build number between version and tags says nothing here.
    #[must_use]
    pub fn parse(file: &str) -> Option<Self> {
        let parts: Vec<&str> = file.strip_suffix(".whl")?.split('-').collect();
        let (distribution, version, tags) = match parts.as_slice() {
            [distribution, version, tags @ ..] if tags.len() == 3 => (distribution, version, tags),
            [distribution, version, build, tags @ ..] if tags.len() == 3 && build.starts_with(|c: char| c.is_ascii_digit()) => {
                (distribution, version, tags)
            }
            _ => return None,
        };
        Some(Self { distribution: (*distribution).to_owned(), version: (*version).to_owned(), tags: tags.join("-") })
    }
}

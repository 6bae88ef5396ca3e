//! The machine that a bundle is for: which wheels it runs, the most suitable first (PEP 425, 600 and 656), and up to which versions it has the libraries
//! that wheels may count on.

use std::fmt;

use super::tags::Tag;
use crate::model::Architecture;

/// The first minor version of Python whose runtime is built on Amazon Linux 2023 (Lambda, "Lambda runtimes").
const FIRST_ON_2023: u8 = 12;
/// The first minor version of Python that `abi3` extension modules can be built for (PEP 384).
const FIRST_ABI3: u8 = 2;
/// Older names of `manylinux` platforms (PEP 513, 571, 599) and the glibc 2.N that each stands for.
const LEGACY: [(&str, u32); 3] = [("manylinux2014", 17), ("manylinux2010", 12), ("manylinux1", 5)];

/// More than there are tags with a platform: wheels without one come last.
const BEHIND_PLATFORMS: usize = 100_000;

/// What Lambda runs a function on: `runtime` and `architecture`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// `N` of Python 3.N.
    pub minor: u8,
    /// The processor.
    pub architecture: Architecture,
}

impl Target {
    /// Whether it runs Amazon Linux 2023, and not Amazon Linux 2.
    pub(super) fn is_on_2023(self) -> bool {
        self.minor >= FIRST_ON_2023
    }

    /// `N` of the glibc 2.N there.
    #[must_use]
    pub fn glibc(self) -> u32 {
        if self.is_on_2023() { 34 } else { 26 }
    }

    /// The newest `GLIBCXX_3.4.N` and `CXXABI_1.3.N` of the libstdc++ there (GCC 7.3 and 11).
    pub(super) fn libstdcxx(self) -> (u32, u32) {
        if self.is_on_2023() { (29, 13) } else { (24, 11) }
    }

    /// The processor, as `uname -m` and platform tags name it.
    #[must_use]
    pub fn machine(self) -> &'static str {
        match self.architecture {
            Architecture::X86_64 => "x86_64",
            Architecture::Arm64 => "aarch64",
        }
    }

    /// Platform tags of wheels that run there, for a glibc of up to 2.`newest`, the newest first.
    #[must_use]
    pub fn platforms(self, newest: u32) -> Vec<String> {
        // Older than these, no glibc ran on such a processor; nor did the tags before PEP 599 know it.
        let oldest = if self.architecture == Architecture::X86_64 { 5 } else { 17 };
        let machine = self.machine();
        (oldest..=newest)
            .rev()
            .flat_map(|glibc| {
                let legacy = LEGACY.into_iter().find(|(_, of)| *of == glibc).map(|(name, _)| format!("{name}_{machine}"));
                [Some(format!("manylinux_2_{glibc}_{machine}")), legacy].into_iter().flatten()
            })
            .collect()
    }

    /// How suitable wheels with this tag are, 0 being the best; `None` for those that do not run there. The order is that of installers.
    #[must_use]
    pub fn rank(self, tag: &Tag) -> Option<usize> {
        let python = self.rank_of_python(tag)?;
        if tag.platform == "any" {
            return Some(BEHIND_PLATFORMS + python);
        }
        let platforms = self.platforms(self.glibc());
        Some(python * platforms.len() + platforms.iter().position(|platform| *platform == tag.platform)?)
    }

    /// As [`Self::rank`], whatever the platform.
    pub(super) fn rank_of_python(self, tag: &Tag) -> Option<usize> {
        let minor = tag.python.strip_prefix("cp3").or_else(|| tag.python.strip_prefix("py3"));
        let minor: Option<u8> = match minor {
            Some("") => None,
            Some(digits) => Some(digits.parse().ok()?),
            None => return None,
        };
        let abi3 = |minor: u8| usize::from(self.minor - minor);
        let behind_abi3 = abi3(FIRST_ABI3) + 3;
        match (tag.python.starts_with("cp"), tag.abi.as_str(), minor) {
            // `cp313t`, without the global lock, is another ABI.
            (true, abi, Some(minor)) if minor == self.minor && abi == tag.python => Some(0),
            (true, "abi3", Some(minor)) if minor == self.minor => Some(1),
            (true, "none", Some(minor)) if minor == self.minor => Some(2),
            (true, "abi3", Some(minor)) if minor < self.minor && minor >= FIRST_ABI3 => Some(2 + abi3(minor)),
            // `py311`, then `py3`, then older ones.
            (false, "none", Some(minor)) if minor == self.minor => Some(behind_abi3),
            (false, "none", None) => Some(behind_abi3 + 1),
            (false, "none", Some(minor)) if minor < self.minor => Some(behind_abi3 + 1 + abi3(minor)),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python 3.{} on {}", self.minor, self.architecture)
    }
}
